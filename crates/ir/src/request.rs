use crate::{Block, CacheMark, Carry, Json};

/// A chat request: a system prompt, turns, tools, and how to answer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Request {
    /// The model's name as the client wrote it.
    pub model: String,
    /// The client wants events rather than one body.
    pub stream: bool,
    /// System text before the first turn.
    pub system: Vec<Block>,
    /// The conversation. There is no tool role: results are blocks of the user's turns. Neighbours of one role are
    /// kept apart as the client sent them; encoders whose dialect wants alternation merge.
    pub turns: Vec<Turn>,
    /// What the model may call.
    pub tools: Vec<Tool>,
    /// Whether it must.
    pub tool_choice: Option<ToolChoice>,
    /// Whether it may call several tools in one turn.
    pub parallel_tools: Option<bool>,
    /// Sampling and limits.
    pub params: Params,
    /// The form of the answer; `None` is plain text.
    pub output: Option<OutputFormat>,
    /// Whether and how hard to reason first.
    pub thinking: Option<Thinking>,
    /// The response that this one continues (Responses state).
    pub previous_response: Option<String>,
}

/// One side's contribution.
#[derive(Clone, Debug, PartialEq)]
pub struct Turn {
    /// Whose.
    pub role: Role,
    /// In order.
    pub blocks: Vec<Block>,
}

/// Who speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The client, its user, its tools.
    User,
    /// The model.
    Assistant,
    /// Instructions that come after the first turn; encoders hoist them where their dialect has no place for them.
    System,
}

/// A tool the model may call.
#[derive(Clone, Debug, PartialEq)]
pub struct Tool {
    /// What it is.
    pub kind: ToolKind,
    /// A prompt-cache breakpoint after this tool.
    pub cache: Option<CacheMark>,
    /// Fields only its own dialect understands.
    pub carry: Option<Carry>,
    /// Where it stands in the client's body (`tools[2]`).
    pub at: String,
}

/// Kinds of tools.
#[derive(Clone, Debug, PartialEq)]
pub enum ToolKind {
    /// Takes a JSON object.
    Function {
        /// Its name as the client declared it.
        name: String,
        /// What it does, for the model.
        description: Option<String>,
        /// JSON Schema of the arguments; `None`: takes none.
        parameters: Option<Json>,
        /// The arguments must fit the schema.
        strict: Option<bool>,
    },
    /// Takes free text (OpenAI's custom tools); `format` is the grammar.
    Custom {
        /// Its name.
        name: String,
        /// What it does.
        description: Option<String>,
        /// The grammar, raw.
        format: Option<Json>,
    },
    /// Run by the provider; whole in `carry`.
    Server {
        /// Its `type` in its own dialect.
        kind: String,
    },
}

impl Tool {
    /// The name that calls use; `None` for provider-run tools.
    pub fn name(&self) -> Option<&str> {
        match &self.kind {
            ToolKind::Function { name, .. } | ToolKind::Custom { name, .. } => Some(name),
            ToolKind::Server { .. } => None,
        }
    }
}

/// Whether the model must call a tool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ToolChoice {
    /// It decides.
    Auto,
    /// It must not.
    None,
    /// It must call some tool.
    Required,
    /// It must call this one.
    Named(String),
    /// It may (or, if `required`, must) call one of these.
    Allowed {
        /// Their names.
        names: Vec<String>,
        /// It must call one.
        required: bool,
    },
}

