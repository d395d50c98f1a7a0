//! A service account's key: a signed assertion for a token (RFC 7523, <https://developers.google.com/identity/protocols/oauth2/service-account>).

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeyPair;
use aws_lc_rs::signature::RSA_PKCS1_SHA256;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use serde::{Deserialize, Serialize};

use super::file::TOKEN_URI;
use crate::credentials::ask::Ask;
use crate::credentials::{Grant, Miss, Secret, Token, Transport, time};

const GRANT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
/// The longest life of an assertion that Google takes, in seconds.
const LIFE: u64 = 3600;

/// The key's file.
#[derive(Deserialize)]
pub(super) struct ServiceAccount {
    client_email: String,
    private_key: String,
    private_key_id: Option<String>,
    token_uri: Option<String>,
}

#[derive(Serialize)]
struct Header<'a> {
    alg: &'static str,
    typ: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    kid: Option<&'a str>,
}

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    scope: &'a str,
    aud: &'a str,
    iat: u64,
    exp: u64,
}

impl ServiceAccount {
    /// A token for a scope.
    pub async fn token(&self, scope: &str, transport: Transport<'_>) -> Result<Grant<Token>, Miss> {
        let url = self.token_uri.as_deref().unwrap_or(TOKEN_URI);
        let assertion = Secret::new(self.assertion(scope, url, time::since_epoch(transport.now))?);
        let ask = Ask::form(url, &[("grant_type", GRANT)], &[("assertion", &assertion)]);
        ask.send(transport).await?.token(transport)
    }

    /// The signed assertion.
    fn assertion(&self, scope: &str, audience: &str, now: u64) -> Result<String, Miss> {
        let header = Header { alg: "RS256", typ: "JWT", kid: self.private_key_id.as_deref() };
        let claims = Claims { iss: &self.client_email, scope, aud: audience, iat: now, exp: now + LIFE };
        let cannot = || Miss::wrong("the assertion cannot be written");
        let header = serde_json::to_vec(&header).map_err(|_| cannot())?;
        let claims = serde_json::to_vec(&claims).map_err(|_| cannot())?;
        let mut jwt = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
        let key = self.key()?;
        let mut signature = vec![0; key.public_modulus_len()];
        key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), jwt.as_bytes(), &mut signature)
            .map_err(|_| Miss::wrong("`private_key` cannot sign"))?;
        jwt.push('.');
        jwt.push_str(&URL_SAFE_NO_PAD.encode(signature));
        Ok(jwt)
    }

    fn key(&self) -> Result<KeyPair, Miss> {
        let bad = || Miss::wrong("`private_key` is no RSA key in PEM; take the file as Google gave it");
        match PrivateKeyDer::from_pem_slice(self.private_key.as_bytes()).map_err(|_| bad())? {
            PrivateKeyDer::Pkcs8(der) => KeyPair::from_pkcs8(der.secret_pkcs8_der()).map_err(|_| bad()),
            PrivateKeyDer::Pkcs1(der) => KeyPair::from_der(der.secret_pkcs1_der()).map_err(|_| bad()),
            _ => Err(bad()),
        }
    }
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};

    use super::*;

    /// Made for this test: PKCS#8 of a fresh RSA key.
    fn account() -> (ServiceAccount, KeyPair) {
        use aws_lc_rs::encoding::AsDer;
        use aws_lc_rs::rsa::KeySize;
        let key = KeyPair::generate(KeySize::Rsa2048).unwrap();
        let der = AsDer::<aws_lc_rs::encoding::Pkcs8V1Der<'_>>::as_der(&key).unwrap();
        let encoded = base64::engine::general_purpose::STANDARD.encode(der.as_ref());
        let lines: Vec<_> = encoded.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
        let private_key = format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", lines.join("\n"));
        let account = ServiceAccount {
            client_email: "sa@p.iam.gserviceaccount.com".to_owned(),
            private_key,
            private_key_id: Some("kid-1".to_owned()),
            token_uri: None,
        };
        (account, key)
    }

    #[test]
    fn an_assertion_says_who_for_what_and_until_when_and_its_signature_holds() {
        let (account, key) = account();
        let Ok(jwt) = account.assertion("a b", TOKEN_URI, 1_000) else { panic!("no assertion") };
        let (signed, signature) = jwt.rsplit_once('.').unwrap();
        let public = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key.public_key().as_ref());
        public.verify(signed.as_bytes(), &URL_SAFE_NO_PAD.decode(signature).unwrap()).unwrap();
        let parts: Vec<_> =
            signed.split('.').map(|part| String::from_utf8(URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()).collect();
        assert_eq!(parts[0], r#"{"alg":"RS256","typ":"JWT","kid":"kid-1"}"#);
        let claims = r#"{"iss":"sa@p.iam.gserviceaccount.com","scope":"a b","aud":"https://oauth2.googleapis.com/token","iat":1000,"exp":4600}"#;
        assert_eq!(parts[1], claims);
    }

    #[test]
    fn a_key_that_is_none_is_not_shown() {
        let mut account = account().0;
        account.private_key = "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n".to_owned();
        let Err(Miss::Failed(fault)) = account.assertion("a", TOKEN_URI, 0) else { panic!("signed") };
        assert!(fault.public.contains("private_key") && !format!("{fault:?}").contains("c2Vj"), "{fault:?}");
    }
}
