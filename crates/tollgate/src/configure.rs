//! Where the configuration comes from: the file, the environment, the files that it names. The one place that reads them.

use std::collections::HashMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use tollgate_core::config::{self, Config, Surroundings};
use tollgate_server::app::State;
use tollgate_server::catalogue::BuiltIn;
use tollgate_server::provider;

use crate::local::{self, Neighbours};

/// A configuration file, or the environment alone.
#[derive(Clone, Debug)]
pub struct Source {
    file: Option<PathBuf>,
    neighbours: Neighbours,
}

/// The process's environment and files; without a configuration file also the model servers found on this machine, as if
/// their variables were set.
#[derive(Default)]
struct Process {
    found: HashMap<&'static str, String>,
}

impl Surroundings for Process {
    #[expect(clippy::disallowed_methods, reason = "this is where the configuration is loaded")]
    fn variable(&self, name: &str) -> Option<String> {
        std::env::var(name).ok().or_else(|| self.found.get(name).cloned())
    }

    fn file(&self, path: &str) -> Result<String, String> {
        std::fs::read_to_string(path).map_err(|e| e.to_string())
    }
}

impl Source {
    /// This file, or the environment.
    pub fn new(file: Option<PathBuf>) -> Self {
        Self { file, neighbours: Neighbours::default() }
    }

    /// The file, if there is one.
    pub fn file(&self) -> Option<&PathBuf> {
        self.file.as_ref()
    }

    /// The model servers found on this machine; none beside a file.
    pub fn neighbours(&self) -> &Neighbours {
        &self.neighbours
    }

    /// `TOLLGATE_DISCOVER`: whether and where to look for model servers on this machine.
    pub fn discovery(&self) -> Option<String> {
        Process::default().variable("TOLLGATE_DISCOVER")
    }

    /// Reads and checks the configuration and makes its providers ready; all that is wrong, as text.
    pub fn state(&self) -> Result<State, String> {
        let found = self.neighbours.all();
        let process = Process { found: local::variables(&found) };
        let mut config = self.config(&process)?;
        for host in &found {
            config.providers.add_models(host.provider, host.models.iter());
        }
        let config = Arc::new(config);
        let providers = provider::all(&config, &process).map_err(|faults| {
            let lines: Vec<_> = faults.iter().map(|fault| format!("{self}: {}", fault.public)).collect();
            lines.join("\n")
        })?;
        Ok(State::new(config, providers))
    }

    fn config(&self, process: &Process) -> Result<Config, String> {
        let Some(path) = &self.file else {
            return config::from_environment(process, &BuiltIn).map_err(|problems| problems.to_string());
        };
        let text = std::fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))?;
        config::load(&text, process, &BuiltIn).map_err(|problems| {
            let name = path.display();
            problems.0.iter().map(|p| format!("{name}:{p}")).collect::<Vec<_>>().join("\n")
        })
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.file {
            Some(path) => path.display().fmt(f),
            None => f.write_str("the environment"),
        }
    }
}
