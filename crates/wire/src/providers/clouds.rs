//! Clouds and platforms whose address holds the customer's account, workspace or region.

use tollgate_ir::Dialect::{Anthropic, OpenAiChat, OpenAiResponses};

use super::auth::{Auth, IBM_IAM};
use super::record::{CHAT_AND_RESPONSES, Provider, Speaks, at, except, only, own, plain, router};
use crate::openai_chat::Takes;

pub(super) const ROWS: &[Provider] = &[
    Provider {
        aliases: &["cloudflare", "workers-ai"],
        speaks: CHAT_AND_RESPONSES,
        ..plain(
            "cloudflare-workers-ai",
            "Cloudflare Workers AI",
            "https://api.cloudflare.com/client/v4/accounts/{cloudflare}/ai/v1",
            &["CLOUDFLARE_API_KEY", "CLOUDFLARE_API_TOKEN"],
        )
    },
    router(Provider {
        ..plain(
            "cloudflare-ai-gateway",
            "Cloudflare AI Gateway",
            "https://gateway.ai.cloudflare.com/v1/{cloudflare}/{cloudflare-gateway}/compat",
            &["CLOUDFLARE_API_TOKEN"],
        )
    }),
    Provider {
        chat: &[Takes { limit: Some("max_tokens"), ..Takes::ALL }],
        ..plain(
            "databricks",
            "Databricks",
            "https://{databricks}/serving-endpoints",
            &["DATABRICKS_TOKEN", "DATABRICKS_API_KEY"],
        )
    },
    Provider {
        aliases: &["snowflake"],
        speaks: &[own(OpenAiChat), only(&["claude"], at(Anthropic, "https://{snowflake}/api/v2/cortex/anthropic/v1"))],
        // docs.snowflake.com, Cortex REST API: `max_tokens` is deprecated.
        chat: &[Takes { limit: Some("max_completion_tokens"), ..Takes::ALL }],
        ..plain(
            "snowflake-cortex",
            "Snowflake Cortex",
            "https://{snowflake}/api/v2/cortex/v1",
            &["SNOWFLAKE_CORTEX_PAT", "SNOWFLAKE_TOKEN", "SNOWFLAKE_JWT"],
        )
    },
    Provider { ..plain("neon", "Neon", "https://{neon}/ai-gateway/mlflow/v1", &["NEON_AI_GATEWAY_TOKEN"]) },
    Provider {
        aliases: &["ibm-watsonx"],
        // The model gateway (k).
        auth: Auth::Exchange(&IBM_IAM),
        ..plain(
            "watsonx",
            "IBM watsonx",
            "https://{watsonx}.ml.cloud.ibm.com/ml/gateway/v1",
            &["WATSONX_API_KEY", "WATSONX_APIKEY"],
        )
    },
    Provider {
        aliases: &["oracle", "oci-genai"],
        speaks: CHAT_AND_RESPONSES,
        // With an API key of Generative AI; the SDK's request signing is not spoken (k).
        ..plain(
            "oci",
            "Oracle OCI Generative AI",
            "https://inference.generativeai.{oci}.oci.oraclecloud.com/20231130/actions/v1",
            &["OCI_GENAI_API_KEY", "OCI_API_KEY"],
        )
    },
    Provider {
        aliases: &["sap"],
        speaks: &[Speaks { carriage: "path:/chat/completions?api-version=2024-10-21", ..own(OpenAiChat) }],
        headers: &[("ai-resource-group", "default")],
        ..plain(
            "sap-ai-core",
            "SAP AI Core",
            "https://api.ai.prod.{aicore}.aws.ml.hana.ondemand.com/v2/inference/deployments/{aicore-deployment}",
            &["AICORE_AUTH_TOKEN"],
        )
    },
    Provider {
        aliases: &["gitlab-duo"],
        speaks: &[
            only(&["claude"], at(Anthropic, "https://cloud.gitlab.com/ai/v1/proxy/anthropic/v1")),
            except(&["claude"], own(OpenAiChat)),
            except(&["claude"], own(OpenAiResponses)),
        ],
        ..plain("gitlab", "GitLab Duo", "https://cloud.gitlab.com/ai/v1/proxy/openai/v1", &["GITLAB_TOKEN"])
    },
    Provider {
        aliases: &["heroku_inference"],
        url_variables: &["HEROKU_API_BASE", "INFERENCE_URL"],
        ..plain(
            "heroku",
            "Heroku Inference",
            "https://{heroku}.inference.heroku.com/v1",
            &["HEROKU_API_KEY", "INFERENCE_KEY"],
        )
    },
];
