//! Anthropic Messages, as a face and as an upstream, on its own API and wherever Claude is hosted.
//!
//! Requests: [`decode`] and [`encode`], the latter by [`rules`] (what classes of models take), [`turns`] (the layout of the
//! conversation), [`thinking`], [`output`] and [`tools`]. Replies: [`reply`] and [`stream`]. Blocks of both: [`blocks`].
//!
//! Where a class takes no prefill, a conversation that ends with words of the assistant is refused by name: a turn of the
//! user that we made up would change what is asked.
//!
//! Kept: an assistant's blocks stay in their order, signed thinking byte for byte; what only Anthropic understands goes
//! back to Anthropic whole; everything else is said, or reported.

mod blocks;
mod carried;
mod citations;
mod decode;
mod encode;
mod fault;
mod fields;
mod finish;
mod media;
mod output;
mod params;
mod reply;
pub(crate) mod rules;
pub(crate) mod schema;
mod seal;
mod stream;
mod summary;
mod thinking;
pub(crate) mod told;
mod tools;
mod turns;
mod usage;

#[cfg(test)]
mod tests;

pub use carried::report_carried;
pub use decode::decode_request;
pub use encode::encode_request;
pub use fault::{decode_fault, encode_fault, fault_frame};
pub use fields::path_of;
pub use reply::{decode_reply, encode_reply};
pub use seal::has_foreign_thinking;
pub use stream::{StreamDecoder, StreamEncoder};
pub use summary::summary;
