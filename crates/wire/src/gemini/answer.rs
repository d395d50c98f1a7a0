//! What stands around an answer's words, both ways: why it ended, what it used, log probabilities.

use tollgate_ir::{Finish, Logprob, Usage};

use super::proto::{get, text, uint};
use crate::json::{Node, ObjectWriter};

/// Finish reasons by which a filter stopped the answer.
const FILTERS: [&str; 11] = [
    "SAFETY",
    "RECITATION",
    "LANGUAGE",
    "BLOCKLIST",
    "PROHIBITED_CONTENT",
    "SPII",
    "IMAGE_SAFETY",
    "IMAGE_PROHIBITED_CONTENT",
    "IMAGE_RECITATION",
    "MODEL_ARMOR",
    "JAILBREAK",
];

/// Finish reasons that mean that something failed.
const FAILURES: [&str; 8] = [
    "OTHER",
    "MALFORMED_FUNCTION_CALL",
    "UNEXPECTED_TOOL_CALL",
    "TOO_MANY_TOOL_CALLS",
    "MISSING_THOUGHT_SIGNATURE",
    "MALFORMED_RESPONSE",
    "NO_IMAGE",
    "IMAGE_OTHER",
];

/// Reads a `finishReason`; `None` where it says that it is none.
pub(super) fn finish(reason: &str) -> Option<Finish> {
    Some(match reason {
        "" | "FINISH_REASON_UNSPECIFIED" => return None,
        "STOP" => Finish::Stop,
        "MAX_TOKENS" => Finish::Length,
        filter if FILTERS.contains(&filter) => Finish::ContentFilter,
        other => Finish::Error(other.to_owned()),
    })
}

/// A finish as Gemini says it. Calls end with `STOP` there, too.
pub(super) fn reason(finish: &Finish) -> &str {
    match finish {
        Finish::Stop | Finish::StopSequence(_) | Finish::ToolCalls | Finish::Pause => "STOP",
        Finish::Length | Finish::ContextWindow => "MAX_TOKENS",
        Finish::ContentFilter | Finish::Refusal => "SAFETY",
        Finish::Error(word) => FAILURES.iter().find(|f| *f == word).copied().unwrap_or("OTHER"),
    }
}

/// Token counts as they come, in one or more chunks: a later value replaces an earlier one, an absent one does not.
#[derive(Debug, Default)]
pub(super) struct Counts {
    prompt: Option<u64>,
    cached: Option<u64>,
    tool_prompt: Option<u64>,
    candidates: Option<u64>,
    thoughts: Option<u64>,
    total: Option<u64>,
    audio_prompt: Option<u64>,
    audio_cached: Option<u64>,
    audio_candidates: Option<u64>,
}

impl Counts {
    /// Takes in a chunk's `usageMetadata`.
    pub(super) fn add(&mut self, usage: &Node<'_>) {
        let count = |slot: &mut Option<u64>, key: &str| *slot = uint(usage, key).map(sane).or(*slot);
        count(&mut self.prompt, "promptTokenCount");
        count(&mut self.cached, "cachedContentTokenCount");
        count(&mut self.tool_prompt, "toolUsePromptTokenCount");
        count(&mut self.candidates, "responseTokenCount");
        count(&mut self.candidates, "candidatesTokenCount");
        count(&mut self.thoughts, "thoughtsTokenCount");
        count(&mut self.total, "totalTokenCount");
        let audio = |slot: &mut Option<u64>, key: &str| *slot = audio(usage, key).or(*slot);
        audio(&mut self.audio_prompt, "promptTokensDetails");
        audio(&mut self.audio_cached, "cacheTokensDetails");
        audio(&mut self.audio_candidates, "candidatesTokensDetails");
    }

    /// In disjoint classes: the prompt holds the cached tokens, the candidates hold no thoughts. `None` while no count
    /// has come (Vertex sends the traffic type alone).
    pub(super) fn usage(&self) -> Option<Usage> {
        if self.prompt.is_none() && self.candidates.is_none() && self.total.is_none() {
            return None;
        }
        let prompt = self.prompt.unwrap_or(0);
        let beside = prompt + self.tool_prompt.unwrap_or(0) + self.thoughts.unwrap_or(0);
        Some(Usage {
            input: prompt.saturating_sub(self.cached.unwrap_or(0)),
            cache_read: self.cached,
            tool_input: self.tool_prompt,
            audio_input: self.audio_prompt.map(|n| n.saturating_sub(self.audio_cached.unwrap_or(0))),
            output: self.candidates.or(self.total.map(|t| t.saturating_sub(beside))).unwrap_or(0),
            reasoning: self.thoughts,
            audio_output: self.audio_candidates,
            ..Usage::default()
        })
    }
}

