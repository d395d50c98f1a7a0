//! Whose turn it is at a provider that takes so many calls at once: a bounded queue, interactive calls before batch ones.
//!
//! Invariant: a turn is given back exactly once, when its guard is dropped, and goes to who has waited longest of the
//! more urgent; nobody waits while a turn is free, also after a reload has changed how many there are.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;
use tollgate_core::config::Concurrency;
use tollgate_ir::{Fault, FaultKind, Retry};

/// The turns at all providers, by id: they outlive a reload.
#[derive(Debug, Default)]
pub struct Turns {
    gates: Mutex<BTreeMap<String, Arc<Gate>>>,
}

/// How urgent a call is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Priority {
    /// Somebody waits for it.
    #[default]
    Interactive,
    /// It may wait.
    Batch,
}

/// The turns at one provider.
#[derive(Debug, Default)]
struct Gate {
    line: Mutex<Line>,
}

#[derive(Debug, Default)]
struct Line {
    running: usize,
    /// How many turns there are, as the last call knew it.
    most: usize,
    interactive: VecDeque<oneshot::Sender<Turn>>,
    batch: VecDeque<oneshot::Sender<Turn>>,
}

/// A turn, until it is dropped.
#[derive(Debug)]
pub struct Turn {
    gate: Option<Arc<Gate>>,
}

impl Turns {
    /// Waits for a turn at a provider.
    pub async fn wait(&self, provider: &str, bounds: &Concurrency, priority: Priority) -> Result<Turn, Fault> {
        let gate = self.gate(provider);
        let turn = {
            gate.resize(bounds.concurrent);
            let mut line = gate.line();
            if line.running < line.most {
                line.running += 1;
                drop(line);
                return Ok(Turn { gate: Some(gate) });
            }
            line.clean();
            if line.waiting() >= bounds.queue {
                return Err(busy(provider, bounds));
            }
            let (sender, turn) = oneshot::channel();
            match priority {
                Priority::Interactive => line.interactive.push_back(sender),
                Priority::Batch => line.batch.push_back(sender),
            }
            turn
        };
        match tokio::time::timeout(bounds.wait, turn).await {
            Ok(Ok(turn)) => Ok(turn),
            _ => Err(busy(provider, bounds)),
        }
    }

    /// A turn, if one is free at once.
    pub fn now(&self, provider: &str, bounds: &Concurrency) -> Option<Turn> {
        let gate = self.gate(provider);
        gate.resize(bounds.concurrent);
        let mut line = gate.line();
        if line.running >= line.most {
            return None;
        }
        line.running += 1;
        drop(line);
        Some(Turn { gate: Some(gate) })
    }

    /// Provider, calls that have their turn, calls that wait.
    pub fn counts(&self) -> Vec<(String, usize, usize)> {
        let gates = self.gates.lock().unwrap_or_else(PoisonError::into_inner);
        let count = |(provider, gate): (&String, &Arc<Gate>)| {
            let mut line = gate.line();
            line.clean();
            (provider.clone(), line.running, line.waiting())
        };
        gates.iter().map(count).collect()
    }

    fn gate(&self, provider: &str) -> Arc<Gate> {
        let mut gates = self.gates.lock().unwrap_or_else(PoisonError::into_inner);
        match gates.get(provider) {
            Some(gate) => Arc::clone(gate),
            None => Arc::clone(gates.entry(provider.to_owned()).or_default()),
        }
    }
}

impl Gate {
    fn line(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// There are so many turns now. New ones go to those who wait.
    fn resize(self: &Arc<Self>, most: usize) {
        let more = {
            let mut line = self.line();
            let more = most.saturating_sub(line.most).min(line.waiting());
            line.most = most;
            line.running += more;
            more
        };
        // Handed on as turns that were just given back.
        (0..more).for_each(|_| drop(Turn { gate: Some(Arc::clone(self)) }));
    }
}

impl Line {
    fn waiting(&self) -> usize {
        self.interactive.len() + self.batch.len()
    }

    /// Forgets those who left.
    fn clean(&mut self) {
        self.interactive.retain(|sender| !sender.is_closed());
        self.batch.retain(|sender| !sender.is_closed());
    }

