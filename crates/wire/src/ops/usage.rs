//! Usage in answers that are handed on as they are: whatever protocol they are in, the few places where it can stand.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use tollgate_ir::Usage;

use crate::frame::{Deframer, Frame};
use crate::json::{Envelope, Node, Patch, apply};

/// Most bytes of a body that are kept to be read at its end.
const MOST: usize = 1 << 20;

/// Streams that are looked into.
const EVENTS: [&str; 2] = ["text/event-stream", "application/vnd.amazon.eventstream"];

/// What an answer that was handed on says of itself.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Said {
    /// What it used.
    pub usage: Option<Usage>,
    /// The model.
    pub model: Option<String>,
    /// Its id.
    pub id: Option<String>,
}

/// Watches the bytes of an answer, JSON or a stream of events; of others it sees nothing.
pub struct Watch {
    kind: Kind,
    said: Said,
}

enum Kind {
    Json(Vec<u8>),
    Events(Box<Deframer>),
    Other,
}

impl Watch {
    /// Of an answer of this content type.
    pub fn new(content_type: &str) -> Self {
        let kind = if content_type.starts_with("application/json") {
            Kind::Json(Vec::new())
        } else if EVENTS.iter().any(|kind| content_type.starts_with(kind)) {
            Kind::Events(Box::new(Deframer::for_content_type(content_type)))
        } else {
            Kind::Other
        };
        Self { kind, said: Said::default() }
    }

    /// Bytes went by.
    pub fn push(&mut self, bytes: &Bytes) {
        match &mut self.kind {
            Kind::Json(kept) if kept.len() + bytes.len() <= MOST => kept.extend_from_slice(bytes),
            Kind::Events(deframer) => {
                deframer.push(bytes.clone());
                loop {
                    match deframer.next_frame() {
                        Ok(Some(frame)) => self.said.add(&invoked(&frame).unwrap_or(frame.data)),
                        Ok(None) => break,
                        Err(_) => {
                            self.kind = Kind::Other;
                            break;
                        }
                    }
                }
            }
            Kind::Json(_) => self.kind = Kind::Other,
            Kind::Other => {}
        }
    }

    /// The answer is over.
    pub fn end(mut self) -> Said {
        if let Kind::Json(kept) = &self.kind {
            self.said.add(kept);
        }
        self.said
    }
}

impl Said {
    /// What a whole answer says. Its vectors are not looked at: there may be millions of numbers.
    pub fn of(body: &Bytes) -> Self {
        const HEAVY: [&str; 6] = ["data", "embeddings", "embedding", "embeddingsByType", "predictions", "results"];
        let mut said = Self::default();
        match Envelope::scan(body) {
            Ok(envelope) => said.add(&apply(body, &envelope, &HEAVY.map(Patch::delete))),
            Err(_) => said.add(body),
        }
        said
    }

    fn add(&mut self, json: &[u8]) {
        let mentions = ["\"usage", "\"model\"", "okenCount\"", "\"meta\"", "_count\""];
        let text = String::from_utf8_lossy(json);
        if !mentions.iter().any(|word| text.contains(word)) {
            return;
        }
        let Some(node) = Node::read(json) else { return };
        let inner = node.get("response").or_else(|| node.get("message")).filter(|n| !n.entries().is_empty());
        for node in std::iter::once(&node).chain(inner) {
            self.usage = read(node).or(self.usage);
            let text = |key: &str| node.text(key).map(str::to_owned);
            self.model = text("model").or(self.model.take());
            self.id = text("id").or(self.id.take());
        }
    }
}

/// The model's own event within a `chunk` of Bedrock's `InvokeModel`.
fn invoked(frame: &Frame) -> Option<Bytes> {
    if frame.name() != "chunk" {
        return None;
    }
    STANDARD.decode(Node::read(&frame.data)?.text("bytes")?).ok().map(Bytes::from)
}

