//! OpenAI Responses, as face and as upstream: items rather than messages, a strict event contract, state at the provider.
//!
//! Invariants: items of one message or reasoning keep together both ways; a stream's events and the whole reply are
//! rendered by one state machine (`output`), so they cannot differ; item ids and other fields of ours travel in
//! `carry`. Kept by `tests/all/openai_responses.rs`.

mod annotations;
mod decode;
mod echo;
mod encode;
mod fault;
mod fields;
mod history;
mod input;
mod item;
mod namespace;
mod output;
mod parts;
mod reasoning;
mod references;
mod reply;
mod response;
mod sampling;
mod stored;
mod stream;
mod summary;
mod tools;
mod usage;

pub(crate) use annotations::{read_logprobs, write_logprobs};

pub use crate::openai_chat::encode_fault;
#[cfg(test)]
mod tests;

pub use decode::decode_request;
pub use echo::echo;
pub use encode::encode_request;
pub use fault::{decode_fault, fault_frame};
pub use fields::path_of;
pub use reasoning::input_without_foreign_reasoning;
pub use references::{referred_responses, resolve_references};
pub use reply::{decode_reply, encode_reply};
pub use stored::{Page, input_items};
pub use stream::{StreamDecoder, StreamEncoder};
pub use summary::summary;
