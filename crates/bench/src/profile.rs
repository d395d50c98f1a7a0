//! A gateway under load for a profiler to look at: it prints the gateway's process id, and stays for some seconds.

use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use crate::Failure;
use crate::cases::{Lane, calls};
use crate::process::{Pinned, cores};
use crate::subjects::{Bench, Subject};
use crate::window::{Spans, measure};

/// What to run.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// The gateway's release binary.
    #[arg(long, default_value = "target/release/tollgate")]
    tollgate: PathBuf,
    /// Where logs go.
    #[arg(long, default_value = "target/profile")]
    folder: PathBuf,
    /// The way through the gateway, as it is called in the report.
    #[arg(long, default_value = "relay")]
    lane: String,
}

/// Runs the load.
pub fn run(options: &Options) -> Result<(), Failure> {
    let case = calls().into_iter().next().ok_or("there are no cases")?;
    let lane: Lane = *case.lanes.iter().find(|lane| lane.name() == options.lane).ok_or("there is no such lane")?;
    let bench = Bench::new(options.tollgate.clone(), PathBuf::new(), std::path::absolute(&options.folder)?, &cores())?;
    let gateway = bench.start(Subject::Gateway)?;
    let id = gateway.process.as_ref().map_or(0, Pinned::id);
    let mut out = std::io::stdout().lock();
    writeln!(out, "{id}")?;
    out.flush()?;
    measure(&bench, &gateway, lane, &case, Spans { warm: Duration::from_secs(1), count: Duration::from_secs(6) })?;
    Ok(())
}
