//! After a failed attempt: whether another target may help (decisions.md 28), and what the client is told when none
//! did (decisions.md 27).

use std::time::Duration;

use tollgate_ir::{Fault, FaultKind, LimitHeader, Retry, Side};

/// Words by which providers say, under any status, that quota or credit is used up.
const QUOTA_PHRASES: &[&str] = &[
    "insufficient_quota",
    "credit balance is too low",
    "exceeded your current quota",
    "quota exceeded",
    "billing hard limit",
    "insufficient balance",
    "insufficient credits",
    "resource_exhausted",
];

/// Whether the next target is tried after this fault: after connect errors, timeouts, 401/403, 408, 429, 5xx and quota
/// phrases, and after no other refusal, since another target would only refuse it too (or worse, not).
pub fn moves_on(fault: &Fault) -> bool {
    match fault.kind {
        FaultKind::ProviderBadRequest | FaultKind::ProviderNotFound => says_quota(fault) || fault.status == 408,
        kind if kind.side() == Side::Client => false,
        FaultKind::ProviderAuth | FaultKind::ProviderMisconfigured => true,
        kind => kind.side() == Side::Provider && fault.retry != Retry::No,
    }
}

/// Whether a provider says, under whatever status, that quota or credit is used up.
pub(crate) fn says_quota(fault: &Fault) -> bool {
    let said = [Some(fault.public.as_str()), fault.provider_type.as_deref(), fault.provider_code.as_deref()];
    said.into_iter().flatten().any(|text| {
        let text = text.to_lowercase();
        QUOTA_PHRASES.iter().any(|phrase| text.contains(phrase))
    })
}

/// What the client is told when every attempt failed: the first target's fault, since that is the one the name stands
/// for; when all were rate limits, with the smallest time to wait. `None` if there was no attempt.
pub fn conclude(faults: Vec<Fault>) -> Option<Fault> {
    // One provider's own headers say it best.
    let all_limited = faults.len() > 1 && faults.iter().all(|f| f.kind == FaultKind::ProviderRateLimited);
    let soonest = faults.iter().filter_map(retry_after).min();
    let mut first = faults.into_iter().next()?;
    if let (true, Some(soonest)) = (all_limited, soonest) {
        first.retry = Retry::After(soonest);
        first.headers.retain(|h| !h.name.starts_with("retry-after"));
        let seconds = soonest.as_secs() + u64::from(soonest.subsec_nanos() > 0);
        first.headers.push(LimitHeader { name: "retry-after".to_owned(), value: seconds.to_string() });
    }
    Some(first)
}

/// How long the provider says to wait.
pub(crate) fn retry_after(fault: &Fault) -> Option<Duration> {
    let header = |name: &str| fault.headers.iter().find(|h| h.name == name).and_then(|h| h.value.trim().parse().ok());
    match fault.retry {
        Retry::After(after) => Some(after),
        _ => header("retry-after-ms")
            .map(Duration::from_millis)
            .or_else(|| header("retry-after").map(Duration::from_secs)),
    }
}
