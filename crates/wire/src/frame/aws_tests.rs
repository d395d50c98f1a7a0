//! Reader and writer against the vendor's own codec; any cut gives the same frames; any damage is seen.

use aws_smithy_eventstream::frame::{read_message_from, write_message_to};
use aws_smithy_types::DateTime;
use aws_smithy_types::event_stream::{Header, HeaderValue, Message};
use bytes::Bytes;
use proptest::prelude::*;
use tollgate_ir::FaultKind;

use super::*;

fn frames(input: &[u8], cuts: &[usize]) -> Result<Vec<Frame>, Fault> {
    let (mut deframer, mut out, mut at) = (AwsDeframer::new(), Vec::new(), 0);
    for cut in cuts.iter().copied().chain([input.len()]) {
        deframer.push(Bytes::copy_from_slice(&input[at..cut]));
        at = cut;
        while let Some(frame) = deframer.next_frame()? {
            out.push(frame);
        }
    }
    out.extend(deframer.finish()?);
    Ok(out)
}

fn text(name: &'static str, value: &str) -> Header {
    Header::new(name, HeaderValue::String(value.to_owned().into()))
}

fn vendor(message: &Message) -> Vec<u8> {
    let mut out = Vec::new();
    write_message_to(message, &mut out).unwrap();
    out
}

#[test]
fn headers_of_every_type_are_read_past() {
    let message = Message::new(&b"{\"a\":1}"[..])
        .add_header(Header::new("t", HeaderValue::Bool(true)))
        .add_header(Header::new("f", HeaderValue::Bool(false)))
        .add_header(Header::new("b", HeaderValue::Byte(1)))
        .add_header(Header::new("s", HeaderValue::Int16(2)))
        .add_header(Header::new("i", HeaderValue::Int32(3)))
        .add_header(Header::new("l", HeaderValue::Int64(4)))
        .add_header(Header::new("a", HeaderValue::ByteArray(Bytes::from_static(b"xyz"))))
        .add_header(Header::new("d", HeaderValue::Timestamp(DateTime::from_secs(5))))
        .add_header(Header::new("u", HeaderValue::Uuid(6)))
        .add_header(text(":event-type", "metadata"))
        .add_header(text(":message-type", "event"));
    let found = frames(&vendor(&message), &[]).unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].name(), &found[0].data[..], found[0].exception), ("metadata", &b"{\"a\":1}"[..], false));
}

