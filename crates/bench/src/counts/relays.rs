//! The relay: the scan of a body, its patches, and a stream's chunks past the tap.

use bytes::Bytes;
use tollgate_bench::payload::{self, Face, Payload};
use tollgate_ir::{Dialect, Losses, Operation};
use tollgate_wire::carriage::Carriage;
use tollgate_wire::codec;
use tollgate_wire::frame::Deframer;
use tollgate_wire::json::Envelope;
use tollgate_wire::relay::{ControlFields, RelayRequest, forbidden_overrides, relay_request};
use tollgate_wire::tap::Tap;
use tollgate_wire::target::ModelFacts;

use crate::Counter;
use crate::translations::{DIALECTS, stream};

const PAYLOADS: [Payload; 5] = [Payload::Small, Payload::Talk, Payload::Document, Payload::Tools, Payload::Image];

/// Chunks in one case of a stream.
const CHUNKS: usize = 50;

/// All cases.
pub fn count(counter: &Counter) {
    for payload in PAYLOADS {
        let body = Bytes::from(payload::body(Face::Chat, payload, "up/w-300", false));
        let title = payload.title();
        counter.case(&format!("scan, {title}"), || (), |()| Envelope::scan(&body).is_ok());
        let Ok(envelope) = Envelope::scan(&body) else { continue };
        counter.case(&format!("overrides, {title}"), || (), |()| forbidden_overrides(&body, &envelope).is_none());
        counter.case(
            &format!("patch, {title}"),
            || Losses::new(codec::path_of(Dialect::OpenAiChat)),
            |mut losses| {
                relay_request(
                    &RelayRequest {
                        dialect: Dialect::OpenAiChat,
                        carriage: &Carriage::Own,
                        operation: Operation::Chat,
                        body: &body,
                        envelope: &envelope,
                        model: "w-300",
                        facts: &ModelFacts::default(),
                        control: ControlFields::Cut,
                        betas: &[],
                        edits: &[],
                    },
                    &mut losses,
                )
            },
        );
    }
    for dialect in DIALECTS {
        let whole = stream(dialect, CHUNKS);
        counter.case(
            &format!("tap, {CHUNKS} chunks, {dialect}"),
            || (Deframer::for_content_type(codec::stream_content_type(dialect)), Tap::new(dialect, false)),
            |(mut deframer, mut tap)| {
                let mut out = 0;
                for chunk in &whole {
                    deframer.push(chunk.clone());
                    while let Ok(Some(frame)) = deframer.next_frame() {
                        tap.frame(&frame);
                        out += frame.raw.len();
                    }
                }
                tap.end();
                (out, tap.is_complete())
            },
        );
    }
}
