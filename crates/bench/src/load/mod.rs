//! The load, in a process of its own: closed loop (each connection sends its next call when the last is answered), open
//! loop (calls are due at fixed times, and late ones count from when they were due), or streams that are held.
//!
//! It prints `begin` and `end` around the time that counts, so that who measures the subject's processor time can look at
//! the same span, and then one line of results.

pub mod client;
mod pacer;
mod tally;

use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::task::{JoinSet, LocalSet};

use crate::Failure;
use crate::clock::{now, unix_nanos};
use client::Connection;
use pacer::Pacer;
use tally::Tally;
use tollgate_bench::payload::{Face, Payload, request};

/// What to do.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// Port of loopback.
    #[arg(long)]
    pub port: u16,
    /// The client's dialect.
    #[arg(long, value_enum)]
    pub face: Face,
    /// What is asked.
    #[arg(long, value_enum)]
    pub payload: Payload,
    /// The model: tells the upstream what to answer.
    #[arg(long)]
    pub model: String,
    /// Connections, or streams that are held.
    #[arg(long)]
    pub connections: usize,
    /// Calls due a second; 0 is a closed loop.
    #[arg(long, default_value_t = 0)]
    pub rate: u64,
    /// Milliseconds before it counts.
    #[arg(long, default_value_t = 300)]
    pub warm: u64,
    /// Milliseconds that count.
    #[arg(long, default_value_t = 1000)]
    pub count: u64,
}

/// What all connections share.
struct Run {
    address: SocketAddr,
    request: Vec<u8>,
    counting: Cell<bool>,
    over: Cell<bool>,
    tally: RefCell<Tally>,
}

/// Runs the load and prints what it saw.
pub fn run(options: &Options) -> Result<(), Failure> {
    let held = options.model.ends_with("/h");
    let stream = held || options.model.rsplit('/').next().is_some_and(|name| name.starts_with("s-"));
    let run = Rc::new(Run {
        address: SocketAddr::from(([127, 0, 0, 1], options.port)),
        request: request(options.face, options.payload, &options.model, stream),
        counting: Cell::new(false),
        over: Cell::new(false),
        tally: RefCell::default(),
    });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let local = LocalSet::new();
    local.block_on(&runtime, async { if held { hold(&run, options).await } else { call(&run, options).await } })
}

async fn call(run: &Rc<Run>, options: &Options) -> Result<(), Failure> {
    let mut connections = JoinSet::new();
    let pacer = (options.rate > 0).then(|| Pacer::start(options.rate));
    for _ in 0..options.connections {
        connections.spawn_local(serve(Rc::clone(run), pacer.clone()));
    }
    tokio::time::sleep(Duration::from_millis(options.warm)).await;
    print("begin");
    let began = now();
    run.counting.set(true);
    tokio::time::sleep(Duration::from_millis(options.count)).await;
    run.counting.set(false);
    let took = began.elapsed();
    print("end");
    run.over.set(true);
    connections.abort_all();
    if let Some(pacer) = &pacer {
        run.tally.borrow_mut().late = pacer.late_since(began);
        pacer.stop();
    }
    let line = run.tally.borrow_mut().line(took);
    print(&line);
    Ok(())
}

/// One connection's life. A broken one is counted and made anew.
async fn serve(run: Rc<Run>, pacer: Option<Pacer>) {
    while !run.over.get() {
        let Ok(mut connection) = Connection::open(run.address).await else {
            run.failed();
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        loop {
            let due = match &pacer {
                Some(pacer) => pacer.next().await,
                None => now(),
            };
            if one(&run, &mut connection, due).await.is_err() {
                run.failed();
                break;
            }
        }
    }
}

async fn one(run: &Run, connection: &mut Connection, due: Instant) -> std::io::Result<()> {
    let mut first = None;
    let mut chunks = Vec::new();
    let counting = run.counting.get();
    let status = connection
        .exchange(&run.request, |bytes| {
            for made in stamps(bytes) {
                first.get_or_insert_with(|| due.elapsed());
                chunks.push(unix_nanos().saturating_sub(made));
            }
        })
        .await?;
    if !(200..300).contains(&status) {
        run.failed();
    } else if counting || run.counting.get() {
        run.tally.borrow_mut().answered(due.elapsed(), first, &chunks);
    }
    Ok(())
}

impl Run {
    fn failed(&self) {
        if self.counting.get() {
            self.tally.borrow_mut().errors += 1;
        }
    }
}

/// The times at which the chunks in these bytes were made: digits between two `@`.
fn stamps(bytes: &[u8]) -> impl Iterator<Item = u64> + '_ {
    let mut left = bytes;
    std::iter::from_fn(move || {
        loop {
            let at = memchr::memchr(b'@', left)?;
            let rest = &left[at + 1..];
            let Some(end) = rest.iter().take(24).position(|b| !b.is_ascii_digit()) else {
                left = rest;
                continue;
            };
            left = &rest[end..];
            if end > 15 && left.first() == Some(&b'@') {
                left = &left[1..];
                return std::str::from_utf8(&rest[..end]).ok()?.parse().ok();
            }
        }
    })
}

/// Opens the streams, tells when each has said its first word, and holds them until it is killed.
async fn hold(run: &Rc<Run>, options: &Options) -> Result<(), Failure> {
    let mut held = Vec::with_capacity(options.connections);
    let mut opening = JoinSet::new();
    while held.len() < options.connections {
        while opening.len() < 32 && held.len() + opening.len() < options.connections {
            let run = Rc::clone(run);
            opening.spawn_local(async move {
                let mut connection = Connection::open(run.address).await?;
                match connection.first_word(&run.request).await? {
                    200 => Ok(connection),
                    status => Err(std::io::Error::other(format!("a stream was refused with {status}"))),
                }
            });
        }
        if let Some(done) = opening.join_next().await {
            held.push(done??);
        }
    }
    print("begin");
    print(&format!("result calls={}", held.len()));
    std::future::pending::<()>().await;
    Ok(())
}

fn print(line: &str) {
    use std::io::Write;
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stamps_are_found_and_other_signs_are_not() {
        let text = b"a@b.c data @1764000000000000001@ words @1764000000000000002@ @17640000";
        let found: Vec<u64> = stamps(text).collect();
        assert_eq!(found, [1_764_000_000_000_000_001, 1_764_000_000_000_000_002]);
    }
}
