//! Parameters both ways: limits, sampling, reasoning, the form of the answer.

use tollgate_ir::{Effort, Fault, Field, Losses, OutputFormat, Params, Reason, Request, Thinking, ThinkingMode};

use crate::effort::nearest;
use crate::json::{Fields, Node, ObjectWriter};
use crate::openai_chat::end_user;
use crate::openai_models::OpenAiModel;
use crate::target::Target;
use crate::unsaid;

/// Fewest output tokens that the API takes.
const MIN_OUTPUT: u64 = 16;

/// Reads limits and sampling.
pub(super) fn read(f: &mut Fields<'_>, losses: &mut Losses) -> Result<Params, Fault> {
    let mut params = Params {
        max_tokens: f.uint("max_output_tokens")?,
        temperature: f.float("temperature")?,
        top_p: f.float("top_p")?,
        top_logprobs: f.uint("top_logprobs")?,
        service_tier: f.text("service_tier")?,
        user: end_user(f, losses)?,
        metadata: f.take("metadata").filter(|m| !m.entries().is_empty()).map(|m| m.to_json()),
        store: f.boolean("store")?,
        prompt_cache_key: f.text("prompt_cache_key")?,
        ..Params::default()
    };
    for (i, wanted) in f.array("include")?.unwrap_or_default().iter().enumerate() {
        match wanted.as_str() {
            Some("message.output_text.logprobs") => params.logprobs = Some(true),
            // Encrypted reasoning comes in any case.
            Some("reasoning.encrypted_content") => {}
            _ => losses.path(format!("include[{i}]"), Reason::Dropped),
        }
    }
    Ok(params)
}

/// Reads `reasoning`.
pub(super) fn read_thinking(f: &mut Fields<'_>, losses: &mut Losses) -> Result<Option<Thinking>, Fault> {
    let Some(mut reasoning) = f.object("reasoning")? else { return Ok(None) };
    let effort = reasoning.text("effort")?;
    let older = reasoning.text("generate_summary")?;
    let key = if older.is_some() { "generate_summary" } else { "summary" };
    let summary = reasoning.text("summary")?.or(older);
    if matches!(summary.as_deref(), Some("concise" | "detailed")) {
        // Elsewhere reasoning is shown or not.
        losses.own(reasoning.path(key), Reason::Adjusted);
    }
    let path = reasoning.path("effort");
    reasoning.report_rest(losses);
    let (mode, effort) = match effort.as_deref() {
        None => (ThinkingMode::Unsaid, None),
        Some("none") => (ThinkingMode::Off, None),
        Some(word) => match Effort::parse(word) {
            Some(effort) => (ThinkingMode::On, Some(effort)),
            None => {
                let todo = "use none, minimal, low, medium, high or xhigh";
                return Err(Fault::field(path.clone(), format!("`{path}` is `{word}`; {todo}.")));
            }
        },
    };
    if mode == ThinkingMode::Unsaid && summary.is_none() {
        return Ok(None);
    }
    Ok(Some(Thinking { mode, effort, budget: None, show: summary.is_some().then_some(true), summary }))
}

/// Reads `text`: the form of the answer, and verbosity.
pub(super) fn read_text(f: &mut Fields<'_>, request: &mut Request, losses: &mut Losses) -> Result<(), Fault> {
    let Some(mut text) = f.object("text")? else { return Ok(()) };
    request.params.verbosity = text.text("verbosity")?;
    if let Some(mut format) = text.object("format")? {
        let kind = format.text("type")?;
        request.output = match kind.as_deref() {
            None | Some("text") => None,
            Some("json_object") => Some(OutputFormat::Json),
            Some("json_schema") => Some(match format.object("json_schema")? {
                // Chat nests it once more.
                Some(mut nested) => read_schema(&mut nested, losses)?,
                None => read_schema(&mut format, losses)?,
            }),
            Some(other) => {
                let path = format.path("type");
                let todo = "use text, json_object or json_schema";
                return Err(Fault::field(path.clone(), format!("`{path}` is `{other}`; {todo}.")));
            }
        };
        format.report_rest(losses);
    }
    text.report_rest(losses);
    Ok(())
}

