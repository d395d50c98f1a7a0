//! The words of Tollgate: what is said between client and model, freed from any protocol's spelling.
//!
//! Every dialect decodes into these types and encodes from them, so six dialects are six translators and not thirty
//! pairs. Nothing here knows bytes, sockets, clocks or policy. What a dialect cannot say is a [`Loss`], never silence.

mod block;
mod dialect;
mod embed;
mod event;
mod fault;
mod json;
mod loss;
mod operation;
mod reply;
mod request;
mod rerank;
mod usage;

pub use block::{
    Block, CacheMark, Call, CallKind, Carry, Citation, Content, Issuer, Media, MediaKind, MediaSource, Reasoning, Seal,
    ServerItem, ToolResult,
};
pub use dialect::Dialect;
pub use embed::{EmbedContent, EmbedInput, EmbedPart, EmbedReply, EmbedRequest, Purpose, Truncate, Vector, VectorForm};
pub use event::{BlockStart, Delta, Event};
pub use fault::{Fault, FaultKind, LimitHeader, Retry, Side};
pub use json::Json;
pub use loss::{Field, Loss, Losses, Reason};
pub use operation::Operation;
pub use reply::{Choice, Finish, Logprob, Reply, ReplyHead, is_silence};
pub use request::{
    Effort, OutputFormat, Params, Request, Role, Thinking, ThinkingMode, Tool, ToolChoice, ToolKind, Turn,
};
pub use rerank::{Document, Ranked, RerankReply, RerankRequest};
pub use usage::{Billed, Usage};
