//! `tollgate models`: lists, filters and compares what can be named, each offer with its sources.

mod compare;
mod filter;
mod json;
mod rows;
mod table;

use std::process::ExitCode;

use clap::{Args, Subcommand};
use tollgate_server::app::State;

use crate::cli::{complain, print};
use crate::configure::Source;
use filter::Filter;

/// What of the models is shown.
#[derive(Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Models {
    #[command(subcommand)]
    command: Option<Compare>,
    #[command(flatten)]
    filter: Filter,
    /// As one JSON array.
    #[arg(long)]
    json: bool,
}

#[derive(Subcommand)]
enum Compare {
    /// Shows models side by side.
    Compare {
        /// Two names or more, such as `openai/gpt-5.5`.
        #[arg(required = true, num_args = 2..)]
        names: Vec<String>,
        /// As one JSON array.
        #[arg(long)]
        json: bool,
    },
}

/// Runs the command.
pub fn run(source: &Source, asked: &Models) -> ExitCode {
    let state = match source.state() {
        Ok(state) => state,
        Err(problems) => {
            complain(&problems);
            return ExitCode::FAILURE;
        }
    };
    match show(&state, asked) {
        Ok(text) => print(&text),
        Err(why) => {
            complain(&why);
            ExitCode::FAILURE
        }
    }
}

fn show(state: &State, asked: &Models) -> Result<String, String> {
    if let Some(Compare::Compare { names, json }) = &asked.command {
        let rows = names.iter().map(|name| rows::named(state, name)).collect::<Result<Vec<_>, _>>()?;
        return Ok(if *json { json::array(&rows) } else { compare::table(&rows) });
    }
    let mut rows = rows::all(state);
    asked.filter.apply(&mut rows)?;
    if asked.json {
        return Ok(json::array(&rows));
    }
    let about = format!("{} models; catalogue of {}", rows.len(), state.config.catalogue.date());
    Ok(format!("{}\n{about}", table::list(&rows)))
}
