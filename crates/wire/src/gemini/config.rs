//! `generationConfig` ↔ parameters and the form of the answer.

use tollgate_ir::{Fault, Field, Json, Losses, OutputFormat, Params, Reason, Request};

use super::proto::Proto;
use super::{rules, thinking};
use crate::json::{Node, ObjectWriter};
use crate::schema;
use crate::target::Target;

/// Most stop sequences that Gemini takes.
const MAX_STOPS: usize = 5;

/// Reads `generationConfig` into the request.
pub(super) fn decode(mut config: Proto<'_>, request: &mut Request, losses: &mut Losses) -> Result<(), Fault> {
    let params = &mut request.params;
    params.max_tokens = config.uint("maxOutputTokens")?;
    params.temperature = config.float("temperature")?;
    params.top_p = config.float("topP")?;
    // A float in the reference, a count in meaning.
    params.top_k = config.uint("topK")?;
    params.n = config.uint("candidateCount")?;
    params.stop = config.texts("stopSequences")?;
    params.seed = config.int("seed")?;
    params.presence_penalty = config.float("presencePenalty")?;
    params.frequency_penalty = config.float("frequencyPenalty")?;
    params.logprobs = config.boolean("responseLogprobs")?;
    params.top_logprobs = config.uint("logprobs")?;
    modalities(&mut config, losses);
    request.output = output(&mut config, losses)?;
    if let Some(inner) = config.object("thinkingConfig")? {
        request.thinking = thinking::decode(inner, losses)?;
    }
    config.report_rest(losses);
    Ok(())
}

/// Text is what everybody answers with; any other modality is Gemini's own.
fn modalities(config: &mut Proto<'_>, losses: &mut Losses) {
    let path = config.path("responseModalities");
    let wanted = config.list("responseModalities");
    if wanted.iter().any(|(_, m)| !m.as_str().is_some_and(|m| m.eq_ignore_ascii_case("text"))) {
        losses.path(path, Reason::Dropped);
    }
}

fn output(config: &mut Proto<'_>, losses: &mut Losses) -> Result<Option<OutputFormat>, Fault> {
    let (mime_path, mime) = (config.path("responseMimeType"), config.text("responseMimeType")?);
    let found = match config.take("responseJsonSchema") {
        Some((path, node)) => Some((path, node.to_json())),
        None => config.take("responseSchema").map(|(path, node)| {
            if node.get("example").is_some() {
                // Claude's grammars know no examples.
                losses.own(format!("{path}.example"), Reason::Adjusted);
            }
            (path, schema::from_gemini(&node).to_json())
        }),
    };
    match (mime.as_deref(), found) {
        // An answer that is one of the schema's words, without quotes: nobody else has that.
        (Some("text/x.enum"), found) => {
            losses.path(mime_path, Reason::Dropped);
            if let Some((path, _)) = found {
                losses.path(path, Reason::Dropped);
            }
            Ok(None)
        }
        (_, Some((_, schema))) => {
            Ok(Some(OutputFormat::Schema { name: None, description: None, schema, strict: None }))
        }
        (Some("application/json"), None) => Ok(Some(OutputFormat::Json)),
        (None | Some("" | "text/plain"), None) => Ok(None),
        (Some(_), None) => {
            losses.path(mime_path, Reason::Dropped);
            Ok(None)
        }
    }
}

/// Writes what goes into `generationConfig`; the caller leaves it out if that is nothing.
pub(super) fn encode(
    out: &mut ObjectWriter<'_>,
    request: &Request,
    target: &Target<'_>,
    losses: &mut Losses,
) -> Result<(), Fault> {
    sampling(out, &request.params, target, losses);
    output_format(out, request, target, losses)?;
    thinking::encode(out, request, target, losses);
    Ok(())
}

fn sampling(out: &mut ObjectWriter<'_>, params: &Params, target: &Target<'_>, losses: &mut Losses) {
    let capped = params.max_tokens.map(|n| n.min(target.facts.max_output.unwrap_or(u64::MAX)));
    if capped != params.max_tokens {
        losses.field(Field::MaxTokens, Reason::Adjusted);
    }
    out.opt_uint("maxOutputTokens", capped);
    out.opt_float("temperature", params.temperature);
    out.opt_float("topP", params.top_p);
    out.opt_uint("topK", params.top_k);
    out.opt_uint("candidateCount", params.n.filter(|n| *n != 1));
    if !params.stop.is_empty() {
        out.array("stopSequences", |a| params.stop.iter().take(MAX_STOPS).for_each(|s| a.text(s)));
    }
    if params.stop.len() > MAX_STOPS {
        losses.field(Field::Stop, Reason::Adjusted);
    }
    if let Some(seed) = params.seed {
        // The field is an int32.
        let small = i32::try_from(seed).unwrap_or_else(|_| {
            losses.field(Field::Seed, Reason::Adjusted);
            i32::try_from(seed & i64::from(i32::MAX)).unwrap_or(0)
        });
        out.int("seed", i64::from(small));
    }
    let takes = rules::of_model(target.model).penalties;
    for (key, field, penalty) in [
        ("presencePenalty", Field::PresencePenalty, params.presence_penalty),
        ("frequencyPenalty", Field::FrequencyPenalty, params.frequency_penalty),
    ] {
        if takes || penalty.is_none_or(|p| p == 0.0) {
            out.opt_float(key, penalty.filter(|_| takes));
        } else {
            losses.field(field, Reason::Dropped);
        }
    }
    out.opt_boolean("responseLogprobs", params.logprobs);
    match (params.logprobs, params.top_logprobs) {
        (Some(true), Some(n)) => out.uint("logprobs", n),
        (_, Some(n)) if n > 0 => losses.field(Field::TopLogprobs, Reason::Dropped),
        _ => {}
    }
}

fn output_format(
    out: &mut ObjectWriter<'_>,
    request: &Request,
    target: &Target<'_>,
    losses: &mut Losses,
) -> Result<(), Fault> {
    let Some(output) = &request.output else { return Ok(()) };
    out.text("responseMimeType", "application/json");
    let OutputFormat::Schema { schema, description, .. } = output else { return Ok(()) };
    if description.is_some() {
        losses.field(Field::Output, Reason::Adjusted);
    }
    if rules::of_model(target.model).json_schema {
        out.json("responseJsonSchema", schema);
        return Ok(());
    }
    let (reduced, lossless) = reduced(schema, "")?;
    if !lossless {
        losses.field(Field::Output, Reason::Adjusted);
    }
    if let Some(reduced) = reduced {
        out.json("responseSchema", &reduced);
    }
    Ok(())
}

/// A JSON Schema as Gemini's `Schema`, for models that know no other, and whether nothing was lost; `None` if it says
/// nothing that can be said there.
pub(super) fn reduced(json: &Json, at: &str) -> Result<(Option<Json>, bool), Fault> {
    let node = Node::parse(json.as_str().as_bytes())?;
    let (reduced, lossless) = schema::to_gemini(&node, at)?;
    Ok(((!reduced.entries().is_empty()).then(|| reduced.to_json()), lossless))
}
