//! Inputs from recorded traffic: what fuzzing starts from, and what the ordinary tests mutate.

use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::value::RawValue;
use tollgate_ir::Dialect;

use super::dialect::{DECODE_REQUEST, FAULT, REPLY, STREAM, TRANSLATE_REQUEST};
use super::envelope::CHOOSING;
use super::frames::{AWS, read};

/// Longer recordings are mostly pictures, and slow.
const LONGEST: usize = 24 << 10;

const PROTOCOLS: [(&str, Dialect); 11] = [
    ("openai-chat", Dialect::OpenAiChat),
    ("mistral", Dialect::OpenAiChat),
    ("openai-responses", Dialect::OpenAiResponses),
    ("anthropic-messages", Dialect::Anthropic),
    ("anthropic-messages-vertex", Dialect::Anthropic),
    ("gemini", Dialect::Gemini),
    ("bedrock-converse", Dialect::Bedrock),
    ("bedrock-converse-stream", Dialect::Bedrock),
    ("cohere-v2", Dialect::Cohere),
    ("ollama-chat", Dialect::Ollama),
    ("ollama-generate", Dialect::Ollama),
];

/// One input of one target.
#[derive(Debug)]
pub struct Seed {
    pub target: &'static str,
    /// `<recording>-<what>`, for a file's name.
    pub name: String,
    pub input: Vec<u8>,
}

/// The target of a dialect.
pub fn target(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::OpenAiChat => "openai_chat",
        Dialect::OpenAiResponses => "openai_responses",
        Dialect::Anthropic => "anthropic",
        Dialect::Gemini => "gemini",
        Dialect::Bedrock => "bedrock",
        Dialect::Cohere => "cohere",
        Dialect::Ollama => "ollama",
    }
}

#[derive(Deserialize)]
struct Recording {
    id: String,
    request: Option<Side>,
    response: Side,
}

#[derive(Deserialize)]
struct Side {
    #[serde(default)]
    status: u16,
    stream_format: Option<String>,
    body_encoding: String,
    body: Option<Box<RawValue>>,
}

impl Side {
    /// The body as it was on the wire; nothing if it was none, or is longer than inputs should be.
    fn bytes(&self) -> Option<Vec<u8>> {
        let raw = self.body.as_ref()?.get();
        let text = || serde_json::from_str::<String>(raw).ok();
        let bytes = match self.body_encoding.as_str() {
            "json" => raw.as_bytes().to_vec(),
            "text" => text()?.into_bytes(),
            "base64" => STANDARD.decode(text()?).ok()?,
            _ => return None,
        };
        (bytes.len() <= LONGEST).then_some(bytes)
    }
}

/// The inputs that the recordings in `folder` give; none if it is absent.
pub fn all(folder: &Path) -> Vec<Seed> {
    let mut seeds = Vec::new();
    for (protocol, dialect) in PROTOCOLS {
        let Ok(files) = std::fs::read_dir(folder.join(protocol)) else { continue };
        let mut paths: Vec<_> = files.filter_map(|file| Some(file.ok()?.path())).collect();
        paths.sort();
        for path in paths {
            let recording = std::fs::read(path).ok().and_then(|text| serde_json::from_slice::<Recording>(&text).ok());
            if let Some(recording) = recording {
                of_recording(&recording, dialect, &mut seeds);
            }
        }
    }
    seeds
}

fn of_recording(recording: &Recording, dialect: Dialect, seeds: &mut Vec<Seed>) {
    let target = target(dialect);
    let mut add = |target, what: &str, choosing: &[u8], body: &[u8]| {
        let name = format!("{}-{what}", recording.id);
        seeds.push(Seed { target, name, input: [choosing, body].concat() });
    };
    if let Some(body) = recording.request.as_ref().and_then(Side::bytes) {
        let model = u8::try_from(body.len() % 16).unwrap_or_default() << 4;
        add(target, "request", &[TRANSLATE_REQUEST, model], &body);
        add(target, "read", &[DECODE_REQUEST, 1], &body);
        add("envelope", "request", &[4; CHOOSING], &body);
    }
    let Some(body) = recording.response.bytes() else { return };
    match (recording.response.stream_format.as_deref(), recording.response.status) {
        (Some("sse"), 200) => {
            add(target, "stream", &[STREAM, 14], &body);
            add("frames", "sse", &[0, 1, 4], &body);
        }
        (Some("json-array"), 200) => {
            add(target, "stream", &[STREAM, 15], &body);
            add("frames", "array", &[2, 1, 4], &body);
        }
        (Some("aws-eventstream"), 200) => {
            let text = sse_of_aws(&body);
            add(target, "stream", &[STREAM, 14], &text);
            add("frames", "text", &[3, 1, 4], &text);
            add("frames", "aws", &[1, 1, 4], &body);
        }
        (Some("ndjson"), 200) => {
            add(target, "stream", &[STREAM, 14], &body);
            add("frames", "lines", &[5, 1, 4], &body);
        }
        (None, 200) => add(target, "reply", &[REPLY, 0], &body),
        (_, status) => add(target, "fault", &[FAULT, if status == 429 { 8 } else { 1 }], &body),
    }
}

/// AWS messages as the text that stands for them in inputs.
fn sse_of_aws(body: &[u8]) -> Vec<u8> {
    let frames = read(AWS, body, std::iter::once(usize::MAX)).frames;
    let event = |frame: &tollgate_wire::frame::Frame| {
        [b"event: ", frame.name().as_bytes(), b"\ndata: ", &frame.data, b"\n\n"].concat()
    };
    frames.iter().flat_map(event).collect()
}
