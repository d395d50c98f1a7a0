//! Whether and how hard to reason, both ways: OpenAI's `reasoning_effort` and what the hosts have instead.

use tollgate_ir::{Content, Effort, Fault, Field, Losses, Reason, Request, Thinking, ThinkingMode, ToolChoice, Turn};

use super::rules::Rules;
use super::takes::{Off, Says};
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
    let Some(thinking) = &request.thinking else {
        // It reasons unasked, and refuses the call with that.
        return if does_without(request, rules) { switched_off(o, rules, losses) } else { None };
    };
    match thinking.mode {
        ThinkingMode::Off => off(o, rules, losses),
        ThinkingMode::On | ThinkingMode::Adaptive | ThinkingMode::Unsaid if does_without(request, rules) => {
            switched_off(o, rules, losses)
        }
        ThinkingMode::Unsaid => None,
        // As the model sees fit: unasked where it can, but OpenAI's newer models reason only when asked.
        ThinkingMode::Adaptive if rules.says == Says::Nothing => {
            losses.field(Field::Thinking, Reason::Adjusted);
            None
        }
        ThinkingMode::Adaptive if thinking.effort.is_none() && rules.says == Says::Enable => None,
        ThinkingMode::Adaptive if thinking.effort.is_none() && rules.says == Says::Effort && !rules.openai => None,
        ThinkingMode::On | ThinkingMode::Adaptive => {
            on(o, thinking, rules, target.room(&request.params, None), losses);
            Some(true)
        }
    }
}

/// The model must do without reasoning: a call is demanded, which it does only so, or earlier reasoning is lost that it
/// would want to see.
fn does_without(request: &Request, rules: &Rules) -> bool {
    let demanded = matches!(request.tool_choice, Some(ToolChoice::Required | ToolChoice::Named(_)));
    demanded && !rules.forced_calls_think && !request.tools.is_empty()
        || rules.stops_when_lost() && request.turns.chunk_by(|a, b| a.role == b.role).any(has_lost_reasoning)
}

/// Turns of the assistant with calls and no words of reasoning.
fn has_lost_reasoning(run: &[Turn]) -> bool {
    let holds = |is: fn(&Content) -> bool| run.iter().flat_map(|turn| &turn.blocks).any(|block| is(&block.content));
    holds(|c| matches!(c, Content::Call(_))) && !holds(|c| matches!(c, Content::Reasoning(r) if !r.text.is_empty()))
}

/// Reasoning goes off though nobody said so.
fn switched_off(o: &mut ObjectWriter<'_>, rules: &Rules, losses: &mut Losses) -> Option<bool> {
    losses.field(Field::Thinking, Reason::Adjusted);
    off(o, rules, losses)
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
        Off::Enable => o.boolean("enable_thinking", false),
        Off::Routed => o.object("reasoning", |r| r.boolean("enabled", false)),
    }
    Some(false)
}

fn on(o: &mut ObjectWriter<'_>, thinking: &Thinking, rules: &Rules, limit: u64, losses: &mut Losses) {
    match rules.says {
        Says::Nothing => losses.field(Field::Thinking, Reason::Dropped),
        Says::Enable => enable(o, thinking, limit),
        Says::Routed if thinking.effort.is_none() && thinking.budget.is_some() => {
            o.object("reasoning", |r| r.opt_uint("max_tokens", thinking.budget));
        }
        Says::Routed => match effort(thinking, rules, limit, losses) {
            Some(word) => o.object("reasoning", |r| r.text("effort", word)),
            None => o.object("reasoning", |r| r.boolean("enabled", true)),
        },
        Says::Type => {
            o.object("thinking", |t| t.text("type", "enabled"));
            let asked = thinking.effort.is_some() || thinking.budget.is_some();
            o.opt_text("reasoning_effort", asked.then(|| effort(thinking, rules, limit, losses)).flatten());
        }
        Says::Effort => o.opt_text("reasoning_effort", effort(thinking, rules, limit, losses)),
    }
}

/// The word for what was asked. On and no more: every model's usual effort, which must be said, since some do not reason
/// unasked. `None`: the model knows no efforts.
fn effort(thinking: &Thinking, rules: &Rules, limit: u64, losses: &mut Losses) -> Option<&'static str> {
    let asked = thinking.effort.or_else(|| thinking.budget.map(|budget| Effort::of_budget(budget, limit)));
    let given = nearest(rules.efforts, asked.unwrap_or(Effort::Medium));
    if thinking.effort.is_some_and(|e| Some(e) != given) || thinking.effort.is_none() && thinking.budget.is_some() {
        losses.field(Field::Thinking, Reason::Adjusted);
    }
    given.map(Effort::as_str)
}

/// A switch and a budget. An effort is a share of the output limit.
fn enable(o: &mut ObjectWriter<'_>, thinking: &Thinking, limit: u64) {
    o.boolean("enable_thinking", true);
    o.opt_uint("thinking_budget", thinking.budget.or_else(|| thinking.effort.map(|effort| effort.budget(limit))));
}
