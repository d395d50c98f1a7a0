//! `thinkingConfig` ↔ how to reason: a budget up to Gemini 2.5, a level from Gemini 3 on.

use tollgate_ir::{Effort, Fault, Field, Losses, Reason, Request, ThinkingMode};

use super::proto::Proto;
use super::rules;
use crate::json::ObjectWriter;
use crate::target::Target;

/// Reads `thinkingConfig`; `None` if it says nothing.
pub(super) fn decode(mut config: Proto<'_>, losses: &mut Losses) -> Result<Option<tollgate_ir::Thinking>, Fault> {
    let path = config.path("includeThoughts");
    let show = config.boolean("includeThoughts")?;
    let budget = config.int("thinkingBudget")?;
    let level = config.text("thinkingLevel")?;
    let mut thinking =
        tollgate_ir::Thinking { mode: ThinkingMode::Unsaid, effort: None, budget: None, show, summary: None };
    match budget {
        Some(0) => thinking.mode = ThinkingMode::Off,
        Some(tokens) => match u64::try_from(tokens) {
            Ok(tokens) => (thinking.mode, thinking.budget) = (ThinkingMode::On, Some(tokens)),
            // −1: as the model sees fit.
            Err(_) => thinking.mode = ThinkingMode::Adaptive,
        },
        None => {}
    }
    if let Some(level) = level.filter(|l| l != "THINKING_LEVEL_UNSPECIFIED") {
        match Effort::parse(&level) {
            Some(effort) => (thinking.mode, thinking.effort) = (ThinkingMode::On, Some(effort)),
            None => losses.path(config.path("thinkingLevel"), Reason::Dropped),
        }
    }
    if thinking.mode == ThinkingMode::Unsaid && show == Some(true) {
        // Elsewhere what is shown goes with how to think.
        losses.own(path, Reason::Adjusted);
    }
    config.report_rest(losses);
    let says_something = thinking.mode != ThinkingMode::Unsaid || thinking.show.is_some();
    Ok(says_something.then_some(thinking))
}

/// What `thinkingConfig` will say.
#[derive(Debug, Default, PartialEq)]
struct Config {
    budget: Option<i64>,
    level: Option<&'static str>,
    show: Option<bool>,
}

/// Writes `thinkingConfig` into `generationConfig`, in the form of the model's class.
pub(super) fn encode(out: &mut ObjectWriter<'_>, request: &Request, target: &Target<'_>, losses: &mut Losses) {
    let Some(thinking) = &request.thinking else { return };
    let rules = rules::of_model(target.model);
    let limit = target.room(&request.params, Some(rules.max_output));
    let mut config = match rules.thinking {
        rules::Thinking::None => {
            if thinking.mode != ThinkingMode::Off {
                losses.field(Field::Thinking, Reason::Dropped);
            }
            return;
        }
        rules::Thinking::Budget { min, max, off } => budget(thinking, (min, max, off), limit, losses),
        rules::Thinking::Level(levels) => level(thinking, levels, limit, losses),
    };
    config.show = match thinking.mode {
        ThinkingMode::Off => None,
        ThinkingMode::Unsaid => thinking.show,
        // Whoever asks for reasoning wants to see it, unless they say no.
        ThinkingMode::On | ThinkingMode::Adaptive => Some(thinking.show.unwrap_or(true)),
    };
    if config == Config::default() {
        return;
    }
    out.object("thinkingConfig", |o| {
        o.opt_int("thinkingBudget", config.budget);
        o.opt_text("thinkingLevel", config.level);
        o.opt_boolean("includeThoughts", config.show);
    });
}

fn budget(
    thinking: &tollgate_ir::Thinking,
    (min, max, off): (u64, u64, bool),
    limit: u64,
    losses: &mut Losses,
) -> Config {
    let asked = match thinking.mode {
        ThinkingMode::Unsaid => return Config::default(),
        ThinkingMode::Off if off => return Config { budget: Some(0), ..Config::default() },
        // What cannot be switched off thinks as little as it can.
        ThinkingMode::Off => 0,
        ThinkingMode::On | ThinkingMode::Adaptive => match (thinking.budget, thinking.effort) {
            (Some(tokens), _) => tokens,
            (None, Some(effort)) => {
                return Config { budget: tokens(effort.budget(limit).clamp(min, max)), ..Config::default() };
            }
            (None, None) => return Config { budget: Some(-1), ..Config::default() },
        },
    };
    if !(min..=max).contains(&asked) {
        losses.field(Field::Thinking, Reason::Adjusted);
    }
    Config { budget: tokens(asked.clamp(min, max)), ..Config::default() }
}

fn tokens(n: u64) -> Option<i64> {
    i64::try_from(n).ok()
}

fn level(thinking: &tollgate_ir::Thinking, levels: &'static [Effort], limit: u64, losses: &mut Losses) -> Config {
    let asked = match thinking.mode {
        ThinkingMode::Unsaid => return Config::default(),
        ThinkingMode::Off => Effort::Minimal,
        ThinkingMode::On | ThinkingMode::Adaptive => match (thinking.effort, thinking.budget) {
            (Some(effort), _) => effort,
            (None, Some(tokens)) => {
                losses.field(Field::Thinking, Reason::Adjusted);
                Effort::of_budget(tokens, limit)
            }
            // The default of these models is to think as they see fit.
            (None, None) => return Config::default(),
        },
    };
    // The least level that is no less than what was asked for, else the highest.
    let found = levels.iter().copied().find(|l| *l >= asked).or(levels.last().copied()).unwrap_or(Effort::High);
    if found != asked || thinking.mode == ThinkingMode::Off {
        losses.field(Field::Thinking, Reason::Adjusted);
    }
    Config { level: Some(found.as_str()), ..Config::default() }
}
