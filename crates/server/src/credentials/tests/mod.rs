//! Keys and signatures here; what is fetched in the files beside, against servers that enforce what the real ones do.

mod aws;
mod azure;
mod google;
mod messages;
mod renewing;
mod scene;

use std::time::{Duration, SystemTime};

use http::{HeaderMap, Request};

use super::*;
use scene::Scene;

fn head(method: &str, uri: &str, headers: &[(&'static str, &str)]) -> request::Parts {
    let mut builder = Request::builder().method(method).uri(uri);
    for (name, value) in headers {
        builder = builder.header(*name, *value);
    }
    builder.body(()).unwrap().into_parts().0
}

/// 2015-08-30 12:36:00 UTC, the time of the published test suite.
fn suite_time() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_440_938_160)
}

async fn applied(credential: &Credential, uri: &str) -> (String, HeaderMap) {
    let mut head = head("POST", uri, &[]);
    credential.apply(&mut head, SignedBody::Whole(b""), Scene::new().at(suite_time())).await.unwrap();
    (head.uri.to_string(), head.headers)
}

#[tokio::test]
async fn simple_credentials_go_where_they_belong_and_are_sensitive() {
    let secret = Secret::new("s3cr et+&");
    for (credential, header, expected) in [
        (Place::BEARER, "authorization", "Bearer s3cr et+&"),
        (Place::Authorization("Token".into()), "authorization", "Token s3cr et+&"),
        (Place::Header(HeaderName::from_static("x-api-key")), "x-api-key", "s3cr et+&"),
    ] {
        let credential = Credential::key(credential, &secret);
        let (_, headers) = applied(&credential, "https://host/v1").await;
        assert_eq!(headers[header], expected);
        assert!(headers[header].is_sensitive());
        assert!(!format!("{credential:?} {headers:?}").contains("s3cr"));
    }
    for (uri, expected) in [
        ("https://host/v1beta/models", "https://host/v1beta/models?key=s3cr%20et%2B%26"),
        ("https://host/v1beta/m:x?alt=sse", "https://host/v1beta/m:x?alt=sse&key=s3cr%20et%2B%26"),
    ] {
        assert_eq!(applied(&Credential::key(Place::Query("key".into()), &secret), uri).await.0, expected);
    }
    assert!(applied(&Credential::None, "https://host/").await.1.is_empty());
    let broken = Credential::key(Place::BEARER, &Secret::new("line\nbreak"));
    let mut head = head("GET", "https://host/", &[]);
    let scene = Scene::new();
    let fault = broken.apply(&mut head, SignedBody::Whole(b""), scene.at(suite_time())).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::ProviderMisconfigured);
    assert!(!format!("{fault:?}").contains("break"));
}

/// From the published signing test suite of AWS (aws-c-auth, as kept in aws-sigv4): method, path, headers, session token,
/// signed headers, signature.
type Published = (
    &'static str,
    &'static str,
    &'static [(&'static str, &'static str)],
    Option<&'static str>,
    &'static str,
    &'static str,
);

const PUBLISHED: &[Published] = &[
    ("GET", "/", &[], None, "host;x-amz-date", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
    ("POST", "/", &[], None, "host;x-amz-date", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
    (
        "GET",
        "/",
        &[("my-header1", "value1"), ("my-header2", "\"a   b   c\"")],
        None,
        "host;my-header1;my-header2;x-amz-date",
        "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736",
    ),
    (
        "GET",
        "/?Param2=value2&Param1=value1",
        &[],
        None,
        "host;x-amz-date",
        "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
    ),
    (
        "GET",
        "/",
        &[],
        Some("6e86291e8372ff2a2260956d9b8aae1d763fbf315fa00fa31553b73ebf194267"),
        "host;x-amz-date;x-amz-security-token",
        "07ec1639c89043aa0e3e2de82b96708f198cceab042d4a97044c66dd9f74e7f8",
    ),
];

fn signer(service: &str, token: Option<&str>) -> AwsSigner {
    let keys = AwsKeys {
        access_key_id: "AKIDEXAMPLE".to_owned(),
        secret_access_key: Secret::new("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
        session_token: token.map(Secret::new),
    };
    AwsSigner { region: "us-east-1".to_owned(), service: service.to_owned(), keys: Arc::new(keys.fixed("aws")) }
}

#[tokio::test]
async fn signatures_are_those_that_aws_publishes() {
    for (method, path, headers, token, signed, signature) in PUBLISHED {
        let mut head = head(method, &format!("https://example.amazonaws.com{path}"), headers);
        let credential = Credential::Aws(signer("service", *token));
        credential.apply(&mut head, SignedBody::Whole(b""), Scene::new().at(suite_time())).await.unwrap();
        let expected = format!(
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, \
             SignedHeaders={signed}, Signature={signature}"
        );
        assert_eq!(head.headers["authorization"], expected, "{method} {path}");
        assert_eq!(head.headers["x-amz-date"], "20150830T123600Z");
        assert!(head.headers["authorization"].is_sensitive());
        assert_eq!(head.headers.get("x-amz-security-token").map(|value| value.to_str().unwrap()), *token);
        assert!(!format!("{credential:?}").contains("wJalr"));
    }
}

#[tokio::test]
async fn a_signature_covers_the_body_however_it_is_cut_and_an_escaped_path() {
    let sign = async |uri: &str, body: SignedBody<'_>| {
        let mut head = head("POST", uri, &[("content-type", "application/json"), ("traceparent", "00-1-2-01")]);
        let scene = Scene::new();
        Credential::Aws(signer("bedrock", None)).apply(&mut head, body, scene.at(suite_time())).await.unwrap();
        head.headers["authorization"].to_str().unwrap().to_owned()
    };
    let uri = "https://bedrock-runtime.us-east-1.amazonaws.com/model/anthropic.claude-v2%3A1/converse";
    let whole = sign(uri, SignedBody::Whole(b"{\"a\":1}")).await;
    let pieces = [Bytes::from_static(b"{\"a\""), Bytes::from_static(b":1}")];
    assert_eq!(whole, sign(uri, SignedBody::Pieces(&pieces)).await);
    assert_ne!(whole, sign(uri, SignedBody::Whole(b"{\"a\":2}")).await);
    assert!(whole.contains("SignedHeaders=content-type;host;x-amz-date,"), "{whole}");
    let signature = whole.rsplit('=').next().unwrap();
    assert_eq!(signature, by_hand("/model/anthropic.claude-v2%253A1/converse", "{\"a\":1}"));
}

/// The signature by the document's own steps (Signature Version 4, "Create a signed request"), not by the crate.
fn by_hand(canonical_path: &str, body: &str) -> String {
    use aws_lc_rs::{digest, hmac};
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let hash = |text: &str| hex(digest::digest(&digest::SHA256, text.as_bytes()).as_ref());
    let mac =
        |key: &[u8], text: &str| hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text.as_bytes()).as_ref().to_vec();
    let canonical = format!(
        "POST\n{canonical_path}\n\ncontent-type:application/json\nhost:bedrock-runtime.us-east-1.amazonaws.com\n\
         x-amz-date:20150830T123600Z\n\ncontent-type;host;x-amz-date\n{}",
        hash(body)
    );
    let scope = "20150830/us-east-1/bedrock/aws4_request";
    let to_sign = format!("AWS4-HMAC-SHA256\n20150830T123600Z\n{scope}\n{}", hash(&canonical));
    let key = ["20150830", "us-east-1", "bedrock", "aws4_request"]
        .iter()
        .fold(b"AWS4wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".to_vec(), |key, step| mac(&key, step));
    hex(&mac(&key, &to_sign))
}
