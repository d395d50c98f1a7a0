//! Token estimates for models whose tokeniser is not at hand, and where an exact count is not worth its time.
//!
//! The rule follows how byte-pair tokenisers of today cut: a word of up to six letters is one token, longer ones more;
//! digits go in threes; punctuation mostly alone; spaces join the word after them; Chinese and Japanese take about one
//! token a character, other scripts about two characters a token.

use crate::framing::Framing;
use tollgate_ir::{Block, Content, MediaKind, Request, Tool, ToolKind};

/// Tokens that a message costs beyond its words (role, separators), as OpenAI documents for its chat models.
const PER_TURN: u64 = 4;
/// An image at usual size: 1,024 × 1,024 costs 765 with OpenAI, about 1,400 with Anthropic, 258 with Gemini.
const PER_IMAGE: u64 = 800;
/// A page of PDF, by Anthropic's documents 1,500 to 3,000; the pages are not known here.
const PER_DOCUMENT: u64 = 2_000;

/// Estimates the tokens of a text.
pub fn estimate(text: &str) -> u64 {
    let mut halves: u64 = 0;
    let mut letters: u64 = 0;
    let mut digits: u64 = 0;
    let mut flush = |letters: &mut u64, digits: &mut u64| {
        if *letters > 0 {
            halves += 2 * (1 + (*letters - 1) / 6);
        }
        halves += 2 * digits.div_ceil(3);
        (*letters, *digits) = (0, 0);
    };
    let mut other: u64 = 0;
    for c in text.chars() {
        match c {
            'a'..='z' | 'A'..='Z' => letters += 1,
            '0'..='9' => digits += 1,
            _ => {
                flush(&mut letters, &mut digits);
                other += match c {
                    ' ' => 0,
                    '\n' | '\t' | '\r' => 1,
                    _ if c.is_ascii() => 2,
                    '\u{2E80}'..='\u{9FFF}' | '\u{AC00}'..='\u{D7AF}' | '\u{F900}'..='\u{FAFF}' => 2,
                    '\u{1F000}'..='\u{1FAFF}' => 4,
                    _ => 1,
                };
            }
        }
    }
    flush(&mut letters, &mut digits);
    (halves + other).div_ceil(2)
}

/// Estimates the input tokens of a chat request for no model in particular: its words, tools, media and framing.
pub fn estimate_request(request: &Request) -> u64 {
    let system: u64 = request.system.iter().map(estimate_block).sum();
    let turns: u64 = request.turns.iter().map(|t| PER_TURN + t.blocks.iter().map(estimate_block).sum::<u64>()).sum();
    system + turns + estimate_tools(&request.tools)
}

/// Estimates the input tokens of a chat request for a model: its words, and what the model's template puts around them.
pub fn estimate_for(model: &str, request: &Request) -> u64 {
    let framing = Framing::of(model);
    let mut parts = Parts { messages: u64::from(!request.system.is_empty()), ..Parts::default() };
    request.system.iter().for_each(|block| parts.add(block));
    for turn in &request.turns {
        // Results are messages of their own.
        let results = turn.blocks.iter().filter(|block| matches!(block.content, Content::Result(_))).count() as u64;
        parts.messages += results.max(1);
        turn.blocks.iter().for_each(|block| parts.add(block));
    }
    let words = (parts.words * framing.words).div_ceil(1000) + parts.media;
    let around = framing.base + framing.message * parts.messages + framing.call * parts.calls;
    let tools = if request.tools.is_empty() { 0 } else { framing.tools + told(&request.tools, framing.schema) };
    words + around + tools
}

/// What a chat request is made of.
#[derive(Default)]
struct Parts {
    messages: u64,
    calls: u64,
    words: u64,
    media: u64,
}

impl Parts {
    fn add(&mut self, block: &Block) {
        match &block.content {
            Content::Call(call) => {
                self.calls += 1;
                self.words += estimate(&call.name) + estimate(&call.arguments);
            }
            Content::Result(result) => result.content.iter().for_each(|inner| self.add(inner)),
            Content::Media(_) => self.media += estimate_block(block),
            _ => self.words += estimate_block(block),
        }
    }
}

fn told(tools: &[Tool], schema: u64) -> u64 {
    let separators = 8 * tools.len() as u64;
    ((estimate_tools(tools).saturating_sub(separators)) * schema).div_ceil(1000) + separators
}

/// Estimates the tokens of tools: their names, descriptions and schemas.
pub fn estimate_tools(tools: &[Tool]) -> u64 {
    let tool = |tool: &Tool| match &tool.kind {
        ToolKind::Function { name, description, parameters, .. } => {
            8 + estimate(name)
                + description.as_deref().map_or(0, estimate)
                + parameters.as_ref().map_or(0, |p| estimate(p.as_str()))
        }
        ToolKind::Custom { name, description, format } => {
            8 + estimate(name)
                + description.as_deref().map_or(0, estimate)
                + format.as_ref().map_or(0, |f| estimate(f.as_str()))
        }
        ToolKind::Server { .. } => 50,
    };
    tools.iter().map(tool).sum()
}

/// Estimates the tokens of one block.
pub fn estimate_block(block: &Block) -> u64 {
    match &block.content {
        Content::Text { text, .. } | Content::Refusal(text) => estimate(text),
        Content::Reasoning(reasoning) => estimate(&reasoning.text),
        Content::Call(call) => 4 + estimate(&call.name) + estimate(&call.arguments),
        Content::Result(result) => 4 + result.content.iter().map(estimate_block).sum::<u64>(),
        Content::Media(media) => match media.kind {
            MediaKind::Image => PER_IMAGE,
            MediaKind::Document | MediaKind::Audio | MediaKind::Video => PER_DOCUMENT,
        },
        Content::Server(_) | Content::Opaque { .. } => block.carry.as_ref().map_or(0, |c| estimate(c.raw.as_str())),
    }
}

#[cfg(test)]
mod tests {
    use tollgate_ir::{Role, Turn};

    use super::*;

    /// Counts by o200k_base, and how far an estimate may be from them.
    #[test]
    fn estimates_are_near_real_counts() {
        let table = [
            ("The quick brown fox jumps over the lazy dog.", 10),
            ("hello world", 2),
            ("{\"type\":\"object\",\"properties\":{\"location\":{\"type\":\"string\"}}}", 15),
            ("internationalization and localisation", 5),
            ("1234567890", 4),
            ("我喜欢吃苹果", 6),
        ];
        for (text, real) in table {
            let guess = estimate(text);
            assert!(guess * 10 >= real * 6 && guess * 10 <= real * 22, "{text}: {guess}, really about {real}");
        }
    }

    #[test]
    fn a_models_template_is_counted() {
        let mut request = Request::default();
        let asked = vec![Block::text("How warm is it in Paris?")];
        request.turns.push(Turn { role: Role::User, blocks: asked });
        let without = estimate_for("claude-sonnet-5", &request);
        let tool = ToolKind::Function { name: "weather".into(), description: None, parameters: None, strict: None };
        request.tools.push(Tool { kind: tool, cache: None, carry: None, at: String::new() });
        assert!((10..20).contains(&without), "{without}");
        assert!(estimate_for("claude-sonnet-5", &request) - without > 400);
        assert!(estimate_for("gpt-5", &request) < 40);
    }

    #[test]
    fn nothing_is_nothing_and_more_is_more() {
        assert_eq!(estimate(""), 0);
        assert!(estimate("a b c d") < estimate("a b c d e f g h"));
    }
}
