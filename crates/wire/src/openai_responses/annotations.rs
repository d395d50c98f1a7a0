//! What stands beside a text: annotations (citations) and log probabilities.

use tollgate_ir::{Carry, Citation, Dialect, Json, Logprob};

use crate::json::{ArrayWriter, Node, ObjectWriter, object};

/// Reads the annotations of an `output_text` part.
pub(super) fn read(part: &Node<'_>) -> Vec<Citation> {
    part.get("annotations").map(|all| all.items().iter().map(read_one).collect()).unwrap_or_default()
}

/// Reads one annotation; what only this dialect knows stays in `carry`.
pub(super) fn read_one(annotation: &Node<'_>) -> Citation {
    let text = |key: &str| annotation.text(key).map(str::to_owned);
    Citation {
        url: text("url"),
        title: text("title").or_else(|| text("filename")),
        quote: None,
        range: annotation.uint("start_index").zip(annotation.uint("end_index")),
        carry: Some(Carry { dialect: Dialect::OpenAiResponses, raw: annotation.to_json() }),
    }
}

/// An annotation for a citation: our own as it came, a page as `url_citation`. `None` for a document that has no
/// address: the other kinds name files in OpenAI's store. `said` is the text so far, for a citation without a range.
pub(super) fn annotation(citation: &Citation, said: &str) -> Option<Json> {
    if let Some(carry) = citation.carry.as_ref().filter(|c| c.dialect == Dialect::OpenAiResponses) {
        return Some(carry.raw.clone());
    }
    let url = citation.url.as_deref()?;
    let (start, end) = citation.range.unwrap_or_else(|| (0, said.chars().count() as u64));
    let mut out = Vec::new();
    object(&mut out, |o| {
        o.text("type", "url_citation");
        o.uint("start_index", start);
        o.uint("end_index", end);
        o.text("url", url);
        o.text("title", citation.title.as_deref().unwrap_or(url));
    });
    Json::parse(String::from_utf8(out).ok()?).ok()
}

/// Reads `logprobs`.
pub(crate) fn read_logprobs(holder: &Node<'_>) -> Vec<Logprob> {
    holder.get("logprobs").map(|all| all.items().iter().filter_map(read_logprob).collect()).unwrap_or_default()
}

fn read_logprob(node: &Node<'_>) -> Option<Logprob> {
    Some(Logprob {
        token: node.text("token")?.to_owned(),
        logprob: node.get("logprob")?.as_f64()?,
        bytes: node.get("bytes").map(|b| b.items().iter().filter_map(|n| u8::try_from(n.as_u64()?).ok()).collect()),
        top: node.get("top_logprobs").map(|t| t.items().iter().filter_map(read_logprob).collect()).unwrap_or_default(),
    })
}

/// Writes `logprobs`; the SDK's types want the array even when it is empty.
pub(crate) fn write_logprobs(o: &mut ObjectWriter<'_>, logprobs: &[Logprob]) {
    o.array("logprobs", |a| logprobs.iter().for_each(|l| write_logprob(a, l, true)));
}

fn write_logprob(a: &mut ArrayWriter<'_>, logprob: &Logprob, with_top: bool) {
    a.object(|o| {
        o.text("token", &logprob.token);
        o.float("logprob", logprob.logprob);
        o.array("bytes", |a| {
            for byte in logprob.bytes.as_deref().unwrap_or(logprob.token.as_bytes()) {
                a.uint(u64::from(*byte));
            }
        });
        if with_top {
            o.array("top_logprobs", |a| logprob.top.iter().for_each(|l| write_logprob(a, l, false)));
        }
    });
}
