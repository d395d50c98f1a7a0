use std::collections::HashMap;
use std::sync::Arc;

use proptest::prelude::*;
use tollgate_ir::{
    Block, Call, CallKind, Choice, Content, FaultKind, Issuer, Reasoning, Reply, Request, Role, Seal, Turn,
};

use super::*;

fn call(id: &str) -> Block {
    let call = Call { id: id.into(), name: "f".into(), arguments: "{}".into(), kind: CallKind::Function };
    Block::new(Content::Call(call))
}

fn sealed(mut block: Block, issuer: Issuer, data: &str) -> Block {
    block.seal = Some(Seal { issuer, data: data.into() });
    block
}

fn thought(text: &str) -> Block {
    Block::new(Content::Reasoning(Reasoning { text: text.into(), ..Reasoning::default() }))
}

fn thinking(data: &str) -> Block {
    sealed(thought(data), Issuer::Anthropic, data)
}

fn redacted(data: &str) -> Block {
    let reasoning = Reasoning { redacted: true, ..Reasoning::default() };
    sealed(Block::new(Content::Reasoning(reasoning)), Issuer::Anthropic, data)
}

fn turn(role: Role, blocks: Vec<Block>) -> Turn {
    Turn { role, blocks }
}

fn request(turns: Vec<Turn>) -> Request {
    Request { turns, ..Request::default() }
}

/// What a stock client sends back: no reasoning, no seals.
fn stock(blocks: &[Block]) -> Vec<Block> {
    let kept = blocks.iter().filter(|block| !matches!(block.content, Content::Reasoning(_)));
    kept.map(|block| Block { seal: None, ..block.clone() }).collect()
}

fn round(answer: &[Block], sent: Vec<Vec<Block>>) -> (Vec<Block>, Restored) {
    let saved: HashMap<String, Arc<Saved>> = remember(answer).into_iter().collect();
    let mut request = request(sent.into_iter().map(|blocks| turn(Role::Assistant, blocks)).collect());
    let restored = restore(&mut request, |id| saved.get(id).cloned());
    (request.turns.into_iter().flat_map(|turn| turn.blocks).collect(), restored)
}

#[test]
fn interleaved_thinking_comes_back_in_its_order() {
    let answers = [
        vec![thinking("S"), call("a")],
        vec![thinking("1"), call("a"), thinking("2"), redacted("3"), call("b")],
        vec![thinking("1"), Block::text("I look"), call("a"), call("b"), thinking("2")],
        vec![
            Block::text("x"),
            thinking("1"),
            Block::text("y"),
            thinking("2"),
            call("a"),
            Block::text("z"),
            thinking("3"),
        ],
        vec![sealed(call("a"), Issuer::Gemini, "sig"), call("b")],
        vec![thinking("1"), sealed(call("a"), Issuer::Gemini, "sig"), Block::text("z")],
    ];
    for answer in answers {
        assert_eq!(round(&answer, vec![stock(&answer)]).0, answer, "in one turn");
        // Some clients send each item of an answer as a turn of its own.
        let (one_by_one, _) = round(&answer, stock(&answer).into_iter().map(|block| vec![block]).collect());
        let calls = |blocks: &[Block]| {
            blocks.iter().filter(|b| matches!(b.content, Content::Call(_))).cloned().collect::<Vec<_>>()
        };
        assert_eq!(calls(&one_by_one), calls(&answer));
        assert_eq!(one_by_one.len(), answer.len(), "nothing lost, nothing doubled");
    }
}

#[test]
fn thinking_stands_first_when_the_client_puts_the_calls_last() {
    let answer = [thinking("1"), call("a"), Block::text("then"), call("b")];
    let sent = vec![Block::text("then"), call("a"), call("b")];
    assert_eq!(round(&answer, vec![sent]).0, [thinking("1"), Block::text("then"), call("a"), call("b")]);
}

#[test]
fn what_the_client_kept_is_left_alone() {
    let answer = [thinking("1"), sealed(call("a"), Issuer::Gemini, "sig")];
    let echoed = vec![thinking("1"), call("a")];
    assert_eq!(round(&answer, vec![echoed]).0, answer, "the call's seal alone was lost");
    let own = vec![thinking("other"), sealed(call("a"), Issuer::Gemini, "own")];
    assert_eq!(round(&answer, vec![own.clone()]).0, own);
    // Reasoning in a turn of its own counts too.
    let (apart, _) = round(&answer, vec![vec![thinking("1")], vec![call("a")]]);
    assert_eq!(apart, answer);
}

#[test]
fn words_give_way_to_what_was_sealed_and_stay_where_nothing_was() {
    let sent = vec![thought("the words"), call("a")];
    assert_eq!(round(&[thinking("1"), call("a")], vec![sent.clone()]).0, [thinking("1"), call("a")]);
    assert_eq!(round(&[thought("unsealed"), call("a")], vec![sent.clone()]).0, sent);
    assert_eq!(round(&[thought("unsealed"), call("a")], vec![vec![call("a")]]).0, [thought("unsealed"), call("a")]);
}

