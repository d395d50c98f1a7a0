//! AWS Signature Version 4, by the vendor's own signer.

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_lc_rs::digest::{Context, SHA256, digest};
use aws_sigv4::http_request::{PayloadChecksumKind, SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use http::header::{HOST, HeaderName};
use http::{HeaderValue, request};
use tollgate_ir::Fault;

use super::AwsKeys;
use crate::credentials::{Renewing, Serial, SignedBody, Transport, unusable};

/// Signs requests for one service in one region.
#[derive(Clone)]
pub struct AwsSigner {
    /// `us-east-1`.
    pub region: String,
    /// `bedrock`.
    pub service: String,
    /// Whose signature.
    pub keys: Arc<Renewing<AwsKeys>>,
}

impl fmt::Debug for AwsSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AwsSigner")
            .field("region", &self.region)
            .field("service", &self.service)
            .finish_non_exhaustive()
    }
}

impl AwsSigner {
    /// Signs over method, path, query, all headers that are there, host and the body's hash.
    pub(in crate::credentials) async fn apply(
        &self,
        head: &mut request::Parts,
        body: SignedBody<'_>,
        transport: Transport<'_>,
    ) -> Result<Serial, Fault> {
        let (keys, serial) = self.keys.get(transport).await?;
        sign_request(head, body, &keys, &self.region, &self.service, transport.now)?;
        Ok(serial)
    }
}

/// Signs a request whose URI, headers and body are final.
pub(in crate::credentials) fn sign_request(
    head: &mut request::Parts,
    body: SignedBody<'_>,
    keys: &AwsKeys,
    region: &str,
    service: &str,
    now: SystemTime,
) -> Result<(), Fault> {
    let cannot = |error: &dyn fmt::Display| unusable(&format!("cannot sign: {error}"));
    let identity = Credentials::new(
        &keys.access_key_id,
        keys.secret_access_key.expose(),
        keys.session_token.as_ref().map(|token| token.expose().to_owned()),
        None,
        "tollgate",
    )
    .into();
    let mut settings = SigningSettings::default();
    if matches!(body, SignedBody::Unsigned) {
        settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
    }
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region(region)
        .name(service)
        .time(now)
        .settings(settings)
        .build()
        .map_err(|error| cannot(&error))?
        .into();
    let uri = head.uri.to_string();
    let headers = signable(head)?;
    let signable = SignableRequest::new(head.method.as_str(), uri, headers.into_iter(), body_hash(body))
        .map_err(|error| cannot(&error))?;
    let (instructions, _) = sign(signable, &params).map_err(|error| cannot(&error))?.into_parts();
    let (signed, _) = instructions.into_parts();
    for header in signed {
        let mut value = HeaderValue::from_str(header.value()).map_err(|_| unusable("makes no header"))?;
        value.set_sensitive(true);
        head.headers.insert(HeaderName::from_static(header.name()), value);
    }
    Ok(())
}

/// The headers that are there, and the host, which the transport sets from the URI. What the transport sets or a proxy
/// may change is not signed.
fn signable(head: &request::Parts) -> Result<Vec<(&str, &str)>, Fault> {
    const UNSIGNED: [&str; 8] = [
        "accept-encoding",
        "connection",
        "content-length",
        "expect",
        "te",
        "traceparent",
        "tracestate",
        "transfer-encoding",
    ];
    let host = head.uri.authority().map(http::uri::Authority::as_str).unwrap_or_default();
    let mut all = vec![(HOST.as_str(), host)];
    for (name, value) in &head.headers {
        if name != HOST && !UNSIGNED.contains(&name.as_str()) {
            all.push((name.as_str(), value.to_str().map_err(|_| unusable("cannot sign a header that is not ASCII"))?));
        }
    }
    Ok(all)
}

fn body_hash(body: SignedBody<'_>) -> SignableBody<'static> {
    let hash = match body {
        SignedBody::Unsigned => return SignableBody::UnsignedPayload,
        SignedBody::Whole(bytes) => digest(&SHA256, bytes),
        SignedBody::Pieces(pieces) => {
            let mut context = Context::new(&SHA256);
            pieces.iter().for_each(|piece| context.update(piece));
            context.finish()
        }
    };
    SignableBody::Precomputed(hash.as_ref().iter().map(|byte| format!("{byte:02x}")).collect())
}
