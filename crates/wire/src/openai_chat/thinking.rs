//! Whether and how hard to reason, both ways: OpenAI's `reasoning_effort` and what the hosts have instead.

use tollgate_ir::{Effort, Fault, Field, Losses, Reason, Request, Thinking, ThinkingMode};

use super::rules::{Off, Rules, Says};
use crate::effort::nearest;
use crate::json::{Fields, ObjectWriter};
use crate::target::Target;

pub(super) fn decode(fields: &mut Fields<'_>, losses: &mut Losses) -> Result<Option<Thinking>, Fault> {
    let mut found = None;
    // The hosts' own words first, so that OpenAI's, read last, counts where both stand.
    if let Some(on) = fields.boolean("enable_thinking")? {
        let budget = fields.uint("thinking_budget")?;
        found = Some(Thinking { budget, ..of(if on { ThinkingMode::On } else { ThinkingMode::Off }) });
    }
    if let Some(inner) = fields.object("thinking")? {
        found = Some(typed(inner, losses)?);
    }
    if let Some(inner) = fields.object("reasoning")? {
        found = Some(routed(inner, losses)?);
    }
    if let Some(word) = fields.text("reasoning_effort")? {
        let path = fields.path("reasoning_effort");
        let (mode, effort) = word_of(&word, &path, losses);
        let before = found.unwrap_or_else(|| of(mode));
        found = Some(Thinking { mode, effort, ..before });
    }
    Ok(found)
}

const fn of(mode: ThinkingMode) -> Thinking {
    Thinking { mode, effort: None, budget: None, show: None, summary: None }
}

/// `none` switches off; a word that nobody knows (Groq's `default`) means on, as the model likes.
fn word_of(word: &str, path: &str, losses: &mut Losses) -> (ThinkingMode, Option<Effort>) {
    match Effort::parse(word) {
        Some(effort) => (ThinkingMode::On, Some(effort)),
        None if word.eq_ignore_ascii_case("none") => (ThinkingMode::Off, None),
        None => {
            losses.path(path, Reason::Adjusted);
            (ThinkingMode::On, None)
        }
    }
}

/// `thinking: {type, budget_tokens}` of DeepSeek, Z.ai, Moonshot and of gateways in front of Claude.
fn typed(mut inner: Fields<'_>, losses: &mut Losses) -> Result<Thinking, Fault> {
    let mode = match inner.text("type")?.as_deref() {
        Some("disabled") => ThinkingMode::Off,
        Some("adaptive" | "auto") => ThinkingMode::Adaptive,
        Some(_) => ThinkingMode::On,
        None => ThinkingMode::Unsaid,
    };
    let budget = inner.uint("budget_tokens")?;
    inner.report_rest(losses);
    Ok(Thinking { budget, ..of(mode) })
}

/// `reasoning: {effort, max_tokens, enabled, exclude}` of `OpenRouter`.
fn routed(mut inner: Fields<'_>, losses: &mut Losses) -> Result<Thinking, Fault> {
    let enabled = inner.boolean("enabled")?;
    let budget = inner.uint("max_tokens")?;
    let show = inner.boolean("exclude")?.map(|hide| !hide);
    let summary = inner.text("summary")?;
    let path = inner.path("effort");
    let effort = inner.text("effort")?.map(|word| word_of(&word, &path, losses));
    inner.report_rest(losses);
    let mode = match (enabled, &effort) {
        (Some(false), _) => ThinkingMode::Off,
        (_, Some((mode, _))) => *mode,
        (Some(true), None) => ThinkingMode::On,
        (None, None) if budget.is_some() => ThinkingMode::On,
        (None, None) => ThinkingMode::Unsaid,
    };
    Ok(Thinking { mode, effort: effort.and_then(|(_, e)| e), budget, show, summary })
}

/// Writes it in the model's way. Says whether the model is asked to reason: `None` when nothing is said.
pub(super) fn encode(
    o: &mut ObjectWriter<'_>,
    request: &Request,
    rules: &Rules,
    target: &Target<'_>,
    losses: &mut Losses,
) -> Option<bool> {
    let thinking = request.thinking.as_ref()?;
    match thinking.mode {
        ThinkingMode::Off => off(o, rules, losses),
        ThinkingMode::Unsaid => None,
        // As the model sees fit: unasked where it can, but OpenAI's newer models reason only when asked.
        ThinkingMode::Adaptive if rules.says == Says::Nothing => {
            losses.field(Field::Thinking, Reason::Adjusted);
            None
        }
        ThinkingMode::Adaptive if thinking.effort.is_none() && rules.says == Says::Effort && !rules.openai => None,
        ThinkingMode::On | ThinkingMode::Adaptive => {
            on(o, thinking, rules, target.room(&request.params, None), losses);
            Some(true)
        }
    }
}

fn off(o: &mut ObjectWriter<'_>, rules: &Rules, losses: &mut Losses) -> Option<bool> {
    match rules.off {
        Off::Silent => return None,
        Off::Word(word) => o.text("reasoning_effort", word),
        Off::Least(word) => {
            o.text("reasoning_effort", word);
            losses.field(Field::Thinking, Reason::Adjusted);
            return Some(true);
        }
        Off::Type => o.object("thinking", |t| t.text("type", "disabled")),
    }
    Some(false)
}

fn on(o: &mut ObjectWriter<'_>, thinking: &Thinking, rules: &Rules, limit: u64, losses: &mut Losses) {
    if rules.says == Says::Nothing {
        losses.field(Field::Thinking, Reason::Dropped);
        return;
    }
    if rules.says == Says::Type {
        o.object("thinking", |t| t.text("type", "enabled"));
    }
    let asked = thinking.effort.or_else(|| thinking.budget.map(|budget| Effort::of_budget(budget, limit)));
    // On and no more: every model's usual effort. It must be said, since some do not reason unasked.
    let wanted = asked.unwrap_or(Effort::Medium);
    if rules.says == Says::Type && asked.is_none() {
        return;
    }
    let nearest = nearest(rules.efforts, wanted).unwrap_or(wanted);
    o.text("reasoning_effort", nearest.as_str());
    if thinking.effort.is_some_and(|e| e != nearest) || thinking.effort.is_none() && thinking.budget.is_some() {
        losses.field(Field::Thinking, Reason::Adjusted);
    }
}
