//! Google's Gemini API.

use tollgate_ir::Dialect::{Gemini, OpenAiChat};

use super::auth::Auth;
use super::record::{Provider, at, except, own, plain};

pub(super) const RECORD: Provider = Provider {
    aliases: &["gemini", "google-ai-studio"],
    // The endpoint for OpenAI's clients says less of Gemini's models than their own does, and takes a bearer.
    speaks: &[
        own(Gemini),
        except(&["gemini"], at(OpenAiChat, "https://generativelanguage.googleapis.com/v1beta/openai")),
    ],
    auth: Auth::Header("x-goog-api-key"),
    url_variables: &["GEMINI_BASE_URL", "GOOGLE_GEMINI_BASE_URL", "GEMINI_API_BASE"],
    makes: &["gemini-", "gemma-"],
    ..plain(
        "google",
        "Google Gemini",
        "https://generativelanguage.googleapis.com/v1beta",
        &["GEMINI_API_KEY", "GOOGLE_API_KEY", "GOOGLE_GENERATIVE_AI_API_KEY"],
    )
};
