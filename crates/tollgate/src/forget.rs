//! Interim.
use std::sync::Arc;
use tollgate_core::Now;
use tollgate_core::continuity::{Saved, StoredResponse};
use tollgate_core::ports::{Answer, Continuity};
use tollgate_core::route::Pin;

#[derive(Default)]
pub struct MemoryContinuity;
impl Continuity for MemoryContinuity {
    fn put_calls<'a>(&'a self, _: &'a str, _: Vec<(String, Arc<Saved>)>, _: Now) -> Answer<'a, ()> { Box::pin(async {}) }
    fn get_calls<'a>(&'a self, _: &'a str, _: &'a [String], _: Now) -> Answer<'a, Vec<(String, Arc<Saved>)>> { Box::pin(async { Vec::new() }) }
    fn put_response<'a>(&'a self, _: &'a str, _: &'a str, _: Arc<StoredResponse>, _: Now) -> Answer<'a, ()> { Box::pin(async {}) }
    fn get_response<'a>(&'a self, _: &'a str, _: &'a str, _: Now) -> Answer<'a, Option<Arc<StoredResponse>>> { Box::pin(async { None }) }
    fn delete_response<'a>(&'a self, _: &'a str, _: &'a str, _: Now) -> Answer<'a, bool> { Box::pin(async { false }) }
    fn put_owner<'a>(&'a self, _: &'a str, _: &'a str, _: Pin, _: Now) -> Answer<'a, ()> { Box::pin(async {}) }
    fn get_owner<'a>(&'a self, _: &'a str, _: &'a str, _: Now) -> Answer<'a, Option<Pin>> { Box::pin(async { None }) }
}
