//! Cohere Chat v2 (`/v2/chat`), as face and as upstream.
//!
//! Particular to it: words before calls stand in `tool_plan`; tools answer in text or documents; citations stand beside
//! the content and point into it; tool choice is `REQUIRED` or `NONE`; what is billed differs from what is processed.
//!
//! Sources: docs.cohere.com/v2/reference/chat and chat-stream; the types of Cohere's Python SDK 7.3.1.

mod citations;
mod content;
mod decode;
mod encode;
mod fault;
mod fields;
mod history;
mod messages;
mod parts;
mod reply;
mod rules;
mod stream;
mod summary;
mod tools;
mod usage;

#[cfg(test)]
mod tests;

pub use decode::decode_request;
pub use encode::encode_request;
pub use fault::{decode_fault, encode_fault, fault_frame};
pub use fields::path_of;
pub use reply::{decode_reply, encode_reply};
pub use stream::{StreamDecoder, StreamEncoder};
pub use summary::summary;
