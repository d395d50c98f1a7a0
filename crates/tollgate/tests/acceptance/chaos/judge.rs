//! What a client got, beside what it should have got.

use tollgate_ir::Dialect;
use tollgate_wire::codec::decode_reply;

use super::provider::words;
use crate::caller::Came;
use crate::faces;
use crate::support::Answer;

/// How a call ended for its client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// All the words, and the end.
    Complete,
    /// Words of the answer, then an error that the client's SDK reads as one.
    ToldInside,
    /// An error instead of an answer, in the face's own envelope.
    Told(u16, String),
    /// Anything else: words that are not the answer's, an end that is none, a break without a word.
    Corrupt(String),
}

/// Judges.
pub fn judge(call: usize, face: Dialect, stream: bool, came: &Came) -> Verdict {
    let expected = words(call).concat();
    match came {
        Came::Answer(answer) if answer.status != 200 => Verdict::Told(answer.status, faces::error(face, answer)),
        Came::Answer(answer) if !answer.whole => {
            Verdict::Corrupt(format!("the connection broke within the answer: {}", answer.text()))
        }
        Came::Answer(answer) if stream => streamed(face, answer, &expected),
        Came::Answer(answer) => whole(face, answer, &expected),
        other => Verdict::Corrupt(format!("{other:?}")),
    }
}

fn streamed(face: Dialect, answer: &Answer, expected: &str) -> Verdict {
    let heard = faces::hear(face, answer);
    let is_end = heard.complete && heard.finish.is_some() && heard.fault.is_none();
    if is_end && heard.text == expected {
        Verdict::Complete
    } else if heard.fault.is_some() && expected.starts_with(&heard.text) {
        Verdict::ToldInside
    } else {
        Verdict::Corrupt(format!("not `{expected}` but {}", answer.text()))
    }
}

fn whole(face: Dialect, answer: &Answer, expected: &str) -> Verdict {
    let reply = match decode_reply(face, &answer.body) {
        Ok(reply) => reply,
        Err(fault) => return Verdict::Corrupt(format!("{}: {}", fault.public, answer.text())),
    };
    let text: String =
        reply.choices.iter().flat_map(|choice| &choice.blocks).filter_map(|block| block.as_text()).collect();
    if text == expected {
        Verdict::Complete
    } else {
        Verdict::Corrupt(format!("not `{expected}` but {}", answer.text()))
    }
}
