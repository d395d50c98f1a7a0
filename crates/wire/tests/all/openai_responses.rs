//! OpenAI Responses against recorded traffic and against fixtures of our own.

use serde::Deserialize;
use serde_json::value::RawValue;
use tollgate_ir::{Block, Content, Dialect, Event, Finish, Json, Losses, Reply, Request, ToolKind};
use tollgate_wire::codec;
use tollgate_wire::ids::{IdRule, ToolNames};
use tollgate_wire::openai_responses as responses;
use tollgate_wire::target::{ModelFacts, ReplyContext, RequestHead, Target};

use crate::recorded::recordings;
use crate::streams;

fn decode(body: &[u8]) -> Result<(Request, Losses), tollgate_ir::Fault> {
    let mut losses = Losses::new(responses::path_of);
    responses::decode_request(body, &RequestHead::default(), &mut losses).map(|r| (r, losses))
}

fn encode(request: &Request, model: &str) -> (String, Losses) {
    let names = ToolNames::new(request, IdRule::WIDE);
    let facts = ModelFacts::default();
    let mut losses = Losses::new(responses::path_of);
    let target = Target { model, names: &names, facts: &facts };
    let encoded = responses::encode_request(request, &target, &mut losses).unwrap();
    (String::from_utf8(encoded.body).unwrap(), losses)
}

fn context() -> ReplyContext {
    ReplyContext { id: "0123456789abcdef".into(), model: "m".into(), created: 1_700_000_000, ..Default::default() }
}

fn stream(body: &[u8], cut: usize) -> Vec<Event> {
    streams::events(Dialect::OpenAiResponses, body, "text/event-stream", cut)
}

fn encode_stream(events: &[Event]) -> Vec<u8> {
    streams::bytes(Dialect::OpenAiResponses, events, context())
}

#[test]
fn recorded_requests_decode_and_survive_the_way_through_the_ir() {
    for recording in recordings("openai-responses") {
        let Some(body) = recording.request() else { continue };
        let (request, _) = match decode(body.as_bytes()) {
            Ok(decoded) => decoded,
            Err(fault) => {
                let there = ["conversation", "prompt", "background"].map(Some);
                assert!(there.contains(&fault.param.as_deref()), "{}: {fault}", recording.id);
                continue;
            }
        };
        if recording.status() == 400 {
            continue; // The provider did not take it either.
        }
        let (body, _) = encode(&request, "some-model");
        let (mut again, losses) = decode(body.as_bytes()).unwrap_or_else(|f| panic!("{}: {f}: {body}", recording.id));
        assert_eq!(losses.all(), [], "{}: {body}", recording.id);
        again.model.clone_from(&request.model);
        similar(&plain(again), &plain(request), &format!("{} {body}", recording.id));
    }
}

/// Equal, else shows the first line that differs.
fn similar(got: &str, want: &str, id: &str) {
    for (i, (g, w)) in got.lines().zip(want.lines()).enumerate() {
        let near: Vec<_> = got.lines().skip(i.saturating_sub(12)).take(24).collect();
        assert_eq!(g, w, "{id}\nline {i} of\n{}", near.join("\n"));
    }
    assert_eq!(got.len(), want.len(), "{id}");
}

