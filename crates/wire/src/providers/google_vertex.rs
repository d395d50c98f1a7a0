//! Google Cloud: Gemini, Claude and open models on Vertex AI.

use tollgate_ir::Dialect::{Anthropic, Gemini, OpenAiChat};

use super::record::{Place, Provider, Speaks, at, except, only, own, place, plain};

const REGION: Place = Place {
    usual: Some("global"),
    ..place("region", &["GOOGLE_VERTEX_LOCATION", "GOOGLE_CLOUD_LOCATION", "VERTEXAI_LOCATION", "CLOUD_ML_REGION"])
};
const PROJECT: Place =
    place("project", &["GOOGLE_VERTEX_PROJECT", "GOOGLE_CLOUD_PROJECT", "VERTEXAI_PROJECT", "ANTHROPIC_VERTEX_PROJECT_ID"]);

const CLAUDE: Speaks = only(
    &["claude"],
    Speaks {
        carriage: "vertex-raw-predict",
        ..at(
            Anthropic,
            "https://{region-}aiplatform.googleapis.com/v1/projects/{project}/locations/{region}/publishers/anthropic",
        )
    },
);

pub(super) const RECORDS: &[Provider] = &[
    Provider {
        aliases: &["vertex_ai", "vertex", "vertex_ai_beta"],
        places: &[PROJECT, REGION],
        speaks: &[
            CLAUDE,
            only(&["gemini", "gemma"], own(Gemini)),
            except(
                &["claude", "gemini"],
                at(
                    OpenAiChat,
                    "https://{region-}aiplatform.googleapis.com/v1/projects/{project}/locations/{region}/endpoints/openapi",
                ),
            ),
        ],
        url_variables: &["VERTEX_BASE_URL", "GOOGLE_VERTEX_BASE_URL"],
        ..plain(
            "google-vertex",
            "Google Vertex AI",
            "https://{region-}aiplatform.googleapis.com/v1/projects/{project}/locations/{region}/publishers/google",
            &["VERTEX_ACCESS_TOKEN"],
        )
    },
    Provider {
        places: &[PROJECT, REGION],
        speaks: &[Speaks { base_url: None, models: &[], ..CLAUDE }],
        url_variables: &["ANTHROPIC_VERTEX_BASE_URL"],
        ..plain(
            "google-vertex-anthropic",
            "Google Vertex AI (Claude)",
            "https://{region-}aiplatform.googleapis.com/v1/projects/{project}/locations/{region}/publishers/anthropic",
            &["VERTEX_ACCESS_TOKEN"],
        )
    },
];
