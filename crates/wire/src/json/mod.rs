//! JSON as the codecs need it: a tree that borrows from the body and keeps the order of keys, a reader that knows
//! which fields nobody asked for, a writer without intermediate values.

mod fields;
mod node;
mod write;

pub use fields::Fields;
pub(crate) use fields::wrong;
pub use node::{Node, Object};
pub use write::{ArrayWriter, ObjectWriter, array, object, text};
