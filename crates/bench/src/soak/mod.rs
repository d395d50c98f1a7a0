//! `make soak`: mixed traffic for an hour, while the gateway's memory is looked at each second; it must stay flat, and when
//! the traffic has ended nothing may be left open. (PF02 in short; `make test` runs a minute of it.)

mod traffic;
mod verdict;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use tokio::task::LocalSet;

use crate::load::client::Connection;
use crate::process::{Pinned, cores};
use crate::report;
use crate::subjects::{Bench, Subject};
use crate::{Failure, clock, say};
use traffic::{Ended, Kind, kinds};
use verdict::Memory;

/// How to run.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// How long.
    #[arg(long, default_value_t = 60.0)]
    minutes: f64,
    /// Calls that begin each second.
    #[arg(long, default_value_t = 60)]
    rate: u64,
    /// The gateway's binary.
    #[arg(long, default_value = "target/release/tollgate")]
    tollgate: PathBuf,
    /// Where logs go.
    #[arg(long, default_value = "target/soak")]
    folder: PathBuf,
    /// The page whose table is written anew; none with `--no-page`.
    #[arg(long, default_value = "docs/performance.md")]
    page: PathBuf,
    /// Only print.
    #[arg(long)]
    no_page: bool,
}

/// How long calls that are under way may take to end, and then descriptors to be closed.
const LAST: Duration = Duration::from_secs(40);

/// Connections that clients keep.
const KEPT: usize = 32;

/// What all calls share.
struct Clients {
    address: SocketAddr,
    kinds: Vec<Kind>,
    kept: RefCell<Vec<Connection>>,
    calls: Cell<u64>,
    rushed: Cell<u64>,
    wrong: RefCell<BTreeMap<String, u64>>,
    under_way: Cell<u64>,
}

/// What was seen.
struct Seen {
    memory: Memory,
    calls: u64,
    /// Of these, refused since the gateway had no time.
    rushed: u64,
    wrong: BTreeMap<String, u64>,
    /// Descriptors that are no connection to the upstream, before and after.
    descriptors: (f64, f64),
    /// Resident memory at rest before and after, in MiB.
    rest: (f64, f64),
}

/// Runs the traffic; fails when something was left over.
pub fn run(options: &Options) -> Result<(), Failure> {
    let folder = std::path::absolute(&options.folder)?;
    let bench = Bench::new(options.tollgate.clone(), PathBuf::new(), folder, &cores())?;
    let gateway = bench.start(Subject::Gateway)?;
    let process = gateway.process.as_ref().ok_or("there is no process to look at")?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let clients = Rc::new(Clients {
        address: SocketAddr::from(([127, 0, 0, 1], gateway.port)),
        kinds: kinds(),
        kept: RefCell::default(),
        calls: Cell::new(0),
        rushed: Cell::new(0),
        wrong: RefCell::default(),
        under_way: Cell::new(0),
    });
    let seen = LocalSet::new().block_on(&runtime, soak(options, &bench, process, &clients))?;
    let table = table(options, &seen);
    say(&table);
    if !options.no_page {
        report::write_soak(&table, &options.page)?;
    }
    judge(&seen)
}

