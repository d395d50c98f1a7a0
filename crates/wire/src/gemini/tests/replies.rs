//! Replies, streams and errors both ways.

use super::*;

fn blocks(events: &[Event]) -> Vec<String> {
    fold::fold(events.to_vec())
        .unwrap()
        .choices
        .iter()
        .flat_map(|c| &c.blocks)
        .map(|b| match (&b.content, &b.seal) {
            (Content::Text { text, .. }, seal) => format!("text {text} {}", seal.as_ref().map_or("", |s| &s.data)),
            (Content::Reasoning(r), seal) => format!("thought {} {}", r.text, seal.as_ref().map_or("", |s| &s.data)),
            (Content::Call(c), seal) => {
                format!("call {} {} {}", c.name, c.arguments, seal.as_ref().map_or("", |s| &s.data))
            }
            (Content::Server(item), _) => format!("server {}", item.kind),
            (Content::Media(media), _) => format!("media {}", media.kind.as_str()),
            (other, _) => format!("{other:?}"),
        })
        .collect()
}

fn finish(events: &[Event]) -> Option<Finish> {
    events.iter().find_map(|e| match e {
        Event::Finish { finish, .. } => Some(finish.clone()),
        _ => None,
    })
}

fn chunk(parts: &str) -> String {
    format!(r#"{{"candidates":[{{"content":{{"role":"model","parts":[{parts}]}},"index":0}}],"responseId":"r"}}"#)
}

fn done(reason: &str) -> String {
    format!(
        r#"{{"candidates":[{{"content":{{"parts":[{{"text":""}}]}},"finishReason":"{reason}","index":0}}],"usageMetadata":{{"promptTokenCount":3,"candidatesTokenCount":2,"totalTokenCount":5}}}}"#
    )
}

/// Streams of parts → blocks: neighbours join, a signature ends its block, an empty text is none.
#[test]
fn parts_become_blocks() {
    for (parts, want) in [
        (vec![r#"{"text":"a"}"#, r#"{"text":"b"}"#], vec!["text ab "]),
        (
            vec![r#"{"text":"h","thought":true}"#, r#"{"text":"m","thought":true}"#, r#"{"text":"a"}"#],
            vec!["thought hm ", "text a "],
        ),
        (vec![r#"{"text":"a"}"#, r#"{"text":"","thoughtSignature":"s"}"#], vec!["text a s"]),
        (vec![r#"{"text":"a","thoughtSignature":"s"}"#, r#"{"text":"b"}"#], vec!["text a s", "text b "]),
        (
            vec![
                r#"{"functionCall":{"name":"f","args":{"x":1}},"thoughtSignature":"s"}"#,
                r#"{"functionCall":{"name":"f"}}"#,
                r#"{"text":""}"#,
            ],
            vec![r#"call f {"x":1} s"#, "call f {} "],
        ),
        (
            vec![r#"{"functionCall":{"name":"f"}}"#, r#"{"text":"","thoughtSignature":"s"}"#],
            vec!["call f {} ", "thought  s"],
        ),
        (
            vec![r#"{"text":"a"}"#, r#"{"executableCode":{"code":"1"}}"#, r#"{"text":"b"}"#],
            vec!["text a ", "server executableCode", "text b "],
        ),
        (
            vec![
                r#"{"inlineData":{"mimeType":"image/png","data":"AAAA"}}"#,
                r#"{"inlineData":{"mimeType":"image/png","data":"AAAA"},"thought":true}"#,
            ],
            vec!["media image", "server thought"],
        ),
        (
            vec![
                r#"{"functionCall":{"name":"f","willContinue":true},"thoughtSignature":"s"}"#,
                r#"{"functionCall":{"partialArgs":[{"jsonPath":"$.a","stringValue":"x","willContinue":true}],"willContinue":true}}"#,
                r#"{"functionCall":{"partialArgs":[{"jsonPath":"$.a","stringValue":"y"}],"willContinue":true}}"#,
                r#"{"functionCall":{}}"#,
                r#"{"functionCall":{"name":"g","args":{}}}"#,
            ],
            vec![r#"call f {"a":"xy"} s"#, "call g {} "],
        ),
    ] {
        let mut chunks: Vec<String> = parts.iter().map(|p| chunk(p)).collect();
        chunks.push(done("STOP"));
        let streamed = events(&chunks.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(blocks(&streamed), want, "{parts:?}");
        assert_eq!(streamed.last(), Some(&Event::End));
        let whole =
            format!(r#"{{"candidates":[{{"content":{{"parts":[{}]}},"finishReason":"STOP"}}]}}"#, parts.join(","));
        let reply = decode_reply(whole.as_bytes()).unwrap();
        assert_eq!(reply.choices[0].blocks.len(), want.len(), "whole: {parts:?}");
        assert_eq!(reply.choices[0].finish, finish(&streamed), "whole: {parts:?}");
    }
}

/// A call, then a chunk without content that says STOP: the calls are to be run; filters and limits are not stops.
#[test]
fn tr05_finishes() {
    let call = chunk(r#"{"functionCall":{"name":"f","args":{}}}"#);
    let text = chunk(r#"{"text":"a"}"#);
    for (first, reason, want) in [
        (&call, "STOP", Finish::ToolCalls),
        (&text, "STOP", Finish::Stop),
        (&text, "MAX_TOKENS", Finish::Length),
        (&text, "SAFETY", Finish::ContentFilter),
        (&text, "MODEL_ARMOR", Finish::ContentFilter),
        (&text, "MALFORMED_FUNCTION_CALL", Finish::Error("MALFORMED_FUNCTION_CALL".into())),
        (&text, "NEW_REASON", Finish::Error("NEW_REASON".into())),
    ] {
        assert_eq!(finish(&events(&[first, &done(reason)])), Some(want), "{reason}");
    }
    let blocked = events(&[
        r#"{"promptFeedback":{"blockReason":"SAFETY"},"usageMetadata":{"promptTokenCount":4,"totalTokenCount":4}}"#,
    ]);
    assert_eq!(finish(&blocked), Some(Finish::ContentFilter));
}

/// Chunks after a finish reason (seen with code execution) are part of the answer.
#[test]
fn a_finish_reason_is_not_the_end() {
    let got = events(&[&chunk(r#"{"text":"a"}"#), &done("STOP"), &chunk(r#"{"text":"b"}"#), &done("MAX_TOKENS")]);
    assert_eq!(blocks(&got), ["text ab "]);
    assert_eq!(finish(&got), Some(Finish::Length));
    assert_eq!(got.iter().filter(|e| matches!(e, Event::Finish { .. })).count(), 1);
}

/// A body that ends without a finish reason is cut, not done; an error in it is the provider's.
#[test]
fn rl03_cuts_and_errors_in_streams() {
    let text = chunk(r#"{"text":"a"}"#);
    let fault = |got: &[Event]| match got.last() {
        Some(Event::Fault(fault)) => (fault.kind, fault.public.clone(), fault.status),
        other => panic!("{other:?}"),
    };
    assert_eq!(fault(&events(&[&text])).0, FaultKind::ProviderCut);
    assert_eq!(fault(&events(&[])).0, FaultKind::ProviderCut);
    assert_eq!(fault(&events(&[&text, "{"])).0, FaultKind::ProviderGarbage);
    let error = r#"{"error":{"code":503,"message":"The model is overloaded.","status":"UNAVAILABLE"}}"#;
    let want = (FaultKind::ProviderOverloaded, "The model is overloaded.".to_owned(), 503);
    assert_eq!(fault(&events(&[&text, error, &done("STOP")])), want);
    let fault = decode_reply(format!("[{error}]").as_bytes()).unwrap_err();
    assert_eq!((fault.kind, fault.status), (FaultKind::ProviderOverloaded, 503));
}

#[test]
fn any_bytes_decode_to_something() {
    for body in [
        "",
        "null",
        "[]",
        "{}",
        "5",
        r#""x""#,
        r#"{"candidates":5}"#,
        r#"{"candidates":[null]}"#,
        r#"{"candidates":[{"content":{"parts":[[],1,null,{"functionCall":7}]}}]}"#,
        "\u{0}",
    ] {
        let _ = decode_reply(body.as_bytes());
        let got = events(&[body]);
        assert!(matches!(got.last(), Some(Event::Fault(_) | Event::End)), "{body}");
        let _ = decode_fault(500, &[], body.as_bytes());
    }
}

#[test]
fn several_candidates_stay_apart() {
    let got = events(&[
        r#"{"candidates":[{"content":{"parts":[{"text":"a"}]},"index":0},{"content":{"parts":[{"text":"b"}]},"index":1}]}"#,
        r#"{"candidates":[{"content":{"parts":[{"text":"c"}]},"finishReason":"STOP","index":1},{"content":{"parts":[{"text":"d"}]},"finishReason":"MAX_TOKENS","index":0}]}"#,
    ]);
    let reply = fold::fold(got.clone()).unwrap();
    let said: Vec<_> =
        reply.choices.iter().map(|c| (c.blocks[0].as_text().unwrap(), c.finish.clone().unwrap())).collect();
    assert_eq!(said, [("ad", Finish::Length), ("bc", Finish::Stop)]);
    let again = decode_reply(&encode_reply(&reply, &context())).unwrap();
    assert_eq!(again.choices, reply.choices);
}

#[test]
fn citations_stand_behind_their_words() {
    let body = r#"{"candidates":[{"content":{"parts":[{"text":"Zürich is big. Yes."}]},"finishReason":"STOP","groundingMetadata":{
        "groundingChunks":[{"web":{"uri":"https://a.example","title":"A"}},{"retrievedContext":{"title":"doc"}}],
        "groundingSupports":[{"segment":{"startIndex":0,"endIndex":15,"text":"Zürich is big."},"groundingChunkIndices":[0,1]}]}}]}"#;
    let reply = decode_reply(body.as_bytes()).unwrap();
    let Content::Text { citations, .. } = &reply.choices[0].blocks[0].content else { panic!() };
    let got: Vec<_> = citations.iter().map(|c| (c.url.as_deref(), c.title.as_deref(), c.range)).collect();
    assert_eq!(got, [(Some("https://a.example"), Some("A"), Some((0, 14))), (None, Some("doc"), Some((0, 14)))]);
    let again = decode_reply(&encode_reply(&reply, &context())).unwrap();
    assert_eq!(again.choices, reply.choices);
}

#[test]
fn log_probabilities_both_ways() {
    let body = r#"{"candidates":[{"content":{"parts":[{"text":"Hi"}]},"finishReason":"STOP","logprobsResult":{"topCandidates":[{"candidates":[{"token":"Hi","logProbability":-0.5},{"token":"Ho","logProbability":-1}]}],"chosenCandidates":[{"token":"Hi","logProbability":-0.5}]}}]}"#;
    let reply = decode_reply(body.as_bytes()).unwrap();
    let logprobs = &reply.choices[0].logprobs;
    assert_eq!((logprobs.len(), logprobs[0].logprob, logprobs[0].top.len()), (1, -0.5, 2));
    assert_eq!(decode_reply(&encode_reply(&reply, &context())).unwrap().choices, reply.choices);
}

#[test]
fn a_whole_reply_as_clients_read_it() {
    let choice = Choice {
        blocks: vec![
            sealed(
                Block::new(Content::Reasoning(Reasoning { text: "hm".into(), ..Reasoning::default() })),
                Issuer::Anthropic,
                "x",
            ),
            Block::text("Hi"),
            call("call_1", "f"),
        ],
        finish: Some(Finish::ToolCalls),
        logprobs: vec![],
    };
    let usage = Usage {
        input: 5,
        cache_read: Some(3),
        cache_write: Some(2),
        output: 7,
        reasoning: Some(4),
        ..Usage::default()
    };
    let reply = Reply { choices: vec![choice], usage: Some(usage), ..Reply::default() };
    assert_eq!(
        String::from_utf8(encode_reply(&reply, &context())).unwrap(),
        concat!(
            r#"{"candidates":[{"content":{"parts":[{"text":"hm","thought":true},{"text":"Hi"},"#,
            r#"{"functionCall":{"name":"f","args":{"x":1},"id":"call_1"}}],"role":"model"},"finishReason":"STOP","index":0}],"#,
            r#""usageMetadata":{"promptTokenCount":10,"candidatesTokenCount":7,"totalTokenCount":21,"cachedContentTokenCount":3,"thoughtsTokenCount":4},"#,
            r#""modelVersion":"m1","responseId":"r1"}"#
        )
    );
}

fn stream(events: &[Event]) -> Vec<String> {
    let (mut encoder, mut out) = (StreamEncoder::new(context()), Vec::new());
    events.iter().for_each(|e| encoder.event(e, &mut out));
    let text = String::from_utf8(out).unwrap();
    text.split_terminator("\n\n").map(|e| e.strip_prefix("data: ").unwrap().to_owned()).collect()
}

/// Tolerates what upstreams leave out; a fault is the last word.
#[test]
fn streams_as_clients_read_them() {
    let open = |start| Event::Open { choice: 0, block: 0, start };
    let delta = |delta| Event::Delta { choice: 0, block: 0, delta };
    let close = Event::Close { choice: 0, block: 0 };
    let head = r#""modelVersion":"m1","responseId":"r1"}"#;
    let last = |reason: &str| {
        format!(
            r#"{{"candidates":[{{"content":{{"parts":[{{"text":""}}],"role":"model"}},"finishReason":"{reason}","index":0}}],"usageMetadata":{{"promptTokenCount":0,"candidatesTokenCount":0,"totalTokenCount":0}},{head}"#
        )
    };
    let part =
        |part: &str| format!(r#"{{"candidates":[{{"content":{{"parts":[{part}],"role":"model"}},"index":0}}],{head}"#);

    let bare = [open(BlockStart::Text), delta(Delta::Text("a".into())), close.clone(), Event::End];
    assert_eq!(stream(&bare), [part(r#"{"text":"a"}"#), last("STOP")]);
    assert_eq!(stream(&[Event::End]), [last("STOP")]);

    let call = BlockStart::Call { id: "c".into(), name: "f".into(), kind: CallKind::Function };
    let pieces = ["{\n\"x\"", ":1\r\n}"].map(|p| delta(Delta::Arguments(p.into())));
    let mut events = vec![open(call)];
    events.extend(pieces);
    events.extend([
        delta(Delta::Seal(Seal { issuer: Issuer::OpenAi, data: "no".into() })),
        delta(Delta::Seal(Seal { issuer: Issuer::Gemini, data: "yes".into() })),
        close,
        Event::Finish { choice: 0, finish: Finish::ToolCalls },
        Event::End,
        Event::Ping,
    ]);
    let want = part(r#"{"functionCall":{"name":"f","args":{"x":1},"id":"c"},"thoughtSignature":"yes"}"#);
    assert_eq!(stream(&events), [want, last("STOP")]);

    let fault = Fault::new(FaultKind::ProviderOverloaded, "Come again.");
    let broken = [bare[0].clone(), bare[1].clone(), Event::Fault(Box::new(fault)), Event::End];
    let got = stream(&broken);
    assert_eq!(
        got,
        [
            part(r#"{"text":"a"}"#),
            r#"{"error":{"code":503,"message":"Come again.","status":"UNAVAILABLE"}}"#.to_owned()
        ]
    );
}

/// TR28, TR29: status, words, and when to come again.
#[test]
fn errors_both_ways() {
    let key = r#"{"error":{"code":400,"message":"Nope.","status":"INVALID_ARGUMENT","details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"API_KEY_INVALID"}]}}"#;
    let rate = r#"[{"error":{"code":429,"message":"Slow down.","status":"RESOURCE_EXHAUSTED","details":[{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"21.3s"}]}}]"#;
    let day = r#"{"error":{"code":429,"message":"Quota.","status":"RESOURCE_EXHAUSTED","details":[{"violations":[{"quotaId":"GenerateRequestsPerDayPerProject"}]}]}}"#;
    let minute = r#"{"error":{"code":429,"message":"You exceeded your current quota.","status":"RESOURCE_EXHAUSTED","details":[{"violations":[{"quotaId":"GenerateRequestsPerMinutePerProject"}]}]}}"#;
    let long = r#"{"error":{"code":400,"message":"The input token count (9) exceeds the maximum number of tokens allowed (8).","status":"INVALID_ARGUMENT"}}"#;
    for (status, body, kind, retry, after) in [
        (400, key, FaultKind::ProviderAuth, Retry::NextTarget, None),
        (429, rate, FaultKind::ProviderRateLimited, Retry::NextTarget, Some("22")),
        (429, day, FaultKind::ProviderQuota, Retry::NextTarget, None),
        (429, minute, FaultKind::ProviderRateLimited, Retry::NextTarget, None),
        (400, long, FaultKind::ContextLength, Retry::No, None),
        (
            404,
            r#"{"error":{"code":404,"message":"gone","status":"NOT_FOUND"}}"#,
            FaultKind::ProviderNotFound,
            Retry::No,
            None,
        ),
        (500, "<html>", FaultKind::ProviderFailed, Retry::NextTarget, None),
    ] {
        let fault = decode_fault(status, &[("x-other", "1")], body.as_bytes());
        assert_eq!((fault.kind, fault.retry, fault.status), (kind, retry, status), "{body}");
        assert_eq!(fault.headers.first().map(|h| h.value.as_str()), after, "{body}");
    }
    let fault = decode_fault(429, &[("retry-after", "7")], rate.as_bytes());
    assert_eq!(fault.headers.len(), 1);
    assert_eq!(
        String::from_utf8(encode_fault(&fault, "req")).unwrap(),
        r#"{"error":{"code":429,"message":"Slow down.","status":"RESOURCE_EXHAUSTED","details":[{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"7s"}]}}"#
    );
}
