//! One budget of memory for all bodies in flight (`limits.bodies`).
//!
//! Invariant: the sum of live reservations never passes the budget. Bodies wait a little for room, in order, and then get
//! a 503. A quarter of the budget is a lane of its own for small bodies and for the heads of large ones, so that a flood
//! of large bodies neither delays ordinary calls nor keeps the scan of their first kilobytes from refusing them. Five
//! sixteenths are never given out: connections that wait at the door and what the allocator has not given back yet take it, so that
//! the process grows by no more than the budget says.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tollgate_ir::{Fault, FaultKind};

/// The unit of the semaphores: permits are 32 bits wide, budgets are not.
const UNIT: usize = 1024;

/// Up to this size a body is small. Most chat calls are; it holds `model` where clients put it first.
pub(crate) const SMALL: usize = 16 * 1024;

/// What a larger body holds beside its own bytes while it comes in: the connection's read buffer, the piece that is
/// already read, what was peeked at, the call's own state. Measured (200 bodies that wait for room): 40 to 60 KiB each.
pub(crate) const AROUND: usize = 48 * 1024;

/// How long a body waits for room before its client is told to come back. Callers of models are used to wait, and a
/// refusal makes them send it all again.
const PATIENCE: Duration = Duration::from_secs(30);

/// Memory for bodies in flight. Cheap to clone; all clones are one budget.
#[derive(Clone, Debug)]
pub struct BodyBudget {
    small: Lane,
    large: Lane,
}

#[derive(Clone, Debug)]
struct Lane {
    units: usize,
    free: Arc<Semaphore>,
}

/// Memory held for one body; given back on drop.
#[derive(Debug)]
pub struct Reservation {
    budget: BodyBudget,
    held: Vec<OwnedSemaphorePermit>,
}

impl BodyBudget {
    /// A budget of so many bytes.
    pub fn new(bytes: usize) -> Self {
        let units = bytes.div_ceil(UNIT).clamp(4, Semaphore::MAX_PERMITS);
        let small = units / 4;
        Self { small: Lane::new(small), large: Lane::new(units - small - units * 5 / 16) }
    }

    /// Bytes that are free now, in both lanes.
    pub fn free(&self) -> usize {
        (self.small.free.available_permits() + self.large.free.available_permits()) * UNIT
    }

    /// Holds memory for a body of so many bytes, waiting for room for a while.
    ///
    /// # Errors
    ///
    /// `BodyTooLarge` if the whole budget would not hold it, `BodiesExhausted` if there is no room in time.
    pub async fn reserve(&self, bytes: usize) -> Result<Reservation, Fault> {
        let mut reservation = Reservation { budget: self.clone(), held: Vec::with_capacity(2) };
        reservation.grow_to(bytes).await?;
        Ok(reservation)
    }

    /// So many units for a body that then holds `whole` of them.
    async fn take(&self, units: usize, whole: usize) -> Result<OwnedSemaphorePermit, Fault> {
        // The heads of large bodies leave a quarter of the lane to small ones.
        let left = if whole * UNIT > SMALL { self.small.units / 4 } else { 0 };
        if whole * UNIT <= SMALL + AROUND
            && self.small.free.available_permits() >= units + left
            && let Some(permit) = self.small.try_take(units)
        {
            return Ok(permit);
        }
        if units > self.large.units {
            return Err(Fault::new(
                FaultKind::BodyTooLarge,
                "The request's body is larger than the gateway's memory for bodies. Send less, or raise `limits.bodies`.",
            ));
        }
        self.large.take(units).await
    }
}

impl Lane {
    fn new(units: usize) -> Self {
        Self { units, free: Arc::new(Semaphore::new(units)) }
    }

    fn try_take(&self, units: usize) -> Option<OwnedSemaphorePermit> {
        self.free.clone().try_acquire_many_owned(u32::try_from(units).ok()?).ok()
    }

