//! Questions to token endpoints and metadata servers: over the gateway's own transport, small, with a short patience, once
//! more after a failure that is not the asker's. What a refusal quotes of our own secrets is taken out.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderName};
use http::{HeaderMap, HeaderValue, Method, Request};
use serde::Deserialize;
use tokio::time::Instant;
use tollgate_ir::{Fault, FaultKind};

use super::place::push_escaped;
use super::source::{Grant, Miss};
use super::{Secret, Token, Transport, sensitive, time};
use crate::upstream::{Deadlines, Egress, Payload};

/// For a token endpoint.
const PATIENCE: Duration = Duration::from_secs(15);
/// For a metadata server, which is on the same machine or is not there.
const LOCAL_PATIENCE: Duration = Duration::from_secs(5);
const LOCAL_CONNECT: Duration = Duration::from_secs(1);
/// Before the second try.
const PAUSE: Duration = Duration::from_millis(200);
/// Most bytes of an answer.
const MAX: usize = 1 << 20;

/// A question.
#[derive(Debug)]
pub(super) struct Ask {
    method: Method,
    url: String,
    headers: HeaderMap,
    body: Bytes,
    secrets: Vec<Secret>,
    /// To this machine's own metadata server: never through a proxy.
    local: Option<Egress>,
}

/// An answer.
#[derive(Debug)]
pub(super) struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Bytes,
    secrets: Vec<Secret>,
    host: String,
}

impl Ask {
    fn new(method: Method, url: impl Into<String>) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        Self { method, url: url.into(), headers, body: Bytes::new(), secrets: Vec::new(), local: None }
    }

    pub fn get(url: impl Into<String>) -> Self {
        Self::new(Method::GET, url)
    }

    pub fn put(url: impl Into<String>) -> Self {
        Self::new(Method::PUT, url)
    }

    /// A form of fields, the secret ones apart.
    pub fn form(url: impl Into<String>, fields: &[(&str, &str)], secret: &[(&str, &Secret)]) -> Self {
        let mut ask = Self::new(Method::POST, url);
        ask.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        let secrets = secret.iter().map(|(name, value)| (*name, value.expose()));
        ask.body = form(fields.iter().copied().chain(secrets)).into();
        ask.secrets = secret.iter().map(|(_, value)| (*value).clone()).collect();
        ask
    }

    pub fn json(url: impl Into<String>, body: String) -> Self {
        let mut ask = Self::new(Method::POST, url);
        ask.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        ask.body = body.into();
        ask
    }

    pub fn header(mut self, name: &'static str, value: &str) -> Result<Self, Fault> {
        self.headers.insert(HeaderName::from_static(name), sensitive(value)?);
        Ok(self)
    }

    /// A header whose text is secret.
    pub fn secret(mut self, name: &'static str, value: &Secret) -> Result<Self, Fault> {
        self.secrets.push(value.clone());
        self.header(name, value.expose())
    }

    /// `authorization: SCHEME secret`.
    pub fn authorized(mut self, scheme: &str, secret: &Secret) -> Result<Self, Fault> {
        self.secrets.push(secret.clone());
        self.headers.insert(AUTHORIZATION, sensitive(&format!("{scheme} {}", secret.expose()))?);
        Ok(self)
    }

    /// `authorization: Basic …`, each part escaped first (RFC 6749, section 2.3.1).
    pub fn basic(mut self, user: &str, password: &Secret) -> Result<Self, Fault> {
        let mut pair = String::new();
        push_escaped(&mut pair, user);
        pair.push(':');
        push_escaped(&mut pair, password.expose());
        self.secrets.push(password.clone());
        let encoded = Secret::new(STANDARD.encode(pair));
        self.authorized("Basic", &encoded)
    }

    /// To a metadata server.
    pub fn local(mut self, egress: &Egress) -> Self {
        self.local = Some(egress.clone());
        self
    }

    /// The parts, for those who sign them.
    pub fn parts(&self) -> Result<http::request::Parts, Fault> {
        let mut request = Request::builder().method(self.method.clone()).uri(&self.url).body(()).map_err(|_| {
            Fault::new(FaultKind::ProviderMisconfigured, "the address of the token endpoint is not valid")
        })?;
        *request.headers_mut() = self.headers.clone();
        Ok(request.into_parts().0)
    }

    pub fn body(&self) -> &Bytes {
        &self.body
    }

    pub fn with_headers(mut self, headers: HeaderMap) -> Self {
        self.headers = headers;
        self
    }

    /// Asks, twice if need be.
    pub async fn send(self, transport: Transport<'_>) -> Result<Answer, Fault> {
        match self.once(transport).await {
            Ok(answer) if answer.status < 500 => Ok(answer),
            // A metadata server that is not there will not be there in a moment.
            Err(fault) if self.local.is_some() => Err(fault),
            _ => {
                tokio::time::sleep(PAUSE).await;
                self.once(transport).await
            }
        }
    }

    async fn once(&self, transport: Transport<'_>) -> Result<Answer, Fault> {
        let parts = self.parts()?;
        let host = parts.uri.authority().map(ToString::to_string).unwrap_or_default();
        let request = Request::from_parts(parts, Payload::from(self.body.clone()));
        let (connect, patience) = if self.local.is_some() {
            (LOCAL_CONNECT, LOCAL_PATIENCE)
        } else {
            (Deadlines::default().connect, PATIENCE)
        };
        let deadlines = Deadlines { connect, end: Some(Instant::now() + patience), ..Deadlines::default() }.whole();
        let egress = self.local.as_ref().unwrap_or(transport.egress);
        let (head, mut body) = transport.upstream.send(Box::new(request), egress, &deadlines).await?.into_parts();
        let body = body.whole(MAX).await?;
        let secrets = self.secrets.clone();
        Ok(Answer { status: head.status.as_u16(), headers: head.headers, body, secrets, host })
    }
}