fn audio(usage: &Node<'_>, key: &str) -> Option<u64> {
    let detail = get(usage, key)?.items().iter().find(|d| text(d, "modality") == Some("AUDIO"))?;
    uint(detail, "tokenCount").map(sane)
}

/// Counts are summed; no true one comes near this.
fn sane(count: u64) -> u64 {
    count.min(1 << 48)
}

/// Writes `usageMetadata`. The SDKs' users add the counts up, so an answer without any has zeros.
pub(super) fn write_usage(out: &mut ObjectWriter<'_>, usage: Option<&Usage>) {
    let usage = usage.copied().unwrap_or_default();
    let prompt = usage.input + usage.cache_read.unwrap_or(0) + usage.cache_writes().unwrap_or(0);
    out.object("usageMetadata", |o| {
        o.uint("promptTokenCount", prompt);
        o.uint("candidatesTokenCount", usage.output);
        o.uint("totalTokenCount", usage.total());
        o.opt_uint("cachedContentTokenCount", usage.cache_read);
        o.opt_uint("thoughtsTokenCount", usage.reasoning);
        o.opt_uint("toolUsePromptTokenCount", usage.tool_input);
        details(o, "promptTokensDetails", usage.audio_input, prompt);
        details(o, "candidatesTokensDetails", usage.audio_output, usage.output);
    });
}

fn details(out: &mut ObjectWriter<'_>, key: &str, audio: Option<u64>, all: u64) {
    let Some(audio) = audio else { return };
    out.array(key, |a| {
        for (modality, count) in [("TEXT", all.saturating_sub(audio)), ("AUDIO", audio)] {
            a.object(|o| {
                o.text("modality", modality);
                o.uint("tokenCount", count);
            });
        }
    });
}

/// Reads `logprobsResult`.
pub(super) fn logprobs(result: &Node<'_>) -> Vec<Logprob> {
    let top = get(result, "topCandidates").map(Node::items).unwrap_or_default();
    let chosen = get(result, "chosenCandidates").map(Node::items).unwrap_or_default();
    chosen
        .iter()
        .enumerate()
        .filter_map(|(i, candidate)| {
            let mut found = logprob(candidate)?;
            let alternatives = top.get(i).and_then(|t| get(t, "candidates")).map(Node::items).unwrap_or_default();
            found.top = alternatives.iter().filter_map(logprob).collect();
            Some(found)
        })
        .collect()
}

fn logprob(candidate: &Node<'_>) -> Option<Logprob> {
    Some(Logprob {
        token: text(candidate, "token")?.to_owned(),
        logprob: get(candidate, "logProbability").and_then(Node::as_f64).unwrap_or(0.0),
        bytes: None,
        top: Vec::new(),
    })
}

/// Writes `logprobsResult`, if there are any.
pub(super) fn write_logprobs(out: &mut ObjectWriter<'_>, logprobs: &[Logprob]) {
    if logprobs.is_empty() {
        return;
    }
    let one = |o: &mut ObjectWriter<'_>, l: &Logprob| {
        o.text("token", &l.token);
        o.float("logProbability", l.logprob);
    };
    out.object("logprobsResult", |o| {
        o.array("topCandidates", |a| {
            for l in logprobs {
                a.object(|t| t.array("candidates", |c| l.top.iter().for_each(|l| c.object(|o| one(o, l)))));
            }
        });
        o.array("chosenCandidates", |a| logprobs.iter().for_each(|l| a.object(|o| one(o, l))));
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usage_into_disjoint_classes_over_chunks() {
        let mut counts = Counts::default();
        counts.add(&Node::read(br#"{"trafficType":"ON_DEMAND"}"#).unwrap());
        assert_eq!(counts.usage(), None);
        counts.add(
            &Node::read(br#"{"promptTokenCount":100,"cachedContentTokenCount":60,"thoughtsTokenCount":7}"#).unwrap(),
        );
        counts.add(&Node::read(br#"{"promptTokenCount":100,"candidatesTokenCount":"5","toolUsePromptTokenCount":9,"totalTokenCount":121}"#).unwrap());
        let usage = counts.usage().unwrap();
        assert_eq!((usage.input, usage.cache_read, usage.tool_input), (40, Some(60), Some(9)));
        assert_eq!((usage.output, usage.reasoning, usage.total()), (5, Some(7), 121));
    }

    #[test]
    fn finishes_there_and_back() {
        for word in FAILURES {
            assert_eq!(finish(word), Some(Finish::Error(word.to_owned())));
            assert_eq!(reason(&Finish::Error(word.to_owned())), word);
        }
        for word in FILTERS {
            assert_eq!(finish(word), Some(Finish::ContentFilter), "{word}");
        }
        assert_eq!(finish("FINISH_REASON_UNSPECIFIED"), None);
        assert_eq!(reason(&Finish::Error("malformed_tool_use".into())), "OTHER");
    }
}
