//! Streams both ways: `message_start`, for each block `content_block_start`, deltas, `content_block_stop`, then
//! `message_delta` with the end and the counts, and `message_stop`.

mod decode;
mod encode;

pub use decode::StreamDecoder;
pub use encode::StreamEncoder;
