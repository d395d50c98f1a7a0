//! What codecs are told about the two sides beyond the body itself.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tollgate_ir::{Json, MediaKind, Params};

use crate::ids::ToolNames;
use crate::openai_chat::{Begun, Takes};

/// What is known of a request beside its body.
#[derive(Clone, Copy, Debug, Default)]
pub struct RequestHead<'a> {
    /// The model in the path (Gemini, Bedrock, Azure's deployments).
    pub model: Option<&'a str>,
    /// The path says whether to stream (Gemini, Bedrock).
    pub stream: Option<bool>,
    /// The body has passed [`Envelope::scan`](crate::json::Envelope::scan), or is what was written of one that has: what is only
    /// handed on is not looked through again.
    pub is_scanned: bool,
}

/// Whom a request is encoded for.
#[derive(Clone, Copy, Debug)]
pub struct Target<'a> {
    /// The model's name at the provider.
    pub model: &'a str,
    /// The tools' names there.
    pub names: &'a ToolNames,
    /// What the model takes, where configuration or catalogue say so; else the dialect's own table decides.
    pub facts: &'a ModelFacts,
}

/// The output limit of a model of which nothing is known (decisions, “what a translator invents”).
pub(crate) const USUAL_OUTPUT: u64 = 8192;

impl Target<'_> {
    /// The output limit that efforts and budgets of thinking are shares of: the client's, else the model's; `class` is
    /// what the dialect's own table says of it.
    pub(crate) fn room(&self, params: &Params, class: Option<u64>) -> u64 {
        params.max_tokens.or(self.facts.max_output).or(class).unwrap_or(USUAL_OUTPUT)
    }
}

/// What is known of one model at one provider. `None`: not known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ModelFacts {
    /// Most output tokens.
    pub max_output: Option<u64>,
    /// The media it takes.
    pub media: Option<Vec<MediaKind>>,
    /// Whether it can be made to call a tool.
    pub forced_tool: Option<bool>,
    /// What its host's chat endpoint makes of parameters, where the host is a known one.
    pub host: Option<&'static [Takes]>,
}

impl ModelFacts {
    /// Whether it is known not to take this kind of media.
    pub fn refuses(&self, kind: MediaKind) -> bool {
        self.media.as_ref().is_some_and(|media| !media.contains(&kind))
    }
}

/// A request in the upstream's dialect.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Encoded {
    /// The body, without what the carriage puts outside of it (Gemini's and Bedrock's model).
    pub body: Vec<u8>,
    /// Structured output was asked for by a forced tool of this name: its call is the answer's text.
    pub output_tool: Option<String>,
    /// Feature flags the body relies on (`anthropic-beta`).
    pub betas: Vec<String>,
    /// The last turn is the beginning of the answer, and the host is told so.
    pub begun: Begun,
}

/// What a reply's encoder is told beyond the reply.
#[derive(Clone, Debug, Default)]
pub struct ReplyContext {
    /// An id for the reply where the provider gave none, or one of another form: letters and digits, no prefix.
    pub id: String,
    /// The model, where the provider does not say.
    pub model: String,
    /// Now, in Unix seconds.
    pub created: u64,
    /// The client asked for usage at the end of a chat stream.
    pub include_usage: bool,
    /// Fields of the request that the reply repeats (Responses), a JSON object made by that face's decoder.
    pub echo: Option<Json>,
    /// How long the call has taken so far, for a face that tells it (Ollama).
    pub stopwatch: Stopwatch,
}

/// How long a call has taken so far: a clock from outside, read when the time is to be told.
#[derive(Clone, Default)]
pub struct Stopwatch(Option<Arc<dyn Fn() -> Duration + Send + Sync>>);

impl Stopwatch {
    /// One that reads this clock.
    pub fn new(elapsed: impl Fn() -> Duration + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(elapsed)))
    }

    /// The time since the call began; `None` where nobody measures.
    pub fn elapsed(&self) -> Option<Duration> {
        self.0.as_ref().map(|elapsed| elapsed())
    }
}

impl fmt::Debug for Stopwatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Stopwatch").field(&self.elapsed()).finish()
    }
}
