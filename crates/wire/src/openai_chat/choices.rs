//! What whole replies and chunks have in common: head, finish reasons, log probabilities, citations, media.

use tollgate_ir::{
    Block, Carry, Citation, Content, Dialect, Finish, Logprob, Media, MediaKind, MediaSource, ReplyHead,
};

use super::parts;
use crate::json::{ArrayWriter, Node, ObjectWriter};
use crate::media::data_url;

/// Reads what stands at the head of a reply or chunk.
pub(super) fn head(body: &Node<'_>) -> ReplyHead {
    let text = |key| body.text(key).filter(|t| !t.is_empty()).map(str::to_owned);
    ReplyHead {
        id: text("id"),
        model: text("model"),
        // Zero is no time.
        created: body.uint("created").filter(|t| *t > 0),
        service_tier: text("service_tier"),
        system_fingerprint: text("system_fingerprint"),
    }
}

/// Words that are reasons and no stop sequences, although they stand where vLLM puts those.
const REASONS: [&str; 5] = ["stop", "end_turn", "tool_use", "max_tokens", "stop_sequence"];

/// Reads a choice's finish reason in the spellings of the hosts.
pub(super) fn finish(choice: &Node<'_>) -> Option<Finish> {
    let word = choice
        .text("finish_reason")
        .or_else(|| choice.at(&["finish_details", "type"])?.as_str())
        .filter(|w| !w.is_empty())?;
    Some(finish_of(word, choice.text("stop_reason")))
}

/// What the word for it means; `sequence` is the `stop_reason` beside it.
pub(super) fn finish_of(word: &str, sequence: Option<&str>) -> Finish {
    match word {
        "stop" | "eos" | "stop_sequence" | "end_turn" | "COMPLETE" => match sequence {
            // vLLM names the sequence here; others repeat their reason.
            Some(sequence) if !sequence.is_empty() && !REASONS.contains(&sequence) => {
                Finish::StopSequence(Some(sequence.to_owned()))
            }
            _ => Finish::Stop,
        },
        "length" | "max_tokens" | "model_length" => Finish::Length,
        "tool_calls" | "function_call" | "tool_use" => Finish::ToolCalls,
        "content_filter" | "sensitive" | "safety" => Finish::ContentFilter,
        "refusal" => Finish::Refusal,
        other => Finish::Error(other.to_owned()),
    }
}

/// The face's word for it. `refused`: the answer has words of refusal, which `OpenAI` ends by `stop`.
pub(super) const fn finish_word(finish: Option<&Finish>, calls: bool, refused: bool) -> &'static str {
    match finish {
        None if calls => "tool_calls",
        Some(Finish::Length | Finish::ContextWindow) => "length",
        Some(Finish::ToolCalls) => "tool_calls",
        Some(Finish::ContentFilter) => "content_filter",
        Some(Finish::Refusal) if !refused => "content_filter",
        _ => "stop",
    }
}

/// Reads the log probabilities of a choice: of its text, else of its refusal or reasoning.
pub(super) fn logprobs(choice: &Node<'_>) -> Vec<Logprob> {
    let list = |key| choice.at(&["logprobs", key]).map(Node::items).filter(|i| !i.is_empty());
    let items = list("content").or_else(|| list("refusal")).unwrap_or_default();
    items.iter().filter_map(logprob).collect()
}

fn logprob(node: &Node<'_>) -> Option<Logprob> {
    let bytes = |n: &Node<'_>| n.items().iter().map(|b| u8::try_from(b.as_u64()?).ok()).collect::<Option<Vec<_>>>();
    Some(Logprob {
        token: node.text("token")?.to_owned(),
        logprob: node.get("logprob")?.as_f64()?,
        bytes: node.get("bytes").and_then(bytes),
        top: node.get("top_logprobs").map(Node::items).unwrap_or_default().iter().filter_map(logprob).collect(),
    })
}

/// Writes `logprobs`, or `null` where there are none.
pub(super) fn write_logprobs(o: &mut ObjectWriter<'_>, logprobs: &[Logprob]) {
    if logprobs.is_empty() {
        return o.null("logprobs");
    }
    o.object("logprobs", |l| {
        l.array("content", |a| logprobs.iter().for_each(|p| write_logprob(a, p, true)));
        l.null("refusal");
    });
}

fn write_logprob(a: &mut ArrayWriter<'_>, logprob: &Logprob, with_top: bool) {
    a.object(|o| {
        o.text("token", &logprob.token);
        o.float("logprob", logprob.logprob);
        match &logprob.bytes {
            Some(bytes) => o.array("bytes", |b| bytes.iter().for_each(|n| b.uint(u64::from(*n)))),
            None => o.null("bytes"),
        }
        if with_top {
            o.array("top_logprobs", |t| logprob.top.iter().for_each(|p| write_logprob(t, p, false)));
        }
    });
}