/// Sampling and limits. `None` leaves it to the provider.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Params {
    /// Most output tokens, reasoning included.
    pub max_tokens: Option<u64>,
    /// 0 to 2 (0 to 1 with Anthropic, Bedrock and Cohere).
    pub temperature: Option<f64>,
    /// Nucleus sampling.
    pub top_p: Option<f64>,
    /// Sampling from the k likeliest.
    pub top_k: Option<u64>,
    /// Texts that end the answer.
    pub stop: Vec<String>,
    /// For repeatable sampling.
    pub seed: Option<i64>,
    /// −2 to 2.
    pub presence_penalty: Option<f64>,
    /// −2 to 2.
    pub frequency_penalty: Option<f64>,
    /// How many answers.
    pub n: Option<u64>,
    /// Report log probabilities.
    pub logprobs: Option<bool>,
    /// Of how many alternatives a token.
    pub top_logprobs: Option<u64>,
    /// `auto`, `default`, `flex`, `priority`, `standard_only`, as the client spelled it.
    pub service_tier: Option<String>,
    /// The client's word for its end user.
    pub user: Option<String>,
    /// The client's labels, a JSON object.
    pub metadata: Option<Json>,
    /// Keep the answer at the provider (OpenAI's `store`).
    pub store: Option<bool>,
    /// Routes equal prompts to one cache (OpenAI).
    pub prompt_cache_key: Option<String>,
    /// `low`, `medium`, `high` (OpenAI).
    pub verbosity: Option<String>,
    /// The client asked for a usage chunk at the end of a chat stream.
    pub include_usage: bool,
}

/// The form of the answer.
#[derive(Clone, Debug, PartialEq)]
pub enum OutputFormat {
    /// Some JSON object.
    Json,
    /// JSON that fits a schema.
    Schema {
        /// The schema's name.
        name: Option<String>,
        /// What it is for.
        description: Option<String>,
        /// The schema.
        schema: Json,
        /// It must fit, not only should.
        strict: Option<bool>,
    },
}

/// How to reason.
#[derive(Clone, Debug, PartialEq)]
pub struct Thinking {
    /// On, off, or as the model sees fit.
    pub mode: ThinkingMode,
    /// How hard.
    pub effort: Option<Effort>,
    /// Most reasoning tokens.
    pub budget: Option<u64>,
    /// Show it: `Some(false)` hides it. OpenAI's summaries, Gemini's `includeThoughts`.
    pub show: Option<bool>,
    /// OpenAI's word for how to summarise (`auto`, `concise`, `detailed`).
    pub summary: Option<String>,
}

/// Whether to reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ThinkingMode {
    /// Asked for, by effort or budget.
    On,
    /// Switched off.
    Off,
    /// The model decides (Anthropic's `adaptive`, Gemini's dynamic budget).
    Adaptive,
    /// Nothing said about whether, only how to show it.
    Unsaid,
}

/// How hard to reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effort {
    /// Hardly.
    Minimal,
    /// A little.
    Low,
    /// The usual.
    Medium,
    /// Hard.
    High,
    /// Harder.
    XHigh,
    /// As hard as the model can.
    Max,
}

impl Effort {
    /// The common spelling.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Minimal => "minimal",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::XHigh => "xhigh",
            Self::Max => "max",
        }
    }

    /// By its common spelling, in any case.
    pub fn parse(s: &str) -> Option<Self> {
        [Self::Minimal, Self::Low, Self::Medium, Self::High, Self::XHigh, Self::Max]
            .into_iter()
            .find(|e| e.as_str().eq_ignore_ascii_case(s))
    }

    /// The budget of tokens that stands for it: a share of `max_tokens`, at least 1,024 (decisions, “what a
    /// translator invents”).
    pub fn budget(self, max_tokens: u64) -> u64 {
        let percent = match self {
            Self::Minimal => 10,
            Self::Low => 20,
            Self::Medium => 50,
            Self::High => 80,
            Self::XHigh | Self::Max => 95,
        };
        (max_tokens / 100 * percent + max_tokens % 100 * percent / 100).max(1024)
    }

    /// The effort that stands for a budget: the inverse of [`Effort::budget`], to the nearest share.
    pub fn of_budget(budget: u64, max_tokens: u64) -> Self {
        let percent = budget.saturating_mul(100) / max_tokens.max(1);
        match percent {
            0..=14 => Self::Minimal,
            15..=34 => Self::Low,
            35..=64 => Self::Medium,
            65..=87 => Self::High,
            _ => Self::XHigh,
        }
    }
}
