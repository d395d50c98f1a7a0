//! The models that a caller may name, in the asker's own form.

use http::Response;
use http::header::{CONTENT_TYPE, HeaderValue};
use tollgate_core::authorize::authorize;
use tollgate_core::caller::Caller;
use tollgate_core::config::Config;
use tollgate_core::route::resolve;
use tollgate_ir::{Dialect, Fault};
use tollgate_wire::json::{self, ObjectWriter};

use super::outlet::ReplyBodyOut;
use super::reply::{self, Reply};
use super::{codex, headers};
use crate::app::State;
use crate::catalogue::BuiltIn;

/// Lists what the caller may name, or shows one. `codex`: with the array that Codex reads.
pub fn reply(state: &State, caller: &Caller, face: Dialect, id: &str, model: Option<&str>, codex: bool) -> Reply {
    let body = match model {
        None => list(face, &names(state, caller), codex.then_some(&state.config)),
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

/// Virtual models and configured ones (the simulation's, where it serves).
fn names(state: &State, caller: &Caller) -> Vec<String> {
    let config = &state.config;
    let mut names: Vec<String> = config.models.keys().cloned().collect();
    for provider in state.providers.values() {
        names.extend(provider.model_names().map(|model| format!("{}/{model}", provider.id)));
    }
    names.retain(|name| caller.models.permits(name));
    names.sort();
    names
}

fn one(state: &State, caller: &Caller, face: Dialect, name: &str) -> Result<Vec<u8>, Fault> {
    let name = name.strip_prefix("models/").unwrap_or(name);
    let resolved = resolve(name, &state.config, &BuiltIn)?;
    authorize(caller, &resolved)?;
    let mut out = Vec::new();
    json::object(&mut out, |o| describe(o, face, name));
    Ok(out)
}

fn list(face: Dialect, names: &[String], for_codex: Option<&Config>) -> Vec<u8> {
    let mut out = Vec::new();
    json::object(&mut out, |o| {
        let key = if matches!(face, Dialect::Gemini | Dialect::Cohere | Dialect::Ollama) { "models" } else { "data" };
        if key == "data" && face != Dialect::Anthropic {
            o.text("object", "list");
        }
        o.array(key, |a| names.iter().for_each(|name| a.object(|o| describe(o, face, name))));
        match face {
            Dialect::Anthropic => {
                o.boolean("has_more", false);
                o.text_or_null("first_id", names.first().map(String::as_str));
                o.text_or_null("last_id", names.last().map(String::as_str));
            }
            _ => {}
        }
        // Codex reads `models` where others read `data`.
        if let Some(config) = for_codex {
            o.array("models", |a| {
                for (rank, name) in (0..).zip(names) {
                    let facts = name.split_once('/').map(|(provider, model)| config.model(provider, model));
                    a.object(|o| codex::describe(o, name, rank, &facts.unwrap_or_default()));
                }
            });
        }
    });
    out
}

fn describe(o: &mut ObjectWriter<'_>, face: Dialect, name: &str) {
    match face {
        Dialect::Anthropic => {
            o.text("type", "model");
            o.text("id", name);
            o.text("display_name", name);
            o.text("created_at", "1970-01-01T00:00:00Z");
        }
        Dialect::Gemini => {
            o.text("name", &format!("models/{name}"));
            o.text("displayName", name);
            o.array("supportedGenerationMethods", |a| {
                ["generateContent", "streamGenerateContent", "countTokens"].iter().for_each(|m| a.text(m))
            });
        }
        Dialect::Cohere => {
            o.text("name", name);
            o.array("endpoints", |a| a.text("chat"));
        }
        Dialect::Ollama => {
            o.text("name", name);
            o.text("model", name);
        }
        Dialect::OpenAiChat | Dialect::OpenAiResponses | Dialect::Bedrock => {
            o.text("id", name);
            o.text("object", "model");
            o.uint("created", 0);
            o.text("owned_by", name.split_once('/').map_or("tollgate", |(provider, _)| provider));
        }
    }
}
