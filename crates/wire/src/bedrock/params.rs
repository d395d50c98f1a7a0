//! Sampling, limits and reasoning: `inferenceConfig`, and the fields that only a model's class knows
//! (`additionalModelRequestFields`), by the class.

use tollgate_ir::{Effort, Field, Losses, Reason, Request, Thinking, ThinkingMode};

use super::models::{Model, Reasoning, Sampling, TopK};
use crate::effort::nearest;
use crate::json::ObjectWriter;
use crate::target::USUAL_OUTPUT;

/// How the model is asked to reason, and what follows from it.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Thought {
    /// Claude reasons before it answers, or Nova at its hardest: no sampling.
    on: bool,
    /// Claude reasons by a budget: it cannot be made to call a tool.
    pub(super) manual: bool,
    max_tokens: Option<u64>,
    /// The fields that say it, as JSON.
    fields: Vec<(&'static str, String)>,
}

/// Decides how to reason. `broken`: the request goes on with a tool loop whose reasoning was lost, which Claude refuses
/// while a budget tells it to reason.
pub(super) fn plan(
    request: &Request,
    model: &Model,
    max_output: Option<u64>,
    broken: bool,
    losses: &mut Losses,
) -> Thought {
    let plain = Thought::none(request);
    let Some(thinking) = &request.thinking else { return plain };
    match thinking.mode {
        ThinkingMode::On | ThinkingMode::Adaptive => {}
        ThinkingMode::Unsaid if thinking.effort.is_some() || thinking.budget.is_some() => {}
        ThinkingMode::Off => return off(plain, model, losses),
        ThinkingMode::Unsaid => return plain,
    }
    let by_budget = match model.reasoning {
        Reasoning::Budget => true,
        Reasoning::Either => thinking.mode != ThinkingMode::Adaptive && thinking.budget.is_some(),
        _ => false,
    };
    if by_budget && broken {
        losses.field(Field::Thinking, Reason::Adjusted);
        return plain;
    }
    match model.reasoning {
        Reasoning::No => {
            losses.field(Field::Thinking, Reason::Dropped);
            plain
        }
        _ if by_budget => budget(plain, thinking, max_output.or(model.max_output), losses),
        Reasoning::Budget | Reasoning::Either | Reasoning::Adaptive | Reasoning::Always => {
            adaptive(plain, thinking, model, losses)
        }
        Reasoning::Nova => nova(plain, thinking, losses),
        Reasoning::Effort => {
            let effort = of(thinking, plain.max_tokens);
            let word = simple(effort);
            note(effort.as_str() == word, losses);
            Thought { fields: vec![("reasoning_effort", quoted(word))], ..plain }
        }
    }
}

impl Thought {
    /// Nothing is said of reasoning.
    pub(super) fn none(request: &Request) -> Self {
        Self { max_tokens: request.params.max_tokens, ..Self::default() }
    }
}

fn off(plain: Thought, model: &Model, losses: &mut Losses) -> Thought {
    let disabled = r#"{"type":"disabled"}"#.to_owned();
    match model.reasoning {
        Reasoning::Budget | Reasoning::Either | Reasoning::Adaptive => {
            Thought { fields: vec![("thinking", disabled)], ..plain }
        }
        Reasoning::Nova => Thought { fields: vec![("reasoningConfig", disabled)], ..plain },
        // The nearest thing to not reasoning that these know.
        Reasoning::Always => {
            losses.field(Field::Thinking, Reason::Adjusted);
            Thought { fields: output_config(model, Effort::Low).into_iter().collect(), ..plain }
        }
        Reasoning::Effort => {
            losses.field(Field::Thinking, Reason::Adjusted);
            Thought { fields: vec![("reasoning_effort", quoted("low"))], ..plain }
        }
        Reasoning::No => plain,
    }
}

