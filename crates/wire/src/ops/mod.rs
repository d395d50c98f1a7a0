//! Operations other than chat.

pub mod count;