    /// Who is next; if nobody, or if there are too many turns, the turn is given up.
    fn next(&mut self) -> Option<oneshot::Sender<Turn>> {
        if self.running > self.most {
            self.running -= 1;
            return None;
        }
        let next = self.interactive.pop_front().or_else(|| self.batch.pop_front());
        if next.is_none() {
            self.running = self.running.saturating_sub(1);
        }
        next
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let Some(gate) = self.gate.take() else { return };
        loop {
            // The lock is not held while a turn is handed on: who refuses it would give it back under it.
            let Some(next) = gate.line().next() else { return };
            match next.send(Self { gate: Some(Arc::clone(&gate)) }) {
                Ok(()) => return,
                // Who waited has left: the turn is ours again.
                Err(mut back) => back.gate = None,
            }
        }
    }
}

fn busy(provider: &str, bounds: &Concurrency) -> Fault {
    let mut fault = Fault::new(
        FaultKind::TargetBusy,
        format!("`{provider}` is sent as many calls as allowed already. Send the request again in a while."),
    );
    fault.retry = Retry::After(bounds.wait.max(std::time::Duration::from_secs(1)));
    fault.detail(format!("providers.{provider}.limits: concurrent {}, queue {}", bounds.concurrent, bounds.queue))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const BOUNDS: Concurrency = Concurrency { concurrent: 1, queue: 3, wait: Duration::from_secs(5) };

    fn counts(turns: &Turns) -> (usize, usize) {
        turns.counts().first().map_or((0, 0), |(_, running, waiting)| (*running, *waiting))
    }

    #[tokio::test(start_paused = true)]
    async fn interactive_calls_go_before_batch_ones_and_the_queue_is_bounded() {
        let turns = Turns::default();
        let first = turns.wait("p", &BOUNDS, Priority::Interactive).await.unwrap();
        let order = Mutex::new(Vec::new());
        let call = |name: &'static str, priority| {
            let (turns, order) = (&turns, &order);
            async move {
                let turn = turns.wait("p", &BOUNDS, priority).await.unwrap();
                order.lock().unwrap().push(name);
                tokio::time::sleep(Duration::from_millis(10)).await;
                drop(turn);
            }
        };
        let late = async {
            tokio::time::sleep(Duration::from_millis(1)).await;
            assert_eq!(counts(&turns), (1, 3));
            let fault = turns.wait("p", &BOUNDS, Priority::Interactive).await.unwrap_err();
            assert_eq!(
                (fault.kind, fault.status, fault.retry),
                (FaultKind::TargetBusy, 503, Retry::After(BOUNDS.wait))
            );
            assert!(turns.now("p", &BOUNDS).is_none());
            drop(first);
        };
        tokio::join!(
            call("batch", Priority::Batch),
            call("one", Priority::Interactive),
            call("two", Priority::Interactive),
            late
        );
        assert_eq!(*order.lock().unwrap(), ["one", "two", "batch"]);
        assert_eq!(counts(&turns), (0, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn a_reload_changes_how_many_turns_there_are() {
        let (turns, all) = (Turns::default(), BOUNDS.queue + 3);
        let wide = Concurrency { concurrent: 3, queue: all, ..BOUNDS };
        let narrow = Concurrency { queue: all, ..BOUNDS };
        let mut running = Vec::new();
        for _ in 0..3 {
            running.push(turns.wait("p", &wide, Priority::Interactive).await.unwrap());
        }
        let wait = |bounds| {
            let turns = &turns;
            async move { turns.wait("p", bounds, Priority::Interactive).await.unwrap() }
        };
        let (mut one, mut two) = (Box::pin(wait(&narrow)), Box::pin(wait(&narrow)));
        assert!(futures_now(&mut one).await.is_none() && futures_now(&mut two).await.is_none());
        // Fewer: turns that end are given up, though others wait, until there are as few.
        running.truncate(1);
        assert_eq!(counts(&turns), (1, 2));
        running.clear();
        let first = futures_now(&mut one).await.expect("its turn");
        assert!(futures_now(&mut two).await.is_none());
        // More: who waits goes before who comes.
        let two_at_once = Concurrency { concurrent: 2, ..wide };
        let mut third = Box::pin(turns.wait("p", &two_at_once, Priority::Interactive));
        assert!(futures_now(&mut third).await.is_none());
        let second = futures_now(&mut two).await.expect("its turn");
        assert_eq!(counts(&turns), (2, 1));
        drop((first, second));
        drop(futures_now(&mut third).await.expect("its turn"));
        assert_eq!(counts(&turns), (0, 0));
    }

    /// What a future gives at once.
    async fn futures_now<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
        tokio::time::timeout(Duration::ZERO, future).await.ok()
    }

    #[tokio::test(start_paused = true)]
    async fn who_leaves_the_queue_costs_no_turn() {
        let turns = Turns::default();
        let first = turns.wait("p", &BOUNDS, Priority::Interactive).await.unwrap();
        let left = tokio::time::timeout(Duration::from_secs(1), turns.wait("p", &BOUNDS, Priority::Batch)).await;
        assert!(left.is_err());
        let waited = turns.wait("p", &BOUNDS, Priority::Batch).await.unwrap_err();
        assert_eq!(waited.kind, FaultKind::TargetBusy);
        drop(first);
        assert_eq!(counts(&turns), (0, 0));
        assert!(turns.now("p", &BOUNDS).is_some());
    }
}
