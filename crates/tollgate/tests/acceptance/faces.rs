//! The seven dialects as a client speaks them and as a provider answers in them.

use bytes::Bytes;
use tollgate_ir::{Delta, Dialect, Event, Fault, Finish};
use tollgate_testkit::Script;
use tollgate_wire::codec::StreamDecoder;
use tollgate_wire::frame::Deframer;
use tollgate_wire::frame::aws::{aws_event, aws_exception};
use tollgate_wire::json::Node;

use crate::support::{Answer, Gateway};

pub const ALL: [Dialect; 7] = [
    Dialect::OpenAiChat,
    Dialect::OpenAiResponses,
    Dialect::Anthropic,
    Dialect::Gemini,
    Dialect::Bedrock,
    Dialect::Cohere,
    Dialect::Ollama,
];

/// Where a client of a dialect sends a chat request.
pub fn path(face: Dialect, model: &str, stream: bool) -> String {
    let model = model.replace('/', "%2F");
    match face {
        Dialect::OpenAiChat => "/v1/chat/completions".into(),
        Dialect::OpenAiResponses => "/v1/responses".into(),
        Dialect::Anthropic => "/v1/messages".into(),
        Dialect::Gemini if stream => format!("/v1beta/models/{model}:streamGenerateContent?alt=sse"),
        Dialect::Gemini => format!("/v1beta/models/{model}:generateContent"),
        Dialect::Bedrock if stream => format!("/model/{model}/converse-stream"),
        Dialect::Bedrock => format!("/model/{model}/converse"),
        Dialect::Cohere => "/v2/chat".into(),
        Dialect::Ollama => "/api/chat".into(),
    }
}

