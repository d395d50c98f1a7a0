//! Ollama's own API (`/api/chat`; on the client's side `/api/generate` too), as face and as upstream.
//!
//! Particular to it: streams are lines of JSON, and the default; a call's arguments are an object, and its id is known
//! to newer versions only; a turn of calls ends with `stop`; images are bare base64 beside the text; parameters stand in
//! `options`, times are told in nanoseconds.
//!
//! Sources: docs/api.md and api/types.go of Ollama 0.13; the types of its Python client 0.6.

mod decode;
mod encode;
mod fault;
mod fields;
mod generate;
mod history;
mod messages;
mod options;
mod reply;
mod rules;
mod stream;
mod summary;
mod tools;
mod words;

pub use decode::decode_request;
pub use encode::encode_request;
pub use fault::{decode_fault, encode_fault, fault_frame};
pub use fields::path_of;
pub use generate::{as_generate, loaded, only_loads};
pub use reply::{decode_reply, encode_reply};
pub use stream::{StreamDecoder, StreamEncoder};
pub use summary::summary;
