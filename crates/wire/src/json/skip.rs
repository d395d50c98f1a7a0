//! Past a container of a text that is known to be JSON: nothing is looked at in it but quotes, backslashes and brackets,
//! sixty-four bytes a time (as in [`super::marks`]).

use wide::u8x16;

use super::marks::{BLOCK, at_block, escapes, places};

/// Where they stand in a block: a bit for each byte, the first one's lowest.
#[derive(Clone, Copy, Default)]
struct Brackets {
    quotes: u64,
    backslashes: u64,
    opening: u64,
    closing: u64,
}

impl Brackets {
    #[inline]
    fn of(block: &[u8; BLOCK]) -> Self {
        block.as_chunks::<16>().0.iter().rev().fold(Self::default(), |found, quarter| {
            let bytes = u8x16::new(*quarter);
            // A bracket and the brace of its side differ in this bit alone, and no third character is as them.
            let braces = bytes | u8x16::splat(0x20);
            let and = |bits: u64, these: u8x16| bits << 16 | u64::from(these.to_bitmask());
            Self {
                quotes: and(found.quotes, bytes.simd_eq(u8x16::splat(b'"'))),
                backslashes: and(found.backslashes, bytes.simd_eq(u8x16::splat(b'\\'))),
                opening: and(found.opening, braces.simd_eq(u8x16::splat(b'{'))),
                closing: and(found.closing, braces.simd_eq(u8x16::splat(b'}'))),
            }
        })
    }
}

/// The byte after the object or array that begins at `from`; `None` if it has no end.
pub(super) fn past_container(text: &[u8], from: usize) -> Option<usize> {
    let (mut at, mut depth, mut in_string) = (from, 0u32, 0);
    while at < text.len() {
        let found = at_block(text, at, Brackets::of);
        let (begun, escaped) = escapes(found.backslashes);
        let strings = up_to_each(found.quotes & !escaped) ^ in_string;
        in_string = 0u64.wrapping_sub(strings >> (BLOCK - 1));
        let (opening, closing) = (found.opening & !strings, found.closing & !strings);
        if closing.count_ones() < depth {
            depth = depth + opening.count_ones() - closing.count_ones();
        } else {
            for place in places(opening | closing) {
                if opening >> place & 1 == 1 {
                    depth += 1;
                    continue;
                }
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some(at + place + 1);
                }
            }
        }
        // An escape may reach over the block's end.
        at += BLOCK + (begun >> (BLOCK - 1)) as usize;
    }
    None
}

/// Each bit is whether an odd number of bits stands up to it: of quotes, what stands from one that opens to the one that closes.
const fn up_to_each(mut bits: u64) -> u64 {
    let mut by = 1;
    while by < u64::BITS {
        bits ^= bits << by;
        by *= 2;
    }
    bits
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::scan::Scanner;
    use super::*;

    proptest! {
        /// Wherever it begins, and whatever follows it.
        #[test]
        fn a_container_ends_where_the_scanner_ends_it(
            pieces in prop::collection::vec(prop_oneof![
                r#"[\[\]{}\\",:a]{0,9}"#,
                r#"\\{0,70}"#,
                "[x\\[{]{0,80}",
            ], 0..9),
            before in 0..80usize,
            object: bool,
        ) {
            let (mut text, mut end) = (" ".repeat(before), String::new());
            for piece in pieces {
                let piece = serde_json::to_string(&piece).unwrap();
                text.push_str(if object { "{\"a\":[" } else { "[[{\"[\":" });
                text.push_str(&piece);
                end.insert_str(0, if object { "]}" } else { "}]]" });
                text.push(if object { ',' } else { ' ' });
                text.push_str(if object { "" } else { ",\"}\":" });
            }
            text.push_str("{}");
            text.push_str(&end);
            text.push_str("]}\"");
            let mut scanner = Scanner::at(text.as_bytes(), before);
            let span = scanner.value(1).map_err(|broken| TestCaseError::fail(format!("{broken:?} {text}")))?;
            prop_assert_eq!(past_container(text.as_bytes(), before), Some(span.end), "{}", text);
            prop_assert_eq!(past_container(&text.as_bytes()[..span.end - 1], before), None, "{}", text);
        }
    }

    #[test]
    fn what_has_no_end_or_no_beginning_has_none() {
        for text in ["", "{", "[[]", "]", "{\"a\":\"}", "\"{}"] {
            assert_eq!(past_container(text.as_bytes(), 0), None, "{text}");
        }
    }
}