async fn soak(options: &Options, bench: &Bench, process: &Pinned, clients: &Rc<Clients>) -> Result<Seen, Failure> {
    // Connections for upstreams under TLS are made a moment after the start.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let before = (own_descriptors(bench, process)?, mebibytes(process)?);
    let seconds = Duration::from_secs_f64(options.minutes * 60.0).as_secs();
    let pause = Duration::from_micros(1_000_000 / options.rate.max(1));
    let sending = {
        let clients = Rc::clone(clients);
        tokio::task::spawn_local(async move {
            let mut clock = tokio::time::interval(pause);
            for next in 0.. {
                clock.tick().await;
                tokio::task::spawn_local(one(Rc::clone(&clients), next));
            }
        })
    };
    let mut samples = Vec::new();
    for second in 1..=seconds {
        tokio::time::sleep(Duration::from_secs(1)).await;
        samples.push(mebibytes(process)?);
        if second % 60 == 0 {
            let (calls, last) = (clients.calls.get(), samples.last().copied().unwrap_or_default());
            say(&format!("soak: minute {}: {calls} calls, {last:.1} MiB", second / 60));
        }
    }
    sending.abort();
    let until = clock::now() + LAST;
    while clock::now() < until && (clients.under_way.get() > 0 || own_descriptors(bench, process)? > before.0) {
        // Calls that were under way gave theirs back.
        clients.kept.borrow_mut().clear();
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
    Ok(Seen {
        memory: Memory::of(&samples),
        calls: clients.calls.get(),
        rushed: clients.rushed.get(),
        wrong: clients.wrong.borrow().clone(),
        descriptors: (before.0, own_descriptors(bench, process)?),
        rest: (before.1, mebibytes(process)?),
    })
}

/// The next call; every fourth comes over a connection of its own.
async fn one(clients: Rc<Clients>, next: usize) {
    clients.under_way.set(clients.under_way.get() + 1);
    let kept = if next.is_multiple_of(4) { None } else { clients.kept.borrow_mut().pop() };
    let kind = &clients.kinds[next % clients.kinds.len()];
    let done = kind.call(kept, clients.address).await;
    clients.under_way.set(clients.under_way.get() - 1);
    clients.calls.set(clients.calls.get() + 1);
    match done {
        Ok(Ended::Right(Some(connection))) if clients.kept.borrow().len() < KEPT => {
            clients.kept.borrow_mut().push(connection);
        }
        Ok(Ended::Right(_)) => {}
        Ok(Ended::InARush) => clients.rushed.set(clients.rushed.get() + 1),
        Err(why) => *clients.wrong.borrow_mut().entry(why).or_default() += 1,
    }
}

/// Descriptors of the gateway but for its connections to the upstream, which it keeps on purpose.
fn own_descriptors(bench: &Bench, process: &Pinned) -> Result<f64, Failure> {
    let counts = bench.counts()?;
    let upstream: f64 = counts.iter().filter(|(name, _)| name.ends_with(".open")).map(|(_, open)| open).sum();
    #[expect(clippy::cast_precision_loss, reason = "a count of descriptors")]
    let all = process.descriptors()? as f64;
    // One of the open ones is the question itself.
    Ok(all - (upstream - 1.0))
}

#[expect(clippy::cast_precision_loss, reason = "a figure for a report")]
fn mebibytes(process: &Pinned) -> Result<f64, Failure> {
    Ok(process.memory()? as f64 / (1024.0 * 1024.0))
}

fn table(options: &Options, seen: &Seen) -> String {
    let Seen { memory, calls, rushed, wrong, descriptors, rest } = seen;
    let wrong: u64 = wrong.values().sum();
    format!(
        "| day | minutes | calls | refused in a rush | wrongly answered | memory early, MiB | late | allowed | peak | at rest before | after | descriptors before | after |\n\
         |---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|\n\
         | {} | {:.1} | {calls} | {rushed} | {wrong} | {:.1} | {:.1} | {:.1} | {:.1} | {:.1} | {:.1} | {:.0} | {:.0} |\n",
        clock::today(),
        options.minutes,
        memory.early,
        memory.late,
        memory.allowed(),
        memory.peak,
        rest.0,
        rest.1,
        descriptors.0,
        descriptors.1
    )
}

fn judge(seen: &Seen) -> Result<(), Failure> {
    let mut complaints = Vec::new();
    if !seen.memory.is_flat() {
        complaints.push(format!("memory grew from {:.1} to {:.1} MiB", seen.memory.early, seen.memory.late));
    }
    if seen.descriptors.1 > seen.descriptors.0 {
        complaints.push(format!("descriptors were {} and are {}", seen.descriptors.0, seen.descriptors.1));
    }
    if seen.calls == 0 || seen.rushed * 2 > seen.calls {
        complaints.push(format!("of {} calls {} were refused in a rush: send fewer (--rate)", seen.calls, seen.rushed));
    }
    complaints.extend(seen.wrong.iter().map(|(what, count)| format!("{count} × {what}")));
    if complaints.is_empty() { Ok(()) } else { Err(format!("soak: {}", complaints.join("; ")).into()) }
}
