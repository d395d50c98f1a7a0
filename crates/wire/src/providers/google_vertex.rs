//! Google Cloud: Gemini, Claude and open models on Vertex AI.

use tollgate_ir::Dialect::{Anthropic, Gemini, OpenAiChat};

use super::auth::Auth;
use super::record::{Provider, Speaks, at, only, own, plain};

pub(super) const RECORDS: &[Provider] = &[Provider {
    aliases: &["vertex_ai", "vertex", "vertex_ai_beta", "google-vertex-anthropic"],
    speaks: &[
        only(
            &["claude"],
            Speaks {
                carriage: "vertex-raw-predict",
                ..at(
                    Anthropic,
                    "https://{location}-aiplatform.googleapis.com/v1/projects/{project}/locations/{location}/publishers/anthropic",
                )
            },
        ),
        only(&["gemini", "gemma"], own(Gemini)),
        // Open models as a service, by `publisher/model`.
        only(
            &["/"],
            at(
                OpenAiChat,
                "https://{location}-aiplatform.googleapis.com/v1/projects/{project}/locations/{location}/endpoints/openapi",
            ),
        ),
    ],
    auth: Auth::Google,
    url_variables: &["VERTEX_BASE_URL", "GOOGLE_VERTEX_BASE_URL"],
    ..plain(
        "google-vertex",
        "Google Vertex AI",
        "https://{location}-aiplatform.googleapis.com/v1/projects/{project}/locations/{location}/publishers/google",
        &["VERTEX_ACCESS_TOKEN"],
    )
}];
