//! What follows a failed attempt: the same target again after a pause, another target, or nothing.
//!
//! Invariant: a target gets at most `retries + 1` attempts of a call, whoever else retries; and over all calls retries
//! stay a share of the traffic ([`RetryBudget`]), so that an outage is not amplified.

use std::time::Duration;

use tollgate_ir::{Fault, FaultKind, Retry};

use super::verdict::{moves_on, retry_after, says_quota};
use crate::Now;

/// A kind of failure, as policies name it (`on: [rate_limit, server_error]`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FaultClass {
    /// No connection, or it broke before an answer.
    Network,
    /// No answer in time.
    Timeout,
    /// 429: too many requests or tokens.
    RateLimit,
    /// Quota or credit is used up.
    Quota,
    /// 503, 529: overloaded.
    Overloaded,
    /// Other 5xx, and answers that cannot be read or end too early.
    ServerError,
    /// 401, 403: the operator's key was refused.
    Auth,
    /// The prompt is too long for the model.
    Context,
    /// The content policy refused.
    ContentPolicy,
    /// 404: the provider does not have the model.
    NotFound,
    /// Other 4xx.
    BadRequest,
    /// 200 without any content.
    Empty,
}

impl FaultClass {
    /// The class of a fault; `None`: it is not the target's (a refusal of the gateway's own).
    pub fn of(fault: &Fault) -> Option<Self> {
        Some(match fault.kind {
            _ if says_quota(fault) => Self::Quota,
            FaultKind::ProviderUnreachable => Self::Network,
            FaultKind::ProviderTimeout => Self::Timeout,
            FaultKind::ProviderRateLimited => Self::RateLimit,
            FaultKind::ProviderQuota => Self::Quota,
            FaultKind::ProviderOverloaded => Self::Overloaded,
            FaultKind::ProviderFailed | FaultKind::ProviderGarbage | FaultKind::ProviderCut => Self::ServerError,
            FaultKind::StreamTooWide => Self::ServerError,
            FaultKind::ProviderAuth | FaultKind::ProviderMisconfigured => Self::Auth,
            FaultKind::ContextLength => Self::Context,
            FaultKind::ContentPolicy => Self::ContentPolicy,
            FaultKind::ProviderNotFound => Self::NotFound,
            FaultKind::ProviderBadRequest => Self::BadRequest,
            FaultKind::ProviderEmpty => Self::Empty,
            _ => return None,
        })
    }
}

/// What follows a failed attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// The same target again, after this pause.
    Same(Duration),
    /// The next target, at once.
    Other,
    /// The client is told.
    Stop,
}

/// How often and when a target is asked again.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RetryTerms<'a> {
    /// Further attempts on one target.
    pub retries: u32,
    /// Which failures move on to the next target; `None`: those of [`moves_on`].
    pub on: Option<&'a [FaultClass]>,
    /// The longest first pause; each further one may be twice as long.
    pub base: Duration,
    /// No pause is longer.
    pub most: Duration,
}

impl Default for RetryTerms<'_> {
    fn default() -> Self {
        Self { retries: 1, on: None, base: Duration::from_millis(250), most: Duration::from_secs(8) }
    }
}

/// Decides after the `attempts`-th attempt on a target failed. `others`: there are targets left. `draw` in [0, 1) is the
/// jitter.
pub fn next(fault: &Fault, attempts: u32, others: bool, terms: &RetryTerms<'_>, draw: f64) -> Next {
    let class = FaultClass::of(fault);
    let on = match (terms.on, class) {
        (Some(on), Some(class)) => on.contains(&class),
        _ => moves_on(fault),
    };
    if attempts <= terms.retries && may_recover(fault, class) && !is_told_not_to(fault) {
        let told = retry_after(fault);
        // Whoever says that it needs longer than our longest pause is not waited for: another target serves sooner.
        if told.is_none_or(|told| told <= terms.most && !(others && on && told > terms.base)) {
            return Next::Same(told.unwrap_or_default().max(pause(attempts, terms, draw)));
        }
    }
    if on && others { Next::Other } else { Next::Stop }
}

/// Whether the same target may answer a moment later: not after a refusal, a used-up quota or a whole timeout.
fn may_recover(fault: &Fault, class: Option<FaultClass>) -> bool {
    match class {
        Some(FaultClass::Network | FaultClass::Overloaded | FaultClass::ServerError | FaultClass::RateLimit) => true,
        Some(FaultClass::BadRequest) => fault.status == 408,
        _ => fault.retry == Retry::SameTarget,
    }
}

/// The provider says that the same request would fail again (OpenAI's and Anthropic's header).
fn is_told_not_to(fault: &Fault) -> bool {
    fault.headers.iter().any(|header| header.name == "x-should-retry" && header.value == "false")
}

/// Exponential backoff with full jitter: anything up to the bound, so that clients that failed together come apart.
fn pause(attempts: u32, terms: &RetryTerms<'_>, draw: f64) -> Duration {
    let bound = terms.base.saturating_mul(2u32.saturating_pow(attempts.saturating_sub(1))).min(terms.most);
    bound.mul_f64(draw.clamp(0.0, 1.0))
}

/// Retries and hedges as a share of the traffic of the last seconds: each first attempt earns a share of one, each
/// further attempt costs one. A small stock lets quiet gateways retry too.
#[derive(Clone, Copy, Debug)]
pub struct RetryBudget {
    share: f64,
    most: f64,
    /// Earned a second without any traffic.
    trickle: f64,
    left: f64,
    at: Now,
}

