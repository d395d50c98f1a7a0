//! Held credentials: one request for many calls, renewed in time, renewed once when refused.

use std::future::Future;
use std::pin::Pin;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use tollgate_testkit::{Script, ScriptedUpstream};

use super::super::*;
use super::scene::{Scene, noon};
use crate::upstream::{Deadlines, Payload};

/// A token and its life, or a fault.
type Given = Result<(&'static str, Option<Duration>), FaultKind>;

/// Gives what it is told to, after a moment.
#[derive(Debug, Default)]
struct Told {
    asked: AtomicUsize,
    answers: Mutex<Vec<Given>>,
}

#[derive(Debug)]
struct Shared(Arc<Told>);

impl Source<Token> for Shared {
    fn place(&self) -> String {
        "the test".to_owned()
    }

    fn fetch<'a>(
        &'a self,
        transport: Transport<'a>,
    ) -> Pin<Box<dyn Future<Output = Result<Grant<Token>, Miss>> + Send + 'a>> {
        Box::pin(async move {
            self.0.asked.fetch_add(1, Ordering::SeqCst);
            tokio::time::sleep(Duration::from_millis(20)).await;
            match self.0.answers.lock().unwrap().remove(0) {
                Ok((text, life)) => {
                    Ok(Grant { value: Token::new(text), expires: life.map(|life| transport.now + life) })
                }
                Err(kind) => Err(Fault::new(kind, "it is as it is").into()),
            }
        })
    }
}

const HOUR: Option<Duration> = Some(Duration::from_secs(3600));

fn told(answers: &[Given]) -> (Arc<Told>, Arc<Renewing<Token>>) {
    let told = Arc::new(Told { answers: Mutex::new(answers.to_vec()), ..Told::default() });
    (Arc::clone(&told), Arc::new(Renewing::new(Chain::of("up", Shared(told)))))
}

async fn text_at(source: &Renewing<Token>, scene: &Scene, after: u64) -> String {
    let transport = scene.at(noon() + Duration::from_secs(after));
    match source.get(transport).await {
        Ok((token, _)) => token.bearer.expose().to_owned(),
        Err(fault) => fault.public,
    }
}

#[tokio::test]
async fn a_hundred_calls_cost_one_request_also_when_it_fails() {
    let scene = Scene::new();
    let (told, source) = told(&[Err(FaultKind::ProviderUnreachable), Ok(("one", HOUR))]);
    let failed = join_all((0..100).map(|_| text_at(&source, &scene, 0))).await;
    assert_eq!(told.asked.load(Ordering::SeqCst), 1);
    assert!(failed.iter().all(|text| text == "`up`: the test: it is as it is"), "{failed:?}");
    let served = join_all((0..100).map(|_| text_at(&source, &scene, 0))).await;
    assert!(served.iter().all(|text| text == "one"), "{served:?}");
    assert_eq!(told.asked.load(Ordering::SeqCst), 2, "a failure is not kept");
}

#[tokio::test]
async fn a_token_is_renewed_before_its_end_and_used_while_that_fails() {
    let scene = Scene::new();
    let (told, source) = told(&[
        Ok(("one", HOUR)),
        Err(FaultKind::ProviderUnreachable),
        Ok(("two", HOUR)),
        Err(FaultKind::ProviderUnreachable),
        Ok(("three", Some(Duration::from_secs(40)))),
        Ok(("four", HOUR)),
    ]);
    for (after, text, asked) in [
        (0, "one", 1),
        (3299, "one", 1),
        // Five minutes before the end; the failure is not shown, and not repeated at every call.
        (3301, "one", 2),
        (3305, "one", 2),
        (3312, "two", 3),
        // Past the end nothing is left to use.
        (3312 + 3600, "`up`: the test: it is as it is", 4),
        (3312 + 3601, "three", 5),
        // Of a short life three quarters.
        (3312 + 3601 + 29, "three", 5),
        (3312 + 3601 + 30, "four", 6),
    ] {
        assert_eq!(text_at(&source, &scene, after).await, text, "{after}");
        assert_eq!(told.asked.load(Ordering::SeqCst), asked, "{after}");
    }
}

#[tokio::test]
async fn while_one_call_renews_the_others_go_on() {
    let scene = Scene::new();
    let (told, source) = told(&[Ok(("one", HOUR)), Ok(("two", HOUR))]);
    assert_eq!(text_at(&source, &scene, 0).await, "one");
    let texts = join_all((0..10).map(|_| text_at(&source, &scene, 3400))).await;
    assert_eq!(texts.iter().filter(|text| *text == "one").count(), 9, "{texts:?}");
    assert_eq!(told.asked.load(Ordering::SeqCst), 2);
}

