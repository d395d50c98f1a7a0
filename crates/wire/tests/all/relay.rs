//! The relay and the tap over recorded traffic: bytes stay, usage is what a full decode says.

use bytes::Bytes;
use tollgate_ir::{Dialect, Event, Losses, Operation};
use tollgate_wire::carriage::Carriage;
use tollgate_wire::codec::{self, StreamDecoder};
use tollgate_wire::json::Envelope;
use tollgate_wire::relay::{ControlFields, RelayRequest, Relayed, forbidden_overrides, relay_request};
use tollgate_wire::tap::{Tap, Verdict};
use tollgate_wire::target::ModelFacts;

use crate::recorded::recordings;
use crate::streams::frames;

fn relay(dialect: Dialect, body: &str, change: impl FnOnce(&mut RelayRequest<'_>)) -> (Relayed, Vec<String>) {
    let body = Bytes::copy_from_slice(body.as_bytes());
    let envelope = Envelope::scan(&body).unwrap();
    let facts = ModelFacts::default();
    let mut request = RelayRequest {
        dialect,
        carriage: &Carriage::Own,
        operation: Operation::Chat,
        body: &body,
        envelope: &envelope,
        model: "up",
        facts: &facts,
        control: ControlFields::Cut,
        betas: &[],
        edits: &[],
    };
    change(&mut request);
    let mut losses = Losses::new(|_| "");
    let relayed = relay_request(&request, &mut losses);
    (relayed, losses.all().iter().map(|l| l.path.clone()).collect())
}

#[test]
fn tr07_tr10_only_what_is_named_changes() {
    use Dialect::{Anthropic, Bedrock, Gemini, OpenAiChat};
    for (dialect, body, wanted) in [
        (
            Anthropic,
            "{ \"model\":\"a/b\" , \"messages\": [1.0,\"\\u00e9\"] }",
            "{ \"model\":\"up\" , \"messages\": [1.0,\"\\u00e9\"] }",
        ),
        (
            Anthropic,
            r#"{"thinking":{"type":"adaptive"},"model":"up"}"#,
            r#"{"thinking":{"type":"adaptive"},"model":"up"}"#,
        ),
        (Gemini, r#"{"contents":[]}"#, r#"{"contents":[]}"#),
        (Bedrock, r#"{"messages":[],"x":1}"#, r#"{"messages":[],"x":1}"#),
        (OpenAiChat, r#"{"provider":{},"n":1,"num_retries":2}"#, r#"{"n":1,"model":"up"}"#),
    ] {
        assert_eq!(relay(dialect, body, |_| {}).0.joined(), wanted);
    }
}

#[test]
fn tr30_usage_is_asked_for_and_remembered_as_ours() {
    for (body, wanted, hide) in [
        (
            r#"{"model":"up","stream":true}"#,
            r#"{"model":"up","stream":true,"stream_options":{"include_usage":true}}"#,
            true,
        ),
        (
            r#"{"model":"up","stream":true,"stream_options":{"include_usage":true}}"#,
            r#"{"model":"up","stream":true,"stream_options":{"include_usage":true}}"#,
            false,
        ),
        (
            r#"{"model":"up","stream_options":{"include_usage":false,"x":1},"stream":true}"#,
            r#"{"model":"up","stream_options":{"x":1,"include_usage":true},"stream":true}"#,
            true,
        ),
        (r#"{"model":"up","stream":false}"#, r#"{"model":"up","stream":false}"#, false),
    ] {
        let (relayed, _) = relay(Dialect::OpenAiChat, body, |_| {});
        assert_eq!((&relayed.joined()[..], relayed.hide_usage), (wanted.as_bytes(), hide));
    }
    let (relayed, _) = relay(Dialect::OpenAiChat, r#"{"model":"up","stream":true}"#, |r| r.model = "mistral-small");
    assert_eq!(
        (&relayed.joined()[..], relayed.hide_usage),
        (&br#"{"model":"mistral-small","stream":true}"#[..], false),
        "Mistral refuses the field and sends usage unasked"
    );
}

#[test]
fn control_fields_are_cut_and_reported_unless_the_target_understands_them() {
    let body = r#"{"model":"up","models":["a"],"fallbacks":[],"tensorzero::x":1,"metadata":{"tags":[]}}"#;
    let (relayed, lost) = relay(Dialect::OpenAiChat, body, |_| {});
    assert_eq!(relayed.joined(), r#"{"model":"up","metadata":{"tags":[]}}"#);
    assert_eq!(lost, ["models", "fallbacks", "tensorzero::x"]);
    let (relayed, _) = relay(Dialect::OpenAiChat, body, |r| r.control = ControlFields::OpenRouter);
    assert_eq!(relayed.joined(), r#"{"model":"up","models":["a"],"metadata":{"tags":[]}}"#);
    let (relayed, lost) = relay(Dialect::OpenAiChat, body, |r| r.control = ControlFields::Keep);
    assert_eq!((&relayed.joined()[..], lost.len()), (body.as_bytes(), 0));
}

#[test]
fn tr25_claude_over_bedrock_is_the_same_relay() {
    let body = r#"{"model":"m","stream":true,"messages":[ 1.0 ],"foo":1}"#;
    let (relayed, lost) = relay(Dialect::Anthropic, body, |r| r.carriage = &Carriage::BedrockInvoke);
    assert_eq!(relayed.joined(), r#"{"messages":[ 1.0 ],"anthropic_version":"bedrock-2023-05-31"}"#);
    assert_eq!(lost, ["foo"]);
}

#[test]
fn se05_overrides_are_refused_and_words_in_schemas_are_data() {
    for (body, path) in [
        (r#"{"api_base":"http://x"}"#, Some("api_base")),
        (r#"{"API-Key":"k"}"#, Some("API-Key")),
        (r#"{"api_b\u0061se":"http://x"}"#, Some("api_base")),
        (r#"{"aws_secret_access_key":"k"}"#, Some("aws_secret_access_key")),
        (r#"{"vertex_credentials":{}}"#, Some("vertex_credentials")),
        (r#"{"metadata":{"a":[{"base_url":"http://x"}]}}"#, Some("metadata.a[0].base_url")),
        (r#"{"litellm_params":{"api_key":"k"}}"#, Some("litellm_params.api_key")),
        (r#"{"tools":[{},{"type":"file_search","api_base":"http://x"}]}"#, Some("tools[1].api_base")),
        (r#"{"tools":[{"api\u005fbase":"http://x"}]}"#, Some("tools[0].api_base")),
        (r#"{"tools":[{"type":"mcp","Api-Key":"k"}]}"#, Some("tools[0].Api-Key")),
        (r#"{"tools":[{"extra_headers":{}}]}"#, Some("tools[0].extra_headers")),
        (r#"{"tools":[{"function":{"parameters":{"properties":{"api_key":{"type":"string"}}}}}]}"#, None),
        (r#"{"messages":[{"role":"user","content":"api_base","api_base":1}]}"#, None),
        (r#"{"metadata":{"user":"base_url"}}"#, None),
        (r#"{"metadata":{"aws_account":"label"}}"#, None),
        (r#"{"metadata":{"aws_session_token":"k"}}"#, Some("metadata.aws_session_token")),
    ] {
        let envelope = Envelope::scan(body.as_bytes()).unwrap();
        let fault = forbidden_overrides(body.as_bytes(), &envelope);
        assert_eq!(fault.as_ref().and_then(|f| f.param.as_deref()), path, "{body}");
        assert!(fault.is_none_or(|f| f.status == 400));
    }
}

const PROTOCOLS: [(&str, Dialect); 11] = [
    ("openai-chat", Dialect::OpenAiChat),
    ("mistral", Dialect::OpenAiChat),
    ("openai-responses", Dialect::OpenAiResponses),
    ("anthropic-messages", Dialect::Anthropic),
    ("anthropic-messages-vertex", Dialect::Anthropic),
    ("gemini", Dialect::Gemini),
    ("bedrock-converse", Dialect::Bedrock),
    ("bedrock-converse-stream", Dialect::Bedrock),
    ("cohere-v2", Dialect::Cohere),
    ("ollama-chat", Dialect::Ollama),
    ("ollama-generate", Dialect::Ollama),
];

#[test]
fn tr07_tr22_recorded_requests_keep_every_member_and_are_sent_alike() {
    for (protocol, dialect) in PROTOCOLS {
        for recording in recordings(protocol) {
            let Some(body) = recording.request_body() else { continue };
            let id = &recording.id;
            let (relayed, _) = relay(dialect, body, |r| r.control = ControlFields::Keep);
            assert_eq!(relay(dialect, body, |r| r.control = ControlFields::Keep).0, relayed, "{id}");
            let joined = relayed.joined();
            let (before, after) = (Envelope::scan(body.as_bytes()).unwrap(), Envelope::scan(&joined).unwrap());
            for member in before.members() {
                if !matches!(&*member.key, "model" | "stream_options") {
                    let sent = after.raw(&joined, &member.key);
                    assert_eq!(sent, before.raw(body.as_bytes(), &member.key), "{id} {}", member.key);
                }
            }
            assert!(forbidden_overrides(body.as_bytes(), &before).is_none(), "{id}");
        }
    }
}

#[test]
fn tr07_taps_see_what_a_full_decode_says_and_change_no_byte() {
    for (protocol, dialect) in PROTOCOLS {
        for recording in recordings(protocol) {
            let Some((body, content_type)) = recording.stream() else { continue };
            let id = &recording.id;
            let (mut tap, mut decoder, mut events, mut out) =
                (Tap::new(dialect, false), StreamDecoder::new(dialect), Vec::new(), Vec::new());
            for frame in frames(&body, content_type, 333) {
                assert_eq!(tap.frame(&frame), Verdict::Pass, "{id}");
                out.extend_from_slice(&frame.raw);
                decoder.frame(&frame, &mut events);
            }
            tap.end();
            decoder.end(&mut events);
            assert!(out == body, "{id}: bytes changed");
            let seen = tap.seen();
            let usage = events.iter().rev().find_map(|e| if let Event::Usage(u) = e { Some(*u) } else { None });
            assert_eq!(seen.usage, usage, "{id}");
            let finish = events.iter().find_map(|e| match e {
                Event::Finish { choice: 0, finish } => Some(finish.clone()),
                _ => None,
            });
            assert_eq!(seen.finish, finish, "{id}");
            assert_eq!(seen.complete, events.contains(&Event::End), "{id}");
            assert_eq!(seen.fault.is_some(), events.iter().any(|e| matches!(e, Event::Fault(_))), "{id}");
        }
    }
}

/// Claude by Bedrock's `InvokeModel`: out of its AWS frames come the events of Claude's own API.
#[test]
fn tr25_invoked_claude_streams_as_on_its_own_api() {
    for recording in recordings("bedrock-invoke-stream") {
        let Some((body, content_type)) = recording.stream() else { continue };
        if !recording.request_body().is_some_and(|b| b.contains("anthropic_version")) {
            continue;
        }
        let (mut tap, mut relayed) = (Tap::new(Dialect::Anthropic, false), Vec::new());
        for frame in frames(&body, content_type, 333) {
            let frame = Carriage::BedrockInvoke.unwrap(frame).unwrap();
            tap.frame(&frame);
            relayed.extend_from_slice(&frame.raw);
        }
        tap.end();
        let seen = tap.seen().clone();
        assert!(seen.complete && seen.usage.is_some_and(|u| u.output > 0), "{}: {seen:?}", recording.id);
        let mut again = Tap::new(Dialect::Anthropic, false);
        for frame in frames(&relayed, "text/event-stream", 7) {
            again.frame(&frame);
        }
        again.end();
        assert_eq!(again.seen(), &seen, "{}", recording.id);
    }
}

#[test]
fn taps_count_whole_replies_and_change_nothing() {
    for (protocol, dialect) in PROTOCOLS {
        for recording in recordings(protocol) {
            let Some(body) = recording.reply() else { continue };
            let mut tap = Tap::new(dialect, false);
            tap.whole(body);
            match codec::decode_reply(dialect, body) {
                Ok(reply) => assert_eq!((tap.seen().usage, tap.is_complete()), (reply.usage, true), "{}", recording.id),
                Err(fault) => assert_eq!(tap.fault(), Some(&fault), "{}", recording.id),
            }
        }
    }
}

#[test]
fn tr30_a_chunk_of_usage_alone_is_taken_out_when_nobody_asked() {
    let says =
        r#"data: {"id":"c","choices":[{"index":0,"delta":{"role":"assistant","content":"hi"},"finish_reason":null}]}"#;
    let ends = r#"data: {"id":"c","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#;
    let usage = r#""usage":{"prompt_tokens":7,"completion_tokens":2,"total_tokens":9}"#;
    for (choices, dropped) in [
        (r#""choices":[],"#, true),
        ("", true),
        (r#""choices":[{"index":0,"delta":{}}],"#, true),
        (r#""choices":[{"index":0,"delta":{"content":"","role":"assistant"},"finish_reason":null}],"#, true),
        (r#""choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"#, false),
        (r#""choices":[{"index":0,"delta":{"content":"!"}}],"#, false),
        (r#""choices":[{"index":0,"delta":{"tool_calls":[{"index":0}]}}],"#, false),
    ] {
        let last = format!(r#"data: {{"id":"c",{choices}{usage}}}"#);
        for hide in [true, false] {
            let body = [says, ends, &last, "data: [DONE]"].map(|event| format!("{event}\n\n")).concat();
            let mut tap = Tap::new(Dialect::OpenAiChat, hide);
            let passed: Vec<_> = frames(body.as_bytes(), "text/event-stream", 7)
                .into_iter()
                .filter(|frame| tap.frame(frame) == Verdict::Pass)
                .map(|frame| String::from_utf8(frame.raw.to_vec()).unwrap())
                .collect();
            let wanted = if hide && dropped { body.replace(&format!("{last}\n\n"), "") } else { body };
            assert_eq!(passed.concat(), wanted, "{last}");
        }
    }
}