#[test]
fn exceptions_and_errors_are_known_by_their_framing() {
    let exception = Message::new(&br#"{"message":"slow down"}"#[..])
        .add_header(text(":message-type", "exception"))
        .add_header(text(":exception-type", "throttlingException"));
    let error = Message::new(Bytes::new())
        .add_header(text(":message-type", "error"))
        .add_header(text(":error-code", "InternalError"))
        .add_header(text(":error-message", "it \"broke\""));
    let found = frames(&[vendor(&exception), vendor(&error)].concat(), &[]).unwrap();
    let seen: Vec<_> = found.iter().map(|f| (f.name(), &f.data[..], f.exception)).collect();
    assert_eq!(
        seen,
        [
            ("throttlingException", &br#"{"message":"slow down"}"#[..], true),
            ("InternalError", &br#"{"message":"it \"broke\""}"#[..], true),
        ]
    );
}

#[test]
fn what_is_written_the_vendor_reads() {
    for (exception, kind) in [(false, "messageStart"), (true, "modelStreamErrorException")] {
        let mut out = b"before".to_vec();
        if exception {
            aws_exception(&mut out, kind, br#"{"message":"x"}"#);
        } else {
            aws_event(&mut out, kind, br#"{"role":"assistant"}"#);
        }
        let message = read_message_from(&out[6..]).unwrap();
        let header = |name: &str| {
            let found = message.headers().iter().find(|h| h.name().as_str() == name).unwrap();
            found.value().as_string().unwrap().as_str().to_owned()
        };
        assert_eq!(header(":message-type"), if exception { "exception" } else { "event" });
        assert_eq!(header(if exception { ":exception-type" } else { ":event-type" }), kind);
        assert_eq!(header(":content-type"), "application/json");
        assert_eq!(&message.payload()[..], &out[out.len() - 4 - message.payload().len()..out.len() - 4]);
    }
}

fn three() -> Vec<u8> {
    let mut out = Vec::new();
    aws_event(&mut out, "messageStart", br#"{"role":"assistant"}"#);
    aws_event(&mut out, "contentBlockDelta", "{\"delta\":{\"text\":\"日本 🎉\"}}".as_bytes());
    aws_event(&mut out, "metadata", b"");
    out
}

#[test]
fn every_cut_gives_the_same_frames_and_raw_bytes_add_up() {
    let input = three();
    let whole = frames(&input, &[]).unwrap();
    assert_eq!(whole.iter().map(Frame::name).collect::<Vec<_>>(), ["messageStart", "contentBlockDelta", "metadata"]);
    assert_eq!(whole.iter().flat_map(|f| f.raw.to_vec()).collect::<Vec<_>>(), input);
    for i in 0..=input.len() {
        assert_eq!(frames(&input, &[i]).unwrap(), whole, "cut at {i}");
    }
    assert_eq!(frames(&input, &(0..input.len()).collect::<Vec<_>>()).unwrap(), whole);
}

#[test]
fn a_body_that_ends_inside_an_event_is_cut() {
    let input = three();
    let first = frames(&input, &[]).unwrap()[0].raw.len();
    for end in 1..first {
        assert_eq!(frames(&input[..end], &[]).unwrap_err().kind, FaultKind::ProviderCut, "ended at {end}");
    }
}

#[test]
fn any_flipped_bit_is_seen() {
    let mut input = Vec::new();
    aws_event(&mut input, "messageStop", br#"{"stopReason":"end_turn"}"#);
    for i in 0..input.len() * 8 {
        let mut damaged = input.clone();
        damaged[i / 8] ^= 1 << (i % 8);
        assert_eq!(frames(&damaged, &[]).unwrap_err().kind, FaultKind::ProviderGarbage, "bit {i}");
    }
}

#[test]
fn lengths_that_lie_are_refused_before_anything_is_held_for_them() {
    for (total, headers) in [(u32::MAX, 0), (64 << 20, 0), (15, 0), (16, 1), (100, 200)] {
        let mut prelude = [u32::to_be_bytes(total), u32::to_be_bytes(headers)].concat();
        prelude.extend_from_slice(&crc32fast::hash(&prelude).to_be_bytes());
        let mut deframer = AwsDeframer::new();
        deframer.push(Bytes::from(prelude));
        assert_eq!(deframer.next_frame().unwrap_err().kind, FaultKind::ProviderGarbage, "{total}, {headers}");
    }
}

#[test]
fn broken_headers_are_refused() {
    for headers in [&b"\x05ab"[..], b"\x01a", b"\x01a\x07\x00", b"\x01a\x07\x00\x05ab", b"\x01a\x63"] {
        let mut out = vec![0; 8];
        let total = u32::try_from(12 + headers.len() + 4).unwrap();
        out[..4].copy_from_slice(&total.to_be_bytes());
        out[4..].copy_from_slice(&u32::try_from(headers.len()).unwrap().to_be_bytes());
        out.extend_from_slice(&crc32fast::hash(&out).to_be_bytes());
        out.extend_from_slice(headers);
        out.extend_from_slice(&crc32fast::hash(&out).to_be_bytes());
        assert_eq!(frames(&out, &[]).unwrap_err().kind, FaultKind::ProviderGarbage, "{headers:?}");
    }
}

proptest! {
    #[test]
    fn any_bytes_are_no_panic(input in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = frames(&input, &[]);
    }

    #[test]
    fn the_vendors_messages_at_any_cut(payloads in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..80), 1..6), mut cuts in proptest::collection::vec(0usize..1000, 0..12)) {
        let mut input = Vec::new();
        for payload in &payloads {
            let message = Message::new(payload.clone()).add_header(text(":message-type", "event")).add_header(text(":event-type", "chunk"));
            write_message_to(&message, &mut input).unwrap();
        }
        cuts.retain(|c| *c <= input.len());
        cuts.sort_unstable();
        let found = frames(&input, &cuts).unwrap();
        prop_assert_eq!(found.iter().map(|f| f.data.to_vec()).collect::<Vec<_>>(), payloads);
    }
}
