//! What lasts from one call to the next: responses that are continued, and reasoning that only its maker reads.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use tollgate_ir::Dialect;
use tollgate_testkit::{Script, ScriptedUpstream};
use tollgate_wire::json::Node;

use crate::faces;
use crate::support::{Answer, Gateway};

const TOOL: &str = r#""tools":[{"type":"function","name":"f","parameters":{"type":"object"}}]"#;
const CALLS: &str = r#"{"id":"msg_1","type":"message","role":"assistant","model":"m-1","content":[{"type":"thinking","thinking":"Hm","signature":"SIG"},{"type":"tool_use","id":"toolu_1","name":"f","input":{"a":1}}],"stop_reason":"tool_use","usage":{"input_tokens":7,"output_tokens":2}}"#;

fn delete() -> [(&'static str, &'static str); 1] {
    [("x-http-method-override", "DELETE")]
}

async fn remove(gateway: &Gateway, path: &str, headers: &[(&str, &str)]) -> Answer {
    crate::support::send(gateway.binary.address, http::Method::DELETE, path, headers, bytes::Bytes::new(), false)
        .await
        .rest()
        .await
}

#[tokio::test]
async fn tr32_a_response_is_continued_over_another_dialect() {
    let upstream = ScriptedUpstream::queue([
        Script::json(200, CALLS),
        Script::json(200, faces::whole(Dialect::Anthropic)),
        Script::json(200, faces::whole(Dialect::Anthropic)),
    ])
    .await;
    let gateway = Gateway::before("anthropic", &upstream.url("/v1"));
    let first = gateway.post("/v1/responses", &[], format!(r#"{{"model":"up/m","input":"Do it",{TOOL}}}"#)).await;
    assert_eq!(first.status, 200, "{}", first.text());
    let id = first.at(&["id"]).unwrap();
    let output = r#""input":[{"type":"function_call_output","call_id":"toolu_1","output":"42"}]"#;
    let second = gateway
        .post("/v1/responses", &[], format!(r#"{{"model":"up/m","previous_response_id":"{id}",{output},{TOOL}}}"#))
        .await;
    assert_eq!(second.status, 200, "{}", second.text());
    let sent = String::from_utf8_lossy(&upstream.requests()[1].body).into_owned();
    let messages = Node::parse(sent.as_bytes()).unwrap().get("messages").unwrap().items().len();
    assert_eq!(messages, 3, "{sent}");
    for part in ["Do it", r#""signature":"SIG""#, r#""id":"toolu_1""#, r#""tool_use_id":"toolu_1""#, "42"] {
        assert!(sent.contains(part), "{part}: {sent}");
    }
    let third_id = second.at(&["id"]).unwrap();
    let third = gateway
        .post(
            "/v1/responses",
            &[],
            format!(r#"{{"model":"up/m","previous_response_id":"{third_id}","input":"And now?",{TOOL}}}"#),
        )
        .await;
    assert_eq!(third.status, 200, "{}", third.text());
    let sent = String::from_utf8_lossy(&upstream.requests()[2].body).into_owned();
    assert!(sent.contains("Do it") && sent.contains("Hello there") && sent.contains("And now?"), "{sent}");

    for (what, body) in [
        ("unknown", format!(r#"{{"model":"up/m","previous_response_id":"resp_unknown",{output}}}"#)),
        ("deleted", {
            let gone = remove(&gateway, &format!("/v1/responses/{id}"), &[]).await;
            assert_eq!(gone.status, 200, "{}", gone.text());
            format!(r#"{{"model":"up/m","previous_response_id":"{id}",{output}}}"#)
        }),
    ] {
        let answer = gateway.post("/v1/responses", &[], body).await;
        assert_eq!(answer.status, 400, "{what}: {}", answer.text());
        assert_eq!(answer.at(&["error", "code"]).as_deref(), Some("previous_response_not_found"), "{what}");
        assert!(faces::error(Dialect::OpenAiResponses, &answer).contains("resp_"), "{what}: {}", answer.text());
    }
    assert_eq!(upstream.requests().len(), 3);
}

#[tokio::test]
async fn tr32_streams_and_store_false_and_other_callers() {
    let spoken = faces::Spoken::of(Dialect::Anthropic);
    let upstream =
        ScriptedUpstream::choosing(move |request| match request.body.windows(13).any(|w| w == br#""stream":true"#) {
            true => spoken.all(),
            false => Script::json(200, faces::whole(Dialect::Anthropic)),
        })
        .await;
    let gateway = Gateway::start(&format!(
        "providers: {{ up: {{ dialect: anthropic, base_url: \"{}\" }} }}\nkeys: [{{ name: a, key: key-a }}, {{ name: b, key: key-b }}]",
        upstream.url("/v1")
    ));
    let (a, b) = ([("authorization", "Bearer key-a")], [("authorization", "Bearer key-b")]);
    let streamed = gateway.post("/v1/responses", &a, r#"{"model":"up/m","input":"One","stream":true}"#).await;
    let created = faces::hear(Dialect::OpenAiResponses, &streamed).events;
    let id = Node::parse(&created[0]).unwrap().at(&["response", "id"]).unwrap().as_str().unwrap().to_owned();
    let next = format!(r#"{{"model":"up/m","previous_response_id":"{id}","input":"Two"}}"#);
    let answer = gateway.post("/v1/responses", &b, next.clone()).await;
    assert_eq!(answer.status, 400, "another's response: {}", answer.text());
    let answer = gateway.post("/v1/responses", &a, next).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let sent = String::from_utf8_lossy(&upstream.requests()[1].body).into_owned();
    assert!(sent.contains("One") && sent.contains("Hello there") && sent.contains("Two"), "{sent}");

    let unkept = gateway.post("/v1/responses", &a, r#"{"model":"up/m","input":"One","store":false}"#).await;
    let id = unkept.at(&["id"]).unwrap();
    let answer = gateway
        .post("/v1/responses", &a, format!(r#"{{"model":"up/m","previous_response_id":"{id}","input":"Two"}}"#))
        .await;
    assert_eq!(answer.status, 400, "{}", answer.text());
}

#[tokio::test]
async fn stored_responses_are_shown_listed_and_deleted_for_their_owner_only() {
    let upstream = ScriptedUpstream::always(Script::json(200, faces::whole(Dialect::Anthropic))).await;
    let gateway = Gateway::start(&format!(
        "providers: {{ up: {{ dialect: anthropic, base_url: \"{}\" }} }}\nkeys: [{{ name: a, key: key-a }}, {{ name: b, key: key-b }}]",
        upstream.url("/v1")
    ));
    let (a, b) = ([("authorization", "Bearer key-a")], [("authorization", "Bearer key-b")]);
    let made = gateway
        .post(
            "/v1/responses",
            &a,
            r#"{"model":"up/m","input":[{"role":"user","content":"One"},{"role":"user","content":"Two"}]}"#,
        )
        .await;
    let path = format!("/v1/responses/{}", made.at(&["id"]).unwrap());
    let shown = gateway.get(&path, &a).await;
    assert_eq!((shown.status, shown.text()), (200, made.text()));
    let items = gateway.get(&format!("{path}/input_items?order=asc"), &a).await;
    assert_eq!(items.status, 200, "{}", items.text());
    let node = Node::parse(&items.body).unwrap();
    assert_eq!((node.text("object"), node.get("data").unwrap().items().len()), (Some("list"), 2), "{}", items.text());
    for answer in [
        gateway.get(&path, &b).await,
        gateway.get(&format!("{path}/input_items"), &b).await,
        remove(&gateway, &path, &b).await,
        gateway.get("/v1/responses/resp_unknown", &a).await,
    ] {
        assert_eq!(answer.status, 404, "{}", answer.text());
        faces::error(Dialect::OpenAiResponses, &answer);
    }
    let asked = upstream.requests().len();
    let gone = gateway.get(&path, &delete()).await;
    assert_eq!(gone.status, 401, "no key: {}", gone.text());
    let gone = remove(&gateway, &path, &a).await;
    assert_eq!(gone.status, 200, "{}", gone.text());
    assert_eq!(Node::parse(&gone.body).unwrap().get("deleted").and_then(Node::as_bool), Some(true));
    assert_eq!(gateway.get(&path, &a).await.status, 404);
    assert_eq!(upstream.requests().len(), asked, "another's id reaches nobody");
}

#[tokio::test]
async fn relayed_responses_are_continued_where_they_are() {
    let upstream = ScriptedUpstream::choosing(|request| {
        let key = request.header("authorization").unwrap().trim_start_matches("Bearer ").to_owned();
        let body = String::from_utf8_lossy(&request.body).into_owned();
        if request.method == "GET" {
            return Script::json(200, format!(r#"{{"id":"resp_of_{key}","object":"response"}}"#));
        }
        match body.contains("previous_response_id") && !body.contains(&format!("resp_of_{key}")) {
            true => Script::json(400, r#"{"error":{"message":"not mine","type":"invalid_request_error"}}"#),
            false => {
                Script::json(200, faces::whole(Dialect::OpenAiResponses).replace("resp_1", &format!("resp_of_{key}")))
            }
        }
    })
    .await;
    let gateway = Gateway::start(&format!(
        "providers: {{ up: {{ dialect: openai-responses, base_url: \"{}\", api_keys: [{{key: k1}}, {{key: k2}}, {{key: k3}}] }} }}",
        upstream.url("/v1")
    ));
    for _ in 0..12 {
        let first = gateway.post("/v1/responses", &[], r#"{"model":"up/m","input":"One"}"#).await;
        let id = first.at(&["id"]).unwrap();
        let next = format!(r#"{{"model":"up/m","previous_response_id":"{id}","input":"Two"}}"#);
        let second = gateway.post("/v1/responses", &[], next).await;
        assert_eq!(second.status, 200, "{}", second.text());
        let shown = gateway.get(&format!("/v1/responses/{id}"), &[]).await;
        assert_eq!((shown.status, shown.at(&["id"])), (200, Some(id)), "{}", shown.text());
    }
}

/// Four deployments, each of which refuses what another encrypted. A deployment can be down.
async fn sealed(down: Arc<Mutex<Option<String>>>) -> ScriptedUpstream {
    let count = Mutex::new(0);
    ScriptedUpstream::choosing(move |request| {
        let key = request.header("authorization").unwrap().trim_start_matches("Bearer ").to_owned();
        if down.lock().unwrap().as_deref() == Some(&key) {
            return Script::json(503, r#"{"error":{"message":"down"}}"#);
        }
        let body = Node::parse(&request.body).unwrap();
        let items = body.get("input").unwrap().items();
        let foreign = items.iter().filter_map(|i| i.text("encrypted_content")).any(|e| !e.starts_with(&format!("sealed-by-{key}-")));
        if foreign {
            return Script::json(400, r#"{"error":{"message":"The encrypted content could not be verified.","type":"invalid_request_error","code":"invalid_encrypted_content"}}"#);
        }
        let n = {
            let mut count = count.lock().unwrap();
            *count += 1;
            *count
        };
        let reasoning = format!(r#"{{"id":"rs_{n}","type":"reasoning","summary":[],"encrypted_content":"sealed-by-{key}-{n}"}}"#);
        let call = format!(r#"{{"id":"fc_{n}","type":"function_call","status":"completed","call_id":"call_{n}","name":"f","arguments":"{{}}"}}"#);
        let response = format!(r#"{{"id":"resp_{n}","object":"response","created_at":1,"status":"completed","model":"m-1","output":[{reasoning},{call}],"usage":{{"input_tokens":7,"output_tokens":2,"total_tokens":9}}}}"#);
        if body.get("stream").and_then(Node::as_bool) != Some(true) {
            return Script::json(200, response);
        }
        let event = |name: &str, data: String| format!("event: {name}\ndata: {data}\n\n");
        let item = |i: u32, item: &str| {
            event("response.output_item.added", format!(r#"{{"type":"response.output_item.added","output_index":{i},"item":{item}}}"#))
                + &event("response.output_item.done", format!(r#"{{"type":"response.output_item.done","output_index":{i},"item":{item}}}"#))
        };
        Script::sse([
            event("response.created", format!(r#"{{"type":"response.created","response":{{"id":"resp_{n}","object":"response","status":"in_progress","model":"m-1","output":[]}}}}"#)),
            item(0, &reasoning),
            item(1, &call),
            event("response.completed", format!(r#"{{"type":"response.completed","response":{response}}}"#)),
        ])
    })
    .await
}

fn four(upstream: &ScriptedUpstream) -> Gateway {
    Gateway::start(&format!(
        "providers: {{ up: {{ dialect: openai-responses, base_url: \"{}\", api_keys: [{{key: k1}}, {{key: k2}}, {{key: k3}}, {{key: k4}}], retries: 0 }} }}",
        upstream.url("/v1")
    ))
}

/// The output of a response, streamed or not.
fn output(answer: &Answer, stream: bool) -> Vec<String> {
    let body = if stream {
        let last = faces::hear(Dialect::OpenAiResponses, answer).events.last().unwrap().clone();
        let node = Node::parse(&last).unwrap();
        node.get("response").unwrap().to_text()
    } else {
        answer.text()
    };
    Node::parse(body.as_bytes()).unwrap().get("output").unwrap().items().iter().map(Node::to_text).collect()
}

#[tokio::test]
async fn tr33_encrypted_reasoning_goes_back_to_who_made_it() {
    let down = Arc::new(Mutex::new(None));
    let upstream = sealed(Arc::clone(&down)).await;
    let gateway = four(&upstream);
    let mut served: BTreeMap<String, u32> = BTreeMap::new();
    for conversation in 0..16 {
        let stream = conversation % 2 == 1;
        let mut input = vec![r#"{"role":"user","content":"Go"}"#.to_owned()];
        for turn in 0..4 {
            let body = format!(
                r#"{{"model":"up/m","stream":{stream},"store":false,"include":["reasoning.encrypted_content"],"input":[{}],{TOOL}}}"#,
                input.join(",")
            );
            let answer = gateway.post("/v1/responses", &[], body).await;
            assert_eq!(answer.status, 200, "{conversation} {turn}: {}", answer.text());
            assert_eq!(answer.header("x-tollgate-attempts"), Some("1"), "{conversation} {turn}");
            let items = output(&answer, stream);
            let call = items
                .iter()
                .find_map(|i| Node::parse(i.as_bytes()).unwrap().text("call_id").map(str::to_owned))
                .unwrap();
            input.extend(items);
            input.push(format!(r#"{{"type":"function_call_output","call_id":"{call}","output":"ok"}}"#));
        }
        let key = upstream.requests().last().unwrap().header("authorization").unwrap().to_owned();
        *served.entry(key).or_default() += 1;
    }
    assert!(served.len() >= 2, "not all by chance at one: {served:?}");

    // The owner is down: another answers, without what it cannot read.
    let body = |input: &str| format!(r#"{{"model":"up/m","store":false,"input":[{input}],{TOOL}}}"#);
    let first = gateway.post("/v1/responses", &[], body(r#"{"role":"user","content":"Go"}"#)).await;
    let owner =
        upstream.requests().last().unwrap().header("authorization").unwrap().trim_start_matches("Bearer ").to_owned();
    *down.lock().unwrap() = Some(owner);
    let call = output(&first, false)
        .iter()
        .find_map(|i| Node::parse(i.as_bytes()).unwrap().text("call_id").map(str::to_owned))
        .unwrap();
    let input = format!(
        r#"{{"role":"user","content":"Go"}},{},{{"type":"function_call_output","call_id":"{call}","output":"ok"}}"#,
        output(&first, false).join(",")
    );
    let answer = gateway.post("/v1/responses", &[], body(&input)).await;
    assert_eq!((answer.status, answer.header("x-tollgate-attempts")), (200, Some("2")), "{}", answer.text());
}

#[tokio::test]
async fn tr33_from_chat_too_though_its_clients_drop_the_reasoning() {
    let down = Arc::new(Mutex::new(None));
    let upstream = sealed(Arc::clone(&down)).await;
    let gateway = four(&upstream);
    let tool = r#""tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object"}}}]"#;
    for conversation in 0..12 {
        let mut messages = vec![r#"{"role":"user","content":"Go"}"#.to_owned()];
        for turn in 0..4 {
            let body = format!(r#"{{"model":"up/m","messages":[{}],{tool}}}"#, messages.join(","));
            if conversation == 11 && turn == 3 {
                let owner = upstream
                    .requests()
                    .last()
                    .unwrap()
                    .header("authorization")
                    .unwrap()
                    .trim_start_matches("Bearer ")
                    .to_owned();
                *down.lock().unwrap() = Some(owner);
            }
            let answer = gateway.post("/v1/chat/completions", &[], body).await;
            assert_eq!(answer.status, 200, "{conversation} {turn}: {}", answer.text());
            let sent = String::from_utf8_lossy(&upstream.requests().last().unwrap().body).into_owned();
            let kept = conversation != 11 || turn != 3;
            assert_eq!(sent.matches("sealed-by").count(), if kept { turn } else { 0 }, "{conversation} {turn}: {sent}");
            let node = Node::parse(&answer.body).unwrap();
            let message = node.get("choices").unwrap().items()[0].get("message").unwrap();
            let calls = message.get("tool_calls").unwrap();
            let id = calls.items()[0].text("id").unwrap();
            // What a stock client keeps of an answer.
            messages.push(format!(r#"{{"role":"assistant","content":null,"tool_calls":{}}}"#, calls.to_text()));
            messages.push(format!(r#"{{"role":"tool","tool_call_id":"{id}","content":"ok"}}"#));
        }
    }
}

/// Anthropic's rule: a tool loop begins with the thinking that it came with. A model that always thinks cannot be told
/// not to.
fn thinks_always(request: &tollgate_testkit::Received) -> Script {
    let body = Node::parse(&request.body).unwrap();
    let refused = |message: &str| {
        let error = format!(
            r#"{{"type":"error","error":{{"type":"invalid_request_error","message":"{message}"}},"request_id":"r"}}"#
        );
        Script::json(400, error)
    };
    if body.at(&["thinking", "type"]).and_then(Node::as_str) == Some("disabled") {
        return refused("thinking.type.disabled is not supported for this model");
    }
    let messages = body.get("messages").unwrap().items();
    let kinds = |message: &Node<'_>| -> Vec<String> {
        let blocks = message.get("content").map_or(&[][..], Node::items);
        blocks.iter().filter_map(|block| block.text("type").map(str::to_owned)).collect()
    };
    let in_loop = |m: &&Node<'_>| m.text("role") == Some("assistant") || kinds(m).contains(&"tool_result".to_owned());
    let first = messages.iter().rev().take_while(in_loop).filter(|m| m.text("role") == Some("assistant")).last();
    match first.map(|message| kinds(message).first().cloned()) {
        Some(kind) if kind.as_deref() != Some("thinking") => {
            refused("Expected `thinking` or `redacted_thinking`, but found `tool_use`")
        }
        _ if messages.len() == 1 => Script::json(200, CALLS),
        _ => Script::json(200, faces::whole(Dialect::Anthropic)),
    }
}

#[tokio::test]
async fn tr06_a_model_that_always_thinks_is_told_what_it_called_when_the_thinking_is_lost() {
    let upstream = ScriptedUpstream::choosing(thinks_always).await;
    let gateway = Gateway::before("anthropic", &upstream.url("/v1"));
    let (model, tools) = (
        r#""model":"up/claude-fable-5""#,
        r#""tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object"}}}]"#,
    );
    let turn = |id: &str, more: &str| {
        format!(
            r#"{{{model},{tools}{more},"messages":[{{"role":"user","content":"Do it"}},{{"role":"assistant","content":null,"tool_calls":[{{"id":"{id}","type":"function","function":{{"name":"f","arguments":"{{\"a\":1}}"}}}}]}},{{"role":"tool","tool_call_id":"{id}","content":"42"}}]}}"#
        )
    };
    // A call that Tollgate has seen gets its thinking back; one that it has not (made elsewhere, or forgotten) is told.
    let asked = format!(r#"{{{model},{tools},"messages":[{{"role":"user","content":"Do it"}}]}}"#);
    assert_eq!(gateway.post("/v1/chat/completions", &[], asked).await.status, 200);
    let kept = gateway.post("/v1/chat/completions", &[], turn("toolu_1", "")).await;
    assert_eq!(
        (kept.status, kept.header("x-tollgate-dropped")),
        (200, Some("max_completion_tokens;defaulted")),
        "{}",
        kept.text()
    );
    assert!(String::from_utf8_lossy(&upstream.requests()[1].body).contains(r#""signature":"SIG""#));
    for more in ["", r#","reasoning_effort":"high""#, r#","reasoning_effort":"none""#] {
        let before = upstream.requests().len();
        let lost = gateway.post("/v1/chat/completions", &[], turn("call_elsewhere", more)).await;
        assert_eq!(lost.status, 200, "{more}: {}", lost.text());
        let told = lost.header("x-tollgate-dropped").unwrap();
        assert!(told.contains("messages[1].tool_calls[0];adjusted"), "{more}: {told}");
        let sent = String::from_utf8_lossy(&upstream.requests()[before].body).into_owned();
        assert!(sent.contains(r#"You have called the tool f with {\"a\":1}. Its result:"#), "{sent}");
        assert!(sent.contains("42") && !sent.contains("tool_use"), "{sent}");
    }
}

/// Gemini 3's rule: the first call of each step carries the signature it came with, or the documented placeholder.
fn demands_signatures(request: &tollgate_testkit::Received) -> Script {
    let body = Node::parse(&request.body).unwrap();
    let calls = |content: &Node<'_>| -> Vec<Option<String>> {
        let parts = content.get("parts").map_or(&[][..], Node::items).iter();
        parts
            .filter(|p| p.get("functionCall").is_some())
            .map(|p| p.text("thoughtSignature").map(str::to_owned))
            .collect()
    };
    for content in body.get("contents").unwrap().items() {
        match calls(content).first() {
            None => {}
            Some(Some(signature)) if ["U0lH", "skip_thought_signature_validator"].contains(&signature.as_str()) => {}
            Some(signature) => {
                let why = format!("Function call is missing a thought_signature in functionCall parts: {signature:?}")
                    .replace('"', "'");
                return Script::json(
                    400,
                    format!(r#"{{"error":{{"code":400,"message":"{why}","status":"INVALID_ARGUMENT"}}}}"#),
                );
            }
        }
    }
    Script::json(200, faces::whole(Dialect::Gemini))
}

#[tokio::test]
async fn tr11_a_gemini_client_returns_from_another_provider_in_the_middle_of_calls() {
    let gemini = ScriptedUpstream::choosing(demands_signatures).await;
    let other = ScriptedUpstream::always(Script::json(200, CALLS)).await;
    let gateway = Gateway::start(&format!(
        "providers: {{ g: {{ dialect: gemini, base_url: \"{}\" }}, o: {{ dialect: anthropic, base_url: \"{}\" }} }}",
        gemini.url("/v1beta"),
        other.url("/v1")
    ));
    let asked = r#"{"role":"user","parts":[{"text":"Do it"}]}"#;
    let answer = gateway
        .post(
            "/v1beta/models/o%2Fm:generateContent",
            &[],
            format!(r#"{{"contents":[{asked}],"tools":[{{"functionDeclarations":[{{"name":"f"}}]}}]}}"#),
        )
        .await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let reply = Node::parse(&answer.body).unwrap();
    let called = reply.get("candidates").unwrap().items()[0].get("content").unwrap().to_text();
    assert!(called.contains("functionCall") && !called.contains("SIG"), "{called}");
    let result = r#"{"role":"user","parts":[{"functionResponse":{"name":"f","response":{"r":1}}}]}"#;
    let next = format!(r#"{{"contents":[{asked},{called},{result}]}}"#);
    for (model, sent) in [("gemini-3-pro-preview", true), ("gemini-2.5-flash", false)] {
        let before = gemini.requests().len();
        let answer = gateway.post(&format!("/v1beta/models/g%2F{model}:generateContent"), &[], next.clone()).await;
        let body = String::from_utf8_lossy(&gemini.requests()[before].body).into_owned();
        assert_eq!(body.contains("skip_thought_signature_validator"), sent, "{model}: {body}");
        assert_eq!(body == next, !sent, "{model}: {body}");
        if sent {
            assert_eq!(answer.status, 200, "{model}: {}", answer.text());
            let dropped = answer.header("x-tollgate-dropped").unwrap();
            assert!(dropped.contains("thoughtSignature;defaulted"), "{dropped}");
        }
    }
    // Its own calls have their signatures: nothing is touched.
    let own = format!(
        r#"{{"contents":[{asked},{{"role":"model","parts":[{{"functionCall":{{"name":"f","args":{{}}}},"thoughtSignature":"U0lH"}},{{"functionCall":{{"name":"f","args":{{}}}}}}]}},{result}]}}"#
    );
    let answer = gateway.post("/v1beta/models/g%2Fgemini-3-pro-preview:generateContent", &[], own.clone()).await;
    assert_eq!((answer.status, answer.header("x-tollgate-dropped")), (200, None), "{}", answer.text());
    assert_eq!(gemini.requests().last().unwrap().body, own);
}

/// Claude's rule: a signature that is not its own is refused.
fn refuses_foreign_signatures(request: &tollgate_testkit::Received) -> Script {
    if String::from_utf8_lossy(&request.body).contains(r#""signature""#) {
        return Script::json(
            400,
            r#"{"type":"error","error":{"type":"invalid_request_error","message":"messages.1.content.0: Invalid `signature` in `thinking` block"}}"#,
        );
    }
    Script::json(200, faces::whole(Dialect::Anthropic))
}

#[tokio::test]
async fn tr09_a_fallback_gets_no_signatures_of_the_first_choice() {
    let thought = r#"{"candidates":[{"content":{"role":"model","parts":[{"text":"Hm","thought":true,"thoughtSignature":"U0lHTkVE"},{"text":"Hello","thoughtSignature":"U0lHTkVE"}]},"finishReason":"STOP","index":0}],"usageMetadata":{"promptTokenCount":7,"candidatesTokenCount":2,"totalTokenCount":9},"modelVersion":"m-1","responseId":"r"}"#;
    let first = ScriptedUpstream::queue([Script::json(200, thought)]).await;
    let second = ScriptedUpstream::choosing(refuses_foreign_signatures).await;
    let gateway = Gateway::start(&format!(
        "retries: {{ default: 0 }}\nproviders:\n  first: {{ dialect: gemini, base_url: \"{}\" }}\n  second: {{ dialect: anthropic, base_url: \"{}\" }}\nmodels: {{ v: {{ fallback: [first/gemini-3-pro-preview, second/claude-sonnet-4-5], breaker: off }} }}\n",
        first.url("/v1beta"),
        second.url("/v1")
    ));
    let thinking = r#""model":"v","max_tokens":4000,"thinking":{"type":"enabled","budget_tokens":2000}"#;
    let asked = r#"{"role":"user","content":"Hi"}"#;
    let answer = gateway.post("/v1/messages", &[], format!("{{{thinking},\"messages\":[{asked}]}}")).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let content = Node::parse(&answer.body).unwrap().get("content").unwrap().to_text();
    assert!(content.contains(r#""signature""#), "the history holds the first one's: {content}");
    first.push(Script::json(503, r#"{"error":{"code":503,"message":"overloaded","status":"UNAVAILABLE"}}"#));
    let turns = format!(r#"{asked},{{"role":"assistant","content":{content}}},{{"role":"user","content":"More"}}"#);
    let answer = gateway.post("/v1/messages", &[], format!("{{{thinking},\"messages\":[{turns}]}}")).await;
    assert_eq!((answer.status, answer.header("x-tollgate-provider")), (200, Some("second")), "{}", answer.text());
    let sent = second.requests();
    assert!(sent.len() <= 2, "{}", sent.len());
    let last = String::from_utf8_lossy(&sent.last().unwrap().body).into_owned();
    assert!(last.contains("Hello") && !last.contains("U0lHTkVE"), "{last}");
}
