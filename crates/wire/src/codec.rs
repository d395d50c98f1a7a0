//! The one file that matches on `Dialect`: bodies, streams and errors of each, both ways.

use tollgate_ir::{Dialect, Event, Fault, Field, Json, Losses, Reply, Request};

use crate::frame::Frame;
use crate::tap::Summary;
use crate::target::{Encoded, ReplyContext, RequestHead, Target};
use crate::{anthropic, bedrock, cohere, gemini, ollama, openai_chat, openai_responses};

macro_rules! by_dialect {
    ($dialect:expr, $name:ident($($arg:expr),*)) => {
        match $dialect {
            Dialect::OpenAiChat => openai_chat::$name($($arg),*),
            Dialect::OpenAiResponses => openai_responses::$name($($arg),*),
            Dialect::Anthropic => anthropic::$name($($arg),*),
            Dialect::Gemini => gemini::$name($($arg),*),
            Dialect::Bedrock => bedrock::$name($($arg),*),
            Dialect::Cohere => cohere::$name($($arg),*),
            Dialect::Ollama => ollama::$name($($arg),*),
        }
    };
}

macro_rules! by_variant {
    ($self:expr, $inner:ident => $call:expr) => {
        match $self {
            Self::OpenAiChat($inner) => $call,
            Self::OpenAiResponses($inner) => $call,
            Self::Anthropic($inner) => $call,
            Self::Gemini($inner) => $call,
            Self::Bedrock($inner) => $call,
            Self::Cohere($inner) => $call,
            Self::Ollama($inner) => $call,
        }
    };
}

/// Reads a client's chat request. A fault is the client's, with the field's path.
pub fn decode_request(
    face: Dialect,
    body: &[u8],
    head: &RequestHead<'_>,
    losses: &mut Losses,
) -> Result<Request, Fault> {
    by_dialect!(face, decode_request(body, head, losses))
}

/// Whether a client's body holds what its own dialect's provider would refuse (thinking that other makers signed), so
/// that it is translated even there.
pub fn must_translate(face: Dialect, body: &[u8]) -> bool {
    face == Dialect::Anthropic && anthropic::has_foreign_thinking(body)
}

/// Reports the fields that a client's request carries along for its own dialect's provider alone, when another is asked.
pub fn report_carried(face: Dialect, request: &Request, losses: &mut Losses) {
    if face == Dialect::Anthropic {
        anthropic::report_carried(request, losses);
    }
}

/// Writes a chat request for a provider; what it cannot say is reported, content that it cannot carry is a fault.
pub fn encode_request(
    upstream: Dialect,
    request: &Request,
    target: &Target<'_>,
    losses: &mut Losses,
) -> Result<Encoded, Fault> {
    by_dialect!(upstream, encode_request(request, target, losses))
}

/// Reads a provider's whole reply. An error in a body of status 200 is a fault.
pub fn decode_reply(upstream: Dialect, body: &[u8]) -> Result<Reply, Fault> {
    by_dialect!(upstream, decode_reply(body))
}

/// What a whole reply tells of itself, without a tree and without its words. `None`: it does not plainly say something, or
/// it is odd in some way; a full decode tells what it is. Where there is a summary, that decode succeeds and says the same.
pub fn summary(upstream: Dialect, body: &[u8]) -> Option<Summary> {
    by_dialect!(upstream, summary(body))
}

/// Writes a whole reply for the client.
pub fn encode_reply(face: Dialect, reply: &Reply, context: &ReplyContext) -> Vec<u8> {
    by_dialect!(face, encode_reply(reply, context))
}

/// Reads a provider's error response. `headers` are lower-case names and values; the words are kept.
pub fn decode_fault(upstream: Dialect, status: u16, headers: &[(&str, &str)], body: &[u8]) -> Fault {
    by_dialect!(upstream, decode_fault(status, headers, body))
}

/// The body of an error response in the face's envelope. `request_id` is ours.
pub fn encode_fault(face: Dialect, fault: &Fault, request_id: &str) -> Vec<u8> {
    by_dialect!(face, encode_fault(fault, request_id))
}

/// The events that end a stream with an error, in the face's own form, for a stream that has begun.
pub fn fault_frame(face: Dialect, fault: &Fault) -> Vec<u8> {
    by_dialect!(face, fault_frame(fault))
}

/// What a face's replies repeat of the request ([`ReplyContext::echo`]).
pub fn echo(face: Dialect, request: &Request) -> Option<Json> {
    match face {
        Dialect::OpenAiChat => openai_chat::echo(request),
        Dialect::OpenAiResponses => Some(openai_responses::echo(request)),
        _ => None,
    }
}

/// How a face spells a field that the IR has a word for (`generationConfig.seed`); empty where it has none.
pub fn path_of(face: Dialect) -> fn(Field) -> &'static str {
    match face {
        Dialect::OpenAiChat => openai_chat::path_of,
        Dialect::OpenAiResponses => openai_responses::path_of,
        Dialect::Anthropic => anthropic::path_of,
        Dialect::Gemini => gemini::path_of,
        Dialect::Bedrock => bedrock::path_of,
        Dialect::Cohere => cohere::path_of,
        Dialect::Ollama => ollama::path_of,
    }
}

