//! What is known of a request when its targets are chosen, under the names that rules have for it.

use std::collections::BTreeMap;

use cel::Value;
use tollgate_ir::Operation;

use crate::config::Modality;

/// What is known of a request. Estimated tokens are of the prompt as it came.
#[derive(Clone, Debug, PartialEq)]
pub struct RequestFacts {
    /// What it asks for.
    pub operation: Operation,
    /// It wants a stream.
    pub stream: bool,
    /// Estimated tokens of the prompt.
    pub prompt_tokens: u64,
    /// Characters of the prompt.
    pub prompt_chars: u64,
    /// The most output tokens that it allows.
    pub max_tokens: Option<u64>,
    /// Turns of the conversation.
    pub turns: u32,
    /// Tools that it offers.
    pub tools: u32,
    /// What it holds beside text.
    pub modalities: Vec<Modality>,
    /// It wants an answer by a JSON schema.
    pub schema: bool,
    /// It asks for reasoning.
    pub reasoning: bool,
    /// Whose key.
    pub key: String,
    /// The key's team.
    pub team: String,
    /// Its tags.
    pub tags: Vec<String>,
    /// Its metadata.
    pub metadata: BTreeMap<String, String>,
    /// The session that it belongs to.
    pub session: Option<String>,
    /// The region that it came from, where a proxy in front says so.
    pub region: String,
    /// The hour of the day, UTC.
    pub hour: u32,
    /// The day of the week, Monday is 1.
    pub weekday: u32,
    /// Dollars that it is expected to cost on the dearest target of its model ([`super::dearest`]).
    pub estimated_cost: f64,
    /// What stays the same over the turns of a conversation: a hash of its beginning.
    pub prefix: Option<u64>,
}

impl Default for RequestFacts {
    fn default() -> Self {
        Self {
            operation: Operation::Chat,
            stream: false,
            prompt_tokens: 0,
            prompt_chars: 0,
            max_tokens: None,
            turns: 1,
            tools: 0,
            modalities: Vec::new(),
            schema: false,
            reasoning: false,
            key: String::new(),
            team: String::new(),
            tags: Vec::new(),
            metadata: BTreeMap::new(),
            session: None,
            region: String::new(),
            hour: 0,
            weekday: 1,
            estimated_cost: 0.0,
            prefix: None,
        }
    }
}

/// The one fact that is computed only where a rule mentions it: it looks prices up.
pub const ESTIMATED_COST: &str = "estimated_cost";

/// A fact under its name in rules.
pub struct Fact {
    /// The variable.
    pub name: &'static str,
    /// For docs/routing.md.
    pub about: &'static str,
    /// Its value.
    pub(super) value: fn(&RequestFacts) -> Value,
}

/// All facts that rules can ask for; docs/routing.md is made from this.
pub const FACTS: &[Fact] = &[
    Fact { name: "operation", about: "string: `chat`, `embed`, `rerank`, …", value: |f| f.operation.as_str().into() },
    Fact { name: "stream", about: "bool: the client wants a stream", value: |f| Value::Bool(f.stream) },
    Fact { name: "prompt_tokens", about: "int: estimated tokens of the prompt", value: |f| int(f.prompt_tokens) },
    Fact { name: "prompt_chars", about: "int: characters of the prompt", value: |f| int(f.prompt_chars) },
    Fact {
        name: "max_tokens",
        about: "int: most output tokens that the request allows; 0 where it names none",
        value: |f| int(f.max_tokens.unwrap_or(0)),
    },
    Fact { name: "turns", about: "int: turns of the conversation", value: |f| int(f.turns.into()) },
    Fact { name: "tools", about: "int: tools offered", value: |f| int(f.tools.into()) },
    Fact {
        name: "modalities",
        about: "list of strings: `image`, `document`, `audio`, `video` where the prompt holds them",
        value: |f| f.modalities.iter().map(|m| m.as_str()).collect::<Vec<_>>().into(),
    },
    Fact { name: "schema", about: "bool: an answer by a JSON schema is wanted", value: |f| Value::Bool(f.schema) },
    Fact { name: "reasoning", about: "bool: reasoning is asked for", value: |f| Value::Bool(f.reasoning) },
    Fact {
        name: ESTIMATED_COST,
        about: "double: dollars that the call is expected to cost on the dearest target that the model may choose; 0 where no price is known",
        value: |f| Value::Float(f.estimated_cost),
    },
    Fact { name: "key", about: "string: the name of the caller's key", value: |f| f.key.as_str().into() },
    Fact { name: "team", about: "string: the key's team, or empty", value: |f| f.team.as_str().into() },
    Fact {
        name: "tags",
        about: "list of strings: `x-tollgate-tags` and `metadata.tags`",
        value: |f| f.tags.clone().into(),
    },
    Fact {
        name: "metadata",
        about: "map of strings: the request's metadata; `has(metadata.x)` asks whether it is there",
        value: |f| f.metadata.clone().into_iter().collect::<std::collections::HashMap<_, _>>().into(),
    },
    Fact {
        name: "session",
        about: "string: the session, or empty",
        value: |f| f.session.as_deref().unwrap_or_default().into(),
    },
    Fact {
        name: "region",
        about: "string: `x-tollgate-region` of a proxy in front, or empty",
        value: |f| f.region.as_str().into(),
    },
    Fact { name: "hour", about: "int: hour of the day, UTC, 0 to 23", value: |f| int(f.hour.into()) },
    Fact { name: "weekday", about: "int: day of the week, UTC, Monday is 1", value: |f| int(f.weekday.into()) },
];

fn int(number: u64) -> Value {
    Value::Int(i64::try_from(number).unwrap_or(i64::MAX))
}
