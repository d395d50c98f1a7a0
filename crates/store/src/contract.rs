//! What every store must do, as one suite: a store is right if it passes, whatever engine is behind it.

use std::future::Future;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tollgate_core::Now;
use tollgate_core::continuity::{Conversation, Saved, StoredResponse};
use tollgate_core::ports::Continuity;
use tollgate_core::route::Pin;
use tollgate_ir::{Block, Issuer, Role, Seal, Turn};

/// Runs a future that never waits: a store in memory.
pub(crate) fn at_once<T>(future: impl Future<Output = T>) -> T {
    let mut future = std::pin::pin!(future);
    match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("a store in memory waits"),
    }
}

/// The contract of [`Continuity`], on an empty store that keeps calls and responses for so long.
pub(crate) async fn continuity(store: &dyn Continuity, calls_for: Duration, responses_for: Duration) {
    let now = Now { monotonic: Duration::from_secs(1000), unix_ms: 1_700_000_000_000 };
    calls_are_found_by_caller_and_id(store, now).await;
    calls_are_kept_while_they_are_used(store, now, calls_for).await;
    responses_are_found_by_caller_and_id(store, now).await;
    responses_are_kept_for_their_time(store, now, responses_for).await;
    owners_are_found_by_caller_and_seal(store, now, calls_for).await;
}

fn saved(data: &str) -> Arc<Saved> {
    Arc::new(Saved { seal: Some(Seal { issuer: Issuer::Gemini, data: data.into() }), ..Saved::default() })
}

fn ids(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

async fn calls_are_found_by_caller_and_id(store: &dyn Continuity, now: Now) {
    store.put_calls("ann", vec![("c1".into(), saved("one")), ("c2".into(), saved("two"))], now).await;
    let found = store.get_calls("ann", &ids(&["c2", "none", "c1"]), now).await;
    assert_eq!(found, [("c2".to_owned(), saved("two")), ("c1".to_owned(), saved("one"))], "in the order asked");
    assert!(store.get_calls("bob", &ids(&["c1"]), now).await.is_empty(), "another caller sees nothing");
    assert!(store.get_calls("", &ids(&["annc1"]), now).await.is_empty(), "caller and id do not run together");
    store.put_calls("ann", vec![("c1".into(), saved("newer"))], now).await;
    assert_eq!(store.get_calls("ann", &ids(&["c1"]), now).await[0].1, saved("newer"), "the later replaces");
}

async fn calls_are_kept_while_they_are_used(store: &dyn Continuity, now: Now, calls_for: Duration) {
    store.put_calls("ann", vec![("used".into(), saved("u")), ("idle".into(), saved("i"))], now).await;
    let mut later = now;
    for _ in 0..3 {
        later = later.plus(calls_for * 2 / 3);
        assert_eq!(store.get_calls("ann", &ids(&["used"]), later).await.len(), 1, "each use puts its end off");
    }
    assert!(store.get_calls("ann", &ids(&["idle"]), later).await.is_empty());
    assert!(store.get_calls("ann", &ids(&["used"]), later.plus(calls_for)).await.is_empty());
}

fn response(text: &str) -> Arc<StoredResponse> {
    let turns = vec![Turn { role: Role::User, blocks: vec![Block::text(text)] }];
    let conversation = Conversation { turns, own: 0..1, body: "{}".into() };
    let pin = Pin { provider: "openai".into(), key: Some(7) };
    Arc::new(StoredResponse { model: "m".into(), pin: Some(pin), conversation: Some(conversation) })
}

async fn responses_are_found_by_caller_and_id(store: &dyn Continuity, now: Now) {
    store.put_response("ann", "r1", response("hello"), now).await;
    assert_eq!(store.get_response("ann", "r1", now).await, Some(response("hello")));
    assert_eq!(store.get_response("bob", "r1", now).await, None, "another caller sees nothing");
    assert!(!store.delete_response("bob", "r1", now).await, "nor can they delete it");
    assert_eq!(store.get_response("ann", "r2", now).await, None);
    store.put_response("ann", "r1", response("newer"), now).await;
    assert_eq!(store.get_response("ann", "r1", now).await, Some(response("newer")));
    assert!(store.delete_response("ann", "r1", now).await);
    assert!(!store.delete_response("ann", "r1", now).await);
    assert_eq!(store.get_response("ann", "r1", now).await, None);
}

async fn responses_are_kept_for_their_time(store: &dyn Continuity, now: Now, responses_for: Duration) {
    store.put_response("ann", "r3", response("x"), now).await;
    let last = now.plus(responses_for - Duration::from_secs(1));
    assert!(store.get_response("ann", "r3", last).await.is_some());
    assert!(store.get_response("ann", "r3", now.plus(responses_for)).await.is_none(), "use does not put its end off");
    store.put_response("ann", "r4", response("x"), now).await;
    assert!(!store.delete_response("ann", "r4", now.plus(responses_for)).await, "what has expired is not there");
}

async fn owners_are_found_by_caller_and_seal(store: &dyn Continuity, now: Now, calls_for: Duration) {
    let owner = Pin { provider: "openai".into(), key: None };
    store.put_owner("ann", "seal", owner.clone(), now).await;
    assert_eq!(store.get_owner("ann", "seal", now).await, Some(owner));
    assert_eq!(store.get_owner("bob", "seal", now).await, None);
    assert_eq!(store.get_owner("ann", "seal", now.plus(calls_for * 2)).await, None);
}
