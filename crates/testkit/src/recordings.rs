//! Reads recorded traffic with providers, kept beside the repository and never in it. Absent, tests say so and pass.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;

/// The recordings.
#[derive(Clone, Debug)]
pub struct Recordings {
    folder: PathBuf,
    entries: Vec<Entry>,
}

/// A line of the index.
#[derive(Clone, Debug, Deserialize)]
struct Entry {
    id: String,
    file: String,
    protocol: String,
    #[serde(default)]
    features: Vec<String>,
}

/// One interaction.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// `<protocol>.<provider>.<10 hex digits>`.
    pub id: String,
    /// Which API was spoken.
    pub protocol: String,
    /// Who answered.
    pub provider: String,
    /// The model asked for.
    pub model: Option<String>,
    /// The reply is a stream.
    pub streaming: bool,
    /// `sse`, `aws-eventstream`, `ndjson`, `json-array`.
    pub stream_format: Option<String>,
    /// What it shows.
    pub features: Vec<String>,
    /// The request: method, path with query, body; `None` if only the reply was kept.
    pub request: Option<RecordedBody>,
    /// The reply.
    pub response: RecordedBody,
}

/// A side of an interaction.
#[derive(Clone, Debug)]
pub struct RecordedBody {
    /// Of a request.
    pub method: String,
    /// Of a request, percent-encoded as recorded.
    pub path: String,
    /// Of a request.
    pub query: String,
    /// Of a reply.
    pub status: u16,
    /// Names in lower case.
    pub headers: BTreeMap<String, String>,
    /// Streams and texts exactly as recorded; JSON compact, in the recorded order of keys; AWS frames as binary.
    pub body: Bytes,
}

#[derive(Deserialize)]
struct File<'a> {
    id: String,
    provider: String,
    protocol: String,
    model: Option<String>,
    streaming: bool,
    #[serde(default)]
    features: Vec<String>,
    #[serde(borrow)]
    request: Option<Side<'a>>,
    #[serde(borrow)]
    response: Side<'a>,
}

#[derive(Deserialize)]
struct Side<'a> {
    #[serde(default)]
    method: String,
    #[serde(default)]
    path: String,
    #[serde(default, borrow)]
    query: Option<&'a RawValue>,
    #[serde(default)]
    status: u16,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    body_encoding: String,
    #[serde(borrow)]
    body: Option<&'a RawValue>,
    stream_format: Option<String>,
}

impl Recordings {
    /// Those beside the repository of the crate whose `CARGO_MANIFEST_DIR` is given; `None`, and a line that says so, if
    /// there are none.
    pub fn beside(manifest_dir: &str) -> Option<Self> {
        let folder = Path::new(manifest_dir).join("../../../shared/recordings");
        let Ok(index) = std::fs::read_to_string(folder.join("index.json")) else {
            #[expect(clippy::print_stderr, reason = "whoever runs the tests must see what was not tested")]
            {
                eprintln!("skipped: no recordings at {}", folder.display());
            }
            return None;
        };
        let entries = serde_json::from_str(&index).expect("an index that can be read");
        Some(Self { folder, entries })
    }

    /// Ids of a protocol.
    pub fn ids(&self, protocol: &str) -> Vec<&str> {
        self.entries.iter().filter(|entry| entry.protocol == protocol).map(|entry| entry.id.as_str()).collect()
    }

    /// Ids of a protocol that show a feature.
    pub fn showing(&self, protocol: &str, feature: &str) -> Vec<&str> {
        let shows = |entry: &&Entry| entry.protocol == protocol && entry.features.iter().any(|each| each == feature);
        self.entries.iter().filter(shows).map(|entry| entry.id.as_str()).collect()
    }

    /// One interaction.
    ///
    /// # Panics
    ///
    /// If there is none of this id, or its file cannot be read.
    pub fn read(&self, id: &str) -> Recorded {
        let entry = self.entries.iter().find(|entry| entry.id == id).unwrap_or_else(|| panic!("no recording {id}"));
        let text = std::fs::read_to_string(self.folder.join(&entry.file)).expect("the recording's file");
        let file: File<'_> = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{id}: {error}"));
        Recorded {
            id: file.id,
            protocol: file.protocol,
            provider: file.provider,
            model: file.model,
            streaming: file.streaming,
            features: file.features,
            stream_format: file.response.stream_format.clone(),
            request: file.request.map(Side::read),
            response: file.response.read(),
        }
    }
}

impl Side<'_> {
    fn read(self) -> RecordedBody {
        let raw = self.body.map(RawValue::get).unwrap_or("null");
        let text = || serde_json::from_str::<String>(raw).expect("a body that is text");
        let body = match self.body_encoding.as_str() {
            "none" => Bytes::new(),
            "text" => text().into(),
            "base64" => STANDARD.decode(text()).expect("a body in base64").into(),
            _ => compact(raw).into(),
        };
        let query = self.query.map(|query| query_text(query.get())).unwrap_or_default();
        RecordedBody { method: self.method, path: self.path, query, status: self.status, headers: self.headers, body }
    }
}

/// White space between tokens taken out; numbers and escapes stay as they are.
fn compact(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    let (mut quoted, mut escaped) = (false, false);
    for character in json.chars() {
        if quoted {
            quoted = escaped || character != '"';
            escaped = !escaped && character == '\\';
        } else if character.is_ascii_whitespace() {
            continue;
        } else {
            quoted = character == '"';
        }
        out.push(character);
    }
    out
}

/// A query is recorded as text, or as names and values.
fn query_text(raw: &str) -> String {
    if let Ok(text) = serde_json::from_str::<String>(raw) {
        return text;
    }
    let pairs: BTreeMap<String, String> = serde_json::from_str(raw).unwrap_or_default();
    pairs.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_recording_can_be_read() {
        let Some(recordings) = Recordings::beside(env!("CARGO_MANIFEST_DIR")) else { return };
        let mut streams = 0;
        for entry in &recordings.entries {
            let recorded = recordings.read(&entry.id);
            assert_eq!(recorded.protocol, entry.protocol);
            assert!(recorded.response.status >= 200, "{}", entry.id);
            if recorded.stream_format.as_deref() == Some("aws-eventstream") {
                let length = recorded.response.body.first_chunk().map(|bytes| u32::from_be_bytes(*bytes));
                assert!(length.is_some_and(|length| length as usize <= recorded.response.body.len()), "{}", entry.id);
            }
            streams += usize::from(recorded.streaming);
        }
        assert!(streams > 100);
        assert!(!recordings.showing("openai-chat", "streaming").is_empty());
    }

    #[test]
    fn compact_keeps_tokens() {
        assert_eq!(compact("{ \"a b\\\"\" : [ 1.0e2 , \"\\\\\" ] }"), "{\"a b\\\"\":[1.0e2,\"\\\\\"]}");
    }
}
