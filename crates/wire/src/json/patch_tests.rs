use proptest::prelude::*;

use super::*;
use crate::json::Node;

fn patched(body: &str, patches: &[Patch]) -> String {
    let bytes = Bytes::copy_from_slice(body.as_bytes());
    let envelope = Envelope::scan(&bytes).unwrap();
    let whole = apply(&bytes, &envelope, patches);
    assert_eq!(sliced(&bytes, edits(&bytes, &envelope, patches)).concat(), whole);
    String::from_utf8(whole.to_vec()).unwrap()
}

#[test]
fn patches_touch_nothing_but_their_place() {
    let body = "{ \"model\" : \"x\",\n\t\"messages\": [ 1.0, \"\\u00e9\" ] ,\"user\":\"u\" }";
    for (patches, wanted) in [
        (
            vec![Patch::set_text("model", "y\"z")],
            "{ \"model\" : \"y\\\"z\",\n\t\"messages\": [ 1.0, \"\\u00e9\" ] ,\"user\":\"u\" }",
        ),
        (vec![Patch::delete("model")], "{ \"messages\": [ 1.0, \"\\u00e9\" ] ,\"user\":\"u\" }"),
        (vec![Patch::delete("user")], "{ \"model\" : \"x\",\n\t\"messages\": [ 1.0, \"\\u00e9\" ] }"),
        (vec![Patch::delete("user"), Patch::delete("messages")], "{ \"model\" : \"x\" }"),
        (vec![Patch::delete("model"), Patch::delete("messages"), Patch::delete("user")], "{  }"),
        (
            vec![Patch::set("n", "2")],
            "{ \"model\" : \"x\",\n\t\"messages\": [ 1.0, \"\\u00e9\" ] ,\"user\":\"u\",\"n\":2 }",
        ),
        (
            vec![Patch::delete("user"), Patch::set("n", "2")],
            "{ \"model\" : \"x\",\n\t\"messages\": [ 1.0, \"\\u00e9\" ],\"n\":2 }",
        ),
        (
            vec![Patch::Rename { key: "user".into(), to: "safety_identifier".into() }],
            "{ \"model\" : \"x\",\n\t\"messages\": [ 1.0, \"\\u00e9\" ] ,\"safety_identifier\":\"u\" }",
        ),
        (
            vec![Patch::Replace { span: 32..35, with: b"2".to_vec() }],
            "{ \"model\" : \"x\",\n\t\"messages\": [ 2, \"\\u00e9\" ] ,\"user\":\"u\" }",
        ),
        (
            vec![Patch::set("user", "1"), Patch::delete("user")],
            "{ \"model\" : \"x\",\n\t\"messages\": [ 1.0, \"\\u00e9\" ] }",
        ),
        (vec![Patch::delete("absent")], body),
        (vec![], body),
    ] {
        assert_eq!(patched(body, &patches), wanted, "{patches:?}");
    }
    assert_eq!(patched("{}", &[Patch::set("a", "1"), Patch::set("b", "2"), Patch::set("a", "3")]), r#"{"b":2,"a":3}"#);
    assert_eq!(patched(r#"{"x":1,"y":2,"x":3}"#, &[Patch::delete("x")]), r#"{"y":2}"#);
}

#[test]
fn without_patches_it_is_the_same_buffer() {
    let body = Bytes::from_static(b"{\"model\":\"x\"}");
    let envelope = Envelope::scan(&body).unwrap();
    assert_eq!(apply(&body, &envelope, &[]).as_ptr(), body.as_ptr());
    assert_eq!(apply_in_pieces(&body, &envelope, &[])[0].as_ptr(), body.as_ptr());
}

const KEYS: [&str; 5] = ["a", "b", "c", "d", "e"];

fn patch() -> impl Strategy<Value = Patch> {
    (0usize..5, 0usize..5, 0..3, "[0-9]{1,3}").prop_map(|(key, to, how, value)| match how {
        0 => Patch::set(KEYS[key], value.trim_start_matches('0').parse().map_or(0u64, |n: u64| n).to_string()),
        1 => Patch::delete(KEYS[key]),
        _ => Patch::Rename { key: KEYS[key].into(), to: format!("{}{}", KEYS[to], KEYS[key]).into() },
    })
}

proptest! {
    /// Any patches on any object: the result parses, what is not patched stays byte by byte and in order, a set is
    /// what it says, and setting twice is setting once.
    #[test]
    fn tr07_unpatched_members_keep_their_bytes(
        members in proptest::collection::btree_map(0usize..5, "( ?\\[ ?1\\.0 ,\"[x-z]{0,3}\"\\]|-0|\"\\\\u0041\"|\\{ \"q\" :null\\})", 0..5),
        spaces in proptest::collection::vec(" {0,2}", 12),
        patches in proptest::collection::vec(patch(), 0..5),
    ) {
        let mut space = spaces.iter().cycle();
        let mut body = String::from("{");
        for (i, (key, value)) in members.iter().enumerate() {
            let comma = if i > 0 { "," } else { "" };
            let (s, t, u) = (space.next().unwrap(), space.next().unwrap(), space.next().unwrap());
            body.push_str(&format!("{comma}{s}\"{}\"{t}:{value}{u}", KEYS[*key]));
        }
        body.push('}');
        let out = patched(&body, &patches);
        let node = Node::parse(out.as_bytes()).unwrap();
        for (key, value) in &members {
            match last_of(&patches, KEYS[*key]) {
                None => {
                    let envelope = Envelope::scan(out.as_bytes()).unwrap();
                    let raw = &out[envelope.member(KEYS[*key]).unwrap().value_at.clone()];
                    prop_assert_eq!(raw, value.trim_start());
                }
                Some(Patch::Delete { .. } | Patch::Rename { .. }) => prop_assert!(!node.entries().iter().any(|(k, _)| k == KEYS[*key])),
                _ => {}
            }
        }
        for key in KEYS {
            if let Some(Patch::Set { value, .. }) = last_of(&patches, key) {
                prop_assert_eq!(node.get(key).map(Node::to_text), Some(String::from_utf8(value.clone()).unwrap()));
            }
        }
        let sets: Vec<_> = patches.iter().filter(|p| matches!(p, Patch::Set { .. })).cloned().collect();
        let once = patched(&body, &sets);
        prop_assert_eq!(patched(&once, &sets), once);
    }
}

#[test]
fn a_large_body_is_not_copied() {
    let body = Bytes::from(format!("{{\"model\":\"x\",\"input\":\"{}\"}}", "y".repeat(10_000)));
    let envelope = Envelope::scan(&body).unwrap();
    let pieces = apply_in_pieces(&body, &envelope, &[Patch::set_text("model", "z")]);
    assert_eq!(pieces.iter().map(Bytes::len).collect::<Vec<_>>(), [9, 3, body.len() - 12]);
    assert_eq!(pieces[2].as_ptr(), body[12..].as_ptr());
}