#[test]
fn what_is_not_known_is_counted() {
    let (blocks, restored) = round(&[thinking("1"), call("a")], vec![vec![call("a"), call("b")]]);
    assert_eq!(blocks, [thinking("1"), call("a"), call("b")]);
    assert_eq!(restored, Restored { restored: 1, missing: 1 });
}

#[test]
fn only_calls_that_lost_something_are_looked_up() {
    let lost = turn(Role::Assistant, vec![call("a")]);
    let whole = turn(Role::Assistant, vec![thinking("1"), sealed(call("b"), Issuer::Gemini, "s")]);
    let asked = turn(Role::User, vec![Block::text("go on")]);
    assert_eq!(wanted(&request(vec![lost, asked.clone(), whole, asked])), ["a"]);
}

#[test]
fn an_answer_without_calls_leaves_nothing() {
    assert!(remember(&[thinking("1"), Block::text("done")]).is_empty());
    assert!(remember(&[Block::text("x"), call("a")]).is_empty(), "nor does a call with neither reasoning nor seal");
}

#[test]
fn foreign_seals_are_taken_out() {
    let mut mixed = request(vec![
        turn(Role::User, vec![Block::text("q")]),
        turn(Role::Assistant, vec![thinking("1"), sealed(call("a"), Issuer::Gemini, "s"), thought("words")]),
        turn(Role::Assistant, vec![redacted("2")]),
    ]);
    let before = mixed.clone();
    assert_eq!(strip_foreign(&mut mixed, &[Issuer::Anthropic, Issuer::Gemini]), 0);
    assert_eq!(mixed, before);
    assert_eq!(strip_foreign(&mut mixed, &[Issuer::OpenAi]), 3);
    assert_eq!(mixed.turns.len(), 2, "a turn of nothing but foreign reasoning goes");
    assert_eq!(mixed.turns[1].blocks, [call("a"), thought("words")]);
}

#[test]
fn seals_have_short_names_of_their_own() {
    let seal = |data: &str| Seal { issuer: Issuer::OpenAi, data: data.into() };
    // The FNV-1a test vectors, 128 bits.
    assert_eq!(seal_id(&seal("")), "6c62272e07bb014262b821756295c58d");
    assert_eq!(seal_id(&seal("a")), "d228cb696f1a8caf78912b704e4a8964");
    let blocks =
        [sealed(thought(""), Issuer::OpenAi, "old"), thinking("x"), sealed(thought(""), Issuer::OpenAi, "new")];
    assert_eq!(seal_ids(blocks.iter()), [seal_id(&seal("new")), seal_id(&seal("old"))]);
}

#[test]
fn a_response_continues_with_all_that_was_said() {
    let asked = |text: &str| turn(Role::User, vec![Block::text(text).at("input[0]")]);
    let reply = |text: &str| Reply {
        choices: vec![Choice { blocks: vec![Block::text(text)], ..Choice::default() }],
        ..Reply::default()
    };
    let first = keep(&request(vec![asked("one")]), 0, &reply("1"), "{}".into());
    assert_eq!((first.turns.len(), first.own.clone()), (2, 0..1));

    let mut second = request(vec![asked("two")]);
    second.previous_response = Some("resp_1".into());
    let before = first.turns.len();
    resume(&mut second, &first);
    assert_eq!(second.previous_response, None);
    let texts: Vec<_> = second.turns.iter().filter_map(|turn| turn.blocks[0].as_text()).collect();
    assert_eq!(texts, ["one", "1", "two"]);
    assert_eq!(second.turns[0].blocks[0].at, "previous_response_id", "losses have a place in the client's body");
    let third = keep(&second, before, &reply("2"), "{}".into());
    assert_eq!((third.turns.len(), third.own), (4, 2..3));
}

#[test]
fn an_unknown_response_is_a_fault_that_names_it() {
    let fault = unknown_response("resp_gone");
    assert_eq!((fault.kind, fault.status), (FaultKind::PreviousResponseNotFound, 400));
    assert_eq!(fault.param.as_deref(), Some("previous_response_id"));
    assert!(fault.public.contains("resp_gone"));
}

fn any_block() -> impl Strategy<Value = Block> {
    (0..4u8, "[a-z]{1,4}").prop_map(|(kind, word)| match kind {
        0 => Block::text(word),
        1 => thinking(&word),
        2 => redacted(&word),
        _ => call(""),
    })
}

proptest! {
    #[test]
    fn any_answer_with_a_call_at_its_end_survives_a_stock_client(mut answer in proptest::collection::vec(any_block(), 0..12)) {
        answer.push(call(""));
        for (i, block) in answer.iter_mut().enumerate() {
            if let Content::Call(call) = &mut block.content {
                call.id = format!("call_{i}");
            }
        }
        let (blocks, _) = round(&answer, vec![stock(&answer)]);
        prop_assert_eq!(blocks, answer);
    }
}