/// Reads `annotations`; entries that are no citation are left out.
pub(super) fn citations(message: &Node<'_>) -> Vec<Citation> {
    let entries = message.get("annotations").map(Node::items).unwrap_or_default();
    entries.iter().filter(|a| a.text("type") == Some("url_citation")).map(citation).collect()
}

fn citation(node: &Node<'_>) -> Citation {
    let inner = node.get("url_citation").unwrap_or(node);
    let text = |key| inner.text(key).filter(|t| !t.is_empty()).map(str::to_owned);
    Citation {
        url: text("url"),
        title: text("title"),
        quote: text("content"),
        range: inner.uint("start_index").zip(inner.uint("end_index")).filter(|(a, b)| a < b),
        carry: Some(Carry { dialect: Dialect::OpenAiChat, raw: node.to_json() }),
    }
}

/// Reads the sources that Perplexity puts beside the choices: pages, or their addresses alone.
pub(super) fn sources(body: &Node<'_>) -> Vec<Citation> {
    let of = |url: &str, title: Option<&str>| Citation {
        url: Some(url.to_owned()),
        title: title.map(str::to_owned),
        quote: None,
        range: None,
        carry: None,
    };
    let pages = body.get("search_results").map(Node::items).unwrap_or_default();
    if pages.is_empty() {
        let addresses = body.get("citations").map(Node::items).unwrap_or_default();
        return addresses.iter().filter_map(|url| Some(of(url.as_str()?, None))).collect();
    }
    pages.iter().filter_map(|page| Some(of(page.text("url")?, page.text("title")))).collect()
}

/// Writes a citation as `annotations` have it; those of documents without an address have no place there.
pub(super) fn write_citation(a: &mut ArrayWriter<'_>, citation: &Citation, shift: u64) {
    let Some(url) = &citation.url else { return };
    a.object(|o| {
        o.text("type", "url_citation");
        o.object("url_citation", |c| {
            let (start, end) = citation.range.unwrap_or((0, 0));
            c.uint("start_index", start + shift);
            c.uint("end_index", end + shift);
            c.text("title", citation.title.as_deref().unwrap_or_default());
            c.text("url", url);
            c.opt_text("content", citation.quote.as_deref());
        });
    });
}

/// Reads the media of a reply: a recording (`audio`) and pictures (`images`, `OpenRouter`).
pub(super) fn media(message: &Node<'_>) -> Vec<Block> {
    let mut out = Vec::new();
    if let Some(audio) = message.get("audio")
        && let Some(data) = audio.text("data").filter(|d| !d.is_empty())
    {
        let source = MediaSource::Base64(data.to_owned());
        let media = Media { kind: MediaKind::Audio, mime: None, source, name: None, detail: None };
        let carry = Some(Carry { dialect: Dialect::OpenAiChat, raw: audio.to_json() });
        out.push(Block { carry, ..Block::new(Content::Media(media)) });
    }
    for image in message.get("images").map(Node::items).unwrap_or_default() {
        let url = image.at(&["image_url", "url"]).or_else(|| image.get("image_url")).and_then(Node::as_str);
        // A picture in a coding that no client reads is none.
        if let Some(media) = url.and_then(|url| parts::of_url(url, MediaKind::Image, "").ok()) {
            out.push(Block::new(Content::Media(media)));
        }
    }
    out
}

/// Writes media of a reply under `audio` and `images`.
pub(super) fn write_media<'m>(o: &mut ObjectWriter<'_>, blocks: impl Iterator<Item = &'m Block> + Clone, id: &str) {
    let media = || {
        blocks.clone().filter_map(|b| match &b.content {
            Content::Media(media) => Some((b, media)),
            _ => None,
        })
    };
    if let Some((block, sound)) = media().find(|(_, m)| m.kind == MediaKind::Audio) {
        match (&block.carry, &sound.source) {
            (Some(carry), _) if carry.dialect == Dialect::OpenAiChat => o.json("audio", &carry.raw),
            (_, MediaSource::Base64(data)) => o.object("audio", |a| {
                a.text("id", &format!("audio_{id}"));
                a.text("data", data);
                a.uint("expires_at", 0);
                a.text("transcript", "");
            }),
            _ => {}
        }
    }
    let picture = |m: &Media| match &m.source {
        MediaSource::Base64(data) => Some(data_url(m.mime.as_deref().unwrap_or("image/png"), data).concat()),
        MediaSource::Url(url) => Some(url.clone()),
        _ => None,
    };
    let pictures: Vec<_> =
        media().filter(|(_, m)| m.kind == MediaKind::Image).filter_map(|(_, m)| picture(m)).collect();
    if !pictures.is_empty() {
        o.array("images", |a| {
            for (i, url) in pictures.iter().enumerate() {
                a.object(|p| {
                    p.text("type", "image_url");
                    p.object("image_url", |l| l.text("url", url));
                    p.uint("index", i as u64);
                });
            }
        });
    }
}
