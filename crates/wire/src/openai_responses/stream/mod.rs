//! Streams, both ways.

mod decode;
mod encode;
mod steps;

pub use decode::StreamDecoder;
pub use encode::StreamEncoder;
