//! Fields inside of messages and tools that Claude's hosts lag behind on: clients of Anthropic's own API send them with
//! every release, and the hosts refuse them with 400.

use std::ops::Range;

use memchr::memmem;
use tollgate_ir::{Losses, Reason};

use crate::json::{Envelope, Patch, inside};

/// Members of a tool that Bedrock and Vertex are not known to take, or only with a beta flag.
const OF_TOOLS: &[&str] = &["eager_input_streaming", "allowed_callers"];
const OF_TOOLS_BY_FLAG: &[(&str, &str)] =
    &[("defer_loading", "tool-search-tool-2025-10-19"), ("input_examples", "tool-examples-2025-10-29")];
/// Members of a `cache_control` that they are not known to take.
const OF_CACHE_CONTROL: &[&str] = &["scope"];
/// How deep content nests: messages, their blocks, the blocks of a tool's result.
const LEVELS: usize = 3;

/// The patches that take such fields out; each is reported. A body that mentions none of them is not looked into.
pub(super) fn cuts(body: &[u8], envelope: &Envelope, flags: &[String], losses: &mut Losses) -> Vec<Patch> {
    let mut found = Cutter { body, flags, losses, patches: Vec::new() };
    for key in ["system", "messages"] {
        if let Some(span) = mentioned(body, envelope, key, OF_CACHE_CONTROL) {
            found.content(span, key, LEVELS);
        }
    }
    let names: Vec<&str> = OF_TOOLS
        .iter()
        .chain(OF_CACHE_CONTROL)
        .copied()
        .chain(OF_TOOLS_BY_FLAG.iter().map(|(name, _)| *name))
        .collect();
    if let Some(span) = mentioned(body, envelope, "tools", &names) {
        found.tools(span);
    }
    found.patches
}

/// The span of a member in which one of these keys may stand.
fn mentioned(body: &[u8], envelope: &Envelope, key: &str, names: &[&str]) -> Option<Range<usize>> {
    let span = envelope.member(key)?.value_at.clone();
    let raw = &body[span.clone()];
    names.iter().any(|name| memmem::find(raw, format!("\"{name}\"").as_bytes()).is_some()).then_some(span)
}

struct Cutter<'c> {
    body: &'c [u8],
    flags: &'c [String],
    losses: &'c mut Losses,
    patches: Vec<Patch>,
}

impl Cutter<'_> {
    fn tools(&mut self, span: Range<usize>) {
        for (i, item) in inside::items(self.body, span).into_iter().enumerate() {
            let at = format!("tools[{i}]");
            self.cut(item.clone(), &at, |name, flags| {
                let flag = OF_TOOLS_BY_FLAG.iter().find(|(key, _)| *key == name).map(|(_, flag)| flag);
                OF_TOOLS.contains(&name) || flag.is_some_and(|flag| !flags.iter().any(|f| f == flag))
            });
            self.marks(item, &at);
        }
    }

    fn content(&mut self, span: Range<usize>, at: &str, levels: usize) {
        if levels == 0 {
            return;
        }
        for (i, item) in inside::items(self.body, span).into_iter().enumerate() {
            let at = format!("{at}[{i}]");
            for member in inside::members(self.body, item.clone()).iter().filter(|m| m.key == "content") {
                self.content(member.value_at.clone(), &format!("{at}.content"), levels - 1);
            }
            self.marks(item, &at);
        }
    }

    fn marks(&mut self, object: Range<usize>, at: &str) {
        for member in inside::members(self.body, object).iter().filter(|m| m.key == "cache_control") {
            let at = format!("{at}.cache_control");
            self.cut(member.value_at.clone(), &at, |name, _| OF_CACHE_CONTROL.contains(&name));
        }
    }

    fn cut(&mut self, object: Range<usize>, at: &str, gone: impl Fn(&str, &[String]) -> bool) {
        let members = inside::members(self.body, object);
        for member in members.iter().filter(|m| gone(&m.key, self.flags)) {
            self.losses.path(format!("{at}.{}", member.key), Reason::Dropped);
        }
        let spans = inside::cuts(&members, |m| gone(&m.key, self.flags));
        self.patches.extend(spans.into_iter().map(|span| Patch::Replace { span, with: Vec::new() }));
    }
}
