//! What replies and lines of streams have in common: calls, the reason of the end, usage, times; both ways.

use std::time::Duration;

use tollgate_ir::{Block, Call, CallKind, Content, Finish, Media, MediaKind, MediaSource, ReplyHead, Usage};

use crate::ids;
use crate::json::{Node, ObjectWriter};
use crate::media::mime_of_bytes;
use crate::target::{ReplyContext, Stopwatch};
use crate::time::{rfc3339, unix_seconds};

/// What stands at the head of a reply or line.
pub(super) fn head(node: &Node<'_>) -> ReplyHead {
    ReplyHead {
        model: node.text("model").map(str::to_owned),
        created: node.text("created_at").and_then(unix_seconds).filter(|seconds| *seconds > 0),
        ..ReplyHead::default()
    }
}

/// A call in a reply. Where it has no id, one is made from when and what was called.
pub(super) fn call(node: &Node<'_>, answer: &Node<'_>, place: usize) -> Call {
    let name = node.at(&["function", "name"]).and_then(Node::as_str).unwrap_or_default().to_owned();
    let arguments = match node.at(&["function", "arguments"]) {
        Some(Node::Text(text)) => text.to_string(),
        Some(other) => other.to_text(),
        None => String::new(),
    };
    let id = node.text("id").filter(|id| !id.is_empty()).map(str::to_owned).unwrap_or_else(|| {
        let when = answer.text("created_at").unwrap_or_default();
        ids::made_up(&format!("{when}\0{name}\0{arguments}"), place)
    });
    Call { id, name, arguments, kind: CallKind::Function }
}

/// The images of a message.
pub(super) fn images<'n>(message: &'n Node<'_>) -> impl Iterator<Item = Block> + 'n {
    let data = message.get("images").map_or(&[][..], Node::items).iter().filter_map(Node::as_str);
    data.map(|data| {
        Block::new(Content::Media(Media {
            kind: MediaKind::Image,
            mime: mime_of_bytes(data).map(str::to_owned),
            source: MediaSource::Base64(data.to_owned()),
            name: None,
            detail: None,
        }))
    })
}

pub(super) fn usage(node: &Node<'_>) -> Option<Usage> {
    usage_of(node.uint("prompt_eval_count"), node.uint("eval_count"))
}

/// Of both counts. A prompt that was cached whole is left out by older versions.
pub(super) fn usage_of(input: Option<u64>, output: Option<u64>) -> Option<Usage> {
    (input.is_some() || output.is_some()).then(|| Usage {
        input: input.unwrap_or(0),
        output: output.unwrap_or(0),
        ..Usage::default()
    })
}

pub(super) fn finish(word: &str) -> Finish {
    match word {
        // A request that only loads or unloads the model says nothing, and that to its end.
        "stop" | "load" | "unload" => Finish::Stop,
        "length" => Finish::Length,
        "content_filter" => Finish::ContentFilter,
        other => Finish::Error(other.to_owned()),
    }
}

/// Ollama's word for the end. Calls end with `stop` too; clients look at the calls.
pub(super) const fn done_reason(finish: Option<&Finish>) -> &'static str {
    match finish {
        None | Some(Finish::Stop | Finish::StopSequence(_) | Finish::ToolCalls | Finish::Refusal | Finish::Pause) => {
            "stop"
        }
        Some(Finish::Length | Finish::ContextWindow) => "length",
        Some(Finish::ContentFilter) => "content_filter",
        Some(Finish::Error(_)) => "error",
    }
}

/// The clock of a reply: when it began, and how long it has been since.
pub(super) struct Clock {
    created: Duration,
    began: Duration,
    stopwatch: Stopwatch,
    first: Option<Duration>,
}

impl Clock {
    pub(super) fn new(context: &ReplyContext) -> Self {
        Self {
            created: Duration::from_secs(context.created),
            began: context.stopwatch.elapsed().unwrap_or_default(),
            stopwatch: context.stopwatch.clone(),
            first: None,
        }
    }

    /// Now, as a line's `created_at` says it.
    pub(super) fn now(&self) -> String {
        let since = self.stopwatch.elapsed().map_or(Duration::ZERO, |elapsed| elapsed.saturating_sub(self.began));
        rfc3339(self.created + since)
    }

    /// The first words came.
    pub(super) fn first_words(&mut self) {
        if self.first.is_none() {
            self.first = self.stopwatch.elapsed();
        }
    }

    /// Writes the reason of the end, the times, and the counts. All until the first words is the prompt's time.
    pub(super) fn write_end(&self, o: &mut ObjectWriter<'_>, finish: Option<&Finish>, usage: Option<&Usage>) {
        o.boolean("done", true);
        o.text("done_reason", done_reason(finish));
        let total = self.stopwatch.elapsed();
        let first = self.first.or(total);
        o.opt_uint("total_duration", total.map(nanoseconds));
        o.opt_uint("load_duration", total.map(|_| 0));
        o.opt_uint("prompt_eval_count", usage.map(Usage::input_total));
        o.opt_uint("prompt_eval_duration", first.map(nanoseconds));
        o.opt_uint("eval_count", usage.map(Usage::output_total));
        let rest = total.zip(first).map(|(total, first)| total.saturating_sub(first));
        // Clients divide by it.
        o.opt_uint("eval_duration", rest.map(|rest| nanoseconds(rest).max(1)));
    }
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
