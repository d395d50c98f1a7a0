//! What goes up where both sides speak the same dialect, and what a carriage makes of it.

use std::collections::BTreeSet;

use tollgate_ir::Dialect;
use tollgate_testkit::{Script, ScriptedUpstream};
use tollgate_wire::json::{Envelope, Node};

use crate::faces;
use crate::support::{Gateway, member, sha256};

/// Odd white space, escapes, an unusual order of keys, `1.0` beside `1`, a signed block.
const ODD_ANTHROPIC: &str = r#"{ "tools" : [ {"name":"f","input_schema":{"type":"object","properties":{"b":{"type":"number","minimum":1.0},"a":{"type":"integer","minimum":1}}}} ],
  "system":[{"type":"text","text":"caf\u00e9 \/ \ud83d\ude00","cache_control":{"type":"ephemeral"}}],	"temperature":1.0,
  "messages" :[{"content":"Hi","role":"user"},{"role":"assistant","content":[ {"signature":"c2ln+/==","type":"thinking","thinking":"Hm \u2028"},{"type":"tool_use","id":"toolu_1","name":"f","input":{"z":1,"a":2.50}} ]},
   {"role":"user","content":[{"type":"tool_result","tool_use_id":"toolu_1","content":"42"}]}], "model":"up/claude-x",   "max_tokens":4096,"made_up":{"k":[1,1.0,1e2]} }"#;

const ODD_CHAT: &str = r#"{"messages": [ {"content":"caf\u00e9\n","role":"user"}, {"role":"assistant","content":null,"tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":"{ \"a\":1.0 }"}}]},{"role":"tool","tool_call_id":"c1","content":"x"}],
 "model":"up/gpt-x" ,"tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":{"z":{},"a":{}}}}}],"seed":1.0, "made_up":null}"#;

#[tokio::test]
async fn tr07_a_relay_leaves_the_bytes_alone() {
    for (face, body, name, keys) in [
        (Dialect::Anthropic, ODD_ANTHROPIC, "claude-x", &["messages", "tools", "system", "made_up", "temperature"][..]),
        (Dialect::OpenAiChat, ODD_CHAT, "gpt-x", &["messages", "tools", "made_up", "seed"]),
    ] {
        let upstream = ScriptedUpstream::always(Script::json(200, faces::whole(face))).await;
        let gateway = Gateway::before(face.as_str(), &upstream.url("/v1"));
        let answer =
            gateway.post(&faces::path(face, "", false), &[("authorization", "Bearer of-the-client")], body).await;
        assert_eq!((answer.status, answer.text().as_str()), (200, faces::whole(face)));
        let seen = &upstream.requests()[0];
        for key in keys {
            let of =
                |body: &[u8]| member(body, key).unwrap_or_else(|| panic!("{key}: {}", String::from_utf8_lossy(body)));
            let (sent, came) = (of(body.as_bytes()), of(&seen.body));
            assert_eq!(sha256(&sent), sha256(&came), "{face:?} {key}");
        }
        // Beside the model not a byte differs.
        assert_eq!(seen.body, body.replace(&format!("up/{name}"), name), "{face:?}");
        assert_eq!(answer.header("x-tollgate-dropped"), None);
        assert_eq!(seen.header("authorization"), None, "the client's credential stays here");
    }
}