impl RetryBudget {
    /// Lets further attempts be this share of first ones. `stock` may be spent at once, and comes back within ten seconds.
    pub fn new(share: f64, stock: f64) -> Self {
        Self { share, most: stock, trickle: stock / 10.0, left: stock, at: Now::default() }
    }

    /// Without anything that comes back of itself: strictly a share of the first ones, beside the first of all.
    pub fn strict(share: f64) -> Self {
        Self { trickle: 0.0, ..Self::new(share, 1.0) }
    }

    /// From now on another share.
    pub fn set_share(&mut self, share: f64) {
        self.share = share;
    }

    /// A call makes its first attempt.
    pub fn earn(&mut self, now: Now) {
        self.refill(now);
        self.left = (self.left + self.share).min(self.most);
    }

    /// A further attempt, if the budget has one.
    pub fn spend(&mut self, now: Now) -> bool {
        self.refill(now);
        let may = self.left >= 1.0;
        if may {
            self.left -= 1.0;
        }
        may
    }

    fn refill(&mut self, now: Now) {
        self.left = now.since(self.at).as_secs_f64().mul_add(self.trickle, self.left).min(self.most);
        self.at = now;
    }
}

#[cfg(test)]
mod tests {
    use tollgate_ir::LimitHeader;

    use super::*;

    fn fault(kind: FaultKind, after: Option<&str>) -> Fault {
        let mut fault = Fault::new(kind, "no");
        fault.headers.extend(after.map(|v| LimitHeader { name: "retry-after".into(), value: v.into() }));
        fault
    }

    #[test]
    fn what_follows_each_failure() {
        use FaultKind as K;
        let terms = RetryTerms { retries: 1, ..RetryTerms::default() };
        let same = Next::Same(Duration::from_millis(125));
        for (kind, after, attempts, others, expected) in [
            (K::ProviderFailed, None, 1, true, same),
            (K::ProviderFailed, None, 2, true, Next::Other),
            (K::ProviderFailed, None, 2, false, Next::Stop),
            (K::ProviderUnreachable, None, 1, false, same),
            (K::ProviderTimeout, None, 1, true, Next::Other),
            (K::ProviderTimeout, None, 1, false, Next::Stop),
            (K::ProviderAuth, None, 1, true, Next::Other),
            (K::ProviderQuota, None, 1, true, Next::Other),
            // A short wait is worth it only where nobody else could serve at once.
            (K::ProviderRateLimited, Some("2"), 1, true, Next::Other),
            (K::ProviderRateLimited, Some("2"), 1, false, Next::Same(Duration::from_secs(2))),
            (K::ProviderRateLimited, Some("60"), 1, false, Next::Stop),
            // Refusals of the request are told at once.
            (K::ProviderBadRequest, None, 1, true, Next::Stop),
            (K::ProviderNotFound, None, 1, true, Next::Stop),
            (K::ContentPolicy, None, 1, true, Next::Stop),
            (K::ContextLength, None, 1, true, Next::Stop),
            (K::InvalidField, None, 1, true, Next::Stop),
        ] {
            let found = next(&fault(kind, after), attempts, others, &terms, 0.5);
            assert_eq!(found, expected, "{kind:?} {after:?} attempt {attempts} others {others}");
        }
    }

    #[test]
    fn a_policy_says_which_failures_move_on() {
        let on = [FaultClass::Context, FaultClass::ContentPolicy];
        let terms = RetryTerms { retries: 0, on: Some(&on), ..RetryTerms::default() };
        assert_eq!(next(&fault(FaultKind::ContextLength, None), 1, true, &terms, 0.0), Next::Other);
        assert_eq!(next(&fault(FaultKind::ProviderFailed, None), 1, true, &terms, 0.0), Next::Stop);
    }

    #[test]
    fn rl07_n_retries_are_n_plus_one_attempts() {
        for retries in 0..=5 {
            let terms = RetryTerms { retries, ..RetryTerms::default() };
            let mut attempts = 1;
            while let Next::Same(_) = next(&fault(FaultKind::ProviderFailed, None), attempts, false, &terms, 0.9) {
                attempts += 1;
            }
            assert_eq!(attempts, retries + 1);
        }
    }

    #[test]
    fn pauses_grow_up_to_a_bound() {
        let terms = RetryTerms::default();
        let bounds: Vec<_> = (1..=8).map(|attempt| pause(attempt, &terms, 1.0).as_millis()).collect();
        assert_eq!(bounds, [250, 500, 1000, 2000, 4000, 8000, 8000, 8000]);
        assert_eq!(pause(3, &terms, 0.0), Duration::ZERO);
    }

    #[test]
    fn hedges_are_strictly_a_share() {
        let mut budget = RetryBudget::strict(0.03);
        let at = |ms| Now { monotonic: Duration::from_millis(ms), unix_ms: ms };
        let mut spent = 0;
        for i in 0..10_000 {
            budget.earn(at(i * 1_000));
            spent += u32::from(budget.spend(at(i * 1_000)));
        }
        assert!((295..=302).contains(&spent), "{spent}");
    }

    #[test]
    fn retries_stay_a_share_of_the_traffic() {
        let mut budget = RetryBudget::new(0.1, 10.0);
        let at = |ms| Now { monotonic: Duration::from_millis(ms), unix_ms: ms };
        let mut retried = 0;
        for i in 0..10_000 {
            budget.earn(at(i));
            retried += u32::from(budget.spend(at(i)));
        }
        // A tenth of the calls, the stock, and what ten seconds bring.
        assert!((1000..=1025).contains(&retried), "{retried}");
        assert!(budget.spend(at(60_000)), "after a quiet while there is stock again");
    }
}
