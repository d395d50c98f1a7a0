//! A request with its credential. One that the provider refuses as expired is renewed and the request sent once more, to
//! the same target and at no attempt; a second refusal is the provider's answer.

use http::{Request, Response, StatusCode, request};
use tollgate_ir::Fault;

use super::{Credential, SignedBody, Transport};
use crate::upstream::{Deadlines, Payload, ReplyBody};

/// Sends a request that is final but for its credential.
///
/// # Errors
///
/// The credential's, or those of [`Upstream::send`](crate::upstream::Upstream::send).
pub async fn send(
    transport: Transport<'_>,
    credential: &Credential,
    head: &request::Parts,
    body: &bytes::Bytes,
    deadlines: &Deadlines,
) -> Result<Response<ReplyBody>, Fault> {
    let once = async || {
        let mut head = head.clone();
        let used = deadlines.within(credential.apply(&mut head, SignedBody::Whole(body), transport)).await?;
        let request = Request::from_parts(head, Payload::from(body.clone()));
        Ok::<_, Fault>((transport.upstream.send(request, transport.egress, deadlines).await?, used))
    };
    let (reply, used) = once().await?;
    let Some(used) = used.filter(|_| refuses(&reply)) else { return Ok(reply) };
    let renewed = deadlines.within(async { Ok(credential.renew(used, transport).await) }).await;
    if !matches!(renewed, Ok(true)) {
        return Ok(reply);
    }
    drop(reply);
    once().await.map(|(reply, _)| reply)
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
