//! Microsoft: Azure OpenAI and Azure AI Foundry.

use tollgate_ir::Dialect::{Anthropic, OpenAiChat, OpenAiResponses};

use super::record::{Auth, Provider, Speaks, at, except, only, own, place, plain};

/// Claude is served by Foundry alone, at a path of its own.
const WAYS: &[Speaks] = &[
    except(&["claude"], own(OpenAiChat)),
    except(&["claude"], own(OpenAiResponses)),
    only(&["claude"], at(Anthropic, "https://{resource}.services.ai.azure.com/anthropic/v1")),
];

pub(super) const RECORDS: &[Provider] = &[
    Provider {
        aliases: &["azure_openai", "azure-openai"],
        places: &[place("resource", &["AZURE_RESOURCE_NAME", "AZURE_OPENAI_RESOURCE", "AZURE_OPENAI_ENDPOINT", "AZURE_API_BASE"])],
        speaks: WAYS,
        auth: Auth::Header("api-key"),
        url_variables: &["AZURE_OPENAI_BASE_URL"],
        ..plain(
            "azure",
            "Azure OpenAI",
            "https://{resource}.openai.azure.com/openai/v1",
            &["AZURE_OPENAI_API_KEY", "AZURE_API_KEY"],
        )
    },
    Provider {
        aliases: &["azure_ai", "azure-ai", "azure-foundry", "azure-ai-foundry"],
        places: &[place(
            "resource",
            &["AZURE_COGNITIVE_SERVICES_RESOURCE_NAME", "AZURE_AI_RESOURCE", "AZURE_AI_ENDPOINT", "AZURE_AI_API_BASE"],
        )],
        speaks: WAYS,
        auth: Auth::Header("api-key"),
        url_variables: &["AZURE_AI_BASE_URL"],
        ..plain(
            "azure-cognitive-services",
            "Azure AI Foundry",
            "https://{resource}.services.ai.azure.com/openai/v1",
            &["AZURE_COGNITIVE_SERVICES_API_KEY", "AZURE_AI_API_KEY"],
        )
    },
];
