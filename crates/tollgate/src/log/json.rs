//! One JSON object a line. The record of a call, which is JSON already, stands in it as the object that it is.

use std::fmt;

use tollgate_core::Now;
use tollgate_server::clock::Clock;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

/// The field that holds the record of a call as JSON (`tollgate_server::app`).
const RECORD: &str = "call";

/// Writes lines.
pub struct JsonLines {
    /// For the time that each has.
    pub clock: Clock,
}

impl JsonLines {
    fn now(&self) -> Now {
        Now { unix_ms: self.clock.unix_ms(), ..Now::default() }
    }
}

impl<S, N> FormatEvent<S, N> for JsonLines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'w> FormatFields<'w> + 'static,
{
    fn format_event(&self, _: &FmtContext<'_, S, N>, mut out: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let about = event.metadata();
        out.write_str("{\"timestamp\":\"")?;
        out.write_str(&self.now().timestamp())?;
        // Piece by piece: each call writes a line, and to interpret a format costs more than its pieces.
        for piece in ["\",\"level\":\"", about.level().as_str(), "\",\"target\":\"", about.target(), "\""] {
            out.write_str(piece)?;
        }
        let mut members = Members { out, result: Ok(()) };
        event.record(&mut members);
        members.result?;
        members.out.write_str("}\n")
    }
}

/// Writes an event's fields as members of the line's object.
struct Members<'w> {
    out: Writer<'w>,
    result: fmt::Result,
}

impl Members<'_> {
    /// A value that is JSON already.
    fn put(&mut self, field: &Field, json: &str) {
        for piece in [",\"", field.name(), "\":", json] {
            self.result = self.result.and_then(|()| self.out.write_str(piece));
        }
    }

    fn text(&mut self, field: &Field, text: &str) {
        self.put(field, &serde_json::to_string(text).unwrap_or_default());
    }
}

impl Visit for Members<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == RECORD && value.starts_with('{') { self.put(field, value) } else { self.text(field, value) }
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, &value.to_string());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, &value.to_string());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, if value { "true" } else { "false" });
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.text(field, &format!("{value:?}"));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Paper(Arc<Mutex<Vec<u8>>>);

    impl std::io::Write for Paper {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_line_is_one_object_whatever_is_in_it() {
        let paper = Paper::default();
        let writer = paper.clone();
        let subscriber = tracing_subscriber::fmt()
            .event_format(JsonLines { clock: Clock::start() })
            .with_writer(move || writer.clone())
            .finish();
        tracing::subscriber::with_default(subscriber, || {
            tracing::info!(target: "tollgate::call", call = r#"{"id":"1","n":2}"#);
            tracing::warn!(left = 3_u64, ok = false, why = "a \"quote\"\nand more", what = ?Some(1), "it {}", "broke");
            tracing::error!(error = %"no call");
        });
        let text = String::from_utf8(paper.0.lock().unwrap().clone()).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 3, "{text}");
        for line in &lines {
            assert!(tollgate_wire::json::Node::read(line.as_bytes()).is_some(), "no JSON: {line}");
        }
        assert!(lines[0].ends_with(r#""level":"INFO","target":"tollgate::call","call":{"id":"1","n":2}}"#), "{text}");
        assert!(
            lines[1]
                .contains(r#""message":"it broke","left":3,"ok":false,"why":"a \"quote\"\nand more","what":"Some(1)""#)
        );
    }
}
