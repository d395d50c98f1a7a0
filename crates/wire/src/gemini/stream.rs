//! Streams both ways.

mod args;
mod decode;
mod encode;

pub use decode::StreamDecoder;
pub use encode::StreamEncoder;
