use super::*;

use FaultKind as K;
const NEXT: Retry = Retry::NextTarget;

const REFUSALS: &[(u16, &str, FaultKind, Retry)] = &[
    (
        401,
        r#"{"error":{"message":"no","type":"invalid_request_error","code":"invalid_api_key"}}"#,
        K::ProviderAuth,
        NEXT,
    ),
    (
        400,
        r#"{"error":{"code":400,"message":"API key not valid.","status":"INVALID_ARGUMENT"}}"#,
        K::ProviderAuth,
        NEXT,
    ),
    (400, r#"{"code":"invalid-argument","error":"Incorrect API key provided."}"#, K::ProviderAuth, NEXT),
    (403, r#"{"message":"You don't have access to the model"}"#, K::ProviderAuth, NEXT),
    (402, r#"{"error":{"message":"Insufficient Balance"}}"#, K::ProviderQuota, NEXT),
    (
        429,
        r#"{"error":{"type":"insufficient_quota","message":"You exceeded your current quota"}}"#,
        K::ProviderQuota,
        NEXT,
    ),
    (
        400,
        r#"{"error":{"type":"invalid_request_error","message":"Your credit balance is too low"}}"#,
        K::ProviderQuota,
        NEXT,
    ),
    (
        429,
        r#"{"error":{"code":429,"message":"Resource exhausted.","status":"RESOURCE_EXHAUSTED"}}"#,
        K::ProviderRateLimited,
        NEXT,
    ),
    (
        404,
        r#"{"error":{"code":"model_not_found","message":"The model `x` does not exist"}}"#,
        K::ProviderNotFound,
        Retry::No,
    ),
    (400, r#"{"error":{"message":"This model's maximum context length is 8 tokens."}}"#, K::ContextLength, Retry::No),
    (400, r#"{"error_type":"TOO_MANY_TOKENS","message":"size limit exceeded"}"#, K::ContextLength, Retry::No),
    (400, r#"{"error":{"code":"content_filter","message":"blocked"}}"#, K::ContentPolicy, Retry::No),
    (
        400,
        r#"{"error":{"message":"Unknown parameter: 'x'.","type":"invalid_request_error"}}"#,
        K::ProviderBadRequest,
        Retry::No,
    ),
    (422, r#"{"detail":[{"loc":["x"]}]}"#, K::ProviderBadRequest, Retry::No),
    (529, r#"{"error":{"type":"overloaded_error","message":"Overloaded"}}"#, K::ProviderOverloaded, NEXT),
    (500, "<html>oops</html>", K::ProviderFailed, NEXT),
    (504, "", K::ProviderTimeout, NEXT),
    (200, r#"{"error":{"type":"overloaded_error","message":"Overloaded"}}"#, K::ProviderOverloaded, NEXT),
    (200, r#"{"error":{"code":502,"message":"Network connection lost."}}"#, K::ProviderFailed, NEXT),
    (0, r#"{"error":{"type":"rate_limit_error","message":"slow down"}}"#, K::ProviderRateLimited, NEXT),
];

#[test]
fn kinds_and_retries_by_status_and_phrase() {
    for &(status, body, kind, retry) in REFUSALS {
        let fault = Words::read(body.as_bytes()).fault(status, &[]);
        assert_eq!((fault.kind, fault.retry), (kind, retry), "{status} {body}");
        assert!(!fault.public.is_empty(), "{status} {body}");
        assert!(fault.status >= 400, "{status} {body}");
        assert!(status < 400 || fault.status == status, "{status} {body}");
    }
}

#[test]
fn tr29_limit_headers_are_kept_and_others_are_not() {
    let headers = [
        ("retry-after", "287441"),
        ("anthropic-ratelimit-unified-status", "rejected"),
        ("x-ratelimit-remaining-tokens", "0"),
        ("set-cookie", "a=b"),
    ];
    let fault = classify(429, None, None, "slow down", &headers);
    let names: Vec<_> = fault.headers.iter().map(|h| (h.name.as_str(), h.value.as_str())).collect();
    assert_eq!(names, headers[..3]);
}

#[test]
fn long_words_are_cut_between_characters() {
    let fault = classify(400, None, None, &"日".repeat(MAX_WORDS), &[]);
    assert!(fault.public.len() <= MAX_WORDS && fault.public.ends_with('日'));
}
