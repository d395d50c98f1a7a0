//! Microsoft: Azure OpenAI, Azure AI Foundry and Cognitive Services.

use tollgate_ir::Dialect::{Anthropic, OpenAiChat, OpenAiResponses};

use super::auth::Auth;
use super::record::{CHAT_AND_RESPONSES, Provider, at, except, only, own, plain};

pub(super) const RECORDS: &[Provider] = &[
    Provider {
        aliases: &["azure_openai", "azure-openai"],
        speaks: &[
            except(&["claude"], own(OpenAiChat)),
            except(&["claude"], own(OpenAiResponses)),
            // Claude is served by Foundry alone, at a path of its own.
            only(&["claude"], at(Anthropic, "https://{foundry}/anthropic/v1")),
        ],
        auth: Auth::Azure,
        url_variables: &["AZURE_OPENAI_BASE_URL"],
        ..plain("azure", "Azure OpenAI", "https://{azure}/openai/v1", &["AZURE_OPENAI_API_KEY", "AZURE_API_KEY"])
    },
    Provider {
        aliases: &["azure_ai", "azure-ai", "foundry"],
        speaks: &[
            only(&["claude"], at(Anthropic, "https://{foundry}/anthropic/v1")),
            except(&["claude"], own(OpenAiChat)),
            except(&["claude"], own(OpenAiResponses)),
        ],
        auth: Auth::Azure,
        serves_those_of: "azure",
        url_variables: &["AZURE_FOUNDRY_BASE_URL", "ANTHROPIC_FOUNDRY_BASE_URL", "AZURE_AI_BASE_URL"],
        ..plain(
            "azure-foundry",
            "Azure AI Foundry",
            "https://{foundry}/openai/v1",
            &["AZURE_FOUNDRY_API_KEY", "ANTHROPIC_FOUNDRY_API_KEY", "AZURE_AI_API_KEY"],
        )
    },
    Provider {
        speaks: CHAT_AND_RESPONSES,
        auth: Auth::Azure,
        ..plain(
            "azure-cognitive-services",
            "Azure Cognitive Services",
            "https://{cognitive}/openai/v1",
            &["AZURE_COGNITIVE_SERVICES_API_KEY"],
        )
    },
];