/// A budget in tokens, below the limit on output, which counts the reasoning too.
fn budget(plain: Thought, thinking: &Thinking, max_output: Option<u64>, losses: &mut Losses) -> Thought {
    let limit = plain.max_tokens.or(max_output).unwrap_or(USUAL_OUTPUT);
    let tokens = thinking.budget.unwrap_or_else(|| {
        losses.field(Field::Thinking, Reason::Adjusted);
        thinking.effort.unwrap_or(Effort::Medium).budget(limit)
    });
    if plain.max_tokens.is_none() {
        losses.field(Field::MaxTokens, Reason::Defaulted);
    } else if tokens >= limit {
        losses.field(Field::MaxTokens, Reason::Adjusted);
    }
    let raised = tokens.saturating_add(limit).min(max_output.unwrap_or(u64::MAX)).max(tokens.saturating_add(1));
    let limit = if tokens >= limit { raised } else { limit };
    let said = format!(r#"{{"type":"enabled","budget_tokens":{tokens}}}"#);
    Thought { on: true, manual: true, max_tokens: Some(limit), fields: vec![("thinking", said)] }
}

fn adaptive(plain: Thought, thinking: &Thinking, model: &Model, losses: &mut Losses) -> Thought {
    let display = match thinking.show {
        None => "",
        Some(true) => r#","display":"summarized""#,
        Some(false) => r#","display":"omitted""#,
    };
    let mut fields = vec![("thinking", format!(r#"{{"type":"adaptive"{display}}}"#))];
    let room = plain.max_tokens.or(model.max_output).unwrap_or(USUAL_OUTPUT);
    let asked = thinking.effort.or(thinking.budget.map(|tokens| Effort::of_budget(tokens, room)));
    let said = asked.and_then(|asked| nearest(model.efforts, asked));
    note(said == asked && thinking.budget.is_none(), losses);
    fields.extend(said.and_then(|effort| output_config(model, effort)));
    Thought { on: true, fields, ..plain }
}

fn output_config(model: &Model, asked: Effort) -> Option<(&'static str, String)> {
    nearest(model.efforts, asked).map(|effort| ("output_config", format!(r#"{{"effort":"{}"}}"#, effort.as_str())))
}

/// Nova's `high` forbids a limit on output, and the limit is the client's.
fn nova(mut plain: Thought, thinking: &Thinking, losses: &mut Losses) -> Thought {
    let effort = of(thinking, plain.max_tokens);
    let word = if plain.max_tokens.is_some() && effort >= Effort::High { "medium" } else { simple(effort) };
    note(effort.as_str() == word, losses);
    plain.on = word == "high";
    plain.fields.push(("reasoningConfig", format!(r#"{{"type":"enabled","maxReasoningEffort":"{word}"}}"#)));
    plain
}

fn of(thinking: &Thinking, max_tokens: Option<u64>) -> Effort {
    let by_budget = thinking.budget.map(|tokens| Effort::of_budget(tokens, max_tokens.unwrap_or(USUAL_OUTPUT)));
    thinking.effort.or(by_budget).unwrap_or(Effort::Medium)
}

const fn simple(effort: Effort) -> &'static str {
    match effort {
        Effort::Minimal | Effort::Low => "low",
        Effort::Medium => "medium",
        Effort::High | Effort::XHigh | Effort::Max => "high",
    }
}

fn note(exact: bool, losses: &mut Losses) {
    if !exact {
        losses.field(Field::Thinking, Reason::Adjusted);
    }
}

fn quoted(word: &str) -> String {
    format!("\"{word}\"")
}

/// Writes `inferenceConfig`, and reports the parameters that Converse has no word for.
pub(super) fn write_inference(
    o: &mut ObjectWriter<'_>,
    request: &Request,
    model: &Model,
    thought: &Thought,
    losses: &mut Losses,
) {
    let params = &request.params;
    // Both are counted from 0 to 1 here; others go to 2.
    let mut temperature = params.temperature.map(|t| t.clamp(0.0, 1.0));
    if temperature != params.temperature {
        losses.field(Field::Temperature, Reason::Adjusted);
    }
    let mut top_p = params.top_p;
    if thought.on || model.sampling == Sampling::None {
        drop_if(temperature.take().is_some_and(|t| !(thought.on && t == 1.0)), Field::Temperature, losses);
        drop_if(top_p.take().is_some(), Field::TopP, losses);
    } else if model.sampling == Sampling::One && temperature.is_some() {
        drop_if(top_p.take().is_some(), Field::TopP, losses);
    }
    // Claude refuses stop sequences of white space only.
    let stop: Vec<_> = params.stop.iter().filter(|s| model.stop && !(model.claude && s.trim().is_empty())).collect();
    if stop.len() < params.stop.len() {
        losses.field(Field::Stop, if stop.is_empty() { Reason::Dropped } else { Reason::Adjusted });
    }
    report_unsaid(request, losses);
    if thought.max_tokens.is_none() && temperature.is_none() && top_p.is_none() && stop.is_empty() {
        return;
    }
    o.object("inferenceConfig", |o| {
        o.opt_uint("maxTokens", thought.max_tokens);
        o.opt_float("temperature", temperature);
        o.opt_float("topP", top_p);
        if !stop.is_empty() {
            o.array("stopSequences", |a| stop.iter().for_each(|s| a.text(s)));
        }
    });
}

fn drop_if(given: bool, field: Field, losses: &mut Losses) {
    if given {
        losses.field(field, Reason::Dropped);
    }
}

/// What Converse has no word for. What asks for nothing is no loss.
fn report_unsaid(request: &Request, losses: &mut Losses) {
    let params = &request.params;
    for (given, field) in [
        (params.seed.is_some(), Field::Seed),
        (params.presence_penalty.is_some_and(|p| p != 0.0), Field::PresencePenalty),
        (params.frequency_penalty.is_some_and(|p| p != 0.0), Field::FrequencyPenalty),
        (params.n.is_some_and(|n| n > 1), Field::N),
        (params.logprobs == Some(true), Field::Logprobs),
        (params.top_logprobs.is_some_and(|n| n > 0), Field::TopLogprobs),
        (params.user.is_some(), Field::User),
        (params.store == Some(true), Field::Store),
        (params.prompt_cache_key.is_some(), Field::PromptCacheKey),
        (params.verbosity.is_some(), Field::Verbosity),
        (request.previous_response.is_some(), Field::PreviousResponse),
    ] {
        drop_if(given, field, losses);
    }
}

/// Writes `additionalModelRequestFields`, if there are any.
pub(super) fn write_additional(
    o: &mut ObjectWriter<'_>,
    request: &Request,
    model: &Model,
    thought: &Thought,
    claude_choice: Option<&str>,
    losses: &mut Losses,
) {
    let top_k = request.params.top_k.filter(|_| {
        let sayable = model.top_k != TopK::No && !thought.on;
        drop_if(!sayable, Field::TopK, losses);
        sayable
    });
    if top_k.is_none() && thought.fields.is_empty() && claude_choice.is_none() {
        return;
    }
    o.object("additionalModelRequestFields", |o| {
        for (key, value) in &thought.fields {
            o.raw(key, value);
        }
        match (top_k, model.top_k) {
            (Some(k), TopK::Named(name)) => o.uint(name, k),
            (Some(k), TopK::Nova) => o.object("inferenceConfig", |o| o.uint("topK", k)),
            _ => {}
        }
        if let Some(choice) = claude_choice {
            o.raw("tool_choice", choice);
        }
    });
}
