use proptest::prelude::*;
use tollgate_ir::{
    CallKind, Carry, Citation, Dialect, FaultKind, Finish, Issuer, Json, Logprob, ReplyHead, Seal, ServerItem, Usage,
};

use super::*;

/// The events of one block, its text in pieces of `piece` characters.
fn events_of(choice: u32, index: u32, block: &Block, piece: usize) -> Vec<Event> {
    let delta = |delta| Event::Delta { choice, block: index, delta };
    let pieces = |text: &str| -> Vec<String> {
        text.chars().collect::<Vec<_>>().chunks(piece).map(|chunk| chunk.iter().collect()).collect()
    };
    let texts = |text: &str| pieces(text).into_iter().map(|text| delta(Delta::Text(text))).collect::<Vec<_>>();
    let mut sealed: Vec<Event> = Vec::new();
    sealed.extend(block.seal.clone().map(|seal| delta(Delta::Seal(seal))));
    sealed.extend(block.carry.clone().map(|carry| delta(Delta::Carry(carry))));
    let (start, body) = match &block.content {
        Content::Text { text, citations } => {
            let mut body = texts(text);
            body.extend(citations.iter().map(|citation| delta(Delta::Citation(Box::new(citation.clone())))));
            (BlockStart::Text, body)
        }
        Content::Reasoning(reasoning) => {
            let Reasoning { summary, redacted, id, text } = reasoning.clone();
            (BlockStart::Reasoning { summary, redacted, id }, texts(&text))
        }
        Content::Call(call) => {
            let body = pieces(&call.arguments).into_iter().map(|text| delta(Delta::Arguments(text))).collect();
            (BlockStart::Call { id: call.id.clone(), name: call.name.clone(), kind: call.kind }, body)
        }
        Content::Refusal(text) => (BlockStart::Refusal, texts(text)),
        _ => {
            sealed.clear();
            (BlockStart::Whole(Box::new(block.clone())), Vec::new())
        }
    };
    let mut events = vec![Event::Open { choice, block: index, start }];
    events.extend(body);
    events.extend(sealed);
    events.push(Event::Close { choice, block: index });
    events
}

/// The events of a reply, blocks interleaved as `order` says.
fn events(reply: &Reply, piece: usize, order: &[usize]) -> Vec<Event> {
    let mut lanes: Vec<std::collections::VecDeque<Event>> = Vec::new();
    for (choice, answer) in (0u32..).zip(&reply.choices) {
        for (index, block) in (0u32..).zip(&answer.blocks) {
            lanes.push(events_of(choice, index, block, piece).into());
        }
    }
    let mut all = vec![Event::Start(reply.head.clone())];
    for pick in order.iter().cycle().take(100_000) {
        lanes.retain(|lane| !lane.is_empty());
        if lanes.is_empty() {
            break;
        }
        let lane = pick % lanes.len();
        all.extend(lanes[lane].pop_front());
        all.push(Event::Ping);
    }
    for (choice, answer) in (0u32..).zip(&reply.choices) {
        if !answer.logprobs.is_empty() {
            all.push(Event::Delta { choice, block: 0, delta: Delta::Logprobs(answer.logprobs.clone()) });
        }
        all.extend(answer.finish.clone().map(|finish| Event::Finish { choice, finish }));
    }
    all.push(Event::Usage(Usage { input: 1, ..Usage::default() }));
    all.extend(reply.usage.map(Event::Usage));
    all.push(Event::End);
    all
}

fn fold(events: Vec<Event>) -> Fold {
    let mut fold = Fold::new();
    events.into_iter().for_each(|event| fold.push(event));
    fold
}

fn any_block() -> impl Strategy<Value = Block> {
    let content = prop_oneof![
        ("\\PC{0,12}", 0..3usize).prop_map(|(text, cited)| Content::Text {
            text,
            citations: (0..cited)
                .map(|i| Citation { url: Some(format!("u{i}")), title: None, quote: None, range: None, carry: None })
                .collect(),
        }),
        ("\\PC{0,12}", any::<bool>(), any::<bool>(), proptest::option::of("rs_[a-z]{3}"))
            .prop_map(|(text, summary, redacted, id)| Content::Reasoning(Reasoning { text, summary, redacted, id })),
        ("[a-z]{3}", "\\PC{0,12}", any::<bool>()).prop_map(|(name, arguments, custom)| {
            let kind = if custom { CallKind::Custom } else { CallKind::Function };
            Content::Call(Call { id: format!("call_{name}"), name, arguments, kind })
        }),
        "\\PC{0,6}".prop_map(Content::Refusal),
        "[a-z]{4}".prop_map(|kind| Content::Server(ServerItem { kind, id: None })),
    ];
    let seal = proptest::option::of("[a-z]{4}".prop_map(|data| Seal { issuer: Issuer::Gemini, data }));
    (content, seal, any::<bool>()).prop_map(|(content, seal, carried)| {
        let carry = carried.then(|| Carry { dialect: Dialect::Gemini, raw: Json::empty_object() });
        Block { seal, carry, ..Block::new(content) }
    })
}

fn any_reply() -> impl Strategy<Value = Reply> {
    let choice = (proptest::collection::vec(any_block(), 0..5), 0..2usize).prop_map(|(blocks, logprobs)| Choice {
        blocks,
        finish: Some(Finish::Stop),
        logprobs: vec![Logprob { token: "t".into(), logprob: -0.5, bytes: None, top: Vec::new() }; logprobs],
    });
    (proptest::collection::vec(choice, 1..3), any::<u64>()).prop_map(|(choices, output)| Reply {
        head: ReplyHead { id: Some("r".into()), model: Some("m".into()), ..ReplyHead::default() },
        choices,
        usage: Some(Usage { output, ..Usage::default() }),
    })
}

proptest! {
    #[test]
    fn the_events_of_a_reply_fold_to_the_reply(
        reply in any_reply(),
        piece in 1..5usize,
        order in proptest::collection::vec(any::<usize>(), 1..20),
    ) {
        let folded = fold(events(&reply, piece, &order));
        prop_assert!(folded.is_complete());
        prop_assert_eq!(folded.finish().unwrap(), reply);
    }
}

#[test]
fn a_stream_that_stops_gives_what_there_was() {
    let open = Event::Open { choice: 0, block: 0, start: BlockStart::Text };
    let text = Event::Delta { choice: 0, block: 0, delta: Delta::Text("half".into()) };
    let folded = fold(vec![open, text]);
    assert!(!folded.is_complete());
    let reply = folded.finish().unwrap();
    assert_eq!(reply.choices[0].blocks, [Block::text("half")]);
    assert_eq!(reply.choices[0].finish, None);
}

#[test]
fn a_broken_stream_gives_its_fault() {
    let fault = Fault::new(FaultKind::ProviderCut, "cut");
    let folded = fold(vec![Event::Start(ReplyHead::default()), Event::Fault(Box::new(fault.clone()))]);
    assert!(!folded.is_complete());
    assert_eq!(*folded.finish().unwrap_err(), fault);
}

#[test]
fn an_absurd_index_of_a_choice_takes_no_memory() {
    let finish = |choice| Event::Finish { choice, finish: Finish::Stop };
    assert_eq!(fold(vec![finish(u32::MAX)]).finish().unwrap().choices.len(), 1);
    assert_eq!(fold(vec![finish(2)]).finish().unwrap().choices.len(), 3);
}