/// Reads the usage of a whole answer.
pub fn read(answer: &Node<'_>) -> Option<Usage> {
    let first = |paths: &[&[&str]]| paths.iter().find_map(|path| answer.at(path)?.as_u64());
    let input = first(&[
        &["usage", "prompt_tokens"],
        &["usage", "input_tokens"],
        &["usage", "inputTokens"],
        &["usageMetadata", "promptTokenCount"],
        &["meta", "tokens", "input_tokens"],
        &["meta", "billed_units", "input_tokens"],
        // What Bedrock counts, before what its models do.
        &["amazon-bedrock-invocationMetrics", "inputTokenCount"],
        &["inputTextTokenCount"],
        &["prompt_token_count"],
        &["prompt_eval_count"],
    ]);
    let output = first(&[
        &["usage", "completion_tokens"],
        &["usage", "output_tokens"],
        &["usage", "outputTokens"],
        &["usageMetadata", "candidatesTokenCount"],
        &["meta", "tokens", "output_tokens"],
        &["meta", "billed_units", "output_tokens"],
        &["amazon-bedrock-invocationMetrics", "outputTokenCount"],
        &["generation_token_count"],
        &["eval_count"],
    ]);
    let input = match (input, output) {
        (None, None) => first(&[&["usage", "total_tokens"], &["usage_info", "total_tokens"]])?,
        (input, _) => input.unwrap_or(0),
    };
    let within = first(&[
        &["usage", "prompt_tokens_details", "cached_tokens"],
        &["usage", "input_tokens_details", "cached_tokens"],
        &["usageMetadata", "cachedContentTokenCount"],
    ]);
    let beside = first(&[&["usage", "cache_read_input_tokens"], &["usage", "cacheReadInputTokens"]]);
    Some(Usage {
        input: input.saturating_sub(within.unwrap_or(0)),
        cache_read: within.or(beside),
        cache_write: first(&[&["usage", "cache_creation_input_tokens"], &["usage", "cacheWriteInputTokens"]]),
        output: output.unwrap_or(0),
        audio_input: first(&[
            &["usage", "input_token_details", "audio_tokens"],
            &["usage", "prompt_tokens_details", "audio_tokens"],
        ]),
        ..Usage::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usage_is_found_wherever_it_stands() {
        for (body, input, output) in [
            (r#"{"usage":{"prompt_tokens":3,"total_tokens":3}}"#, 3, 0),
            (r#"{"usage":{"input_tokens":26,"output_tokens":4,"input_token_details":{"audio_tokens":21}}}"#, 26, 4),
            (r#"{"usage":{"total_tokens":57}}"#, 57, 0),
            (r#"{"usageMetadata":{"promptTokenCount":4}}"#, 4, 0),
            (r#"{"meta":{"billed_units":{"input_tokens":10}}}"#, 10, 0),
            (r#"{"embedding":[1],"inputTextTokenCount":5}"#, 5, 0),
            (
                r#"{"usage":{"prompt_tokens":9,"completion_tokens":2,"prompt_tokens_details":{"cached_tokens":4}}}"#,
                5,
                2,
            ),
        ] {
            let usage = Said::of(&Bytes::from_static(body.as_bytes())).usage.unwrap();
            assert_eq!((usage.input, usage.output), (input, output), "{body}");
        }
        assert_eq!(Said::of(&Bytes::from_static(br#"{"data":[{"usage":{"total_tokens":1}}]}"#)).usage, None);
    }

    #[test]
    fn what_bedrock_counts_stands_in_the_last_chunk() {
        let mut stream = Vec::new();
        crate::bedrock::invoke::wrap(&mut stream, br#"{"generation":"Hello","prompt_token_count":4}"#);
        let last = br#"{"generation":"","stop_reason":"stop","amazon-bedrock-invocationMetrics":{"inputTokenCount":5,"outputTokenCount":2}}"#;
        crate::bedrock::invoke::wrap(&mut stream, last);
        for cut in [0, 1, stream.len() / 2, stream.len()] {
            let mut watch = Watch::new("application/vnd.amazon.eventstream");
            watch.push(&Bytes::copy_from_slice(&stream[..cut]));
            watch.push(&Bytes::copy_from_slice(&stream[cut..]));
            let usage = watch.end().usage.unwrap();
            assert_eq!((usage.input, usage.output), (5, 2), "cut at {cut}");
        }
    }

    #[test]
    fn the_last_event_that_tells_counts_wherever_the_stream_is_cut() {
        let stream = "data: {\"type\":\"a\",\"usage\":{\"input_tokens\":1,\"output_tokens\":1}}\n\ndata: {\"type\":\"b\",\"usage\":{\"input_tokens\":7,\"output_tokens\":9}}\n\ndata: [DONE]\n\n";
        for cut in 0..stream.len() {
            let mut watch = Watch::new("text/event-stream; charset=utf-8");
            watch.push(&Bytes::copy_from_slice(&stream.as_bytes()[..cut]));
            watch.push(&Bytes::copy_from_slice(&stream.as_bytes()[cut..]));
            let usage = watch.end().usage.unwrap();
            assert_eq!((usage.input, usage.output), (7, 9), "cut at {cut}");
        }
    }
}
