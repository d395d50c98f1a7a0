//! Tollgate: one binary between applications and the models they call.

mod cli;
mod configure;
mod local;
mod log;
mod models;
mod retired;
mod serve;
mod watch;

use std::process::ExitCode;

use clap::Parser;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    cli::run(cli::Cli::parse())
}
