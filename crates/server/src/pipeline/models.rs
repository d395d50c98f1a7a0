//! The models that a caller may name, in the asker's own form.

use http::Response;
use http::header::{CONTENT_TYPE, HeaderValue};
use tollgate_core::authorize::authorize;
use tollgate_core::caller::Caller;
use tollgate_core::catalogue::Mode;
use tollgate_core::route::resolve;
use tollgate_ir::{Dialect, Fault};
use tollgate_wire::json::{self, ObjectWriter};

use super::listed::{self, Listed, is_chat};
use super::outlet::ReplyBodyOut;
use super::reply::{self, Reply};
use super::{codex, headers};
use crate::app::State;
use crate::catalogue::BuiltIn;

/// Lists what the caller may name, or shows one; `today` is the day (`2026-11-25`), by which retired models are known.
/// `codex`: with the array that Codex reads.
pub fn reply(
    state: &State,
    caller: &Caller,
    face: Dialect,
    id: &str,
    model: Option<&str>,
    today: &str,
    codex: bool,
) -> Reply {
    let body = match model {
        None => list(face, &listed::all(state, caller, face, today), codex),
        Some(name) => match one(state, caller, face, name) {
            Ok(body) => body,
            Err(fault) => return reply::fault(face, id, fault.into(), None),
        },
    };
    let mut response = Response::new(ReplyBodyOut::whole(body));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers::of_call(response.headers_mut(), face, id, None);
    response
}

fn one(state: &State, caller: &Caller, face: Dialect, name: &str) -> Result<Vec<u8>, Fault> {
    let name = name.strip_prefix("models/").unwrap_or(name);
    let resolved = resolve(name, &state.config, &BuiltIn)?;
    authorize(caller, &resolved)?;
    let mut out = Vec::new();
    json::object(&mut out, |o| describe(o, face, &Listed::of(state, name, &resolved)));
    Ok(out)
}

fn list(face: Dialect, models: &[Listed<'_>], for_codex: bool) -> Vec<u8> {
    let mut out = Vec::new();
    json::object(&mut out, |o| {
        let key = if matches!(face, Dialect::Gemini | Dialect::Cohere | Dialect::Ollama) { "models" } else { "data" };
        if key == "data" && face != Dialect::Anthropic {
            o.text("object", "list");
        }
        o.array(key, |a| models.iter().for_each(|model| a.object(|o| describe(o, face, model))));
        if face == Dialect::Anthropic {
            o.boolean("has_more", false);
            o.text_or_null("first_id", models.first().map(|model| model.name.as_str()));
            o.text_or_null("last_id", models.last().map(|model| model.name.as_str()));
        }
        // Codex reads `models` where others read `data`.
        if for_codex {
            o.array("models", |a| {
                for (rank, listed) in (0..).zip(models.iter().filter(|listed| is_chat(listed.model.mode()))) {
                    a.object(|o| codex::describe(o, &listed.name, rank, &listed.model));
                }
            });
        }
    });
    out
}

fn describe(o: &mut ObjectWriter<'_>, face: Dialect, listed: &Listed<'_>) {
    let (name, model) = (listed.name.as_str(), &listed.model);
    match face {
        Dialect::Anthropic => {
            o.text("type", "model");
            o.text("id", name);
            o.text("display_name", name);
            o.text("created_at", &format!("{}T00:00:00Z", released(listed).unwrap_or("1970-01-01")));
            o.opt_uint("max_input_tokens", model.context());
            o.opt_uint("max_tokens", model.max_output());
        }
        Dialect::Gemini => {
            o.text("name", &format!("models/{name}"));
            o.text("displayName", name);
            o.opt_uint("inputTokenLimit", model.context());
            o.opt_uint("outputTokenLimit", model.max_output());
            let embeds = model.mode() == Mode::Embed;
            let chats = &["generateContent", "streamGenerateContent", "countTokens"][..];
            let methods = if embeds { &["embedContent", "batchEmbedContents"] } else { chats };
            o.array("supportedGenerationMethods", |a| methods.iter().for_each(|method| a.text(method)));
        }
        Dialect::Cohere => {
            o.text("name", name);
            let endpoint = match model.mode() {
                Mode::Embed => "embed",
                Mode::Rerank => "rerank",
                _ => "chat",
            };
            o.array("endpoints", |a| a.text(endpoint));
            o.opt_uint("context_length", model.context());
        }
        Dialect::Ollama => super::ollama_host::describe(o, name),
        Dialect::OpenAiChat | Dialect::OpenAiResponses | Dialect::Bedrock => {
            o.text("id", name);
            o.text("object", "model");
            o.uint("created", released(listed).and_then(seconds).unwrap_or(0));
            o.text("owned_by", name.split_once('/').map_or("tollgate", |(provider, _)| provider));
            // Beyond OpenAI's own: the names that OpenRouter's clients read.
            o.opt_uint("context_length", model.context());
            o.opt_uint("max_output_tokens", model.max_output());
        }
    }
}

/// The whole day on which the model came out.
fn released<'a>(listed: &Listed<'a>) -> Option<&'a str> {
    listed.model.offer?.released().filter(|day| day.len() == 10)
}

/// A day in Unix seconds.
fn seconds(day: &str) -> Option<u64> {
    let mut parts = day.split('-').map(|part| part.parse::<u64>().ok());
    let (year, month, day) = (parts.next()??, parts.next()??, parts.next()??);
    // Howard Hinnant's days_from_civil, of years that begin in March.
    let (year, from_march) = if month > 2 { (year, month.checked_sub(3)?) } else { (year.checked_sub(1)?, month + 9) };
    let of_year = (153 * from_march + 2) / 5 + day.checked_sub(1)?;
    let days = year * 365 + year / 4 - year / 100 + year / 400 + of_year;
    Some(days.checked_sub(719_468)? * 86_400)
}

#[cfg(test)]
mod tests {
    use super::seconds;

    #[test]
    fn a_day_begins_at_a_second() {
        for (day, expected) in [
            ("1970-01-01", Some(0)),
            ("2000-02-29", Some(951_782_400)),
            ("2026-11-25", Some(1_795_564_800)),
            ("2026", None),
        ] {
            assert_eq!(seconds(day), expected, "{day}");
        }
    }
}
