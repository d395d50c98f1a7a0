//! `make bench`: the gateway beside nginx, on one core each time, in the same run and in turns, so that drift cancels.
//!
//! Three processes: the *subject* (gateway or nginx) alone on one core; on the other the *upstream*, which plays three
//! providers, and the *load*. What is trusted is the subject's processor time per call: it counts neither who else is busy
//! on the machine nor how fast the load is.

mod cases;
mod clock;
mod flame;
mod load;
mod process;
mod profile;
mod report;
mod run;
mod soak;
mod subjects;
mod upstream;
mod window;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Anything that ends a run; its text says what to do.
type Failure = Box<dyn std::error::Error + Send + Sync>;

#[derive(Parser)]
#[command(about = "Measures the gateway beside nginx")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// The whole benchmark.
    Run(run::Options),
    /// The upstream: OpenAI Chat, Anthropic and Gemini, as the model's name asks.
    Upstream {
        #[command(flatten)]
        ports: upstream::Ports,
        /// Where its certificate is.
        folder: PathBuf,
    },
    /// Keeps its core awake, and does nothing else.
    Awake,
    /// One load; prints what it saw.
    Load(load::Options),
    /// Mixed traffic for long, and whether the gateway's memory stays flat.
    Soak(soak::Options),
    /// A gateway under load, for a profiler to look at.
    Profile(profile::Options),
    /// A flame graph, from `perf script` on standard input to SVG on standard output.
    Flame {
        /// What stands above it.
        title: String,
    },
    /// The report again, from what the last run measured.
    Report {
        /// The file of the last run.
        results: PathBuf,
    },
}

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Run(options) => run::run(&options),
        Command::Upstream { ports, folder } => upstream::serve(ports, folder),
        Command::Awake => loop {
            std::hint::spin_loop();
        },
        Command::Load(options) => load::run(&options),
        Command::Profile(options) => profile::run(&options),
        Command::Soak(options) => soak::run(&options),
        Command::Flame { title } => flame::run(&title),
        Command::Report { results } => report::rewrite(&results),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            say(&format!("bench: {failure}"));
            ExitCode::FAILURE
        }
    }
}

/// Tells whoever watches.
fn say(line: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}
