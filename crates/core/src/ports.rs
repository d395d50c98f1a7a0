//! Where decisions meet I/O: traits that `store` implements and `server` calls.
//!
//! Dyn-safe with boxed futures: a store is chosen at start. A failing store answers as if it held nothing, since a call
//! can go on without what was remembered; it reports its failure by its own log and metrics.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use crate::Now;
use crate::continuity::{Saved, StoredResponse};
use crate::route;

/// A boxed future.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// What is remembered between calls. Everything is keyed by caller first: no caller sees what another left.
pub trait Continuity: Send + Sync {
    /// Remembers what belongs to calls that a model made, by their ids.
    fn put_calls<'a>(&'a self, caller: &'a str, saved: Vec<(String, Arc<Saved>)>, now: Now) -> Answer<'a, ()>;

    /// What was remembered of these calls; ids that are not known are left out.
    fn get_calls<'a>(&'a self, caller: &'a str, ids: &'a [String], now: Now) -> Answer<'a, Vec<(String, Arc<Saved>)>>;

    /// Remembers a response, replacing an earlier one of its id.
    fn put_response<'a>(
        &'a self,
        caller: &'a str,
        id: &'a str,
        response: Arc<StoredResponse>,
        now: Now,
    ) -> Answer<'a, ()>;

    /// A response that was remembered.
    fn get_response<'a>(&'a self, caller: &'a str, id: &'a str, now: Now) -> Answer<'a, Option<Arc<StoredResponse>>>;

    /// Forgets a response; whether there was one.
    fn delete_response<'a>(&'a self, caller: &'a str, id: &'a str, now: Now) -> Answer<'a, bool>;

    /// Remembers who made a seal, by [`crate::continuity::seal_id`].
    fn put_owner<'a>(&'a self, caller: &'a str, seal: &'a str, owner: route::Pin, now: Now) -> Answer<'a, ()>;

    /// Who made a seal.
    fn get_owner<'a>(&'a self, caller: &'a str, seal: &'a str, now: Now) -> Answer<'a, Option<route::Pin>>;
}
