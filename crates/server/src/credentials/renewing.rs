//! A credential that is held, and renewed before it ends.
//!
//! Invariants: one fetch runs at a time, and all who wait for it take its result, also its fault, so that a hundred calls
//! cost one request to the token endpoint. While the held one is still good, only the call that renews it waits. One that
//! the provider refused is renewed once, by the first who says so. Nothing is spawned: a call that leaves in the middle
//! hands its turn to the next.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use tollgate_ir::Fault;

use super::source::{Chain, Grant};
use super::{Serial, Transport};

/// So long before its end a credential is renewed, or at three quarters of a short life.
const AHEAD: Duration = Duration::from_secs(5 * 60);
/// So long before its end it is not used any more: the request must still arrive.
const LAST: Duration = Duration::from_secs(10);
/// After an early renewal that failed, and between renewals that a provider's refusals ask for.
const PAUSE: Duration = Duration::from_secs(10);
/// Nobody says when it ends: looked for anew after this, since files and metadata change.
const UNKNOWN_LIFE: Duration = Duration::from_secs(15 * 60);

/// A credential from a chain of sources.
pub struct Renewing<T> {
    chain: Chain<T>,
    held: Mutex<Held<T>>,
    turn: tokio::sync::Mutex<()>,
}

struct Held<T> {
    current: Option<Current<T>>,
    /// Counts fetches that ended, well or not.
    fetches: u64,
    last_fault: Option<Fault>,
    not_before: Option<SystemTime>,
    asked_for: Option<SystemTime>,
}

#[derive(Clone)]
struct Current<T> {
    value: T,
    serial: Serial,
    renew_at: SystemTime,
    dead_at: Option<SystemTime>,
}

enum State<T> {
    Good(Current<T>),
    /// Good, and time to renew it.
    Aging(Current<T>),
    Gone,
}

impl<T> fmt::Debug for Renewing<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Renewing").field("provider", &self.chain.provider).finish_non_exhaustive()
    }
}

impl<T: Clone + PartialEq + Send> Renewing<T> {
    /// Nothing is held yet.
    pub fn new(chain: Chain<T>) -> Self {
        let held = Held { current: None, fetches: 0, last_fault: None, not_before: None, asked_for: None };
        Self { chain, held: Mutex::new(held), turn: tokio::sync::Mutex::new(()) }
    }

    /// One that is good for now.
    ///
    /// # Errors
    ///
    /// The chain's.
    pub async fn get(&self, transport: Transport<'_>) -> Result<(T, Serial), Fault> {
        let (seen, state) = {
            let held = self.held();
            (held.fetches, held.state(transport.now))
        };
        match state {
            State::Good(current) => return Ok((current.value, current.serial)),
            State::Aging(current) => {
                let Ok(_turn) = self.turn.try_lock() else { return Ok((current.value, current.serial)) };
                return match self.fetch(transport).await {
                    Ok(fresh) => Ok((fresh.value, fresh.serial)),
                    Err(fault) => {
                        tracing::warn!(provider = self.chain.provider, %fault, "a credential could not be renewed early");
                        self.held().not_before = Some(transport.now + PAUSE);
                        Ok((current.value, current.serial))
                    }
                };
            }
            State::Gone => {}
        }
        let _turn = self.turn.lock().await;
        {
            let held = self.held();
            if let State::Good(current) | State::Aging(current) = held.state(transport.now) {
                return Ok((current.value, current.serial));
            }
            if let Some(fault) = held.last_fault.as_ref().filter(|_| held.fetches != seen) {
                return Err(fault.clone());
            }
        }
        self.fetch(transport).await.map(|fresh| (fresh.value, fresh.serial))
    }

    /// Fetches another one in place of one that was refused; whether there is another now.
    pub async fn renew(&self, refused: Serial, transport: Transport<'_>) -> bool {
        let _turn = self.turn.lock().await;
        let before = {
            let mut held = self.held();
            let Some(current) = held.current.clone().filter(|current| current.serial == refused) else { return true };
            let asked = held.asked_for.replace(transport.now);
            if asked.is_some_and(|at| transport.now < at + PAUSE) {
                held.asked_for = asked;
                return false;
            }
            current.value
        };
        match self.fetch(transport).await {
            Ok(fresh) => fresh.value != before,
            Err(fault) => {
                tracing::warn!(provider = self.chain.provider, %fault, "a refused credential could not be renewed");
                false
            }
        }
    }

    /// Asks the chain. Only with the turn.
    async fn fetch(&self, transport: Transport<'_>) -> Result<Current<T>, Fault> {
        let fetched = self.chain.fetch(transport).await;
        let mut held = self.held();
        held.fetches += 1;
        match fetched {
            Ok(grant) => {
                let fresh = Current::of(grant, Serial(held.fetches), transport.now);
                held.current = Some(fresh.clone());
                held.last_fault = None;
                held.not_before = None;
                Ok(fresh)
            }
            Err(fault) => {
                held.last_fault = Some(fault.clone());
                Err(fault)
            }
        }
    }

    fn held(&self) -> MutexGuard<'_, Held<T>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: Clone> Held<T> {
    fn state(&self, now: SystemTime) -> State<T> {
        match &self.current {
            Some(current) if current.dead_at.is_some_and(|end| now >= end) => State::Gone,
            Some(current) if now >= current.renew_at && self.not_before.is_none_or(|at| now >= at) => {
                State::Aging(current.clone())
            }
            Some(current) => State::Good(current.clone()),
            None => State::Gone,
        }
    }
}

impl<T> Current<T> {
    fn of(grant: Grant<T>, serial: Serial, now: SystemTime) -> Self {
        let Some(end) = grant.expires else {
            return Self { value: grant.value, serial, renew_at: now + UNKNOWN_LIFE, dead_at: None };
        };
        let life = end.duration_since(now).unwrap_or_default();
        // A token that lives for seconds is used until then, and fetched anew at once after that.
        let last = LAST.min(life / 4);
        Self { value: grant.value, serial, renew_at: end - AHEAD.min(life / 4), dead_at: Some(end - last) }
    }
}
