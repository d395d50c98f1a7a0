//! The IR → a `generateContent` request.

mod history;

use tollgate_ir::{Fault, Field, Losses, Reason, Request};

use super::{config, tools};
use crate::json::object;
use crate::target::{Encoded, Target};

/// See [`crate::codec::encode_request`]. Model and streaming stand in the path.
pub fn encode_request(request: &Request, target: &Target<'_>, losses: &mut Losses) -> Result<Encoded, Fault> {
    let mut body = Vec::with_capacity(1024);
    object(&mut body, |o| {
        history::encode(o, request, target, losses)?;
        tools::encode(o, request, target, losses)?;
        tools::encode_choice(o, request, target, losses);
        let mut inner = Vec::new();
        object(&mut inner, |c| config::encode(c, request, target, losses))?;
        if inner != b"{}" {
            o.raw("generationConfig", std::str::from_utf8(&inner).unwrap_or("{}"));
        }
        o.opt_text("serviceTier", tier(request, losses));
        Ok::<_, Fault>(())
    })?;
    unsaid(request, losses);
    Ok(Encoded { body, ..Encoded::default() })
}

/// `flex`, `priority` and `standard` are Gemini's too; others are told by nobody.
fn tier<'r>(request: &'r Request, losses: &mut Losses) -> Option<&'r str> {
    match request.params.service_tier.as_deref()? {
        "auto" => None,
        "default" | "standard" => Some("standard"),
        known @ ("flex" | "priority") => Some(known),
        _ => {
            losses.field(Field::ServiceTier, Reason::Dropped);
            None
        }
    }
}

/// Reports what Gemini has no word for.
fn unsaid(request: &Request, losses: &mut Losses) {
    let params = &request.params;
    for (said, field) in [
        (params.user.is_some(), Field::User),
        (params.metadata.is_some(), Field::Metadata),
        // Not to store is what Gemini does.
        (params.store == Some(true), Field::Store),
        (params.prompt_cache_key.is_some(), Field::PromptCacheKey),
        (params.verbosity.is_some(), Field::Verbosity),
        (request.previous_response.is_some(), Field::PreviousResponse),
    ] {
        if said {
            losses.field(field, Reason::Dropped);
        }
    }
}