/// Without places and defaults, which a way through the IR may change.
fn plain(mut request: Request) -> String {
    fn clear(blocks: &mut [Block]) {
        for block in blocks {
            block.at.clear();
            if let Content::Result(result) = &mut block.content {
                clear(&mut result.content);
            }
        }
    }
    request.params.store = None;
    request.params.max_tokens = request.params.max_tokens.map(|max| max.max(16));
    clear(&mut request.system);
    for turn in &mut request.turns {
        clear(&mut turn.blocks);
        turn.blocks.retain(|b| b.as_text() != Some(""));
    }
    for tool in &mut request.tools {
        tool.at.clear();
        if let ToolKind::Function { strict, parameters, .. } = &mut tool.kind {
            strict.get_or_insert(false);
            parameters.get_or_insert_with(|| Json::parse(r#"{"type":"object","properties":{}}"#).unwrap());
        }
    }
    format!("{request:#?}")
}

#[test]
fn recorded_replies_decode_and_encode_to_the_same() {
    for recording in recordings("openai-responses") {
        let Some(body) = recording.reply() else { continue };
        let reply = responses::decode_reply(body).unwrap_or_else(|f| panic!("{}: {f}", recording.id));
        let encoded = responses::encode_reply(&reply, &context());
        let again = responses::decode_reply(&encoded).unwrap_or_else(|f| panic!("{}: {f}", recording.id));
        let (got, want) = (format!("{:#?}", comparable(again)), format!("{:#?}", comparable(reply)));
        similar(&got, &want, &recording.id);
    }
}

/// Ids of responses that are not OpenAI's are made anew; absent counts are written as 0.
fn comparable(mut reply: Reply) -> Reply {
    reply.head.id = None;
    // The first event says the tier asked for, the last the one that served.
    reply.head.service_tier = None;
    for choice in &mut reply.choices {
        choice.finish.get_or_insert(Finish::Stop);
    }
    if let Some(usage) = &mut reply.usage {
        usage.cache_read.get_or_insert(0);
        usage.cache_write.get_or_insert(0);
        usage.reasoning.get_or_insert(0);
    }
    reply
}

#[test]
fn recorded_streams_decode_alike_at_any_cut_and_encode_to_the_same() {
    for recording in recordings("openai-responses") {
        let Some((body, _)) = recording.stream() else { continue };
        let events = stream(&body, body.len());
        streams::check(&recording.id, &events);
        assert_eq!(events.last(), Some(&Event::End), "{}", recording.id);
        for cut in [1, 7, 333] {
            assert_eq!(stream(&body, cut), events, "{} cut by {cut}", recording.id);
        }
        let encoded = encode_stream(&events);
        let again = stream(&encoded, encoded.len());
        streams::check(&recording.id, &again);
        let (got, want) =
            (format!("{:#?}", last_response(&encode_stream(&again))), format!("{:#?}", last_response(&encoded)));
        similar(&got, &want, &recording.id);
        let (said, recorded) = (unsealed(last_response(&encoded)), unsealed(last_response(&body)));
        // Codex's backend leaves the last event's output empty; in one recording the deltas were cut by its source.
        if recording.id != "openai-responses.openai.01c39166c2" && !recorded.choices[0].blocks.is_empty() {
            similar(&format!("{said:#?}"), &format!("{recorded:#?}"), &recording.id);
        }
    }
}

/// Hosts seal and name items anew in the last event, and leave out what cannot be repeated.
fn unsealed(mut reply: Reply) -> Reply {
    reply.head.created = None;
    reply.head.model = None;
    for block in reply.choices.iter_mut().flat_map(|c| &mut c.blocks) {
        if let Some(seal) = &mut block.seal {
            seal.data.clear();
        }
        if let Content::Reasoning(reasoning) = &mut block.content {
            reasoning.id = None;
        }
        block.carry = None;
    }
    for logprob in reply.choices.iter_mut().flat_map(|c| &mut c.logprobs) {
        logprob.logprob = (logprob.logprob * 1e4).round(); // The deltas have more digits.
        logprob.bytes = None;
    }
    reply
}

/// The response in a stream's terminal event (one recording has four streams in a row).
fn last_response(body: &[u8]) -> Reply {
    #[derive(Deserialize)]
    struct Step<'a> {
        #[serde(borrow)]
        response: &'a RawValue,
    }
    let text = String::from_utf8(body.to_vec()).unwrap().replace("\r\n", "\n");
    let ends = ["response.completed\"", "response.incomplete\"", "response.failed\""];
    let mut steps = text.lines().filter_map(|l| l.strip_prefix("data: "));
    let last = steps.find(|d| ends.iter().any(|end| d.contains(end))).unwrap();
    let last: Step<'_> = serde_json::from_str(last).unwrap();
    comparable(responses::decode_reply(last.response.get().as_bytes()).unwrap())
}

#[test]
fn recorded_errors_keep_their_words() {
    for recording in recordings("openai-responses") {
        let Some(body) = recording.refusal() else { continue };
        let fault = codec::decode_fault(Dialect::OpenAiResponses, recording.status(), &[], &body);
        assert_eq!(fault.status, recording.status(), "{}", recording.id);
        let words = String::from_utf8_lossy(&body);
        let said = serde_json::to_string(&fault.public).unwrap();
        assert!(words.contains(said.trim_matches('"')), "{}: {said} of {words}", recording.id);
    }
}
