//! What encoders write is whole: valid JSON, whole events, and not out of proportion to what came in.

use serde_json::value::RawValue;
use tollgate_ir::Dialect;
use tollgate_wire::codec;

use super::frames::read;

/// The longest that anything may become: whatever an input of a few bytes may need (defaults, envelopes, echoes), and
/// what each of its bytes may become at most (the shortest events and blocks, spelled out in the wordiest dialect).
const FLOOR: usize = 64 << 10;
const TIMES: usize = 128;

/// One JSON object in UTF-8, of any depth.
pub fn object(what: &str, bytes: &[u8]) {
    let text = std::str::from_utf8(bytes).unwrap_or_else(|e| panic!("{what}: no UTF-8: {e}: {bytes:?}"));
    if let Err(error) = serde_json::from_str::<&RawValue>(text) {
        panic!("{what}: no JSON: {error}: {text}");
    }
    assert!(text.trim_start().starts_with('{'), "{what}: no object: {text}");
}

/// Growth is bounded.
pub fn bounded(what: &str, input: usize, output: usize) {
    assert!(output <= FLOOR + TIMES * input, "{what}: {input} bytes became {output}");
}

/// Whole events of a face's stream, each with a JSON object or its dialect's last word.
pub fn events(face: Dialect, what: &str, bytes: &[u8]) {
    let read = read(codec::stream_content_type(face), bytes, std::iter::once(usize::MAX));
    assert_eq!(read.fault, None, "{what}: {:?}", String::from_utf8_lossy(bytes));
    let whole: usize = read.frames.iter().map(|frame| frame.raw.len()).sum();
    let end: &[u8] = match face {
        Dialect::Bedrock => b"",
        Dialect::Ollama => b"\n",
        _ => b"\n\n",
    };
    assert!(
        bytes.is_empty() || bytes.ends_with(end),
        "{what}: ends inside an event: {:?}",
        String::from_utf8_lossy(bytes)
    );
    assert_eq!(whole, bytes.len(), "{what}: frames add up");
    for frame in read.frames.iter().filter(|frame| !frame.data.is_empty() && &frame.data[..] != b"[DONE]") {
        object(what, &frame.data);
    }
}
