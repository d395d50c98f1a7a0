//! The one place that spawns. Every task has a name, a panic costs that task and nothing else (it is caught, logged and
//! counted), and shutdown is three steps that every task can watch: *draining* (no new work) or *leaving* (new work goes to
//! another process), *ending* (the grace is over: say goodbye in-band), *stopped* (background tasks are dropped).

use std::any::Any;
use std::collections::BTreeMap;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::sync::Semaphore;
use tokio::task::coop::{consume_budget, has_budget_remaining};
use tokio::task::{AbortHandle, JoinHandle, block_in_place};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How long tasks may take to say goodbye once the grace is over.
const FAREWELL: Duration = Duration::from_secs(5);

/// From this size on what is done with a body keeps a processor busy for longer than other calls should wait.
const LARGE: usize = 512 * 1024;

/// Large bodies go on one at a time: a flood of them would else stand before every other call in the scheduler's queue.
static GATE: Semaphore = Semaphore::const_new(1);

/// Spawns tasks and ends them. Cheap to clone; all clones are one.
#[derive(Clone, Debug, Default)]
pub struct Tasks {
    inner: Arc<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    tracker: TaskTracker,
    draining: CancellationToken,
    leaving: CancellationToken,
    closing: CancellationToken,
    ending: CancellationToken,
    stopped: CancellationToken,
    panics: Mutex<BTreeMap<&'static str, u64>>,
}

/// A future panicked; its message is in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Panicked;

/// How a drain ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drained {
    /// All work ended by itself within the grace.
    Clean,
    /// The grace was over; the rest ended when told to.
    Ended,
    /// So many tasks did not end even then, and are dropped.
    Left(usize),
}

impl Tasks {
    /// No tasks yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Runs work that shutdown waits for, such as a connection with a call on it. `None` after a panic.
    pub fn spawn<F>(&self, name: &'static str, future: F) -> JoinHandle<Option<F::Output>>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let tasks = self.clone();
        let fenced = Fence::new(|| future);
        self.inner.tracker.spawn(async move { tasks.within(name, fenced).await.ok() })
    }

    /// Runs a task that shutdown does not wait for, such as a sweeper or an idle connection; it is dropped at the end.
    pub fn background<F>(&self, name: &'static str, future: F) -> AbortHandle
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let tasks = self.clone();
        let fenced = Fence::new(|| future);
        #[expect(clippy::disallowed_methods, reason = "this is the place that the ban points to")]
        let handle = tokio::spawn(async move {
            tokio::select! {
                () = tasks.inner.stopped.cancelled() => {}
                _ = tasks.within(name, fenced) => {}
            }
        });
        handle.abort_handle()
    }

    /// Runs a future in place; a panic in it is caught, logged and counted under the name.
    ///
    /// # Errors
    ///
    /// [`Panicked`] if it did.
    #[inline(always)]
    pub fn fence<F: Future>(
        &self,
        name: &'static str,
        make: impl FnOnce() -> F,
    ) -> impl Future<Output = Result<F::Output, Panicked>> {
        self.within(name, Fence::new(make))
    }

    async fn within<F: Future>(&self, name: &'static str, fenced: Fence<F>) -> Result<F::Output, Panicked> {
        match fenced.await {
            Ok(output) => Ok(output),
            Err(cause) => {
                self.record_panic(name, cause.as_ref());
                Err(Panicked)
            }
        }
    }

    /// Panics so far, by name of the task.
    pub fn panics(&self) -> BTreeMap<&'static str, u64> {
        self.inner.panics.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Work that shutdown would wait for now.
    pub fn running(&self) -> usize {
        self.inner.tracker.len()
    }

    /// Cancelled when shutdown begins: readiness turns to 503 and no new calls are taken.
    pub fn draining(&self) -> &CancellationToken {
        &self.inner.draining
    }

    /// Cancelled when another process takes over: listeners are closed, and connections end with what they carry.
    pub fn leaving(&self) -> &CancellationToken {
        &self.inner.leaving
    }

    /// Cancelled with either of these: what watches for the end at each turn of its own watches one.
    pub fn closing(&self) -> &CancellationToken {
        &self.inner.closing
    }

    /// Cancelled when the grace is over: streams end with an in-band error.
    pub fn ending(&self) -> &CancellationToken {
        &self.inner.ending
    }

    /// Shuts down: begins the drain, waits up to `grace` for work to end, tells the rest to end, and drops what remains.
    pub async fn drain(&self, grace: Duration) -> Drained {
        self.inner.draining.cancel();
        self.inner.closing.cancel();
        self.end(grace).await
    }

    /// Shuts down for a process that listens at the same addresses: what came here is still served, what comes goes there.
    /// Waits and ends as [`drain`](Self::drain) does.
    pub async fn hand_over(&self, grace: Duration) -> Drained {
        self.inner.leaving.cancel();
        self.inner.closing.cancel();
        self.end(grace).await
    }

