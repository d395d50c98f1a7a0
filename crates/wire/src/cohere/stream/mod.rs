//! Streams: server-sent events named by their `type`, blocks by `index` (content and calls count apart), `message-end`
//! with finish and usage, then `[DONE]`.

mod decode;
mod encode;

pub use decode::StreamDecoder;
pub use encode::StreamEncoder;

/// What follows the last event.
pub(super) const END_OF_STREAM: &[u8] = b"data: [DONE]\n\n";
