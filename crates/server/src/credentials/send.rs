//! A request with its credential. One that the provider refuses as expired is renewed and the request sent once more, to
//! the same target and at no attempt; a second refusal is the provider's answer.

use http::{Request, Response, StatusCode, request};
use tollgate_ir::Fault;

use super::{Credential, Serial, SignedBody, Transport};
use crate::upstream::{Deadlines, Payload, ReplyBody};

/// A request that is final but for its credential.
#[derive(Debug)]
pub struct Outbound {
    /// Method, URI and headers; boxed, since it is handed on often.
    pub head: Box<request::Parts>,
    /// The body. A stream is sent once, whatever the provider says to the credential.
    pub payload: Payload,
    /// The credential.
    pub credential: Credential,
}

impl Outbound {
    /// Sends it.
    ///
    /// # Errors
    ///
    /// The credential's, or those of [`Upstream::send`](crate::upstream::Upstream::send).
    pub async fn send(
        self,
        transport: Transport<'_>,
        deadlines: &Deadlines,
    ) -> Result<Response<Box<ReplyBody>>, Fault> {
        let Self { mut head, payload, credential } = self;
        if credential.renews() {
            return Box::pin(renewing(head, payload, &credential, transport, deadlines)).await;
        }
        credential.put(&mut head)?;
        transport.upstream.send(Box::new(Request::from_parts(*head, payload)), transport.egress, deadlines).await
    }
}

/// With a credential that ends.
async fn renewing(
    head: Box<request::Parts>,
    payload: Payload,
    credential: &Credential,
    transport: Transport<'_>,
    deadlines: &Deadlines,
) -> Result<Response<Box<ReplyBody>>, Fault> {
    let again = payload.again().map(|payload| (head.clone(), payload));
    let (reply, used) = once(head, payload, credential, transport, deadlines).await?;
    let (Some(used), Some((head, payload)), true) = (used, again, refuses(&reply)) else { return Ok(reply) };
    let renewing = async { Ok(credential.renew(used, transport).await) };
    if !matches!(deadlines.within(renewing).await, Ok(true)) {
        return Ok(reply);
    }
    drop(reply);
    once(head, payload, credential, transport, deadlines).await.map(|(reply, _)| reply)
}

async fn once(
    mut head: Box<request::Parts>,
    payload: Payload,
    credential: &Credential,
    transport: Transport<'_>,
    deadlines: &Deadlines,
) -> Result<(Response<Box<ReplyBody>>, Option<Serial>), Fault> {
    let used = deadlines.within(sign(&mut head, payload.again(), credential, transport)).await?;
    let request = Box::new(Request::from_parts(*head, payload));
    let reply = transport.upstream.send(request, transport.egress, deadlines).await?;
    Ok((reply, used))
}

/// Puts a credential on that signs or ends; a stream, which cannot be had twice, is not signed.
async fn sign(
    head: &mut request::Parts,
    payload: Option<Payload>,
    credential: &Credential,
    transport: Transport<'_>,
) -> Result<Option<Serial>, Fault> {
    let pieces: Vec<_> =
        if let Some(Payload::Pieces(pieces)) = &payload { pieces.iter().cloned().collect() } else { Vec::new() };
    let body = match &payload {
        Some(Payload::Empty) => SignedBody::Whole(&[]),
        Some(Payload::Whole(bytes)) => SignedBody::Whole(bytes),
        Some(Payload::Pieces(_)) => SignedBody::Pieces(&pieces),
        Some(Payload::Stream(_)) | None => SignedBody::Unsigned,
    };
    credential.apply(head, body, transport).await
}

/// Whether a reply says that the credential is not good any more. AWS says so with 403, which otherwise means that a good
/// one may not do this.
fn refuses<B>(reply: &Response<B>) -> bool {
    const EXPIRED: [&str; 3] = ["ExpiredToken", "UnrecognizedClient", "InvalidClientTokenId"];
    let word = reply.headers().get("x-amzn-errortype").and_then(|value| value.to_str().ok()).unwrap_or_default();
    match reply.status() {
        StatusCode::UNAUTHORIZED => true,
        StatusCode::FORBIDDEN | StatusCode::BAD_REQUEST => EXPIRED.iter().any(|start| word.starts_with(start)),
        _ => false,
    }
}