fn read_schema(format: &mut Fields<'_>, losses: &mut Losses) -> Result<OutputFormat, Fault> {
    unsaid::spell_output(format, losses);
    let (name, description, strict) = (format.text("name")?, format.text("description")?, format.boolean("strict")?);
    let schema = format.take("schema").map(|n: Node<'_>| n.to_json()).ok_or_else(|| format.missing("schema"))?;
    Ok(OutputFormat::Schema { name, description, schema, strict })
}

/// Writes all parameters that this dialect and the model's class can say, and reports the others.
pub(super) fn write(o: &mut ObjectWriter<'_>, request: &Request, target: &Target<'_>, losses: &mut Losses) {
    let (params, class) = (&request.params, OpenAiModel::of(target.model));
    write_text(o, request);
    let thinks = write_thinking(o, request, class, target, losses);
    if let Some(asked) = params.max_tokens {
        let given = asked.min(target.facts.max_output.unwrap_or(u64::MAX)).max(MIN_OUTPUT);
        if given != asked {
            losses.field(Field::MaxTokens, Reason::Adjusted);
        }
        o.uint("max_output_tokens", given);
    }
    if thinks {
        for (said, field) in [
            (params.temperature.is_some(), Field::Temperature),
            (params.top_p.is_some(), Field::TopP),
            (params.top_logprobs.is_some(), Field::TopLogprobs),
            (params.logprobs == Some(true), Field::Logprobs),
        ] {
            if said {
                losses.field(field, Reason::Dropped);
            }
        }
    } else {
        o.opt_float("temperature", params.temperature);
        o.opt_float("top_p", params.top_p);
        o.opt_uint("top_logprobs", params.top_logprobs);
    }
    write_include(o, params, class, thinks);
    write_metadata(o, params, losses);
    write_tier(o, params, losses);
    o.opt_text("user", params.user.as_deref());
    o.opt_text("prompt_cache_key", params.prompt_cache_key.as_deref());
    report_unsayable(params, losses);
}

/// Encrypted reasoning is always asked for where there is reasoning, since nothing is kept at the provider.
fn write_include(o: &mut ObjectWriter<'_>, params: &Params, class: Option<&OpenAiModel>, thinks: bool) {
    let sealed = class.is_some_and(OpenAiModel::reasons);
    let logprobs = params.logprobs == Some(true) && !thinks;
    if sealed || logprobs {
        o.array("include", |a| {
            if sealed {
                a.text("reasoning.encrypted_content");
            }
            if logprobs {
                a.text("message.output_text.logprobs");
            }
        });
    }
}

/// OpenAI takes texts only.
fn write_metadata(o: &mut ObjectWriter<'_>, params: &Params, losses: &mut Losses) {
    let Some(metadata) = &params.metadata else { return };
    let texts = Node::read(metadata.as_str().as_bytes());
    if texts.is_some_and(|m| m.entries().iter().all(|(_, value)| value.as_str().is_some())) {
        o.json("metadata", metadata);
    } else {
        losses.field(Field::Metadata, Reason::Dropped);
    }
}

fn write_tier(o: &mut ObjectWriter<'_>, params: &Params, losses: &mut Losses) {
    match params.service_tier.as_deref() {
        Some("standard_only" | "standard") => {
            losses.field(Field::ServiceTier, Reason::Adjusted);
            o.text("service_tier", "default");
        }
        tier => o.opt_text("service_tier", tier),
    }
}

fn report_unsayable(params: &Params, losses: &mut Losses) {
    for (said, field) in [
        (params.top_k.is_some(), Field::TopK),
        (!params.stop.is_empty(), Field::Stop),
        (params.seed.is_some(), Field::Seed),
        (params.presence_penalty.is_some_and(|p| p != 0.0), Field::PresencePenalty),
        (params.frequency_penalty.is_some_and(|p| p != 0.0), Field::FrequencyPenalty),
        (params.n.is_some_and(|n| n > 1), Field::N),
    ] {
        if said {
            losses.field(field, Reason::Dropped);
        }
    }
}

fn write_text(o: &mut ObjectWriter<'_>, request: &Request) {
    let verbosity = request.params.verbosity.as_deref();
    if request.output.is_none() && verbosity.is_none() {
        return;
    }
    o.object("text", |o| {
        match &request.output {
            None => {}
            Some(OutputFormat::Json) => o.object("format", |o| o.text("type", "json_object")),
            Some(OutputFormat::Schema { name, description, schema, strict }) => o.object("format", |o| {
                o.text("type", "json_schema");
                o.text("name", name.as_deref().unwrap_or("response"));
                o.opt_text("description", description.as_deref());
                o.json("schema", schema);
                o.opt_boolean("strict", *strict);
            }),
        }
        o.opt_text("verbosity", verbosity);
    });
}

/// Writes `reasoning`; says whether the model will reason, so that it takes no sampling parameters.
fn write_thinking(
    o: &mut ObjectWriter<'_>,
    request: &Request,
    class: Option<&OpenAiModel>,
    target: &Target<'_>,
    losses: &mut Losses,
) -> bool {
    let unasked = class.is_some_and(|c| c.reasons() && c.unasked);
    let Some(thinking) = &request.thinking else { return unasked };
    if class.is_some_and(|c| !c.reasons()) {
        match thinking.mode {
            ThinkingMode::On => losses.field(Field::Thinking, Reason::Dropped),
            ThinkingMode::Adaptive => losses.field(Field::Thinking, Reason::Adjusted),
            ThinkingMode::Off | ThinkingMode::Unsaid => {}
        }
        return false;
    }
    let effort = effort_of(thinking, target.room(&request.params, None), class, losses);
    let summary = summary_of(thinking);
    if effort.is_some() || summary.is_some() {
        o.object("reasoning", |o| {
            o.opt_text("effort", effort);
            o.opt_text("summary", summary);
        });
    }
    class.is_some() && effort.map_or(unasked, |effort| effort != "none")
}

/// `room` is the output limit that a budget is a share of.
fn effort_of(thinking: &Thinking, room: u64, class: Option<&OpenAiModel>, losses: &mut Losses) -> Option<&'static str> {
    let wanted = match (thinking.mode, thinking.effort, thinking.budget) {
        (ThinkingMode::Off, ..) => None,
        (_, Some(effort), _) => Some(effort),
        (ThinkingMode::On, None, Some(budget)) => {
            losses.field(Field::Thinking, Reason::Adjusted);
            Some(Effort::of_budget(budget, room))
        }
        // Said outright: newer models do not reason unless they are told to.
        (ThinkingMode::On | ThinkingMode::Adaptive, None, _) => Some(Effort::Medium),
        (ThinkingMode::Unsaid, ..) => return None,
    };
    let Some(class) = class else { return Some(wanted.map_or("none", Effort::as_str)) };
    if wanted.is_none() && class.off {
        return Some("none");
    }
    // Where it cannot be switched off: the least that there is.
    let given = wanted.map_or_else(|| class.efforts.first().copied(), |wanted| nearest(class.efforts, wanted));
    if given != wanted {
        losses.field(Field::Thinking, Reason::Adjusted);
    }
    given.map(Effort::as_str)
}

/// Summaries are asked for only for clients that expect to see reasoning: OpenAI gives them to verified
/// organisations alone and refuses the field to others.
fn summary_of(thinking: &Thinking) -> Option<&str> {
    if thinking.show == Some(false) || thinking.mode == ThinkingMode::Off {
        return None;
    }
    let shown = thinking.show == Some(true) || thinking.budget.is_some() || thinking.mode == ThinkingMode::Adaptive;
    thinking.summary.as_deref().or(shown.then_some("auto"))
}
