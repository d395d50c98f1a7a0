//! Simulated vectors: a function of the text. Texts that share words lie near each other, so that searches seem to work.

use std::time::Duration;

use tollgate_ir::{EmbedContent, EmbedInput, EmbedPart, EmbedReply, Losses, Usage, Vector};
use tollgate_text::tokens;
use tollgate_wire::ops::embed::{self, Context, Protocol};

use super::{Simulated, failed};

/// How many numbers a vector has, unless the request says.
const DIMENSIONS: u64 = 256;
/// The most that a request may say.
const MOST: u64 = 4096;

/// Answers a request for vectors in OpenAI's words.
pub(super) fn respond(body: &[u8]) -> Simulated {
    let mut losses = Losses::new(|_| "");
    let request = match embed::decode_request(Protocol::OpenAi, body, &mut losses) {
        Ok(request) => request,
        Err(fault) => return failed(&fault),
    };
    let dimensions = request.dimensions.unwrap_or(DIMENSIONS).clamp(1, MOST);
    let words: Vec<String> = request.inputs.iter().map(words).collect();
    let tokens = words.iter().map(|text| tokens::estimate(text)).sum();
    let reply = EmbedReply {
        vectors: words.iter().map(|text| vector(text, dimensions)).collect(),
        usage: Some(Usage { input: tokens, ..Usage::default() }),
        ..EmbedReply::default()
    };
    let context = Context { id: String::new(), model: "simulated".to_owned() };
    let whole = embed::encode_reply(Protocol::OpenAi, &request, &reply, &context);
    Simulated { status: 200, pieces: vec![(Duration::ZERO, whole.into())], stream: false }
}

fn words(input: &EmbedInput) -> String {
    match &input.content {
        EmbedContent::Text(text) => text.clone(),
        EmbedContent::Tokens(ids) => ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "),
        EmbedContent::Parts(parts) => {
            let texts = parts.iter().map(|p| if let EmbedPart::Text(text) = p { text.as_str() } else { "picture" });
            texts.collect::<Vec<_>>().join(" ")
        }
    }
}

/// Each word adds to two places, up or down; then the length is made one.
fn vector(text: &str, dimensions: u64) -> Vector {
    let mut numbers = vec![0.0_f64; usize::try_from(dimensions).unwrap_or(1)];
    let places = numbers.len() as u64;
    let mut add = |hash: u64| {
        let place = usize::try_from(hash % places).unwrap_or(0);
        numbers[place] += if hash & (1 << 40) == 0 { 1.0 } else { -1.0 };
    };
    for word in text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()) {
        let hash = fnv(word.to_lowercase().as_bytes());
        add(hash);
        add(hash.rotate_left(29));
    }
    add(fnv(b""));
    let length = numbers.iter().map(|n| n * n).sum::<f64>().sqrt();
    let float = numbers.into_iter().map(|n| if length > 0.0 { n / length } else { n }).collect();
    Vector { float: Some(float), ..Vector::default() }
}

/// FNV-1a: short, and the same everywhere.
fn fnv(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(a: &str, b: &str) -> f64 {
        let (a, b) = (vector(a, 256).float.unwrap(), vector(b, 256).float.unwrap());
        a.iter().zip(&b).map(|(a, b)| a * b).sum()
    }

    #[test]
    fn texts_that_share_words_are_near() {
        assert!((near("one two three", "one two three") - 1.0).abs() < 1e-9);
        assert!(
            near("the panda is a bear", "a bear called panda") > near("the panda is a bear", "stocks fell again") + 0.2
        );
    }
}