    async fn take(&self, units: usize) -> Result<OwnedSemaphorePermit, Fault> {
        let exhausted = || {
            Fault::new(
                FaultKind::BodiesExhausted,
                "The gateway's memory for request bodies is used up. Try again in a moment.",
            )
        };
        let many = u32::try_from(units).map_err(|_| exhausted())?;
        let room = self.free.clone().acquire_many_owned(many);
        match tokio::time::timeout(PATIENCE, room).await {
            Ok(Ok(permit)) => Ok(permit),
            Ok(Err(_)) | Err(_) => Err(exhausted()),
        }
    }
}

impl Reservation {
    /// Bytes held.
    pub fn bytes(&self) -> usize {
        self.held.iter().map(OwnedSemaphorePermit::num_permits).sum::<usize>() * UNIT
    }

    /// Holds at least so many bytes; see [`BodyBudget::reserve`].
    ///
    /// # Errors
    ///
    /// As [`BodyBudget::reserve`]; what was held stays held.
    pub async fn grow_to(&mut self, bytes: usize) -> Result<(), Fault> {
        let wanted = bytes.div_ceil(UNIT);
        let held = self.bytes() / UNIT;
        if wanted > held {
            self.held.push(self.budget.take(wanted - held, wanted).await?);
        }
        Ok(())
    }

    /// Gives back all but so many bytes.
    pub fn shrink_to(&mut self, bytes: usize) {
        let mut surplus = (self.bytes() / UNIT).saturating_sub(bytes.div_ceil(UNIT));
        while surplus > 0 {
            let Some(last) = self.held.last_mut() else { return };
            let give = surplus.min(last.num_permits());
            drop(last.split(give));
            surplus -= give;
            if last.num_permits() == 0 {
                self.held.pop();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KIB: usize = 1024;

    #[tokio::test(start_paused = true)]
    async fn the_sum_never_passes_the_budget_and_drop_gives_back() {
        let budget = BodyBudget::new(1024 * KIB);
        let all = budget.free();
        let mut first = budget.reserve(400 * KIB).await.unwrap();
        assert_eq!(budget.free(), all - 400 * KIB);
        assert_eq!(budget.reserve(300 * KIB).await.unwrap_err().kind, FaultKind::BodiesExhausted);
        first.shrink_to(100 * KIB);
        assert_eq!(first.bytes(), 100 * KIB);
        let second = budget.reserve(300 * KIB).await.unwrap();
        drop((first, second));
        assert_eq!(budget.free(), all);
    }

    #[tokio::test(start_paused = true)]
    async fn a_large_body_waits_its_turn_and_small_ones_do_not() {
        let budget = BodyBudget::new(1024 * KIB);
        let first = budget.reserve(400 * KIB).await.unwrap();
        let waiting = {
            let budget = budget.clone();
            async move { budget.reserve(400 * KIB).await }
        };
        tokio::pin!(waiting);
        assert!(tokio::time::timeout(Duration::from_secs(1), waiting.as_mut()).await.is_err());
        budget.reserve(10 * KIB).await.unwrap();
        drop(first);
        assert_eq!(waiting.await.unwrap().bytes(), 400 * KIB);
    }

    #[tokio::test(start_paused = true)]
    async fn pf06_the_heads_of_large_bodies_leave_room_for_small_ones() {
        let budget = BodyBudget::new(4096 * KIB);
        let large = budget.reserve(1792 * KIB).await.unwrap();
        let mut heads = Vec::new();
        while let Ok(head) = tokio::time::timeout(Duration::ZERO, budget.reserve(SMALL + AROUND)).await {
            heads.push(head.unwrap());
        }
        assert_eq!(heads.len(), 12, "three quarters of the lane");
        for _ in 0..16 {
            heads.push(budget.reserve(SMALL).await.unwrap());
        }
        assert_eq!(budget.free(), 0);
        drop(large);
    }

    #[tokio::test(start_paused = true)]
    async fn what_can_never_fit_is_refused_at_once() {
        let budget = BodyBudget::new(1024 * KIB);
        assert_eq!(budget.reserve(1792 * KIB).await.unwrap_err().kind, FaultKind::BodyTooLarge);
    }
}
