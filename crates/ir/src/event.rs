use crate::{Block, CallKind, Carry, Citation, Finish, Logprob, ReplyHead, Seal, Usage};

/// One step of a streamed answer.
///
/// Every event of a block carries `(choice, block)`. Decoders may interleave blocks, but for each block exactly one
/// `Open` comes first and one `Close` last; `block` counts up from 0 within a choice in the order of opening. A
/// stream is `Start`, blocks, then for each choice one `Finish`, with `Usage` anywhere (a later one replaces an earlier
/// one), and ends with `End` or with `Fault`, after which nothing comes.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// The answer begins.
    Start(ReplyHead),
    /// A block begins.
    Open {
        /// Which answer.
        choice: u32,
        /// Which block of it.
        block: u32,
        /// What kind.
        start: BlockStart,
    },
    /// A block goes on.
    Delta {
        /// Which answer.
        choice: u32,
        /// Which block of it.
        block: u32,
        /// By what.
        delta: Delta,
    },
    /// A block is complete.
    Close {
        /// Which answer.
        choice: u32,
        /// Which block of it.
        block: u32,
    },
    /// What has been used so far, complete: it replaces what was said before.
    Usage(Usage),
    /// An answer ended.
    Finish {
        /// Which answer.
        choice: u32,
        /// Why.
        finish: Finish,
    },
    /// The provider is alive; no token.
    Ping,
    /// The stream is complete.
    End,
    /// The stream broke, or the provider reported an error in it.
    Fault(Box<crate::Fault>),
}

/// What kind of block begins.
#[derive(Clone, Debug, PartialEq)]
pub enum BlockStart {
    /// Text follows.
    Text,
    /// Reasoning follows.
    Reasoning {
        /// A summary rather than the reasoning itself.
        summary: bool,
        /// The words are withheld.
        redacted: bool,
        /// The item's id in its own dialect.
        id: Option<String>,
    },
    /// A call's arguments follow.
    Call {
        /// Joins call and result.
        id: String,
        /// The tool.
        name: String,
        /// Function or custom.
        kind: CallKind,
    },
    /// Words of refusal follow.
    Refusal,
    /// A block that comes at once: media, a server item, an opaque block. Its `Close` follows.
    Whole(Box<Block>),
}

/// How a block goes on.
#[derive(Clone, Debug, PartialEq)]
pub enum Delta {
    /// More text, reasoning or refusal, by the block's kind.
    Text(String),
    /// More of a call's arguments.
    Arguments(String),
    /// A source for the text.
    Citation(Box<Citation>),
    /// The block's seal (replaces an earlier one).
    Seal(Seal),
    /// Log probabilities of the text just sent.
    Logprobs(Vec<Logprob>),
    /// Fields that only the block's own dialect understands.
    Carry(Carry),
}
