//! Reads the recorded traffic that lies beside the repository; where it is absent, says so and gives none.

#![expect(clippy::print_stdout, reason = "a skipped test says so")]

use std::path::PathBuf;

use base64::Engine;
use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;
use tollgate_wire::frame::{Deframer, Frame};

/// One interaction with a provider.
#[derive(Deserialize)]
pub struct Recording {
    pub id: String,
    request: Option<Side>,
    response: Side,
}

#[derive(Deserialize)]
struct Side {
    #[serde(default)]
    status: u16,
    stream_format: Option<String>,
    body_encoding: String,
    body: Box<RawValue>,
}

impl Recording {
    /// The request's JSON, if it has some and was answered with 200.
    pub fn request_body(&self) -> Option<String> {
        let side = self.request.as_ref().filter(|r| r.body_encoding == "json" && self.response.status == 200)?;
        Some(side.body.get().to_owned())
    }

    /// A whole reply of status 200.
    pub fn reply(&self) -> Option<&[u8]> {
        let whole = self.response.body_encoding == "json" && self.response.stream_format.is_none();
        let whole = whole && self.response.status == 200;
        whole.then(|| self.response.body.get().as_bytes())
    }

    /// A stream of status 200: its bytes and content type.
    pub fn stream(&self) -> Option<(Vec<u8>, &'static str)> {
        let format = self.response.stream_format.as_deref().filter(|_| self.response.status == 200)?;
        let body = match self.response.body_encoding.as_str() {
            "json" => self.response.body.get().to_owned(),
            _ => serde_json::from_str(self.response.body.get()).unwrap(),
        };
        match format {
            "sse" => Some((body.into_bytes(), "text/event-stream")),
            "json-array" => Some((body.into_bytes(), "application/json")),
            "aws-eventstream" => {
                let bytes = base64::engine::general_purpose::STANDARD.decode(body).unwrap();
                Some((bytes, "application/vnd.amazon.eventstream"))
            }
            _ => None,
        }
    }
}

/// The recordings of one protocol, in order.
pub fn recordings(protocol: &str) -> Vec<Recording> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/recordings").join(protocol);
    let Ok(files) = std::fs::read_dir(&folder) else {
        println!("skipped: no recordings of {protocol}");
        return Vec::new();
    };
    let mut paths: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    paths.sort();
    paths.iter().map(|path| serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()).collect()
}

/// The frames of a body that comes in pieces of `cut` bytes.
pub fn frames(body: &[u8], content_type: &str, cut: usize) -> Vec<Frame> {
    let mut deframer = Deframer::for_content_type(content_type);
    let mut frames = Vec::new();
    for chunk in body.chunks(cut.max(1)) {
        deframer.push(Bytes::copy_from_slice(chunk));
        while let Some(frame) = deframer.next_frame().unwrap() {
            frames.push(frame);
        }
    }
    while let Some(frame) = deframer.finish().unwrap() {
        frames.push(frame);
    }
    frames
}
