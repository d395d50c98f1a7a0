//! Amazon Bedrock's Converse and ConverseStream, as face and as upstream; and the carriage of Claude over Invoke.
//!
//! Converse is strict where others are lenient: the user speaks first, sides alternate, tool results come before all else
//! that the user says, calls in the history need declared tools, no text is blank, and what a model's class does not take
//! is refused by name. A conversation that ends with words of the assistant is a prefill, and refused by us, naming the
//! block, where the class takes none: a turn of the user that we made up would change what is asked. `messages` and `models` keep these rules; `read` and `write` are the blocks both ways, the same in
//! requests and replies. Source: the API reference and the service's model `bedrock-runtime` 2023-09-30.

mod decode;
mod encode;
mod fault;
mod fields;
pub mod invoke;
mod media;
mod messages;
mod models;
mod params;
mod read;
mod reply;
mod stream;
mod summary;
mod tools;
mod write;

pub use decode::decode_request;
pub use encode::encode_request;
use encode::write_cache_point;
pub use fault::{decode_fault, encode_fault, error_type, fault_frame};
pub use fields::path_of;
pub use reply::{decode_reply, encode_reply};
pub use stream::{StreamDecoder, StreamEncoder};
pub use summary::summary;
