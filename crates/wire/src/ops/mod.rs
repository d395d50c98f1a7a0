//! Operations other than chat.

pub mod completions;
pub mod count;
pub mod embed;
pub mod multipart;
pub mod rerank;
pub mod usage;