/// Pairs as `application/x-www-form-urlencoded`.
pub(super) fn form<'a>(fields: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let mut out = String::new();
    for (name, value) in fields {
        if !out.is_empty() {
            out.push('&');
        }
        push_escaped(&mut out, name);
        out.push('=');
        push_escaped(&mut out, value);
    }
    out
}

/// What token endpoints say of a refusal: OAuth's, Google's, Azure's and AWS's ways.
#[derive(Deserialize)]
struct Refusal {
    #[serde(alias = "errorCode", alias = "__type", alias = "Code", alias = "code")]
    error: Option<Code>,
    #[serde(alias = "errorMessage", alias = "message", alias = "Message")]
    error_description: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Code {
    Word(String),
    Nested { status: Option<String>, message: Option<String> },
}

impl Answer {
    /// The body's JSON, or the refusal.
    pub fn read<T: serde::de::DeserializeOwned>(&self) -> Result<T, Fault> {
        if !(200..300).contains(&self.status) {
            return Err(self.refusal());
        }
        serde_json::from_slice(&self.body).map_err(|error| {
            Fault::new(FaultKind::ProviderGarbage, "the token endpoint gave an answer that cannot be read")
                .detail(format!("credential: {}: {error}", self.host))
        })
    }

    /// What the endpoint said, as a fault.
    pub fn refusal(&self) -> Fault {
        let (code, words) = self.words();
        let kind = match self.status {
            500.. => FaultKind::ProviderFailed,
            429 => FaultKind::ProviderRateLimited,
            _ => FaultKind::ProviderAuth,
        };
        let mut public = format!("the token endpoint refused with {}", self.status);
        if !code.is_empty() {
            public.push_str(&format!(" {code}"));
        }
        Fault::new(kind, public).detail(format!("credential: {} answered {} {code}: {words}", self.host, self.status))
    }

    /// Its code and its words, without our secrets.
    fn words(&self) -> (String, String) {
        let text = String::from_utf8_lossy(&self.body);
        let (code, words) = match serde_json::from_slice::<Refusal>(&self.body) {
            Ok(Refusal { error, error_description }) => match error {
                Some(Code::Word(word)) => (word, error_description.unwrap_or_default()),
                Some(Code::Nested { status, message }) => {
                    (status.unwrap_or_default(), message.or(error_description).unwrap_or_default())
                }
                None => (String::new(), error_description.unwrap_or_default()),
            },
            Err(_) => (
                tag(&text, "Code").unwrap_or_default(),
                tag(&text, "Message").unwrap_or_else(|| text.chars().take(200).collect()),
            ),
        };
        let is_word = code.len() <= 64 && code.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-#:/".contains(&b));
        let code = if is_word && self.clean(&code) == code { code } else { String::new() };
        (code, self.clean(&words).chars().take(300).collect())
    }

    fn clean(&self, text: &str) -> String {
        let secrets = self.secrets.iter().map(Secret::expose).filter(|secret| !secret.is_empty());
        secrets.fold(text.to_owned(), |text, secret| text.replace(secret, "***"))
    }

    /// An OAuth token (RFC 6749, section 5.1).
    pub fn token(&self, transport: Transport<'_>) -> Result<Grant<Token>, Miss> {
        let TokenReply { access_token, expires_in, expires_on } = self.read()?;
        if access_token.is_empty() {
            return Err(Miss::wrong("the token endpoint gave no token"));
        }
        let after = |seconds| transport.now + Duration::from_secs(seconds);
        let expires = expires_on
            .and_then(Lenient::seconds)
            .map(time::unix)
            .or_else(|| expires_in.and_then(Lenient::seconds).map(after));
        Ok(Grant { value: Token::new(access_token), expires })
    }
}

#[derive(Deserialize)]
struct TokenReply {
    #[serde(alias = "token")]
    access_token: String,
    expires_in: Option<Lenient>,
    /// Azure's metadata servers and GitHub's exchange; seconds since 1970.
    #[serde(alias = "expires_at")]
    expires_on: Option<Lenient>,
}

/// A number, or a number in quotes.
#[derive(Deserialize)]
#[serde(untagged)]
enum Lenient {
    Number(f64),
    Text(String),
}

impl Lenient {
    fn seconds(self) -> Option<u64> {
        let number = match self {
            Self::Number(number) => number,
            Self::Text(text) => text.trim().parse().ok()?,
        };
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "bounded right here")]
        (0.0..1e12).contains(&number).then_some(number as u64)
    }
}

/// The text in the first element of this name: STS speaks XML, of which nothing else is needed.
pub(super) fn tag(xml: &str, name: &str) -> Option<String> {
    let (_, rest) = xml.split_once(&format!("<{name}>"))?;
    let (text, _) = rest.split_once(&format!("</{name}>"))?;
    let plain = text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&apos;", "'");
    Some(plain.replace("&amp;", "&").trim().to_owned())
}
