//! Streams, both ways: lines, each a piece of the message; the last one says `done`.

mod decode;
mod encode;

pub use decode::StreamDecoder;
pub use encode::StreamEncoder;
