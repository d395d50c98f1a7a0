//! OAuth 2.0 where no cloud's own rules hold: client credentials, and keys that are exchanged for tokens.

use tollgate_core::config::{ClientAuth, OAuth2};
use tollgate_wire::providers::{Exchange, KeyIn};

use super::ask::Ask;
use super::{Chain, Fetching, Renewing, Secret, Source, Token, Transport};

/// Tokens by client credentials (RFC 6749, section 4.4).
pub fn client_credentials(provider: &str, oauth: &OAuth2) -> Renewing<Token> {
    let client = Client { secret: Secret::new(oauth.client_secret.expose()), oauth: oauth.clone() };
    Renewing::new(Chain::of(provider, client))
}

/// Tokens for a key.
pub fn exchanged(provider: &str, exchange: &'static Exchange, key: Secret) -> Renewing<Token> {
    Renewing::new(Chain::of(provider, Exchanged { exchange, key }))
}

#[derive(Debug)]
struct Client {
    oauth: OAuth2,
    secret: Secret,
}

impl Source<Token> for Client {
    fn place(&self) -> String {
        "`auth.oauth2`".to_owned()
    }

    fn fetch<'a>(&'a self, transport: Transport<'a>) -> Fetching<'a, Token> {
        Box::pin(async move {
            let OAuth2 { token_url, client_id, scope, audience, client_auth, .. } = &self.oauth;
            let mut fields = vec![("grant_type", "client_credentials")];
            fields.extend(scope.as_deref().map(|scope| ("scope", scope)));
            fields.extend(audience.as_deref().map(|audience| ("audience", audience)));
            let ask = match client_auth.unwrap_or_default() {
                ClientAuth::Basic => Ask::form(token_url.as_str(), &fields, &[]).basic(client_id, &self.secret)?,
                ClientAuth::Post => {
                    fields.push(("client_id", client_id));
                    Ask::form(token_url.as_str(), &fields, &[("client_secret", &self.secret)])
                }
            };
            ask.send(transport).await?.token(transport)
        })
    }
}

#[derive(Debug)]
struct Exchanged {
    exchange: &'static Exchange,
    key: Secret,
}

impl Source<Token> for Exchanged {
    fn place(&self) -> String {
        "the key's exchange for a token".to_owned()
    }

    fn fetch<'a>(&'a self, transport: Transport<'a>) -> Fetching<'a, Token> {
        Box::pin(async move {
            let ask = match self.exchange.key {
                KeyIn::Form(fields, name) => Ask::form(self.exchange.url, fields, &[(name, &self.key)]),
                KeyIn::Scheme(scheme) => Ask::get(self.exchange.url).authorized(scheme, &self.key)?,
            };
            ask.send(transport).await?.token(transport)
        })
    }
}
