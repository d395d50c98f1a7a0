use proptest::prelude::*;

use super::{object, text, uint};

#[test]
fn whole_numbers_are_written_digit_by_digit() {
    for value in [0, 9, 10, 100, 1_234_567_890, u64::MAX - 1, u64::MAX] {
        let mut out = Vec::new();
        uint(&mut out, value);
        assert_eq!(String::from_utf8(out).unwrap(), value.to_string());
    }
}

fn written(value: &str) -> String {
    let mut out = Vec::new();
    text(&mut out, value);
    String::from_utf8(out).unwrap()
}

#[test]
fn strings_are_written_as_serde_json_writes_them() {
    let control: String = (0..0x20u8).map(char::from).collect();
    let long = format!("{}\"é{}\n", "x".repeat(100), "y".repeat(9000));
    for value in ["", "plain", "a \"quote\" and a \\", &control, "\u{7f}\u{2028}é😀", &long] {
        assert_eq!(written(value), serde_json::to_string(value).unwrap());
    }
}

#[test]
fn what_is_not_to_stay_leaves_nothing() {
    let mut out = Vec::new();
    super::array(&mut out, |a| {
        for n in 0..5 {
            let written: Result<(), ()> = a.object_if(|o| {
                o.joined("n", &["<", &"\"".repeat(n), ">"]);
                Ok(n % 2 == 1)
            });
            assert_eq!(written, Ok(()));
        }
        assert_eq!(a.object_if(|_| Err("refused")), Err("refused"));
    });
    assert!(out.starts_with(br#"[{"n":"<\">"},{"n":"<\"\"\">"}"#), "{}", String::from_utf8_lossy(&out));
}

proptest! {
    #[test]
    fn any_string_is_written_as_serde_json_writes_it(
        pieces in prop::collection::vec(r#"[\\"/\x00-\x20é]{0,5}|x{0,300}"#, 0..12)
    ) {
        let value = pieces.concat();
        prop_assert_eq!(written(&value), serde_json::to_string(&value).unwrap());
    }
}

#[test]
fn what_follows_a_long_text_does_not_move_it() {
    let data = "x".repeat(1_000_000);
    let mut out = Vec::new();
    object(&mut out, |o| {
        o.text("data", &data);
        o.text("more", &"y".repeat(1_000));
    });
    assert!(out.capacity() < data.len() * 5 / 4, "{}", out.capacity());
}
