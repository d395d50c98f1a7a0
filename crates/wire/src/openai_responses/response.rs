//! The response object: of a whole reply, and in a stream's first and last events.

use tollgate_ir::{Fault, Finish, Json, ReplyHead, Request, Usage};

use super::{echo, fault, output::Output, usage};
use crate::json::ObjectWriter;
use crate::target::ReplyContext;

/// What stands in every response object of one reply.
#[derive(Default)]
pub(super) struct Head {
    pub(super) id: String,
    model: String,
    created: u64,
    service_tier: Option<String>,
    echo: Option<Json>,
}

impl Head {
    /// An id of OpenAI's form is kept: state may hang on it.
    pub(super) fn new(head: &ReplyHead, context: &ReplyContext) -> Self {
        let kept = head.id.as_ref().filter(|id| id.starts_with("resp_"));
        Self {
            id: kept.cloned().unwrap_or_else(|| format!("resp_{}", context.id)),
            model: head.model.clone().unwrap_or_else(|| context.model.clone()),
            created: head.created.unwrap_or(context.created),
            service_tier: head.service_tier.clone(),
            echo: context.echo.clone(),
        }
    }

    /// Fills a response object.
    pub(super) fn write(&self, o: &mut ObjectWriter<'_>, state: &State<'_>) {
        o.text("id", &self.id);
        o.text("object", "response");
        o.uint("created_at", self.created);
        o.text("status", state.status());
        o.boolean("background", false);
        match state {
            State::Failed(_, fault, _) => o.object("error", |o| fault::write_failed(o, fault)),
            State::Done(_, Finish::Error(word), _) => o.object("error", |o| {
                o.text("code", "server_error");
                o.text("message", &format!("The model's answer ended with `{word}`."));
            }),
            _ => o.null("error"),
        }
        match state.incomplete() {
            Some(reason) => o.object("incomplete_details", |o| o.text("reason", reason)),
            None => o.null("incomplete_details"),
        }
        o.text("model", &self.model);
        o.array("output", |a| match state {
            State::InProgress => {}
            State::Done(output, ..) | State::Failed(output, ..) => output.write(a),
        });
        // Others' words for tiers are not in the SDK's type.
        let tier = self.service_tier.as_deref().filter(|tier| TIERS.contains(tier));
        o.text("service_tier", tier.unwrap_or("default"));
        usage::write(o, state.usage());
        match &self.echo {
            Some(echo) => o.spread(echo, WRITTEN),
            None => o.spread(&echo::echo(&Request::default()), WRITTEN),
        }
    }
}

/// The tiers that OpenAI names.
const TIERS: &[&str] = &["auto", "default", "flex", "scale", "priority"];

/// Fields that an echo may not say again.
const WRITTEN: &[&str] = &["id", "object", "created_at", "status", "error", "model", "output", "service_tier", "usage"];

/// How far a response is.
pub(super) enum State<'a> {
    /// It has begun.
    InProgress,
    /// It has ended, well or cut off.
    Done(&'a Output, &'a Finish, Option<&'a Usage>),
    /// It broke.
    Failed(&'a Output, &'a Fault, Option<&'a Usage>),
}

impl<'a> State<'a> {
    /// The word for it; also the name of a stream's last event.
    pub(super) const fn status(&self) -> &'static str {
        match self {
            Self::InProgress => "in_progress",
            Self::Failed(..) | Self::Done(_, Finish::Error(_), _) => "failed",
            Self::Done(..) if self.incomplete().is_some() => "incomplete",
            Self::Done(..) => "completed",
        }
    }

    /// Why it is incomplete. A model that declines was cut off by policy.
    const fn incomplete(&self) -> Option<&'static str> {
        match self {
            Self::Done(_, Finish::Length | Finish::ContextWindow, _) => Some("max_output_tokens"),
            Self::Done(_, Finish::ContentFilter | Finish::Refusal, _) => Some("content_filter"),
            _ => None,
        }
    }

    const fn usage(&self) -> Option<&'a Usage> {
        match self {
            Self::Done(_, _, usage) | Self::Failed(_, _, usage) => *usage,
            _ => None,
        }
    }
}
