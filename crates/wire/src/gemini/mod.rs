//! The `gemini` dialect: `generateContent` and `streamGenerateContent`, on Google AI and on Vertex.
//!
//! Source: the REST reference (ai.google.dev/api/generate-content) and the types of google-genai 3.6 for Python. What is
//! peculiar: proto3 JSON (two spellings of each key, see `proto`), calls that may lack ids, results joined to calls by
//! name, a signature on any part, thinking by budget or by level (`rules`), streams without a terminal marker.

mod answer;
mod config;
mod contents;
mod decode;
mod encode;
mod fault;
mod fields;
mod fold;
mod grounding;
mod media;
mod parts;
mod proto;
mod reply;
mod results;
mod rules;
mod stream;
mod summary;
mod thinking;
mod tools;
mod unsigned;

#[cfg(test)]
mod tests;

pub use decode::decode_request;
pub use encode::encode_request;
pub use fault::{decode_fault, encode_fault, fault_frame};
pub use fields::path_of;
pub use reply::{decode_reply, encode_reply};
pub use stream::{StreamDecoder, StreamEncoder};
pub use summary::summary;
pub use unsigned::sign_calls;
