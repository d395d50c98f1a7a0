//! JSON as the codecs need it: a tree that borrows from the body and keeps the order of keys, a reader that knows
//! which fields nobody asked for, a glance at chosen members without a tree, a writer without intermediate values.

mod envelope;
mod fields;
mod glance;
pub mod inside;
mod marks;
mod mentions;
mod node;
mod parse;
mod patch;
mod scan;
mod skip;
mod write;

#[cfg(test)]
pub(crate) use envelope::READ;
pub use envelope::{Envelope, Member};
pub use fields::Fields;
pub(crate) use fields::wrong;
pub(crate) use glance::Glance;
pub use mentions::Mentions;
pub use node::{Node, Object};
pub use patch::{Patch, apply, apply_in_pieces};
pub use write::{ArrayWriter, ObjectWriter, array, object, text};
