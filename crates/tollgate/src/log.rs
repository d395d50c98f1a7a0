//! The log: one JSON object a line, or text for people, on standard error.

mod json;
mod sink;

use tollgate_core::config::{Log, LogFormat};
use tollgate_server::clock::Clock;
use tracing_subscriber::EnvFilter;

use json::JsonLines;
use sink::Sink;

/// The log of the process; when it is dropped, every line has been written.
#[must_use]
pub struct Logging(Sink);

/// Begins to log as configured. A filter that cannot be read counts as `info`, and says so.
pub fn begin(log: &Log) -> Logging {
    let (filter, bad) = match EnvFilter::try_new(&log.level) {
        Ok(filter) => (filter, None),
        Err(why) => (EnvFilter::new("info"), Some(why.to_string())),
    };
    let sink = Sink::start(std::io::stderr());
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(sink.clone());
    match log.format {
        LogFormat::Json => builder.event_format(JsonLines { clock: Clock::start() }).init(),
        LogFormat::Text => builder.init(),
    }
    if let Some(why) = bad {
        tracing::warn!(%why, "`log.level` cannot be read; logging at `info`");
    }
    Logging(sink)
}

impl Drop for Logging {
    fn drop(&mut self) {
        self.0.flush();
    }
}
