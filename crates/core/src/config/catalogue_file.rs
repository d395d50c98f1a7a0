//! The operator's catalogue file: read and checked with the configuration, so that a bad one changes nothing.

use std::sync::Arc;

use super::Surroundings;
use super::raw::RawCatalogue;
use super::report::Report;
use crate::catalogue::Catalogue;

const FILE: &str = "catalogue.file";

/// The bundled catalogue with the file's offers before it.
pub(super) fn check(raw: Option<RawCatalogue>, around: &dyn Surroundings, report: &mut Report<'_>) -> Arc<Catalogue> {
    let raw = raw.unwrap_or_default();
    let Some(path) = raw.file else { return Catalogue::bundled() };
    let text = match around.file(&path) {
        Ok(text) => text,
        Err(why) => {
            report.path(FILE, format!("`{path}` cannot be read: {why}"));
            return Catalogue::bundled();
        }
    };
    match Catalogue::with_file(&text, raw.force.unwrap_or_default()) {
        Ok(catalogue) => Arc::new(catalogue),
        Err(mistakes) => {
            for mistake in mistakes {
                report.path(FILE, format!("`{path}` {mistake}"));
            }
            Catalogue::bundled()
        }
    }
}
