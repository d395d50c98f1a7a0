use std::collections::BTreeMap;

use crate::Block;

/// A field that a translation could not keep: reported in `x-tollgate-dropped`, never silent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loss {
    /// The field's path in the client's own body: `messages[2].content[0].cache_control`.
    pub path: String,
    /// What became of it.
    pub reason: Reason,
}

/// What became of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Not sent.
    Dropped,
    /// Sent, but changed in value (a temperature capped, a budget for an effort).
    Adjusted,
    /// The target needs a value where the client gave none.
    Defaulted,
}

impl Reason {
    /// The word in the header.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Dropped => "dropped",
            Self::Adjusted => "adjusted",
            Self::Defaulted => "defaulted",
        }
    }
}

/// The losses of one call. Encoders report by [`Field`]; the face's own table turns that into the client's path. What
/// they say of a part of a block or tool (`.cache_control`, `.strict`) has one name in all of them: decoders tell by
/// [`Losses::spell`] how the client wrote it.
#[derive(Clone, Debug)]
pub struct Losses {
    path_of: fn(Field) -> &'static str,
    found: Vec<Loss>,
    spelled: BTreeMap<String, String>,
    own: Vec<Loss>,
}

impl Losses {
    /// No losses yet, for a face whose table of field paths is `path_of`.
    pub fn new(path_of: fn(Field) -> &'static str) -> Self {
        Self { path_of, found: Vec::new(), spelled: BTreeMap::new(), own: Vec::new() }
    }

    /// The client wrote the part that encoders call `name` (`tools[0].strict`) at `path` (`tools[0].function.strict`).
    pub fn spell(&mut self, name: impl Into<String>, path: impl Into<String>) {
        self.spelled.insert(name.into(), path.into());
    }

    /// The part that encoders would call `from` has gone to another block, where they call it `to`.
    pub fn moved(&mut self, from: &str, to: impl Into<String>) {
        if let Some(path) = self.spelled.get(from).cloned() {
            self.spelled.insert(to.into(), path);
        }
    }

    /// A part that only some dialects have a word for: reported if the client wrote it, that is, if a decoder has
    /// spelled it.
    pub fn part(&mut self, name: &str, reason: Reason) {
        if let Some(path) = self.spelled.get(name).cloned() {
            self.add(path, reason);
        }
    }

    /// A field that means something to providers of the face's own dialect alone: reported once another is asked.
    pub fn own(&mut self, path: impl Into<String>, reason: Reason) {
        self.own.push(Loss { path: path.into(), reason });
    }

    /// Another dialect's provider is asked.
    pub fn report_own(&mut self) {
        for loss in std::mem::take(&mut self.own) {
            self.add(loss.path, loss.reason);
        }
    }

    /// A request-level field.
    pub fn field(&mut self, field: Field, reason: Reason) {
        self.path((self.path_of)(field), reason);
    }

    /// A block, or a part of it (`part` is `""` for the whole, else `.cache_control` or the like).
    pub fn block(&mut self, block: &Block, part: &str, reason: Reason) {
        self.path(format!("{}{part}", block.at), reason);
    }

    /// A path in the client's body. A path is reported once; what was dropped stays so.
    pub fn path(&mut self, path: impl Into<String>, reason: Reason) {
        let path = path.into();
        let path = self.spelled.get(&path).cloned().unwrap_or(path);
        self.add(path, reason);
    }

    fn add(&mut self, path: String, reason: Reason) {
        if !path.is_empty() && !self.found.iter().any(|l| l.path == path) {
            self.found.push(Loss { path, reason });
        }
    }

    /// All of them, in the order found.
    pub fn all(&self) -> &[Loss] {
        &self.found
    }

    /// The fields that were not sent at all: what a strict caller is refused for.
    pub fn dropped(&self) -> impl Iterator<Item = &Loss> {
        self.found.iter().filter(|l| l.reason == Reason::Dropped)
    }
}

/// The request-level fields that the IR has a word for. Each dialect's `fields.rs` says how it spells them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each is the field of `Request` or `Params` of the same name")]
pub enum Field {
    System,
    Tools,
    ToolChoice,
    ParallelTools,
    MaxTokens,
    Temperature,
    TopP,
    TopK,
    Stop,
    Seed,
    PresencePenalty,
    FrequencyPenalty,
    N,
    Logprobs,
    TopLogprobs,
    ServiceTier,
    User,
    Metadata,
    Store,
    PromptCacheKey,
    Verbosity,
    Output,
    Thinking,
    PreviousResponse,
}

impl Field {
    /// All of them, in the order of the published grid.
    pub const ALL: [Self; 24] = [
        Self::System,
        Self::Tools,
        Self::ToolChoice,
        Self::ParallelTools,
        Self::MaxTokens,
        Self::Temperature,
        Self::TopP,
        Self::TopK,
        Self::Stop,
        Self::Seed,
        Self::PresencePenalty,
        Self::FrequencyPenalty,
        Self::N,
        Self::Logprobs,
        Self::TopLogprobs,
        Self::ServiceTier,
        Self::User,
        Self::Metadata,
        Self::Store,
        Self::PromptCacheKey,
        Self::Verbosity,
        Self::Output,
        Self::Thinking,
        Self::PreviousResponse,
    ];
}