#[tokio::test]
async fn tr10_thinking_goes_as_the_caller_set_it() {
    let refusal = r#"{"type":"error","error":{"type":"invalid_request_error","message":"thinking.budget_tokens: at least 1024"}}"#;
    let upstream = ScriptedUpstream::choosing(move |request| match request.body.windows(3).any(|w| w == b"500") {
        true => Script::json(400, refusal),
        false => Script::json(200, faces::whole(Dialect::Anthropic)),
    })
    .await;
    let gateway = Gateway::before("anthropic", &upstream.url("/v1"));
    let body = |thinking: &str| {
        format!(
            r#"{{"model":"up/m","max_tokens":2000,"thinking":{thinking},"messages":[{{"role":"user","content":"Hi"}}]}}"#
        )
    };
    let adaptive = r#"{"type":"adaptive"}"#;
    assert_eq!(gateway.post("/v1/messages", &[], body(adaptive)).await.status, 200);
    assert_eq!(member(&upstream.requests()[0].body, "thinking").unwrap(), adaptive);
    let small = r#"{"type":"enabled","budget_tokens":500}"#;
    let answer = gateway.post("/v1/messages", &[], body(small)).await;
    assert_eq!((answer.status, answer.text().as_str()), (400, refusal));
    assert_eq!(member(&upstream.requests()[1].body, "thinking").unwrap(), small);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tr22_equal_requests_give_equal_bytes_whatever_restarts() {
    let tools: Vec<_> = (0..40)
        .map(|i| format!(r#"{{"type":"function","function":{{"name":"tool_{i}","description":"d{i}","parameters":{{"type":"object","properties":{{"z":{{"type":"string"}},"a":{{"type":"number"}},"m{i}":{{}}}},"required":["z"]}}}}}}"#))
        .collect();
    let body = |provider: &str| {
        format!(
            r#"{{"model":"{provider}/m","tools":[{}],"messages":[{{"role":"system","content":"s"}},{{"role":"user","content":"Hi"}},{{"role":"assistant","content":null,"tool_calls":[{{"id":"call with spaces, so that it is renamed","type":"function","function":{{"name":"tool_1","arguments":"{{}}"}}}}]}},{{"role":"tool","tool_call_id":"call with spaces, so that it is renamed","content":"r"}}]}}"#,
            tools.join(",")
        )
    };
    let dialects =
        [Dialect::OpenAiChat, Dialect::Anthropic, Dialect::Gemini, Dialect::Bedrock, Dialect::OpenAiResponses];
    let upstream = ScriptedUpstream::choosing(|request| {
        let name = request.target.split('/').nth(1).unwrap();
        let dialect = faces::ALL.into_iter().find(|d| d.as_str() == name).unwrap();
        Script::json(200, faces::whole(dialect))
    })
    .await;
    let providers: Vec<_> = dialects
        .iter()
        .map(|d| format!("{d}: {{ dialect: {d}, base_url: \"{}\" }}", upstream.url(&format!("/{d}")), d = d.as_str()))
        .collect();
    let config = format!("providers: {{ {} }}", providers.join(", "));
    // Each start has other seeds for its hash tables.
    for _ in 0..4 {
        let gateway = Gateway::start(&config);
        for dialect in dialects {
            for _ in 0..50 {
                let answer = gateway.post("/v1/chat/completions", &[], body(dialect.as_str())).await;
                assert_eq!(answer.status, 200, "{}", answer.text());
            }
        }
    }
    let requests = upstream.requests();
    assert_eq!(requests.len(), 1_000);
    let hashes: BTreeSet<_> = requests.iter().map(|r| (r.target.clone(), sha256(&r.body))).collect();
    assert_eq!(hashes.len(), dialects.len(), "{hashes:#?}");
}

#[tokio::test]
async fn tr24_media_reach_the_provider_and_addresses_are_passed() {
    let watched = ScriptedUpstream::always(Script::status(200).header("content-type", "image/png")).await;
    let upstream = ScriptedUpstream::choosing(|request| match request.target.contains("generateContent") {
        true => Script::json(200, faces::whole(Dialect::Gemini)),
        false => Script::json(200, faces::whole(Dialect::Anthropic)),
    })
    .await;
    let gateway = Gateway::start(&format!(
        "providers:\n  claude: {{ dialect: anthropic, base_url: \"{0}\", models: {{ blind: {{ modalities: [text] }} }} }}\n  gem: {{ dialect: gemini, base_url: \"{0}\" }}",
        upstream.url("/v1")
    ));
    let url = watched.url("/cat.png");
    let chat = |model: &str, part: &str| {
        format!(
            r#"{{"model":"{model}","messages":[{{"role":"user","content":[{{"type":"text","text":"What?"}},{part}]}}]}}"#
        )
    };
    let image = format!(r#"{{"type":"image_url","image_url":{{"url":"{url}"}}}}"#);
    let answer = gateway.post("/v1/chat/completions", &[], chat("claude/m", &image)).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let sent = upstream.requests()[0].body.clone();
    let node = Node::parse(&sent).unwrap();
    let block = &node.at(&["messages"]).unwrap().items()[0].get("content").unwrap().items()[1];
    assert_eq!(
        (block.text("type"), block.at(&["source", "type"]).and_then(Node::as_str)),
        (Some("image"), Some("url"))
    );
    assert_eq!(block.at(&["source", "url"]).and_then(Node::as_str), Some(url.as_str()));

    let pdf = r#"{"type":"image_url","image_url":{"url":"data:application/pdf;base64,JVBERi0="}}"#;
    let answer = gateway.post("/v1/chat/completions", &[], chat("claude/m", pdf)).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let sent = upstream.requests()[1].body.clone();
    let node = Node::parse(&sent).unwrap();
    let block = &node.at(&["messages"]).unwrap().items()[0].get("content").unwrap().items()[1];
    assert_eq!(
        (block.text("type"), block.at(&["source", "data"]).and_then(Node::as_str)),
        (Some("document"), Some("JVBERi0="))
    );

    let result = r#"{"model":"gem/m","max_tokens":9,"messages":[{"role":"user","content":"Hi"},{"role":"assistant","content":[{"type":"tool_use","id":"t1","name":"shot","input":{}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"t1","content":[{"type":"text","text":"see"},{"type":"image","source":{"type":"base64","media_type":"image/png","data":"aW1hZ2U="}}]}]}]}"#;
    let answer = gateway.post("/v1/messages", &[], result).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let sent = String::from_utf8_lossy(&upstream.requests()[2].body).into_owned();
    assert!(sent.contains("aW1hZ2U="), "{sent}");

    let before = upstream.requests().len();
    let answer = gateway.post("/v1/chat/completions", &[], chat("claude/blind", &image)).await;
    assert_eq!(answer.status, 400, "{}", answer.text());
    assert_eq!(answer.at(&["error", "param"]).as_deref(), Some("messages[0].content[1]"));
    assert_eq!((upstream.requests().len(), watched.requests().len()), (before, 0));
}

/// What Claude Code may send, with two flags and three fields that nobody knows.
const CLAUDE_CODE: &str = r#"{"model":"MODEL","max_tokens":64,"messages":[{"role":"user","content":"Hi"}],"context_management":{"edits":[]},"mcp_servers":[{"type":"url","url":"https://mcp.example","name":"m"}],"speed":"fast","foo":{"bar":1}}"#;
const FLAGS: &str = "interleaved-thinking-2025-05-14,context-1m-2025-08-07,fine-grained-tool-streaming-2025-05-14,claude-code-20250219,context-management-2025-06-27,effort-2025-11-24,invented-one-2031-01-01,invented-two-2031-01-01";

#[tokio::test]
async fn tr25_claude_code_over_bedrock_gets_the_allowed_subset_and_its_own_api_all() {
    // Bedrock refuses what it does not know.
    let bedrock = ScriptedUpstream::choosing(|request| {
        let envelope = Envelope::scan(&request.body).unwrap();
        let known = ["anthropic_version", "anthropic_beta", "max_tokens", "messages"];
        let unknown: Vec<_> =
            envelope.members().iter().filter(|m| !known.contains(&m.key.as_ref())).map(|m| m.key.as_ref()).collect();
        let body = String::from_utf8_lossy(&request.body).into_owned();
        if !unknown.is_empty() || body.contains("invented") || request.header("anthropic-beta").is_some() {
            return Script::json(400, format!(r#"{{"message":"extraneous keys {unknown:?}"}}"#));
        }
        Script::json(200, faces::whole(Dialect::Anthropic))
    })
    .await;
    let own = ScriptedUpstream::always(Script::json(200, faces::whole(Dialect::Anthropic))).await;
    let gateway = Gateway::start(&format!(
        "providers:\n  anthropic: {{ api_key: k, base_url: \"{}\" }}\n  amazon-bedrock: {{ api_key: k, region: us-east-1, base_url: \"{}\" }}",
        own.url("/v1"),
        bedrock.url("")
    ));
    let headers = [("anthropic-beta", FLAGS), ("anthropic-version", "2023-06-01")];
    let model = "amazon-bedrock/anthropic.claude-sonnet-4-5-20250929-v1:0";
    let answer = gateway.post("/v1/messages?beta=true", &headers, CLAUDE_CODE.replace("MODEL", model)).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let seen = bedrock.requests();
    let flags: Vec<_> = Node::parse(&seen[0].body)
        .unwrap()
        .get("anthropic_beta")
        .unwrap()
        .items()
        .iter()
        .map(|f| f.as_str().unwrap().to_owned())
        .collect();
    assert!(
        flags.iter().all(|flag| FLAGS.contains(flag)) && flags.contains(&"interleaved-thinking-2025-05-14".to_owned()),
        "{flags:?}"
    );
    let dropped = answer.header("x-tollgate-dropped").unwrap();
    for path in [
        "context_management",
        "mcp_servers",
        "speed",
        "foo",
        "anthropic-beta.invented-one-2031-01-01",
        "anthropic-beta.invented-two-2031-01-01",
    ] {
        assert!(dropped.contains(&format!("{path};dropped")), "{path}: {dropped}");
    }
    let streamed = CLAUDE_CODE.replace("MODEL", model).replace(r#""max_tokens""#, r#""stream":true,"max_tokens""#);
    let answer = gateway.post("/v1/messages", &headers, streamed).await;
    assert_ne!(answer.status, 400, "{}", answer.text());

    let sent = CLAUDE_CODE.replace("MODEL", "anthropic/claude-sonnet-5");
    let answer = gateway.post("/v1/messages?beta=true", &headers, sent.clone()).await;
    assert_eq!((answer.status, answer.header("x-tollgate-dropped")), (200, None), "{}", answer.text());
    let seen = &own.requests()[0];
    assert_eq!(seen.body, sent.replace("anthropic/", ""));
    let flags: BTreeSet<_> = seen.header("anthropic-beta").unwrap().split(',').map(str::trim).collect();
    assert_eq!(flags, FLAGS.split(',').collect());
}

#[tokio::test]
async fn tr26_what_is_unknown_is_relayed() {
    let body = r#"{"model":"up/m","max_tokens":9,"surprise":[true],"tools":[{"name":"plain","input_schema":{"type":"object"}},{"type":"web_search_20250305","name":"web_search"},{"type":"from_the_future_2031","name":"x","knob":1}],"messages":[{"role":"user","content":[{"type":"hologram","data":{"x":1}},{"type":"text","text":"Hi"}]}]}"#;
    let upstream = ScriptedUpstream::queue([
        Script::json(200, faces::whole(Dialect::Anthropic)),
        faces::Spoken::of(Dialect::Anthropic).all(),
    ])
    .await;
    let gateway = Gateway::before("anthropic", &upstream.url("/v1"));
    let answer = gateway.post("/v1/messages", &[], body).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let streamed = body.replace(r#""max_tokens""#, r#""stream":true,"max_tokens""#);
    let answer = gateway.post("/v1/messages", &[], streamed.clone()).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let seen = upstream.requests();
    assert_eq!(
        (&seen[0].body[..], &seen[1].body[..]),
        (body.replace("up/", "").as_bytes(), streamed.replace("up/", "").as_bytes())
    );
}

#[tokio::test]
async fn tr27_tokens_are_counted_by_the_provider_or_estimated_in_form() {
    let upstream = ScriptedUpstream::choosing(|request| match request.target.as_str() {
        "/v1/messages/count_tokens" if request.body.windows(3).any(|w| w == b"bad") => {
            Script::json(400, r#"{"type":"error","error":{"type":"invalid_request_error","message":"bad tool"}}"#)
        }
        "/v1/messages/count_tokens" => Script::json(200, r#"{"input_tokens":4321}"#),
        _ => Script::json(500, "{}"),
    })
    .await;
    let gateway = Gateway::start(&format!(
        "providers:\n  claude: {{ dialect: anthropic, base_url: \"{0}\" }}\n  other: {{ dialect: openai-chat, base_url: \"{0}\" }}",
        upstream.url("/v1")
    ));
    let result = "word ".repeat(4_000);
    let body = |model: &str, name: &str| {
        format!(
            r#"{{"model":"{model}","tools":[{{"name":"{name}","description":"Does it","input_schema":{{"type":"object","properties":{{"a":{{"type":"string"}}}}}}}}],"messages":[{{"role":"user","content":"Hi"}},{{"role":"assistant","content":[{{"type":"tool_use","id":"t1","name":"f","input":{{"a":"b"}}}}]}},{{"role":"user","content":[{{"type":"tool_result","tool_use_id":"t1","content":"{result}"}}]}}]}}"#
        )
    };
    let counted = |answer: &crate::support::Answer| Node::parse(&answer.body).unwrap().uint("input_tokens");
    let path = "/v1/messages/count_tokens";
    let answer = gateway.post(path, &[], body("claude/m", "f")).await;
    assert_eq!((answer.status, counted(&answer)), (200, Some(4321)), "{}", answer.text());
    let answer = gateway.post(path, &[], body("claude/m", "bad")).await;
    assert_eq!((answer.status, faces::error(Dialect::Anthropic, &answer).as_str()), (400, "bad tool"));
    // Four thousand words of one token each, and some for the tools.
    let answer = gateway.post(path, &[], body("other/m", "f")).await;
    let estimate = counted(&answer).unwrap();
    assert!((3_600..5_200).contains(&estimate), "{estimate}");
    let tools = body("other/m", "f").replace(&result, "x");
    let few = counted(&gateway.post(path, &[], tools).await).unwrap();
    assert!((20..300).contains(&few), "{few}");
    let answer = gateway.post(path, &[], body("nobody/m", "f")).await;
    assert_eq!(answer.status, 404);
    faces::error(Dialect::Anthropic, &answer);
}
