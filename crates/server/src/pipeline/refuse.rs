//! What no request may do, whatever its body says: go round in circles, come while the gateway stops, or name an
//! upstream's address in a header.

use std::time::Duration;

use http::header::EXPECT;
use http::{HeaderMap, Version, request};
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
use tokio::time::timeout;
use tollgate_ir::{Fault, FaultKind, Retry};

use super::prepare;
use crate::app::{Gateway, State};

/// Tollgates may stand behind each other, but not so many.
const MAX_HOPS: u32 = 3;

/// When a call that was refused in a rush may come again.
const LATER: Duration = Duration::from_secs(1);

/// A refused body of so many bytes, if it comes within so long, is read, so that its connection lives on: a new one costs
/// more than that.
const AWAY: u64 = 64 * 1024;
const AWAY_WITHIN: Duration = Duration::from_millis(100);

/// Headers by which other gateways' users name an upstream's address, without the prefixes below.
const ADDRESSES: &[&str] = &[
    "api-base",
    "base-url",
    "api-url",
    "custom-host",
    "target-url",
    "upstream-url",
    "endpoint-url",
    "openai-api-base",
    "openai-base-url",
    "anthropic-base-url",
    "azure-host",
    "azure-endpoint",
    "vertex-api-base",
    "aws-bedrock-runtime-endpoint",
];

/// How all of them end, and next to no other header.
const ENDS: [&str; 4] = ["-base", "-url", "-host", "-endpoint"];

/// What gateways put before them.
const PREFIXES: &[&str] = &["x-tollgate-", "x-litellm-", "x-portkey-", "x-bf-", "helicone-", "cf-aig-", "x-"];

/// Refuses what may not be, and in a rush what came last: those that are here already end sooner.
pub fn refuse(gateway: &Gateway, state: &State, head: &request::Parts) -> Result<(), Fault> {
    if gateway.tasks().draining().is_cancelled() {
        return Err(Fault::new(FaultKind::ShuttingDown, "The gateway is shutting down; send the request again."));
    }
    let most = state.config.limits.lag;
    if !most.is_zero() && gateway.lag().now() >= most {
        let mut fault =
            Fault::new(FaultKind::GatewayBusy, "The gateway has more to do than it can. Try again in a moment.");
        fault.retry = Retry::After(LATER);
        return Err(fault);
    }
    if prepare::hops(&head.headers) >= MAX_HOPS {
        return Err(Fault::new(
            FaultKind::LoopDetected,
            "The request has passed this gateway before: a provider's `base_url` points back to it.",
        ));
    }
    no_address(&head.headers)
}

/// Reads the body of a call that is refused, if it is small. Who waits for 100-continue has sent none, and on HTTP/2 the
/// stream is reset.
pub async fn read_away(head: &request::Parts, mut body: Incoming) {
    let comes = head.version <= Version::HTTP_11 && !head.headers.contains_key(EXPECT);
    if comes && body.size_hint().upper().is_some_and(|bytes| bytes <= AWAY) {
        let _ = timeout(AWAY_WITHIN, async { while let Some(Ok(_)) = body.frame().await {} }).await;
    }
}

fn no_address(headers: &HeaderMap) -> Result<(), Fault> {
    let names = |name: &str| {
        if !ENDS.iter().any(|end| name.ends_with(end)) {
            return false;
        }
        let bare = PREFIXES.iter().find_map(|prefix| name.strip_prefix(prefix)).unwrap_or(name);
        ADDRESSES.contains(&bare)
    };
    match headers.keys().find(|name| names(name.as_str())) {
        None => Ok(()),
        Some(name) => Err(Fault::new(
            FaultKind::ForbiddenOverride,
            format!(
                "The header `{name}` would name an upstream's address. Remove it: providers are configured in Tollgate."
            ),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_addresses_end_as_addresses_do() {
        for name in ADDRESSES {
            assert!(ENDS.iter().any(|end| name.ends_with(end)), "{name}");
        }
    }

    #[test]
    fn headers_that_name_an_address_are_refused_and_no_others() {
        for (name, refused) in [
            ("x-litellm-api-base", true),
            ("api-base", true),
            ("x-portkey-custom-host", true),
            ("helicone-target-url", true),
            ("x-base-url", true),
            ("x-api-key", false),
            ("api-key", false),
            ("x-forwarded-host", false),
            ("x-portkey-metadata", false),
            ("x-litellm-timeout", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(name.parse::<http::HeaderName>().unwrap(), "v".parse().unwrap());
            assert_eq!(no_address(&headers).is_err(), refused, "{name}");
        }
    }
}
