//! The commands.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tollgate_core::config;
use tollgate_wire::json;
use tollgate_wire::providers;

use crate::configure::Source;
use crate::serve;

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
    /// Lists the models that can be named here.
    Models {
        /// As one JSON array.
        #[arg(long)]
        json: bool,
    },
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
        Command::Models { json } => models(&source, json),
        Command::Providers { json } => list_providers(json),
    }
}

fn check(source: &Source) -> ExitCode {
    match source.state() {
        Ok(state) => {
            for warning in &state.config.warnings {
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

fn models(source: &Source, as_json: bool) -> ExitCode {
    let state = match source.state() {
        Ok(state) => state,
        Err(problems) => {
            complain(&problems);
            return ExitCode::FAILURE;
        }
    };
    let mut rows: Vec<(String, &str)> = state.config.models.keys().map(|name| (name.clone(), "virtual")).collect();
    for provider in state.providers.values() {
        let kind = if provider.simulated { "simulated" } else { "configured" };
        rows.extend(provider.model_names().map(|model| (format!("{}/{model}", provider.id), kind)));
    }
    rows.sort();
    if !as_json {
        return print(&rows.iter().map(|(name, kind)| format!("{name:48} {kind}")).collect::<Vec<_>>().join("\n"));
    }
    let mut out = Vec::new();
    json::array(&mut out, |a| {
        for (name, kind) in &rows {
            a.object(|o| {
                o.text("name", name);
                o.text("kind", kind);
            });
        }
    });
    print(&String::from_utf8_lossy(&out))
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
fn print(text: &str) -> ExitCode {
    use std::io::Write;
    let _ = writeln!(std::io::stdout().lock(), "{text}");
    ExitCode::SUCCESS
}

/// Tells the user what is wrong.
pub fn complain(text: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}
