//! The log: one JSON object a line, or text for people, on standard error.

use tollgate_core::config::{Log, LogFormat};
use tracing_subscriber::EnvFilter;

/// Begins to log as configured. A filter that cannot be read counts as `info`, and says so.
pub fn begin(log: &Log) {
    let (filter, bad) = match EnvFilter::try_new(&log.level) {
        Ok(filter) => (filter, None),
        Err(why) => (EnvFilter::new("info"), Some(why.to_string())),
    };
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match log.format {
        LogFormat::Json => builder.json().flatten_event(true).with_current_span(false).with_span_list(false).init(),
        LogFormat::Text => builder.init(),
    }
    if let Some(why) = bad {
        tracing::warn!(%why, "`log.level` cannot be read; logging at `info`");
    }
}
