//! Streams: chunks → events, events → chunks.

mod decode;
mod encode;
mod open;

pub use decode::StreamDecoder;
pub use encode::StreamEncoder;
