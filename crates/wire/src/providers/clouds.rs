//! Clouds and platforms whose address holds the customer's account, workspace or region.

use tollgate_ir::Dialect::{Anthropic, OpenAiChat, OpenAiResponses};

use super::record::{CHAT_AND_RESPONSES, Place, Provider, Speaks, at, except, only, own, place, plain, router};
use crate::openai_chat::Takes;

const ACCOUNT: Place = place("account", &["CLOUDFLARE_ACCOUNT_ID"]);

pub(super) const ROWS: &[Provider] = &[
    Provider {
        aliases: &["cloudflare", "workers-ai"],
        places: &[ACCOUNT],
        speaks: CHAT_AND_RESPONSES,
        ..plain(
            "cloudflare-workers-ai",
            "Cloudflare Workers AI",
            "https://api.cloudflare.com/client/v4/accounts/{account}/ai/v1",
            &["CLOUDFLARE_API_KEY", "CLOUDFLARE_API_TOKEN"],
        )
    },
    router(Provider {
        // The gateway's name is the resource.
        places: &[ACCOUNT, place("resource", &["CLOUDFLARE_GATEWAY_ID"])],
        ..plain(
            "cloudflare-ai-gateway",
            "Cloudflare AI Gateway",
            "https://gateway.ai.cloudflare.com/v1/{account}/{resource}/compat",
            &["CLOUDFLARE_API_TOKEN"],
        )
    }),
    Provider {
        places: &[place("workspace", &["DATABRICKS_HOST", "DATABRICKS_API_BASE"])],
        chat: &[Takes { limit: Some("max_tokens"), ..Takes::ALL }],
        ..plain("databricks", "Databricks", "https://{workspace}/serving-endpoints", &["DATABRICKS_TOKEN", "DATABRICKS_API_KEY"])
    },
    Provider {
        aliases: &["snowflake"],
        places: &[place("account", &["SNOWFLAKE_ACCOUNT", "SNOWFLAKE_ACCOUNT_ID"])],
        speaks: &[
            own(OpenAiChat),
            only(&["claude"], at(Anthropic, "https://{account}.snowflakecomputing.com/api/v2/cortex/anthropic/v1")),
        ],
        // docs.snowflake.com, Cortex REST API: `max_tokens` is deprecated.
        chat: &[Takes { limit: Some("max_completion_tokens"), ..Takes::ALL }],
        ..plain(
            "snowflake-cortex",
            "Snowflake Cortex",
            "https://{account}.snowflakecomputing.com/api/v2/cortex/v1",
            &["SNOWFLAKE_CORTEX_PAT", "SNOWFLAKE_TOKEN", "SNOWFLAKE_JWT"],
        )
    },
    Provider {
        places: &[place("workspace", &["NEON_AI_GATEWAY_BASE_URL"])],
        ..plain("neon", "Neon", "https://{workspace}/ai-gateway/mlflow/v1", &["NEON_AI_GATEWAY_TOKEN"])
    },
    Provider {
        aliases: &["ibm-watsonx"],
        places: &[Place { usual: Some("us-south"), ..place("region", &["WATSONX_REGION"]) }],
        // The model gateway, with a token of IBM's IAM (k).
        ..plain(
            "watsonx",
            "IBM watsonx",
            "https://{region}.ml.cloud.ibm.com/ml/gateway/v1",
            &["WATSONX_TOKEN", "WATSONX_API_KEY"],
        )
    },
    Provider {
        aliases: &["oracle", "oci-genai"],
        places: &[Place { usual: Some("us-chicago-1"), ..place("region", &["OCI_REGION"]) }],
        speaks: CHAT_AND_RESPONSES,
        // With an API key of Generative AI; the SDK's request signing is not spoken (k).
        ..plain(
            "oci",
            "Oracle OCI Generative AI",
            "https://inference.generativeai.{region}.oci.oraclecloud.com/20231130/actions/v1",
            &["OCI_GENAI_API_KEY", "OCI_API_KEY"],
        )
    },
    Provider {
        aliases: &["sap"],
        // The deployment is the resource.
        places: &[
            Place { usual: Some("eu-central-1"), ..place("region", &["AICORE_REGION"]) },
            place("resource", &["AICORE_DEPLOYMENT_ID"]),
        ],
        speaks: &[Speaks { carriage: "path:/chat/completions?api-version=2024-10-21", ..own(OpenAiChat) }],
        headers: &[("ai-resource-group", "default")],
        ..plain(
            "sap-ai-core",
            "SAP AI Core",
            "https://api.ai.prod.{region}.aws.ml.hana.ondemand.com/v2/inference/deployments/{resource}",
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
        places: &[Place { usual: Some("us"), ..place("region", &["HEROKU_INFERENCE_REGION"]) }],
        url_variables: &["HEROKU_API_BASE", "INFERENCE_URL"],
        ..plain("heroku", "Heroku Inference", "https://{region}.inference.heroku.com/v1", &["HEROKU_API_KEY", "INFERENCE_KEY"])
    },
];
