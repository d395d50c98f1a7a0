//! `ConverseStream`: binary events, one open block at a time, texts without a start of their own.

mod decode;
mod encode;

pub use decode::StreamDecoder;
pub use encode::StreamEncoder;
