//! How long a provider may take, and the clock that watches it.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until, timeout_at};
use tollgate_ir::{Fault, FaultKind};

/// How long one exchange with a provider may take. A whole reply has `end` only; see [`Deadlines::whole`].
#[derive(Clone, Copy, Debug)]
pub struct Deadlines {
    /// For a new connection: DNS, TCP, proxy and TLS together.
    pub connect: Duration,
    /// From the send to the first byte of the body, or to [`token_seen`](super::ReplyBody::token_seen) if the caller
    /// [holds](super::ReplyBody::hold_first_token) it, since a ping is no token.
    pub first_token: Option<Duration>,
    /// The longest silence within the body.
    pub idle: Option<Duration>,
    /// The end of everything, as the operator set it.
    pub end: Option<Instant>,
    /// The end of everything, as the client set it: a fault of another kind.
    pub client_end: Option<Instant>,
}

impl Default for Deadlines {
    /// Connect 5 s, first token 120 s, idle 120 s, total 15 min from now.
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            first_token: Some(Duration::from_secs(120)),
            idle: Some(Duration::from_secs(120)),
            end: Some(Instant::now() + Duration::from_secs(15 * 60)),
            client_end: None,
        }
    }
}

impl Deadlines {
    /// For a reply that comes as a whole: silence is no sign, only the end counts.
    #[must_use]
    pub fn whole(self) -> Self {
        Self { first_token: None, idle: None, ..self }
    }

    /// Runs a step that comes before the exchange, under its ends.
    pub(crate) async fn within<T>(&self, step: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
        Watch::start(&self.whole()).limit(step).await
    }
}

/// Which deadline passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expired {
    FirstToken,
    Idle,
    End,
    ClientEnd,
}

/// The clock of one exchange.
#[derive(Debug)]
pub(super) struct Watch {
    first_token: Option<Instant>,
    idle: Option<Duration>,
    end: Option<Instant>,
    client_end: Option<Instant>,
    /// The first token was not yet seen.
    awaiting: bool,
    held: bool,
    /// Since when nothing came although we asked. A reader that is slow itself does not count.
    silent_since: Option<Instant>,
    alarm: Option<Pin<Box<Sleep>>>,
}

impl Watch {
    pub(super) fn start(deadlines: &Deadlines) -> Self {
        Self {
            first_token: deadlines.first_token.map(|limit| Instant::now() + limit),
            idle: deadlines.idle,
            end: deadlines.end,
            client_end: deadlines.client_end,
            awaiting: true,
            held: false,
            silent_since: None,
            alarm: None,
        }
    }

    /// Runs the part of an exchange that comes before the body.
    pub(super) async fn limit<T>(&self, step: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
        match self.next() {
            None => step.await,
            Some((at, which)) => timeout_at(at, step).await.unwrap_or_else(|_| Err(which.fault())),
        }
    }

    pub(super) fn hold(&mut self) {
        self.held = true;
    }

    pub(super) fn token_seen(&mut self) {
        self.awaiting = false;
    }

    /// Bytes of the body came.
    pub(super) fn heard(&mut self) {
        self.silent_since = None;
        if !self.held {
            self.awaiting = false;
        }
    }

    /// Nothing came: ready with a fault once that lasted too long.
    pub(super) fn poll_expired(&mut self, cx: &mut Context<'_>) -> Poll<Fault> {
        self.silent_since.get_or_insert_with(Instant::now);
        loop {
            let Some((at, which)) = self.next() else { return Poll::Pending };
            if at <= Instant::now() {
                return Poll::Ready(which.fault());
            }
            let alarm = self.alarm.get_or_insert_with(|| Box::pin(sleep_until(at)));
            if alarm.deadline() > at || alarm.is_elapsed() {
                alarm.as_mut().reset(at);
            }
            // An alarm that rings early (the silence was broken since it was set) is set again: cheaper than at each chunk.
            if alarm.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
        }
    }

    fn next(&self) -> Option<(Instant, Expired)> {
        let idle = self.silent_since.and_then(|since| self.idle.map(|idle| since + idle));
        [
            (self.first_token.filter(|_| self.awaiting), Expired::FirstToken),
            (idle, Expired::Idle),
            (self.end, Expired::End),
            (self.client_end, Expired::ClientEnd),
        ]
        .into_iter()
        .filter_map(|(at, which)| at.map(|at| (at, which)))
        .min_by_key(|(at, _)| *at)
    }
}

impl Expired {
    fn fault(self) -> Fault {
        let provider = |what: &str| {
            Fault::new(FaultKind::ProviderTimeout, format!("The provider did not answer in time: {what}."))
                .detail(format!("timeout: {what}"))
        };
        match self {
            Self::FirstToken => provider("no first token"),
            Self::Idle => provider("its answer stopped in the middle"),
            Self::End => provider("its answer took too long as a whole"),
            Self::ClientEnd => Fault::new(
                FaultKind::DeadlineExceeded,
                "The time that the request allowed is over. Allow more in `x-tollgate-timeout`.",
            ),
        }
    }
}
