//! What a model's chat template puts around the words of a request, by the model's family: roles, a system prompt of its own,
//! how it tells a model of tools. In small requests that is most of the tokens.
//!
//! The numbers are fitted to recorded traffic of many hosts (usage that was billed, against the words that were sent); a test of
//! the server goes over all recordings. Anthropic documents the size of its tools' prompt (346 tokens before Claude 4.5).

/// A family's framing, in tokens.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Framing {
    /// Models whose names hold this.
    names: &'static str,
    /// Real tokens of a thousand estimated ones: newer vocabularies are larger.
    pub words: u64,
    /// Before the first message.
    pub base: u64,
    /// Of each message.
    pub message: u64,
    /// Once, where there are tools.
    pub tools: u64,
    /// Tokens of a thousand estimated ones of a tool's JSON: some are told in shorter words.
    pub schema: u64,
    /// Of each call in the history.
    pub call: u64,
}

/// Of most.
const USUAL: Framing = Framing { names: "", words: 920, base: 3, message: 4, tools: 0, schema: 650, call: 4 };

/// The first that fits.
const FAMILIES: &[Framing] = &[
    Framing { names: "claude-3", words: 1000, base: 7, message: 3, tools: 330, schema: 1000, call: 35 },
    Framing { names: "claude", words: 1000, base: 7, message: 3, tools: 470, schema: 1000, call: 35 },
    // The system message of the harmony format.
    Framing { names: "gpt-oss", base: 66, schema: 700, call: 20, ..USUAL },
    Framing { names: "grok", base: 4, tools: 270, schema: 800, call: 90, ..USUAL },
    Framing { names: "deepseek-r1-distill", base: 4, tools: 100, schema: 900, call: 20, ..USUAL },
    Framing { names: "deepseek", base: 2, message: 3, tools: 200, schema: 950, call: 30, ..USUAL },
    Framing { names: "glm", base: 7, message: 3, tools: 75, schema: 900, call: 30, ..USUAL },
    // A system message with dates, whether there is another or not.
    Framing { names: "llama", base: 32, tools: 100, schema: 1000, call: 20, ..USUAL },
    Framing { names: "qwen", base: 5, tools: 120, schema: 1000, call: 20, ..USUAL },
];

impl Framing {
    /// Of a model, by its name at any host.
    pub(crate) fn of(model: &str) -> &'static Self {
        let model = model.to_ascii_lowercase();
        FAMILIES.iter().find(|family| model.contains(family.names)).unwrap_or(&USUAL)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_family_is_known_by_any_hosts_name() {
        for (model, tools) in [
            ("anthropic/claude-3.7-sonnet", 330),
            ("us.anthropic.claude-sonnet-4-5-20250929-v1:0", 470),
            ("deepseek-ai/DeepSeek-R1-Distill-Llama-70B", 100),
            ("openai/gpt-oss-120b", 0),
            ("somebody's", 0),
        ] {
            assert_eq!(Framing::of(model).tools, tools, "{model}");
        }
    }
}