/// Whether a face streams unless the request says otherwise.
pub const fn streams_unasked(face: Dialect) -> bool {
    matches!(face, Dialect::Ollama)
}

/// Whether a dialect's streams are server-sent events, which may hold comments.
pub const fn is_sse(dialect: Dialect) -> bool {
    !matches!(dialect, Dialect::Bedrock | Dialect::Ollama)
}

/// The content type of a face's streams.
pub const fn stream_content_type(face: Dialect) -> &'static str {
    match face {
        Dialect::Bedrock => "application/vnd.amazon.eventstream",
        Dialect::Ollama => "application/x-ndjson",
        _ => "text/event-stream",
    }
}

/// Whether a face's replies can hold several answers; the others take the first.
pub const fn has_choices(face: Dialect) -> bool {
    matches!(face, Dialect::OpenAiChat | Dialect::Gemini)
}

/// Whether a face's streams may have one open block only, so that a `Sequencer` stands before its encoder.
pub const fn one_open_block(face: Dialect) -> bool {
    matches!(face, Dialect::Anthropic | Dialect::Bedrock | Dialect::Cohere)
}

/// Reads a provider's stream, frame by frame.
pub enum StreamDecoder {
    /// See [`openai_chat`].
    OpenAiChat(openai_chat::StreamDecoder),
    /// See [`openai_responses`].
    OpenAiResponses(openai_responses::StreamDecoder),
    /// See [`anthropic`].
    Anthropic(anthropic::StreamDecoder),
    /// See [`gemini`].
    Gemini(gemini::StreamDecoder),
    /// See [`bedrock`].
    Bedrock(bedrock::StreamDecoder),
    /// See [`cohere`].
    Cohere(cohere::StreamDecoder),
    /// See [`ollama`].
    Ollama(ollama::StreamDecoder),
}

impl StreamDecoder {
    /// At the start of a stream.
    pub fn new(upstream: Dialect) -> Self {
        match upstream {
            Dialect::OpenAiChat => Self::OpenAiChat(Default::default()),
            Dialect::OpenAiResponses => Self::OpenAiResponses(Default::default()),
            Dialect::Anthropic => Self::Anthropic(Default::default()),
            Dialect::Gemini => Self::Gemini(Default::default()),
            Dialect::Bedrock => Self::Bedrock(Default::default()),
            Dialect::Cohere => Self::Cohere(Default::default()),
            Dialect::Ollama => Self::Ollama(Default::default()),
        }
    }

    /// A whole frame came. Faults are events. Frames after `End` or `Fault` mean nothing.
    pub fn frame(&mut self, frame: &Frame, out: &mut Vec<Event>) {
        by_variant!(self, d => d.frame(frame, out));
    }

    /// The body ended: closes what is open and says `End`, or `Fault` (`ProviderCut`) if the answer was not complete.
    /// Says nothing if the stream has ended already.
    pub fn end(&mut self, out: &mut Vec<Event>) {
        by_variant!(self, d => d.end(out));
    }
}

/// Writes a client's stream, event by event.
pub enum StreamEncoder {
    /// See [`openai_chat`].
    OpenAiChat(openai_chat::StreamEncoder),
    /// See [`openai_responses`].
    OpenAiResponses(openai_responses::StreamEncoder),
    /// See [`anthropic`].
    Anthropic(anthropic::StreamEncoder),
    /// See [`gemini`].
    Gemini(gemini::StreamEncoder),
    /// See [`bedrock`].
    Bedrock(bedrock::StreamEncoder),
    /// See [`cohere`].
    Cohere(cohere::StreamEncoder),
    /// See [`ollama`].
    Ollama(ollama::StreamEncoder),
}

impl StreamEncoder {
    /// At the start of a stream.
    pub fn new(face: Dialect, context: ReplyContext) -> Self {
        match face {
            Dialect::OpenAiChat => Self::OpenAiChat(openai_chat::StreamEncoder::new(context)),
            Dialect::OpenAiResponses => Self::OpenAiResponses(openai_responses::StreamEncoder::new(context)),
            Dialect::Anthropic => Self::Anthropic(anthropic::StreamEncoder::new(context)),
            Dialect::Gemini => Self::Gemini(gemini::StreamEncoder::new(context)),
            Dialect::Bedrock => Self::Bedrock(bedrock::StreamEncoder::new(context)),
            Dialect::Cohere => Self::Cohere(cohere::StreamEncoder::new(context)),
            Dialect::Ollama => Self::Ollama(ollama::StreamEncoder::new(context)),
        }
    }

    /// Appends what the event is in the face's dialect: nothing, one or more whole events.
    pub fn event(&mut self, event: &Event, out: &mut Vec<u8>) {
        by_variant!(self, e => e.event(event, out));
    }

    /// What was written so far was sent by another in these frames: counts on from there, where the face counts.
    pub fn count_on(&mut self, sent: &[Frame]) {
        if let Self::OpenAiResponses(encoder) = self {
            encoder.count_on(sent);
        }
    }
}