async fn ask(upstream: &ScriptedUpstream, credential: &Credential, scene: &Scene) -> u16 {
    let request = http::Request::post(upstream.url("/v1/chat")).body(()).unwrap();
    let (head, ()) = request.into_parts();
    let outbound = Outbound {
        head: Box::new(head),
        payload: Payload::from(Bytes::from_static(b"{}")),
        credential: credential.clone(),
    };
    outbound.send(scene.now(), &Deadlines::default()).await.unwrap().status().as_u16()
}

#[tokio::test]
async fn a_refused_token_is_renewed_once_for_all_and_then_the_refusal_stands() {
    let scene = Scene::new();
    let (told, source) = told(&[Ok(("old", HOUR)), Ok(("new", HOUR)), Ok(("newer", HOUR))]);
    let credential = Credential::Token(source);
    let up = ScriptedUpstream::choosing(|request| match request.header("authorization") {
        Some("Bearer new") => Script::json(200, "{}"),
        _ => Script::json(401, "{}"),
    })
    .await;
    let statuses = join_all((0..20).map(|_| ask(&up, &credential, &scene))).await;
    assert_eq!(statuses, [200; 20]);
    assert_eq!(told.asked.load(Ordering::SeqCst), 2, "twenty refusals, one renewal");
    assert!(up.requests().iter().all(|request| request.body == "{}"));

    let strict = ScriptedUpstream::always(Script::json(401, "{}")).await;
    assert_eq!(ask(&strict, &credential, &scene).await, 401);
    assert_eq!(strict.requests().len(), 1, "asked for again too soon");
    let later = scene.at(noon() + Duration::from_secs(60));
    let (head, ()) = http::Request::post(strict.url("/")).body(()).unwrap().into_parts();
    let outbound = Outbound { head: Box::new(head), payload: Payload::Empty, credential };
    let reply = outbound.send(later, &Deadlines::default()).await.unwrap();
    assert_eq!((reply.status().as_u16(), strict.requests().len()), (401, 3), "once more and no further");
}

#[tokio::test]
async fn a_renewal_that_brings_nothing_new_sends_nothing_again() {
    let scene = Scene::new();
    let (told, source) = told(&[Ok(("same", HOUR)), Ok(("same", HOUR))]);
    let up = ScriptedUpstream::always(Script::json(401, r#"{"error":{"message":"why"}}"#)).await;
    assert_eq!(ask(&up, &Credential::Token(source), &scene).await, 401);
    assert_eq!((told.asked.load(Ordering::SeqCst), up.requests().len()), (2, 1));
    let key = Credential::key(Place::BEARER, &Secret::new("k"));
    assert_eq!(ask(&up, &key, &scene).await, 401);
    assert_eq!(up.requests().len(), 2, "a key is what it is");
}

#[tokio::test]
async fn aws_says_with_403_that_a_token_has_ended() {
    let scene = Scene::new().with(&[("AWS_PROFILE", "p")]);
    let keys = |id: &str| format!("[p]\naws_access_key_id={id}\naws_secret_access_key=s\naws_session_token=t\n");
    scene.write(".aws/credentials", &keys("OLD"));
    let settings = AwsSettings::new("aws", None, &scene).unwrap();
    let signer = AwsSigner {
        region: "us-east-1".to_owned(),
        service: "bedrock".to_owned(),
        keys: Arc::new(settings.keys(&tollgate_core::config::AwsAuth::default())),
    };
    let credential = Credential::Aws(signer);
    let up = ScriptedUpstream::choosing(|request| {
        let signed = request.header("authorization").unwrap();
        if signed.contains("Credential=NEW/") {
            return Script::json(200, "{}");
        }
        Script::json(403, "{}").header("x-amzn-ErrorType", "ExpiredTokenException:http://internal.amazon.com/")
    })
    .await;
    assert_eq!(ask(&up, &credential, &scene).await, 403, "the file has no other");
    scene.write(".aws/credentials", &keys("NEW"));
    let later = scene.at(noon() + Duration::from_secs(60));
    let (head, ()) = http::Request::post(up.url("/")).body(()).unwrap().into_parts();
    let outbound = Outbound { head: Box::new(head), payload: Payload::Empty, credential };
    let reply = outbound.send(later, &Deadlines::default()).await.unwrap();
    assert_eq!(reply.status().as_u16(), 200);
}
