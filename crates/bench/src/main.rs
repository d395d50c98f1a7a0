//! `make bench`: the gateway beside nginx, on one core each time, in the same run and in turns, so that drift cancels.
//!
//! Three processes: the *subject* (gateway or nginx) alone on one core; on the other the *upstream*, which plays three
//! providers, and the *load*. What is trusted is the subject's processor time per call: it counts neither who else is busy
//! on the machine nor how fast the load is.

mod cases;
mod clock;
mod load;

mod process;
mod report;
mod run;
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
        /// Port of loopback.
        port: u16,
    },
    /// One load; prints what it saw.
    Load(load::Options),
    /// The report again, from what the last run measured.
    Report {
        /// The file of the last run.
        results: PathBuf,
    },
}

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Run(options) => run::run(&options),
        Command::Upstream { port } => upstream::serve(port),
        Command::Load(options) => load::run(&options),
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
