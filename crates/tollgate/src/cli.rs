//! The commands.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tollgate_core::config;
use tollgate_server::clock::Clock;
use tollgate_wire::json;
use tollgate_wire::providers;

use crate::configure::Source;
use crate::models::{self, Models};
use crate::{retired, serve};

/// The LLM gateway: one URL before every model of every provider.
#[derive(Parser)]
#[command(name = "tollgate", version, about)]
pub struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    config: ConfigFlag,
}

/// Where the configuration is.
#[derive(clap::Args, Clone, Default)]
struct ConfigFlag {
    /// The configuration file; without one, providers are found by their environment variables.
    #[arg(long, env = "TOLLGATE_CONFIG", global = true)]
    config: Option<PathBuf>,
}

#[derive(Subcommand)]
enum Command {
    /// Serves (also the bare `tollgate`).
    Serve,
    /// Says all that is wrong with the configuration.
    Check,
    /// Prints the configuration's JSON Schema, for editors.
    Schema,
    /// Lists, filters and compares models: those of the configuration and all that the catalogue knows.
    Models(Models),
    /// Lists the providers that Tollgate knows.
    Providers {
        /// As one JSON array.
        #[arg(long)]
        json: bool,
    },
}

/// Runs a command.
pub fn run(cli: Cli) -> ExitCode {
    let source = Source::new(cli.config.config);
    match cli.command.unwrap_or(Command::Serve) {
        Command::Serve => serve::run(source),
        Command::Check => check(&source),
        Command::Schema => print(&config::schema()),
        Command::Models(asked) => models::run(&source, &asked),
        Command::Providers { json } => list_providers(json),
    }
}

fn check(source: &Source) -> ExitCode {
    match source.state() {
        Ok(state) => {
            let today = Clock::start().now().day();
            for warning in state.config.warnings.iter().chain(&retired::warnings(&state.config, &today)) {
                complain(&format!("warning: {warning}"));
            }
            let (models, keys) = (state.config.models.len(), state.config.keys.len());
            print(&format!(
                "{source} is valid: {} providers, {models} virtual models, {keys} keys",
                state.providers.len()
            ))
        }
        Err(problems) => {
            complain(&problems);
            ExitCode::FAILURE
        }
    }
}

fn list_providers(as_json: bool) -> ExitCode {
    if !as_json {
        let row = |p: &providers::Provider| {
            let dialects: Vec<_> = p.speaks.iter().map(|way| way.dialect.as_str()).collect();
            format!("{:16} {:48} {}", p.id, p.base_url, dialects.join(", "))
        };
        return print(&providers::ALL.iter().map(row).collect::<Vec<_>>().join("\n"));
    }
    let mut out = Vec::new();
    json::array(&mut out, |a| {
        for p in providers::ALL {
            a.object(|o| {
                o.text("id", p.id);
                o.text("name", p.name);
                o.text("base_url", p.base_url);
                o.array("dialects", |a| p.speaks.iter().for_each(|way| a.text(way.dialect.as_str())));
                o.array("ways", |a| p.speaks.iter().for_each(|way| a.object(|o| describe(o, p, way))));
                o.text("auth", p.auth.in_words());
                o.array("aliases", |a| p.aliases.iter().for_each(|alias| a.text(alias)));
                o.array("key_variables", |a| p.key_variables.iter().for_each(|name| a.text(name)));
            });
        }
    });
    print(&String::from_utf8_lossy(&out))
}

/// One dialect of a provider, how it travels and where.
fn describe(o: &mut json::ObjectWriter<'_>, provider: &providers::Provider, way: &providers::Speaks) {
    o.text("dialect", way.dialect.as_str());
    o.text("carriage", way.carriage);
    o.text("base_url", way.base_url.unwrap_or(provider.base_url));
    for (key, list) in [("models", way.models), ("except", way.except)] {
        if !list.is_empty() {
            o.array(key, |a| list.iter().for_each(|part| a.text(part)));
        }
    }
}

/// Prints for the user; a closed pipe is no failure.
pub fn print(text: &str) -> ExitCode {
    use std::io::Write;
    let _ = writeln!(std::io::stdout().lock(), "{text}");
    ExitCode::SUCCESS
}

/// Tells the user what is wrong.
pub fn complain(text: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}
