//! `decode ∘ encode` is the identity on what the dialect can say.

use proptest::prelude::*;
use tollgate_ir::{CacheMark, Json, Media, MediaKind, MediaSource, Params, Tool, ToolChoice, ToolKind};

use super::*;

fn words() -> impl Strategy<Value = String> {
    "[ -~äß日🎉\n\"\\\\]{0,12}[a-z日]".prop_map(|text| text)
}

fn id() -> impl Strategy<Value = String> {
    "[a-zA-Z0-9_-]{1,20}"
}

fn json() -> impl Strategy<Value = String> {
    prop_oneof![Just("{}"), Just(r#"{"z":1,"a":[true,null,"x"]}"#), Just(r#"{"b":{"c":1.5}}"#)].prop_map(str::to_owned)
}

fn media() -> impl Strategy<Value = Media> {
    let source = prop_oneof![
        Just((MediaKind::Image, Some("image/png"), MediaSource::Base64("iVBORw0KGgo=".into()))),
        Just((MediaKind::Image, None, MediaSource::Url("https://e.x/a.png".into()))),
        Just((MediaKind::Document, Some("application/pdf"), MediaSource::Base64("JVBERi0=".into()))),
        Just((MediaKind::Document, Some("text/plain"), MediaSource::Text("plain".into()))),
    ];
    (source, proptest::option::of(words())).prop_map(|((kind, mime, source), title)| Media {
        kind,
        mime: mime.map(str::to_owned),
        source,
        name: title.filter(|_| kind == MediaKind::Document),
        detail: None,
    })
}

fn text_block() -> impl Strategy<Value = Block> {
    words().prop_map(Block::text)
}

fn tool_result() -> impl Strategy<Value = Block> {
    let inner = prop_oneof![text_block(), media().prop_map(|m| Block::new(Content::Media(m)))];
    (id(), proptest::collection::vec(inner, 0..3), any::<bool>()).prop_map(|(call, content, error)| {
        let kind = CallKind::Function;
        Block::new(Content::Result(ToolResult { call, name: None, content, json: None, error, kind }))
    })
}

fn tool_call() -> impl Strategy<Value = Block> {
    (id(), id(), json()).prop_map(|(id, name, arguments)| {
        Block::new(Content::Call(Call { id, name, arguments, kind: CallKind::Function }))
    })
}

fn marked(block: impl Strategy<Value = Block>) -> impl Strategy<Value = Block> {
    let mark = prop_oneof![6 => Just(None), 1 => any::<bool>().prop_map(|one_hour| Some(CacheMark { one_hour }))];
    (block, mark).prop_map(|(block, cache)| Block { cache, ..block })
}

/// Results first, then words and media, as the protocol wants them.
fn user() -> impl Strategy<Value = Turn> {
    let rest = prop_oneof![text_block(), media().prop_map(|m| Block::new(Content::Media(m)))];
    (proptest::collection::vec(tool_result(), 0..2), proptest::collection::vec(rest, 1..3))
        .prop_map(|(results, rest)| Turn { role: Role::User, blocks: results.into_iter().chain(rest).collect() })
}

fn assistant() -> impl Strategy<Value = Turn> {
    let thinking = prop_oneof![
        words().prop_map(|text| thought(&text, Issuer::Anthropic, "EqMB==")),
        Just(thought("", Issuer::Anthropic, "R+/=")),
    ];
    let block = prop_oneof![thinking, marked(text_block()), marked(tool_call())];
    proptest::collection::vec(block, 1..4).prop_map(|blocks| Turn { role: Role::Assistant, blocks })
}

fn params() -> impl Strategy<Value = Params> {
    let sampling = (proptest::option::of(0u32..=10), proptest::option::of(1u64..100));
    let rest = (1u64..10_000, proptest::collection::vec(words(), 0..3), proptest::option::of(id()));
    (sampling, rest).prop_map(|((temperature, top_k), (max_tokens, stop, user))| Params {
        temperature: temperature.map(|t| f64::from(t) / 10.0),
        top_k,
        max_tokens: Some(max_tokens),
        stop,
        user,
        ..Params::default()
    })
}

fn tools() -> impl Strategy<Value = Vec<Tool>> {
    let tool = (id(), proptest::option::of(words())).prop_map(|(name, description)| Tool {
        kind: ToolKind::Function {
            name,
            description,
            parameters: Json::parse(r#"{"type":"object","properties":{"z":{},"a":{}}}"#).ok(),
            strict: None,
        },
        cache: None,
        carry: None,
        at: String::new(),
    });
    proptest::collection::vec(tool, 1..3)
}

fn choice() -> impl Strategy<Value = Option<ToolChoice>> {
    proptest::option::of(prop_oneof![
        Just(ToolChoice::Auto),
        Just(ToolChoice::Required),
        Just(ToolChoice::None),
        id().prop_map(ToolChoice::Named),
    ])
}

fn request() -> impl Strategy<Value = Request> {
    let turns = proptest::collection::vec((user(), assistant()), 0..3);
    let system = proptest::collection::vec(marked(text_block()), 0..2);
    (turns, user(), system, params(), tools(), choice(), any::<bool>()).prop_map(
        |(turns, last, system, params, tools, tool_choice, stream)| Request {
            model: "m".into(),
            turns: turns.into_iter().flat_map(|(u, a)| [u, a]).chain([last]).collect(),
            system,
            params,
            tools,
            tool_choice,
            stream,
            ..Request::default()
        },
    )
}

/// Without places, which are the written body's own.
fn placeless(mut request: Request) -> Request {
    fn block(b: &mut Block) {
        b.at.clear();
        if let Content::Result(result) = &mut b.content {
            result.content.iter_mut().for_each(block);
        }
    }
    request.system.iter_mut().chain(request.turns.iter_mut().flat_map(|t| &mut t.blocks)).for_each(block);
    request.tools.iter_mut().for_each(|tool| tool.at.clear());
    request
}

proptest! {
    #[test]
    fn what_is_written_is_read(request in request()) {
        let marks = |r: &Request| r.turns.iter().flat_map(|t| &t.blocks).chain(&r.system).filter(|b| b.cache.is_some()).count();
        prop_assume!(marks(&request) <= 4);
        let (body, reported) = encode(CLAUDE, &request);
        prop_assert_eq!(reported, Vec::<String>::new());
        let (again, lost) = decode(&body);
        prop_assert_eq!(lost, Vec::<String>::new());
        prop_assert_eq!(placeless(again), placeless(request));
    }

    #[test]
    fn no_bytes_make_a_decoder_panic(body in proptest::collection::vec(any::<u8>(), 0..200), cut in 0usize..2000) {
        let mut losses = Losses::new(super::super::path_of);
        let _ = super::super::decode_request(&body, &RequestHead::default(), &mut losses);
        let _ = super::super::decode_reply(&body);
        let _ = super::super::decode_fault(500, &[], &body);
        // Nor does a real body that ends or changes anywhere.
        let full = include_bytes!("full.json");
        let mut broken = full[..cut.min(full.len())].to_vec();
        let _ = super::super::decode_request(&broken, &RequestHead::default(), &mut losses);
        broken = full.to_vec();
        let at = cut % broken.len();
        broken[at] = body.first().copied().unwrap_or(b'7');
        let _ = super::super::decode_request(&broken, &RequestHead::default(), &mut losses);
    }
}
