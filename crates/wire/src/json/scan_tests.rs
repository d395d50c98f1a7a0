use proptest::prelude::*;

use super::super::marks::run_end;
use super::{Broken, Scanner};

#[test]
fn a_run_ends_at_the_first_byte_that_is_not_plain() {
    for around in [b'x', 0x20, 0x21, 0x23, 0x5b, 0x5d, 0x7f, 0x80, 0xa2, 0xdc, 0xff] {
        for length in [0, 1, 7, 8, 9, 15, 16, 17, 63, 64, 65, 200, 255, 256, 257, 300, 9_000] {
            let mut bytes = vec![around; length];
            assert_eq!(run_end(&bytes, 0), None, "{around} {length}");
            for at in (0..length).step_by(1 + length / 100) {
                for end in [b'"', b'\\', 0, 1, 0x1f] {
                    bytes[at] = end;
                    assert_eq!(run_end(&bytes, at / 3), Some(at), "{around} {length} {at} {end}");
                }
                bytes[at] = around;
            }
        }
    }
}

/// What a string is, byte by byte: where its escapes stand and where it ends.
fn read(bytes: &[u8]) -> Result<(Vec<usize>, usize), Broken> {
    let mut escapes = Vec::new();
    let mut at = 1;
    let broken = |at, why| Err(Broken { at, why: if at >= bytes.len() { "it ends too early" } else { why } });
    loop {
        match bytes.get(at) {
            Some(b'"') => return Ok((escapes, at)),
            Some(b'\\') => {
                escapes.push(at);
                at += 1;
                match bytes.get(at) {
                    Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => at += 1,
                    Some(b'u') => match bytes.get(at + 1..at + 5) {
                        Some(digits) if digits.iter().all(u8::is_ascii_hexdigit) => at += 5,
                        _ => return broken(at, "a \\u escape needs four hexadecimal digits"),
                    },
                    _ => return broken(at, "a string holds an unknown escape"),
                }
            }
            Some(0..0x20) => return broken(at, "a string holds a raw control character"),
            Some(_) => at += 1,
            None => return broken(at, ""),
        }
    }
}

fn reads_as_byte_by_byte(bytes: &[u8]) {
    let mut scanner = Scanner::new(bytes);
    let mut escapes = Vec::new();
    let seen = scanner.plain_run().and_then(|_| scanner.past_escapes(|at| escapes.push(at)));
    assert_eq!(seen.map(|()| (escapes, scanner.position())), read(bytes), "{:?}", String::from_utf8_lossy(bytes));
}

#[test]
fn escapes_are_seen_wherever_they_stand_and_wherever_the_text_is_cut() {
    let odd =
        ["\\n", "\\\"", "\\\\", "\\\\\\\\\\\"", "\\u00e9", "\\x", "\\u12g4", "\\\n", "\u{1}", "\"", "\\u12\"", "é\\té"];
    for first in ["", "\\t"] {
        for (before, odd) in (0..140).flat_map(|before| odd.map(|odd| (before, odd))) {
            let text = format!("\"{first}{}{odd}{}\\r\" ", "x".repeat(before), "y".repeat(70 - before / 2));
            for cut in [text.len()].into_iter().chain(before..before + 12).chain([64, 65, 66, 128, 129, 130]) {
                reads_as_byte_by_byte(&text.as_bytes()[..cut.clamp(1, text.len())]);
            }
        }
    }
}

proptest! {
    #[test]
    fn any_string_is_read_as_byte_by_byte(text in prop::collection::vec(r#"[\\"nux0 \x01é]{0,9}|\\\\{0,70}|x{0,300}"#, 0..12)) {
        reads_as_byte_by_byte(format!("\"{}\"", text.concat()).as_bytes());
    }
}
