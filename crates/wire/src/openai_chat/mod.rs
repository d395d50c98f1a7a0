//! OpenAI Chat Completions, as a face and as an upstream, with the spellings of the many hosts that speak it.
//!
//! Read leniently, written as OpenAI's own SDK types want it (openai-python 3.57). What the hosts add is read where it
//! means something: reasoning as `reasoning_content`, `reasoning`, `reasoning_details`, `thinking_blocks` or content
//! parts; content as parts (Mistral, Databricks) or as parsed JSON (Cloudflare).
//!
//! The face shows reasoning as `reasoning_content`, and beside it `reasoning_details` in `OpenRouter`'s form with each
//! block's seal and its issuer (`format`). A client that sends these back gets its reasoning restored block by block;
//! one that does not loses nothing else. Gemini's signatures on calls also stand where Google puts them
//! (`tool_calls[].extra_content.google.thought_signature`).

mod calls;
mod choices;
mod decode;
mod encode;
mod fault;
mod fields;
mod legacy;
mod messages;
mod output;
mod params;
mod parts;
mod reasoning;
mod reply;
mod reply_write;
mod rules;
mod stream;
mod summary;
mod takes;
mod thinking;
mod tool_choice;
mod tools;
mod usage;
mod write;
mod write_parts;

pub use decode::decode_request;
pub use encode::encode_request;
pub use fault::{decode_fault, encode_fault, fault_frame};
pub use fields::path_of;
pub use legacy::echo;
pub(crate) use params::end_user;
pub use reply::decode_reply;
pub use reply_write::encode_reply;
pub(crate) use rules::{Back, Rules};
pub use stream::{StreamDecoder, StreamEncoder};
pub use summary::summary;
pub use takes::{Begun, Off, Sampling, Says, Takes};

/// How a host is told to go on with an assistant's turn at the end of a chat with a model of this name. `host`: what its
/// record says of its chat endpoint, where it is a known one.
pub fn begun(model: &str, host: Option<&'static [Takes]>) -> Begun {
    Rules::of(model, host).begun
}