    async fn end(&self, grace: Duration) -> Drained {
        self.inner.tracker.close();
        let clean = tokio::time::timeout(grace, self.inner.tracker.wait()).await.is_ok();
        self.inner.ending.cancel();
        let ended = clean || tokio::time::timeout(FAREWELL, self.inner.tracker.wait()).await.is_ok();
        self.inner.stopped.cancel();
        match (clean, ended) {
            (true, _) => Drained::Clean,
            (false, true) => Drained::Ended,
            (false, false) => Drained::Left(self.running()),
        }
    }

    fn record_panic(&self, name: &'static str, cause: &(dyn Any + Send)) {
        let message = cause
            .downcast_ref::<&str>()
            .map(|text| (*text).to_owned())
            .or_else(|| cause.downcast_ref::<String>().cloned())
            .unwrap_or_else(|| "no message".to_owned());
        tracing::error!(task = name, %message, "a task panicked; this is a bug in Tollgate, please report it");
        *self.inner.panics.lock().unwrap_or_else(PoisonError::into_inner).entry(name).or_default() += 1;
    }
}

/// hyper's own tasks (one per h2 stream) through the same door.
#[derive(Clone, Debug)]
pub struct HyperExecutor {
    /// Where they are spawned.
    pub tasks: Tasks,
    /// Their name in the log and in the count of panics.
    pub name: &'static str,
}

impl<F> hyper::rt::Executor<F> for HyperExecutor
where
    F: Future + Send + 'static,
{
    fn execute(&self, future: F) {
        self.tasks.background(self.name, async move {
            future.await;
        });
    }
}

/// A future in a box, made where it stays: `Box::pin` makes it on the stack and copies all of it, with the room for what it will
/// hold.
#[inline(always)]
pub fn boxed<F: Future>(make: impl FnOnce() -> F) -> Pin<Box<F>> {
    Box::into_pin(in_box(make))
}

/// The same of any value.
#[inline(always)]
pub fn in_box<T>(make: impl FnOnce() -> T) -> Box<T> {
    Box::write(Box::new_uninit(), make())
}

/// Lets all other work go first, and one large body at a time.
pub async fn wait_in_line() {
    let turn = GATE.acquire().await;
    give_way().await;
    drop(turn);
}

/// Works through so many bytes. Many of them are worked through by a thread of their own, one body at a time, so that no
/// other call waits for this one.
pub async fn work<T>(bytes: usize, work: impl FnOnce() -> T) -> T {
    if bytes < LARGE || Handle::current().runtime_flavor() == RuntimeFlavor::CurrentThread {
        return work();
    }
    let _turn = GATE.acquire().await;
    block_in_place(work)
}

/// Lets every task that is ready go first. A `yield_now` inside a service is not enough: hyper asks a connection's service
/// again in the same turn. With the task's budget spent, neither it nor the socket goes on before the next one.
async fn give_way() {
    // Outside a task, budgets have no end.
    for _ in 0..=u8::MAX {
        if !has_budget_remaining() {
            break;
        }
        consume_budget().await;
    }
    consume_budget().await;
}

/// Boxed before anything holds it: a future that is passed by value has its room in each that it is passed through.
struct Fence<F> {
    future: Pin<Box<F>>,
}

impl<F: Future> Fence<F> {
    #[inline(always)]
    fn new(make: impl FnOnce() -> F) -> Self {
        Self { future: boxed(make) }
    }
}

impl<F: Future> Future for Fence<F> {
    type Output = Result<F::Output, Box<dyn Any + Send>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        // Unwind safe: the future is never polled again after a panic, and what it shared is behind locks and atomics.
        match catch_unwind(AssertUnwindSafe(|| self.future.as_mut().poll(cx))) {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(output)) => Poll::Ready(Ok(output)),
            Err(cause) => Poll::Ready(Err(cause)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_costs_one_task_and_is_counted() {
        let tasks = Tasks::new();
        assert_eq!(tasks.spawn("boom", async { panic!("on purpose") }).await.unwrap(), None::<()>);
        assert_eq!(tasks.spawn("fine", async { 7 }).await.unwrap(), Some(7));
        assert_eq!(tasks.fence("boom", || async { panic!("{}", "again") }).await, Err::<(), _>(Panicked));
        assert_eq!(tasks.panics(), BTreeMap::from([("boom", 2)]));
    }

    #[tokio::test(start_paused = true)]
    async fn drain_waits_for_work_and_not_for_background() {
        let tasks = Tasks::new();
        tasks.spawn("work", tokio::time::sleep(Duration::from_secs(3)));
        tasks.background("sweeper", std::future::pending());
        assert_eq!(tasks.drain(Duration::from_secs(10)).await, Drained::Clean);
    }

    #[tokio::test(start_paused = true)]
    async fn after_the_grace_work_is_told_to_end() {
        let tasks = Tasks::new();
        let ending = tasks.ending().clone();
        tasks.spawn("polite", async move { ending.cancelled().await });
        assert_eq!(tasks.drain(Duration::from_secs(1)).await, Drained::Ended);
        tasks.spawn("deaf", std::future::pending::<()>());
        assert_eq!(tasks.drain(Duration::from_secs(1)).await, Drained::Left(1));
    }
}
