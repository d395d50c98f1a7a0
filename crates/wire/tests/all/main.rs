//! Every dialect by its protocol's rules and by recorded traffic, relay and tap, and the matrix of all pairs.

#![expect(
    clippy::disallowed_types,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "tests judge by another parser than ours, and may fail and speak"
)]

mod recorded;
mod streams;

mod anthropic;
mod bedrock;
mod classes;
mod cohere;
mod embed;
mod gemini;
mod matrix;
mod ollama;
mod openai_chat;
mod openai_responses;
mod providers;
mod relay;
mod rerank;
mod resume;
mod summary;
