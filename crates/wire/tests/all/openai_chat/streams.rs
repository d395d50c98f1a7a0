//! Streams: odd chunks read, strict ones written.

use serde_json::{Value, json};
use tollgate_ir::{
    Block, BlockStart, CallKind, Content, Delta, Event, Fault, FaultKind, Finish, Issuer, ReplyHead, Seal, Usage,
};

use super::{context, events, sent};
use crate::streams::{check, reply};

fn read(chunks: &[&str]) -> Vec<Event> {
    let body: String = chunks.iter().map(|c| format!("data: {c}\n\n")).collect();
    let events = events(body.as_bytes(), 5);
    check("made", &events);
    events
}

fn chunk(delta: &str) -> String {
    format!(r#"{{"id":"x","choices":[{{"index":0,"delta":{delta}}}]}}"#)
}

/// `id name arguments` of the calls that deltas make.
fn calls(deltas: &[&str]) -> Vec<String> {
    let mut chunks: Vec<_> = deltas.iter().map(|d| chunk(&format!(r#"{{"tool_calls":[{d}]}}"#))).collect();
    chunks.push("[DONE]".into());
    let reply = reply(&read(&chunks.iter().map(String::as_str).collect::<Vec<_>>()));
    let call = |b: &Block| match &b.content {
        Content::Call(c) => format!("{} {} {}", c.id, c.name, c.arguments),
        other => panic!("{other:?}"),
    };
    reply.choices[0].blocks.iter().map(call).collect()
}

#[test]
fn tr01_tr03_calls_are_put_together_however_they_are_numbered() {
    let usual = [
        r#"{"index":0,"id":"a","type":"function","function":{"name":"f","arguments":""}}"#,
        r#"{"index":1,"id":"b","type":"function","function":{"name":"g","arguments":"{}"}}"#,
        r#"{"index":0,"function":{"arguments":"{\"x\":"}}"#,
        r#"{"index":0,"function":{"arguments":"1}"}}"#,
    ];
    assert_eq!(calls(&usual), [r#"a f {"x":1}"#, "b g {}"]);
    let no_index = [
        r#"{"id":"a","function":{"name":"f","arguments":"{"}}"#,
        r#"{"function":{"arguments":"}"}}"#,
        r#"{"id":"b","function":{"name":"g","arguments":"{}"}}"#,
    ];
    assert_eq!(calls(&no_index), ["a f {}", "b g {}"]);
    let index_stuck = [
        r#"{"index":0,"id":"a","function":{"name":"f","arguments":"{}"}}"#,
        r#"{"index":0,"id":"b","function":{"name":"g","arguments":"{}"}}"#,
    ];
    assert_eq!(calls(&index_stuck), ["a f {}", "b g {}"]);
    let parsed = [r#"{"index":0,"id":"a","function":{"name":"f","arguments":{"x":1}}}"#];
    assert_eq!(calls(&parsed), [r#"a f {"x":1}"#]);
    let name_late = [
        r#"{"index":0,"id":"a","function":{"arguments":"{"}}"#,
        r#"{"index":0,"function":{"name":"f","arguments":"}"}}"#,
    ];
    assert_eq!(calls(&name_late), ["a f {}"]);
    let no_id =
        [r#"{"index":0,"id":"","function":{"name":"f","arguments":"{}"}}"#, r#"{"index":1,"function":{"name":"f"}}"#];
    let made = calls(&no_id);
    assert!(made.len() == 2 && made[0] != made[1] && made[0].starts_with("call_"), "{made:?}");
}

#[test]
fn a_call_closes_when_its_arguments_are_whole_and_the_next_begins() {
    let events = read(&[
        &chunk(r#"{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"{\"q\":\"}\"}"}}]}"#),
        &chunk(r#"{"tool_calls":[{"index":1,"id":"b","function":{"name":"g","arguments":""}}]}"#),
        "[DONE]",
    ]);
    let at = |wanted: &dyn Fn(&Event) -> bool| events.iter().position(wanted).unwrap();
    let closed = at(&|e| matches!(e, Event::Close { block: 0, .. }));
    let opened = at(&|e| matches!(e, Event::Open { block: 1, .. }));
    assert!(closed < opened);
}

#[test]
fn tr14_reasoning_then_text_in_every_spelling() {
    for deltas in [
        [r#"{"reasoning_content":"r"}"#, r#"{"content":"t"}"#],
        [r#"{"reasoning":"r","content":""}"#, r#"{"content":"t","reasoning":null}"#],
        [
            r#"{"reasoning":"r","reasoning_details":[{"type":"reasoning.text","text":"r","index":0}]}"#,
            r#"{"content":"t"}"#,
        ],
        [
            r#"{"content":[{"type":"thinking","thinking":[{"type":"text","text":"r"}]}]}"#,
            r#"{"content":[{"type":"text","text":"t"}]}"#,
        ],
    ] {
        let reply = reply(&read(&[&chunk(deltas[0]), &chunk(deltas[1]), "[DONE]"]));
        let blocks = &reply.choices[0].blocks;
        assert!(matches!(&blocks[0].content, Content::Reasoning(r) if r.text == "r"), "{deltas:?}");
        assert_eq!((blocks.len(), blocks[1].as_text()), (2, Some("t")), "{deltas:?}");
        assert_eq!(reply.choices[0].finish, Some(Finish::Stop));
    }
}

#[test]
fn rl03_an_end_without_a_finish_is_a_cut_and_one_with_it_is_an_end() {
    let cut = read(&[&chunk(r#"{"content":"t"}"#)]);
    assert!(matches!(cut.last(), Some(Event::Fault(f)) if f.kind == FaultKind::ProviderCut));
    let whole = read(&[r#"{"id":"x","choices":[{"index":0,"delta":{"content":"t"},"finish_reason":"length"}]}"#]);
    assert_eq!(whole[whole.len() - 2..], [Event::Finish { choice: 0, finish: Finish::Length }, Event::End]);
    let empty = read(&["[DONE]"]);
    assert!(matches!(empty[..], [Event::Fault(_)]));
}

#[test]
fn errors_in_streams_are_faults_with_the_providers_words() {
    for last in [
        r#"{"error":{"message":"w","type":"overloaded_error"}}"#,
        r#"{"error":"w","code":"overloaded"}"#,
        r#"{"object":"error","message":"w","code":503}"#,
        r#"{"id":"x","error":{"code":503,"message":"w"},"choices":[{"index":0,"delta":{"content":""},"finish_reason":"error"}]}"#,
    ] {
        let events = read(&[&chunk(r#"{"content":"t"}"#), last]);
        let Some(Event::Fault(fault)) = events.last() else { panic!("{events:?}") };
        assert_eq!((fault.public.as_str(), fault.kind), ("w", FaultKind::ProviderOverloaded), "{last}");
    }
}

/// Where hosts put usage: on the last chunk of content, alone, twice, without choices, under a name of their own.
#[test]
fn tr30_usage_is_exact_wherever_it_stands() {
    let usage = r#""usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}"#;
    let text = chunk(r#"{"content":"t"}"#);
    let finish = r#"{"id":"x","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#;
    for chunks in [
        vec![format!(
            r#"{{"id":"x","choices":[{{"index":0,"delta":{{"content":"t"}},"finish_reason":"stop"}}],{usage}}}"#
        )],
        vec![text.clone(), finish.into(), format!(r#"{{"id":"x","choices":[],{usage}}}"#)],
        vec![text.clone(), finish.into(), format!(r#"{{"id":"x","choices":[{{"delta":{{}}}}],{usage}}}"#)],
        vec![text.clone(), finish.into(), format!(r#"{{"id":"x",{usage}}}"#)],
        vec![
            format!(r#"{{"id":"x","choices":[{{"delta":{{"content":"t"}}}}],{usage}}}"#),
            finish.into(),
            format!(r#"{{"choices":[],{usage}}}"#),
        ],
        vec![text, finish.into(), format!(r#"{{"id":"x","choices":[],"x_groq":{{{usage}}}}}"#)],
    ] {
        let mut chunks: Vec<_> = chunks.iter().map(String::as_str).collect();
        chunks.push("[DONE]");
        let events = read(&chunks);
        let reply = reply(&events);
        assert_eq!(reply.usage, Some(Usage { input: 3, output: 2, ..Usage::default() }), "{chunks:?}");
        let silent = sent(&events, context());
        assert!(silent.iter().all(|d| !d.contains("usage")));
        let mut asked = context();
        asked.include_usage = true;
        let told = sent(&events, asked);
        assert_eq!(told.last().map(String::as_str), Some("[DONE]"));
        let last: Value = serde_json::from_str(&told[told.len() - 2]).unwrap();
        assert_eq!((&last["choices"], &last["usage"]["total_tokens"]), (&json!([]), &json!(5)));
        assert_eq!(told.iter().filter(|d| d.contains("total_tokens")).count(), 1);
    }
}

fn open(block: u32, start: BlockStart) -> Event {
    Event::Open { choice: 0, block, start }
}

fn delta(block: u32, delta: Delta) -> Event {
    Event::Delta { choice: 0, block, delta }
}

const fn close(block: u32) -> Event {
    Event::Close { choice: 0, block }
}

fn written(events: &[Event]) -> Vec<Value> {
    let data = sent(events, context());
    data.iter().map(|d| serde_json::from_str(d).unwrap_or_else(|_| json!(d))).collect()
}

fn deltas(chunks: &[Value]) -> Vec<Value> {
    chunks.iter().filter_map(|c| c["choices"].get(0)).map(|c| c["delta"].clone()).collect()
}

#[test]
fn tr03_calls_are_numbered_among_themselves_and_named_once() {
    let start = |id: &str| BlockStart::Call { id: id.into(), name: "f".into(), kind: CallKind::Function };
    let chunks = written(&[
        Event::Start(ReplyHead { id: Some("i".into()), model: Some("n".into()), ..ReplyHead::default() }),
        open(0, BlockStart::Text),
        delta(0, Delta::Text("hi".into())),
        close(0),
        open(1, start("a")),
        delta(1, Delta::Arguments("{".into())),
        delta(1, Delta::Arguments("}".into())),
        close(1),
        open(2, start("b")),
        close(2),
        Event::Finish { choice: 0, finish: Finish::ToolCalls },
        Event::End,
    ]);
    assert_eq!(
        deltas(&chunks),
        [
            json!({"role":"assistant","content":"hi"}),
            json!({"tool_calls":[{"index":0,"id":"a","type":"function","function":{"name":"f","arguments":""}}]}),
            json!({"tool_calls":[{"index":0,"function":{"arguments":"{"}}]}),
            json!({"tool_calls":[{"index":0,"function":{"arguments":"}"}}]}),
            json!({"tool_calls":[{"index":1,"id":"b","type":"function","function":{"name":"f","arguments":""}}]}),
            json!({"tool_calls":[{"index":1,"function":{"arguments":"{}"}}]}),
            json!({}),
        ]
    );
    for chunk in chunks.iter().filter(|c| c.is_object()) {
        assert_eq!((&chunk["id"], &chunk["model"], &chunk["created"]), (&json!("i"), &json!("n"), &json!(7)));
        assert_eq!(chunk["object"], "chat.completion.chunk");
        assert!(chunk["choices"][0]["index"].is_u64());
    }
    assert_eq!(chunks.last(), Some(&json!("[DONE]")));
}

#[test]
fn seals_travel_in_the_side_field_with_their_block() {
    let seal = |issuer, data: &str| Delta::Seal(Seal { issuer, data: data.into() });
    let thought = || BlockStart::Reasoning { summary: false, redacted: false, id: None };
    let chunks = written(&[
        open(0, thought()),
        delta(0, Delta::Text("a".into())),
        delta(0, seal(Issuer::Anthropic, "S")),
        close(0),
        open(1, BlockStart::Call { id: "c".into(), name: "f".into(), kind: CallKind::Function }),
        delta(1, Delta::Arguments("{}".into())),
        delta(1, seal(Issuer::Gemini, "G")),
        close(1),
        open(2, BlockStart::Reasoning { summary: false, redacted: true, id: None }),
        delta(2, seal(Issuer::Anthropic, "R")),
        close(2),
        Event::End,
    ]);
    let told = deltas(&chunks);
    assert_eq!(
        told[0],
        json!({"role":"assistant","reasoning_content":"a","reasoning_details":[{"type":"reasoning.text","text":"a","index":0}]})
    );
    assert_eq!(
        told[1],
        json!({"reasoning_details":[{"type":"reasoning.text","signature":"S","format":"anthropic-claude-v1","index":0}]})
    );
    assert_eq!(
        told[4],
        json!({"tool_calls":[{"index":0,"function":{"arguments":""},"extra_content":{"google":{"thought_signature":"G"}}}],
            "reasoning_details":[{"type":"reasoning.encrypted","data":"G","id":"c","format":"google-gemini-v1","index":1}]})
    );
    assert_eq!(
        told[5],
        json!({"reasoning_details":[{"type":"reasoning.encrypted","data":"R","format":"anthropic-claude-v1","index":2,"position":2}]})
    );
    assert_eq!(chunks[chunks.len() - 2]["choices"][0]["finish_reason"], "tool_calls");
}

#[test]
fn what_is_missing_is_made_up_and_a_fault_is_the_last_word() {
    let chunks = written(&[Event::End]);
    assert_eq!(
        chunks[0]["choices"][0],
        json!({"index":0,"delta":{"role":"assistant"},"logprobs":null,"finish_reason":"stop"})
    );
    assert_eq!(chunks[0]["id"], "chatcmpl-abc");
    let fault = Event::Fault(Box::new(Fault::new(FaultKind::ProviderOverloaded, "busy")));
    let chunks = written(&[open(0, BlockStart::Text), fault, delta(0, Delta::Text("late".into())), Event::End]);
    assert_eq!(chunks, [json!({"error":{"message":"busy","type":"server_error","param":null,"code":null}})]);
}

/// What a client has of a stream when it keeps the side field as it came: texts joined, entries in a row, calls by index.
fn kept(chunks: &[Value]) -> Value {
    let (mut words, mut details, mut calls) = (String::new(), Vec::new(), Vec::<Value>::new());
    for delta in deltas(chunks) {
        words.push_str(delta["reasoning_content"].as_str().unwrap_or_default());
        details.extend(delta["reasoning_details"].as_array().cloned().unwrap_or_default());
        for part in delta["tool_calls"].as_array().into_iter().flatten() {
            let index = usize::try_from(part["index"].as_u64().unwrap()).unwrap();
            if calls.len() == index {
                calls.push(part.clone());
            } else {
                let more = part["function"]["arguments"].as_str().unwrap_or_default();
                let all = format!("{}{more}", calls[index]["function"]["arguments"].as_str().unwrap());
                calls[index]["function"]["arguments"] = json!(all);
            }
        }
    }
    json!({"role":"assistant","content":null,"reasoning_content":words,"reasoning_details":details,"tool_calls":calls})
}

#[test]
fn tr08_interleaved_thinking_streamed_and_sent_back_is_the_same() {
    let seal = |data: &str| Delta::Seal(Seal { issuer: Issuer::Anthropic, data: data.into() });
    let thought = |redacted| BlockStart::Reasoning { summary: false, redacted, id: None };
    let call = |id: &str| BlockStart::Call { id: id.into(), name: "f".into(), kind: CallKind::Function };
    let arguments = || Delta::Arguments("{}".into());
    let events = [
        open(0, thought(false)),
        delta(0, Delta::Text("on".into())),
        delta(0, Delta::Text("e".into())),
        delta(0, seal("S1")),
        close(0),
        open(1, call("a")),
        delta(1, arguments()),
        close(1),
        open(2, thought(false)),
        delta(2, Delta::Text("two".into())),
        delta(2, seal("S2")),
        close(2),
        open(3, thought(true)),
        delta(3, seal("R")),
        close(3),
        open(4, call("b")),
        delta(4, arguments()),
        close(4),
        Event::Finish { choice: 0, finish: Finish::ToolCalls },
        Event::End,
    ];
    let message = kept(&written(&events));
    let body = json!({"model":"m","messages":[{"role":"user","content":"x"}, message]}).to_string();
    let (request, lost) = super::decode(&body).unwrap();
    assert_eq!(lost, Vec::<String>::new());
    let mut blocks = request.turns[1].blocks.clone();
    blocks.iter_mut().for_each(|b| b.at.clear());
    assert_eq!(blocks, reply(&events).choices[0].blocks);
}