/// A small chat request.
pub fn body(face: Dialect, model: &str, stream: bool) -> String {
    match face {
        Dialect::OpenAiChat | Dialect::Cohere | Dialect::Ollama => {
            format!(r#"{{"model":"{model}","stream":{stream},"messages":[{{"role":"user","content":"Hi"}}]}}"#)
        }
        Dialect::OpenAiResponses => format!(r#"{{"model":"{model}","stream":{stream},"input":"Hi"}}"#),
        Dialect::Anthropic => {
            format!(
                r#"{{"model":"{model}","stream":{stream},"max_tokens":100,"messages":[{{"role":"user","content":"Hi"}}]}}"#
            )
        }
        Dialect::Gemini => r#"{"contents":[{"role":"user","parts":[{"text":"Hi"}]}]}"#.into(),
        Dialect::Bedrock => r#"{"messages":[{"role":"user","content":[{"text":"Hi"}]}]}"#.into(),
    }
}

/// A chat call.
pub async fn ask(gateway: &Gateway, face: Dialect, model: &str, stream: bool) -> Answer {
    gateway.post(&path(face, model, stream), &[], body(face, model, stream)).await
}

/// A provider's streamed answer, in the parts that tests cut and delay: seven tokens in, two out.
pub struct Spoken {
    /// What comes before the first token.
    pub lifecycle: Vec<Bytes>,
    /// `Hello` and ` there`.
    pub content: Vec<Bytes>,
    /// What a complete answer ends with.
    pub end: Vec<Bytes>,
    /// An error within the stream.
    pub error: Bytes,
    content_type: &'static str,
}

fn named(event: &str, data: &str) -> Bytes {
    format!("event: {event}\ndata: {data}\n\n").into()
}

fn data(data: &str) -> Bytes {
    format!("data: {data}\n\n").into()
}

fn frame(event: &str, payload: &str) -> Bytes {
    let mut out = Vec::new();
    aws_event(&mut out, event, payload.as_bytes());
    out.into()
}

fn exception(kind: &str, payload: &str) -> Bytes {
    let mut out = Vec::new();
    aws_exception(&mut out, kind, payload.as_bytes());
    out.into()
}

impl Spoken {
    pub fn of(dialect: Dialect) -> Self {
        match dialect {
            Dialect::OpenAiChat => Self::chat(),
            Dialect::OpenAiResponses => Self::responses(),
            Dialect::Anthropic => Self::anthropic(),
            Dialect::Gemini => Self::gemini(),
            Dialect::Bedrock => Self::bedrock(),
            Dialect::Cohere => Self::cohere(),
            Dialect::Ollama => Self::ollama(),
        }
    }

    fn chat() -> Self {
        let chunk = |delta: &str, finish: &str| {
            data(&format!(
                r#"{{"id":"c1","object":"chat.completion.chunk","created":1,"model":"m-1","choices":[{{"index":0,"delta":{delta},"finish_reason":{finish}}}]}}"#
            ))
        };
        Self {
            lifecycle: vec![chunk(r#"{"role":"assistant","content":""}"#, "null")],
            content: vec![chunk(r#"{"content":"Hello"}"#, "null"), chunk(r#"{"content":" there"}"#, "null")],
            end: vec![
                chunk("{}", r#""stop""#),
                data(
                    r#"{"id":"c1","object":"chat.completion.chunk","created":1,"model":"m-1","choices":[],"usage":{"prompt_tokens":7,"completion_tokens":2,"total_tokens":9}}"#,
                ),
                data("[DONE]"),
            ],
            error: data(
                r#"{"error":{"message":"The server is overloaded","type":"server_error","code":"server_error"}}"#,
            ),
            content_type: "text/event-stream",
        }
    }

    fn responses() -> Self {
        let response = |status: &str, more: &str| {
            format!(r#"{{"id":"resp_1","object":"response","created_at":1,"status":"{status}","model":"m-1"{more}}}"#)
        };
        let message = |text: &str| {
            format!(
                r#"{{"id":"msg_1","type":"message","status":"completed","role":"assistant","content":[{{"type":"output_text","text":"{text}","annotations":[]}}]}}"#
            )
        };
        let delta = |n: u32, text: &str| {
            named(
                "response.output_text.delta",
                &format!(
                    r#"{{"type":"response.output_text.delta","sequence_number":{n},"item_id":"msg_1","output_index":0,"content_index":0,"delta":"{text}"}}"#
                ),
            )
        };
        let usage = r#","usage":{"input_tokens":7,"output_tokens":2,"total_tokens":9}"#;
        let done = response("completed", &format!(r#","output":[{}]{usage}"#, message("Hello there")));
        let failed =
            response("failed", r#","output":[],"error":{"code":"server_error","message":"The server is overloaded"}"#);
        Self {
            lifecycle: vec![
                named(
                    "response.created",
                    &format!(
                        r#"{{"type":"response.created","sequence_number":0,"response":{}}}"#,
                        response("in_progress", r#","output":[]"#)
                    ),
                ),
                named(
                    "response.output_item.added",
                    r#"{"type":"response.output_item.added","sequence_number":1,"output_index":0,"item":{"id":"msg_1","type":"message","status":"in_progress","role":"assistant","content":[]}}"#,
                ),
                named(
                    "response.content_part.added",
                    r#"{"type":"response.content_part.added","sequence_number":2,"item_id":"msg_1","output_index":0,"content_index":0,"part":{"type":"output_text","text":"","annotations":[]}}"#,
                ),
            ],
            content: vec![delta(3, "Hello"), delta(4, " there")],
            end: vec![
                named(
                    "response.output_item.done",
                    &format!(
                        r#"{{"type":"response.output_item.done","sequence_number":5,"output_index":0,"item":{}}}"#,
                        message("Hello there")
                    ),
                ),
                named(
                    "response.completed",
                    &format!(r#"{{"type":"response.completed","sequence_number":6,"response":{done}}}"#),
                ),
            ],
            error: named(
                "response.failed",
                &format!(r#"{{"type":"response.failed","sequence_number":3,"response":{failed}}}"#),
            ),
            content_type: "text/event-stream",
        }
    }

    fn anthropic() -> Self {
        let delta = |text: &str| {
            named(
                "content_block_delta",
                &format!(
                    r#"{{"type":"content_block_delta","index":0,"delta":{{"type":"text_delta","text":"{text}"}}}}"#
                ),
            )
        };
        Self {
            lifecycle: vec![
                named(
                    "message_start",
                    r#"{"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"m-1","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":7,"output_tokens":1}}}"#,
                ),
                named(
                    "content_block_start",
                    r#"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}"#,
                ),
                named("ping", r#"{"type":"ping"}"#),
            ],
            content: vec![delta("Hello"), delta(" there")],
            end: vec![
                named("content_block_stop", r#"{"type":"content_block_stop","index":0}"#),
                named(
                    "message_delta",
                    r#"{"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"input_tokens":7,"output_tokens":2}}"#,
                ),
                named("message_stop", r#"{"type":"message_stop"}"#),
            ],
            error: named("error", r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#),
            content_type: "text/event-stream",
        }
    }

    fn gemini() -> Self {
        let chunk = |parts: &str, finish: &str| {
            data(&format!(
                r#"{{"candidates":[{{"content":{{"role":"model","parts":{parts}}},"index":0{finish}}}],"usageMetadata":{{"promptTokenCount":7,"candidatesTokenCount":2,"totalTokenCount":9}},"modelVersion":"m-1","responseId":"r1"}}"#
            ))
        };
        Self {
            lifecycle: vec![chunk("[]", "")],
            content: vec![chunk(r#"[{"text":"Hello"}]"#, ""), chunk(r#"[{"text":" there"}]"#, "")],
            end: vec![chunk("[]", r#","finishReason":"STOP""#)],
            error: data(r#"{"error":{"code":503,"message":"The model is overloaded","status":"UNAVAILABLE"}}"#),
            content_type: "text/event-stream",
        }
    }

    fn bedrock() -> Self {
        let delta = |text: &str| {
            frame("contentBlockDelta", &format!(r#"{{"contentBlockIndex":0,"delta":{{"text":"{text}"}}}}"#))
        };
        Self {
            lifecycle: vec![frame("messageStart", r#"{"role":"assistant"}"#)],
            content: vec![delta("Hello"), delta(" there")],
            end: vec![
                frame("contentBlockStop", r#"{"contentBlockIndex":0}"#),
                frame("messageStop", r#"{"stopReason":"end_turn"}"#),
                frame(
                    "metadata",
                    r#"{"usage":{"inputTokens":7,"outputTokens":2,"totalTokens":9},"metrics":{"latencyMs":1}}"#,
                ),
            ],
            error: exception("serviceUnavailableException", r#"{"message":"The server is overloaded"}"#),
            content_type: "application/vnd.amazon.eventstream",
        }
    }

    fn cohere() -> Self {
        let delta = |text: &str| {
            named(
                "content-delta",
                &format!(
                    r#"{{"type":"content-delta","index":0,"delta":{{"message":{{"content":{{"text":"{text}"}}}}}}}}"#
                ),
            )
        };
        Self {
            lifecycle: vec![
                named(
                    "message-start",
                    r#"{"type":"message-start","id":"m1","delta":{"message":{"role":"assistant","content":[],"tool_plan":"","tool_calls":[],"citations":[]}}}"#,
                ),
                named(
                    "content-start",
                    r#"{"type":"content-start","index":0,"delta":{"message":{"content":{"type":"text","text":""}}}}"#,
                ),
            ],
            content: vec![delta("Hello"), delta(" there")],
            end: vec![
                named("content-end", r#"{"type":"content-end","index":0}"#),
                named(
                    "message-end",
                    r#"{"type":"message-end","delta":{"finish_reason":"COMPLETE","usage":{"billed_units":{"input_tokens":7,"output_tokens":2},"tokens":{"input_tokens":7,"output_tokens":2}}}}"#,
                ),
            ],
            error: named(
                "message-end",
                r#"{"type":"message-end","delta":{"error":"The server is overloaded","finish_reason":"ERROR"}}"#,
            ),
            content_type: "text/event-stream",
        }
    }

    fn ollama() -> Self {
        let line = |words: &str, more: &str| {
            Bytes::from(
                format!(
                    r#"{{"model":"m-1","created_at":"2026-01-01T00:00:00.5Z","message":{{"role":"assistant","content":"{words}"}},{more}}}"#
                ) + "\n",
            )
        };
        Self {
            lifecycle: vec![line("", r#""done":false"#)],
            content: vec![line("Hello", r#""done":false"#), line(" there", r#""done":false"#)],
            end: vec![line("", r#""done":true,"done_reason":"stop","prompt_eval_count":7,"eval_count":2"#)],
            error: "{\"error\":\"The server is overloaded\"}\n".into(),
            content_type: "application/x-ndjson",
        }
    }

    /// A stream of these pieces.
    pub fn script(&self, pieces: impl IntoIterator<Item = Bytes>) -> Script {
        let script = Script { sized: false, ..Script::status(200) }.header("content-type", self.content_type);
        pieces.into_iter().fold(script, Script::chunk)
    }

    /// The whole stream.
    pub fn all(&self) -> Script {
        self.script([&self.lifecycle[..], &self.content, &self.end].concat())
    }

    /// All up to and with the content.
    pub fn begun(&self) -> Script {
        self.script([&self.lifecycle[..], &self.content].concat())
    }
}

/// A provider's answer in one piece.
pub fn whole(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::OpenAiChat => {
            r#"{"id":"c1","object":"chat.completion","created":1,"model":"m-1","choices":[{"index":0,"message":{"role":"assistant","content":"Hello there"},"finish_reason":"stop"}],"usage":{"prompt_tokens":7,"completion_tokens":2,"total_tokens":9}}"#
        }
        Dialect::OpenAiResponses => {
            r#"{"id":"resp_1","object":"response","created_at":1,"status":"completed","model":"m-1","output":[{"id":"msg_1","type":"message","status":"completed","role":"assistant","content":[{"type":"output_text","text":"Hello there","annotations":[]}]}],"usage":{"input_tokens":7,"output_tokens":2,"total_tokens":9}}"#
        }
        Dialect::Anthropic => {
            r#"{"id":"msg_1","type":"message","role":"assistant","model":"m-1","content":[{"type":"text","text":"Hello there"}],"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":7,"output_tokens":2}}"#
        }
        Dialect::Gemini => {
            r#"{"candidates":[{"content":{"role":"model","parts":[{"text":"Hello there"}]},"index":0,"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":7,"candidatesTokenCount":2,"totalTokenCount":9},"modelVersion":"m-1","responseId":"r1"}"#
        }
        Dialect::Bedrock => {
            r#"{"output":{"message":{"role":"assistant","content":[{"text":"Hello there"}]}},"stopReason":"end_turn","usage":{"inputTokens":7,"outputTokens":2,"totalTokens":9},"metrics":{"latencyMs":1}}"#
        }
        Dialect::Ollama => {
            r#"{"model":"m-1","created_at":"2026-01-01T00:00:00.5Z","message":{"role":"assistant","content":"Hello there"},"done":true,"done_reason":"stop","prompt_eval_count":7,"eval_count":2}"#
        }
        Dialect::Cohere => {
            r#"{"id":"m1","finish_reason":"COMPLETE","message":{"role":"assistant","content":[{"type":"text","text":"Hello there"}]},"usage":{"billed_units":{"input_tokens":7,"output_tokens":2},"tokens":{"input_tokens":7,"output_tokens":2}}}"#
        }
    }
}

/// A streamed answer as its client understands it.
#[derive(Debug, Default)]
pub struct Heard {
    pub text: String,
    pub finish: Option<Finish>,
    /// It had its proper end.
    pub complete: bool,
    pub fault: Option<Box<Fault>>,
    /// Events without comments.
    pub events: Vec<Bytes>,
}

/// Reads a client's stream.
pub fn hear(face: Dialect, answer: &Answer) -> Heard {
    let mut deframer = Deframer::for_content_type(answer.header("content-type").unwrap_or(""));
    deframer.push(answer.body.clone());
    let mut decoder = StreamDecoder::new(face);
    let mut events = Vec::new();
    let mut heard = Heard::default();
    while let Some(frame) = deframer.next_frame().unwrap() {
        if !frame.data.is_empty() {
            heard.events.push(frame.data.clone());
            decoder.frame(&frame, &mut events);
        }
    }
    // Gemini's streams have no last event: the body's end is it. What is missing then is no error that was told.
    let mut end = Vec::new();
    decoder.end(&mut end);
    events.extend(end.into_iter().filter(|event| !matches!(event, Event::Fault(_))));
    for event in events {
        match event {
            Event::Delta { delta: Delta::Text(text), .. } => heard.text.push_str(&text),
            Event::Finish { finish, .. } => heard.finish = Some(finish),
            Event::End => heard.complete = true,
            Event::Fault(fault) => heard.fault = Some(fault),
            _ => {}
        }
    }
    heard
}

/// The message of an error in the face's own envelope; panics if it is in none.
pub fn error(face: Dialect, answer: &Answer) -> String {
    assert_eq!(answer.header("content-type"), Some("application/json"), "{face:?}: {}", answer.text());
    let node = Node::parse(&answer.body).unwrap_or_else(|_| panic!("{face:?}: no JSON: {}", answer.text()));
    let has = |path: &[&str]| node.at(path).and_then(Node::as_str).map(str::to_owned);
    let message = match face {
        Dialect::OpenAiChat | Dialect::OpenAiResponses => {
            has(&["error", "type"]).expect("an error's type");
            has(&["error", "message"])
        }
        Dialect::Anthropic => {
            assert_eq!(has(&["type"]).as_deref(), Some("error"));
            has(&["error", "type"]).expect("an error's type");
            has(&["error", "message"])
        }
        Dialect::Gemini => {
            assert_eq!(node.at(&["error", "code"]).and_then(Node::as_u64), Some(answer.status.into()));
            has(&["error", "status"]).expect("an error's status");
            has(&["error", "message"])
        }
        Dialect::Bedrock => {
            answer.header("x-amzn-errortype").expect("an error's type");
            has(&["message"])
        }
        Dialect::Cohere => has(&["message"]),
        Dialect::Ollama => has(&["error"]),
    };
    message.filter(|m| !m.is_empty()).unwrap_or_else(|| panic!("{face:?}: {}", answer.text()))
}
