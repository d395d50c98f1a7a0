//! Call ids and tool names under other dialects' rules: no map of ids, no randomness.
//!
//! An id that the other side admits is kept; any other becomes `call_` and a hash of it, so call and result agree
//! without anything being remembered. Tool names likewise, but replies map back, since the client knows only its own.

use std::borrow::Cow;
use std::collections::HashMap;

use tollgate_ir::{CallKind, Content, Request, Tool, ToolChoice, ToolKind};

/// What ids a side admits: letters, digits, `_` and `-`, within a length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdRule {
    /// Fewest characters.
    pub min: usize,
    /// Most characters.
    pub max: usize,
    /// Letters and digits only.
    pub alphanumeric: bool,
}

impl IdRule {
    /// `^[A-Za-z0-9_-]{1,40}$`: OpenAI, and what stock clients are given.
    pub const COMMON: Self = Self { min: 1, max: 40, alphanumeric: false };
    /// `^[A-Za-z0-9_-]{1,64}$`: Bedrock and Anthropic, and tool names everywhere.
    pub const WIDE: Self = Self { min: 1, max: 64, alphanumeric: false };
    /// Mistral: exactly nine letters and digits.
    pub const NINE: Self = Self { min: 9, max: 9, alphanumeric: true };

    /// Whether the id fits.
    pub fn admits(self, id: &str) -> bool {
        (self.min..=self.max).contains(&id.len())
            && id.bytes().all(|b| b.is_ascii_alphanumeric() || (!self.alphanumeric && matches!(b, b'_' | b'-')))
    }

    /// The id, or what stands for it.
    pub fn apply(self, id: &str) -> Cow<'_, str> {
        if self.admits(id) {
            return Cow::Borrowed(id);
        }
        let hash = base32(fingerprint(id.as_bytes()));
        let long = if self.alphanumeric { hash } else { format!("call_{hash}") };
        Cow::Owned(long[..long.len().min(self.max)].to_owned())
    }
}

/// A stable id for a call that came without one: from the answer's id and the call's place in it.
pub fn made_up(answer: &str, place: usize) -> String {
    format!("call_{}", base32(fingerprint(format!("{answer}\0{place}").as_bytes())))
}

/// FNV-1a over 128 bits: equal inputs, equal ids; not a secret and not for security.
fn fingerprint(bytes: &[u8]) -> u128 {
    bytes.iter().fold(0x6c62_272e_07bb_0142_62b8_2175_6295_c58d, |hash, byte| {
        (hash ^ u128::from(*byte)).wrapping_mul(0x0100_0000_0000_0000_0000_013b)
    })
}

/// 26 characters of lower-case RFC 4648 base32.
fn base32(mut n: u128) -> String {
    const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    (0..26)
        .map(|_| {
            let digit = ALPHABET[(n % 32) as usize];
            n /= 32;
            char::from(digit)
        })
        .collect()
}

/// The tools' names on the upstream's side, and back.
#[derive(Clone, Debug, Default)]
pub struct ToolNames {
    /// The client's name → ours, where they differ.
    there: HashMap<String, String>,
    /// The name upstream → the client's, where they differ, and how it takes its arguments.
    back: HashMap<String, (Option<String>, CallKind)>,
}

impl ToolNames {
    /// For one request: names of tools, of a named choice, and of calls in the history.
    pub fn new(request: &Request, rule: IdRule) -> Self {
        let mut names = Self { back: HashMap::with_capacity(request.tools.len()), ..Self::default() };
        for tool in &request.tools {
            if let Some(name) = tool.name() {
                names.add(name, kind_of(tool), rule);
            }
        }
        if let Some(ToolChoice::Named(name)) = &request.tool_choice {
            names.add(name, CallKind::Function, rule);
        }
        for block in request.turns.iter().flat_map(|t| &t.blocks) {
            if let Content::Call(call) = &block.content {
                names.add(&call.name, call.kind, rule);
            }
        }
        names
    }

    fn add(&mut self, name: &str, kind: CallKind, rule: IdRule) {
        match rule.apply(name) {
            Cow::Borrowed(same) => {
                self.back.entry(same.to_owned()).or_insert((None, kind));
            }
            Cow::Owned(other) => {
                self.back.entry(other.clone()).or_insert_with(|| (Some(name.to_owned()), kind));
                self.there.insert(name.to_owned(), other);
            }
        }
    }

    /// The client's name as the upstream is told it.
    pub fn upstream<'a>(&'a self, name: &'a str) -> &'a str {
        self.there.get(name).map_or(name, String::as_str)
    }

    /// The upstream's name as the client declared it, and the kind of tool; a name that nobody declared stays. OpenAI
    /// may put a tool that it found into a namespace of its own making (`get_weather__get_weather`).
    pub fn client<'a>(&'a self, name: &'a str) -> (&'a str, CallKind) {
        let within = || name.split_once("__").map(|(_, inner)| inner);
        let declared = self.back.get_key_value(name).or_else(|| self.back.get_key_value(within()?));
        declared.map_or((name, CallKind::Function), |(same, (other, kind))| (other.as_ref().unwrap_or(same), *kind))
    }
}

fn kind_of(tool: &Tool) -> CallKind {
    match tool.kind {
        ToolKind::Custom { .. } => CallKind::Custom,
        ToolKind::Function { .. } | ToolKind::Server { .. } => CallKind::Function,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tr12_ids_are_kept_where_admitted_and_hashed_alike_where_not() {
        assert_eq!(IdRule::COMMON.apply("toolu_01A"), "toolu_01A");
        let long = "x".repeat(949);
        let short = IdRule::COMMON.apply(&long);
        assert!(IdRule::COMMON.admits(&short) && short.len() <= 40);
        assert_eq!(short, IdRule::COMMON.apply(&long));
        assert_ne!(short, IdRule::COMMON.apply(&long[1..]));
        assert!(IdRule::NINE.admits(&IdRule::NINE.apply("call_abc")));
        assert_eq!(IdRule::WIDE.apply("functions.search:0").len(), 31);
    }

    #[test]
    fn names_map_there_and_back() {
        let mut request = Request::default();
        request.tools.push(Tool {
            kind: ToolKind::Custom { name: "mcp::a b".into(), description: None, format: None },
            cache: None,
            carry: None,
            at: String::new(),
        });
        let names = ToolNames::new(&request, IdRule::WIDE);
        let there = names.upstream("mcp::a b").to_owned();
        assert!(IdRule::WIDE.admits(&there));
        assert_eq!(names.client(&there), ("mcp::a b", CallKind::Custom));
        assert_eq!(names.client("unknown"), ("unknown", CallKind::Function));
    }
}
