//! What the classes of OpenAI's models take, by the beginning of the name: one table for Chat Completions, Responses, the
//! relay and the choice of the dialect.
//!
//! Sources: OpenAI's reasoning guide and model pages, the efforts of models.dev, and recorded refusals ("Unsupported
//! parameter: 'temperature' is not supported with this model."). Open weights (gpt-oss) belong to their hosts.

use std::borrow::Cow;

use tollgate_ir::Effort;

use Effort::{High, Low, Max, Medium, Minimal, XHigh};

/// What one class takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OpenAiModel {
    /// The efforts it knows, rising; empty: it does not reason, or cannot be told how hard.
    pub efforts: &'static [Effort],
    /// `none` is an effort.
    pub off: bool,
    /// It reasons unless it is told not to.
    pub unasked: bool,
    /// It refuses `max_tokens` for `max_completion_tokens`.
    pub newer_limit: bool,
    /// Stop sequences are taken.
    pub stop: bool,
    /// `verbosity` is taken.
    pub verbosity: bool,
    /// Custom (grammar) tools and `allowed_tools` are taken.
    pub custom_tools: bool,
    /// `prompt_cache_breakpoint` is taken.
    pub cache_marks: bool,
    /// `parallel_tool_calls` is taken.
    pub parallel_calls: bool,
}

/// GPT-3.5 to GPT-4.1: no reasoning.
const GPT_4: OpenAiModel = OpenAiModel {
    efforts: &[],
    off: false,
    unasked: false,
    newer_limit: false,
    stop: true,
    verbosity: false,
    custom_tools: false,
    cache_marks: false,
    parallel_calls: true,
};

/// The chat variants of GPT-5: no reasoning to set, the newer spelling of the limit.
const GPT_5_CHAT: OpenAiModel = OpenAiModel { newer_limit: true, verbosity: true, ..GPT_4 };

/// o3, o4-mini: refuse sampling, stop sequences and `parallel_tool_calls` (Azure's table of what reasoning models take);
/// cannot but reason.
const O_SERIES: OpenAiModel = OpenAiModel {
    efforts: &[Low, Medium, High],
    unasked: true,
    newer_limit: true,
    stop: false,
    parallel_calls: false,
    ..GPT_4
};

/// gpt-5, -mini, -nano.
const GPT_5: OpenAiModel = OpenAiModel {
    efforts: &[Minimal, Low, Medium, High],
    verbosity: true,
    custom_tools: true,
    parallel_calls: true,
    ..O_SERIES
};

/// gpt-5-codex and its heirs cannot be told to reason minimally.
const CODEX: OpenAiModel = OpenAiModel { efforts: &[Low, Medium, High], ..GPT_5 };

/// gpt-5.1: `none` is an effort, and the one it has unasked.
const GPT_5_1: OpenAiModel = OpenAiModel { efforts: &[Low, Medium, High], off: true, unasked: false, ..GPT_5 };

/// gpt-5.2 to 5.4: `xhigh` too.
const GPT_5_2: OpenAiModel = OpenAiModel { efforts: &[Low, Medium, High, XHigh], ..GPT_5_1 };

/// The larger ones of 5.2 and later always reason.
const PRO: OpenAiModel = OpenAiModel { efforts: &[Medium, High, XHigh], off: false, unasked: true, ..GPT_5_2 };

/// gpt-5.5: reasons unasked.
const GPT_5_5: OpenAiModel = OpenAiModel { unasked: true, ..GPT_5_2 };

/// Whatever comes after.
const NEWEST: OpenAiModel = OpenAiModel { efforts: &[Low, Medium, High, XHigh, Max], cache_marks: true, ..GPT_5_5 };

/// The first row whose beginning fits is the model's class.
const CLASSES: &[(&str, OpenAiModel)] = &[
    ("gpt-3", GPT_4),
    ("gpt-4", GPT_4),
    ("chatgpt", GPT_4),
    ("gpt-5-chat", GPT_5_CHAT),
    ("gpt-5.1-chat", GPT_5_CHAT),
    ("gpt-5.2-chat", GPT_5_CHAT),
    ("gpt-5.3-chat", GPT_5_CHAT),
    ("gpt-5-pro", OpenAiModel { efforts: &[High], ..GPT_5 }),
    ("gpt-5-codex", CODEX),
    ("gpt-5.1-codex-max", OpenAiModel { efforts: &[Low, Medium, High, XHigh], ..GPT_5_1 }),
    ("gpt-5.1-codex", CODEX),
    ("gpt-5.1", GPT_5_1),
    ("gpt-5.2-pro", PRO),
    ("gpt-5.4-pro", PRO),
    ("gpt-5.5-pro", PRO),
    ("gpt-5.2", GPT_5_2),
    ("gpt-5.3", GPT_5_2),
    ("gpt-5.4", GPT_5_2),
    ("gpt-5.5", GPT_5_5),
    ("gpt-5.", NEWEST),
    ("gpt-5", GPT_5),
    ("gpt-6", NEWEST),
    ("gpt-7", NEWEST),
    // gpt-audio and other special ones.
    ("gpt-", GPT_4),
    ("o1", OpenAiModel { stop: true, ..O_SERIES }),
    ("o3", O_SERIES),
    ("o4", O_SERIES),
    ("codex", O_SERIES),
];

/// A model's name in lower case, without the maker in front.
pub(crate) fn bare_name(model: &str) -> Cow<'_, str> {
    let name = model.rsplit_once('/').map_or(model, |(_, name)| name);
    if name.bytes().any(|byte| byte.is_ascii_uppercase()) { name.to_ascii_lowercase().into() } else { name.into() }
}

impl OpenAiModel {
    /// For a model's name at its host; a maker in front (`openai/gpt-5`, `openai.gpt-5`) does not count. `None`: no model
    /// of OpenAI's own.
    pub(crate) fn of(model: &str) -> Option<&'static Self> {
        Self::of_name(&bare_name(model))
    }

    /// The same for a name as [`bare_name`] gives it.
    pub(crate) fn of_name(name: &str) -> Option<&'static Self> {
        let name = name.strip_prefix("openai.").unwrap_or(name);
        if !name.starts_with(['g', 'c', 'o']) || name.starts_with("gpt-oss") {
            return None;
        }
        CLASSES.iter().find(|(prefix, _)| name.starts_with(prefix)).map(|(_, class)| class)
    }

    /// Whether it can be told how hard to reason.
    pub(crate) const fn reasons(&self) -> bool {
        !self.efforts.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_all_hosts_find_their_class() {
        for (name, class) in [
            ("gpt-4.1", Some(GPT_4)),
            ("gpt-5", Some(GPT_5)),
            ("openai/gpt-5-mini", Some(GPT_5)),
            ("gpt-5-chat-latest", Some(GPT_5_CHAT)),
            ("gpt-5.1-codex-mini", Some(CODEX)),
            ("gpt-5.2-2025-12-11", Some(GPT_5_2)),
            ("gpt-5.4-pro", Some(PRO)),
            ("openai.gpt-5.5", Some(GPT_5_5)),
            ("GPT-6", Some(NEWEST)),
            ("o3-mini", Some(O_SERIES)),
            ("openai/gpt-oss-120b", None),
            ("grok-4", None),
        ] {
            assert_eq!(OpenAiModel::of(name).copied(), class, "{name}");
        }
    }
}
