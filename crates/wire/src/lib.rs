//! Protocols as pure bytes: what each dialect's bodies, streams and errors look like, both ways.
//!
//! No socket, clock, environment or randomness: everything comes in as an argument, so each protocol is tested on
//! recorded bytes, cut anywhere, and fuzzed in-process. `codec` is the one file that matches on `Dialect`.

mod by_letter;
pub mod carriage;
pub mod codec;
mod effort;
pub mod fault;
pub mod frame;
mod function_tool;
pub mod ids;
pub mod json;
pub mod limits;
mod media;
mod openai_models;
pub mod ops;
mod override_names;
pub mod providers;
pub mod relay;
pub mod resume;
pub mod schema;
pub mod sequencer;
pub mod tap;
pub mod target;
mod time;
pub mod translate;
mod unsaid;

pub mod anthropic;
pub mod bedrock;
pub mod cohere;
pub mod gemini;
pub mod ollama;
pub mod openai_chat;
pub mod openai_responses;
