//! The providers, one row each. Base URLs and variables are those of the providers' own documents and of models.dev.

use tollgate_ir::Dialect::{Anthropic, Bedrock, Cohere, Gemini, OpenAiChat, OpenAiResponses};

use super::{Auth, Provider, Speaks};
use crate::relay::ControlFields;

const fn own(dialect: tollgate_ir::Dialect) -> Speaks {
    Speaks { dialect, carriage: "own", base_url: None, models: &[] }
}

const fn at(dialect: tollgate_ir::Dialect, base_url: &'static str) -> Speaks {
    Speaks { base_url: Some(base_url), ..own(dialect) }
}

const fn only(models: &'static [&'static str], way: Speaks) -> Speaks {
    Speaks { models, ..way }
}

const CHAT: &[Speaks] = &[own(OpenAiChat)];
const CHAT_AND_RESPONSES: &[Speaks] = &[own(OpenAiChat), own(OpenAiResponses)];

/// A host that speaks OpenAI's chat and takes a bearer key.
const fn plain(id: &'static str, name: &'static str, base_url: &'static str, key: &'static [&'static str]) -> Provider {
    Provider {
        id,
        name,
        aliases: &[],
        base_url,
        speaks: CHAT,
        auth: Auth::Bearer,
        key_variables: key,
        url_variables: &[],
        makes: &[],
        control: ControlFields::Cut,
    }
}

/// A server on this machine that needs no key.
const fn local(id: &'static str, name: &'static str, base_url: &'static str, url: &'static [&'static str]) -> Provider {
    Provider { auth: Auth::None, url_variables: url, ..plain(id, name, base_url, &[]) }
}

pub(super) const ROWS: &[Provider] = &[
    Provider {
        speaks: CHAT_AND_RESPONSES,
        url_variables: &["OPENAI_BASE_URL", "OPENAI_API_BASE"],
        makes: &["gpt-", "o1", "o3", "o4", "chatgpt-", "codex-"],
        ..plain("openai", "OpenAI", "https://api.openai.com/v1", &["OPENAI_API_KEY"])
    },
    Provider {
        speaks: &[own(Anthropic)],
        auth: Auth::Header("x-api-key"),
        url_variables: &["ANTHROPIC_BASE_URL", "ANTHROPIC_API_BASE"],
        makes: &["claude-"],
        ..plain("anthropic", "Anthropic", "https://api.anthropic.com/v1", &["ANTHROPIC_API_KEY"])
    },
    Provider {
        aliases: &["gemini", "google-ai-studio"],
        speaks: &[own(Gemini)],
        auth: Auth::Header("x-goog-api-key"),
        url_variables: &["GEMINI_BASE_URL", "GOOGLE_GEMINI_BASE_URL", "GEMINI_API_BASE"],
        makes: &["gemini-", "gemma-"],
        ..plain(
            "google",
            "Google Gemini",
            "https://generativelanguage.googleapis.com/v1beta",
            &["GEMINI_API_KEY", "GOOGLE_API_KEY", "GOOGLE_GENERATIVE_AI_API_KEY"],
        )
    },
    Provider {
        aliases: &["bedrock", "aws", "aws-bedrock"],
        speaks: &[
            own(Bedrock),
            only(&["anthropic.claude", "claude"], Speaks { carriage: "bedrock-invoke", ..own(Anthropic) }),
        ],
        auth: Auth::Aws,
        url_variables: &["AWS_ENDPOINT_URL_BEDROCK_RUNTIME", "BEDROCK_BASE_URL"],
        makes: &["anthropic.", "amazon.", "us.anthropic.", "eu.anthropic.", "us.amazon."],
        ..plain(
            "amazon-bedrock",
            "Amazon Bedrock",
            "https://bedrock-runtime.{region}.amazonaws.com",
            &["AWS_BEARER_TOKEN_BEDROCK"],
        )
    },
    Provider {
        aliases: &["cohere_chat"],
        speaks: &[own(Cohere), at(OpenAiChat, "https://api.cohere.com/compatibility/v1")],
        url_variables: &["COHERE_BASE_URL"],
        makes: &["command"],
        ..plain("cohere", "Cohere", "https://api.cohere.com", &["COHERE_API_KEY", "CO_API_KEY"])
    },
    Provider {
        aliases: &["vertex_ai", "vertex", "google-vertex-anthropic"],
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
        url_variables: &["VERTEX_BASE_URL"],
        ..plain(
            "google-vertex",
            "Google Vertex AI",
            "https://{location}-aiplatform.googleapis.com/v1/projects/{project}/locations/{location}/publishers/google",
            &["VERTEX_ACCESS_TOKEN"],
        )
    },
    Provider {
        aliases: &["azure_openai"],
        speaks: CHAT_AND_RESPONSES,
        auth: Auth::Azure,
        url_variables: &["AZURE_OPENAI_BASE_URL"],
        ..plain("azure", "Azure OpenAI", "https://{azure}/openai/v1", &["AZURE_OPENAI_API_KEY", "AZURE_API_KEY"])
    },
    Provider {
        aliases: &["azure_ai", "azure-ai", "foundry"],
        speaks: &[
            only(&["claude"], at(Anthropic, "https://{foundry}/anthropic/v1")),
            own(OpenAiChat),
            own(OpenAiResponses),
        ],
        auth: Auth::Azure,
        url_variables: &["AZURE_FOUNDRY_BASE_URL", "ANTHROPIC_FOUNDRY_BASE_URL"],
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
    Provider {
        speaks: &[own(OpenAiChat), at(Anthropic, "https://api.deepseek.com/anthropic/v1")],
        makes: &["deepseek-"],
        url_variables: &["DEEPSEEK_BASE_URL"],
        ..plain("deepseek", "DeepSeek", "https://api.deepseek.com", &["DEEPSEEK_API_KEY"])
    },
    Provider {
        makes: &[
            "mistral-",
            "magistral-",
            "ministral-",
            "codestral-",
            "pixtral-",
            "open-mistral",
            "open-mixtral",
            "devstral-",
        ],
        url_variables: &["MISTRAL_BASE_URL"],
        ..plain("mistral", "Mistral", "https://api.mistral.ai/v1", &["MISTRAL_API_KEY"])
    },
    Provider {
        speaks: CHAT_AND_RESPONSES,
        makes: &["grok-"],
        url_variables: &["XAI_BASE_URL"],
        ..plain("xai", "xAI", "https://api.x.ai/v1", &["XAI_API_KEY"])
    },
    Provider {
        speaks: CHAT_AND_RESPONSES,
        ..plain("groq", "Groq", "https://api.groq.com/openai/v1", &["GROQ_API_KEY"])
    },
    Provider {
        speaks: &[own(OpenAiChat), own(OpenAiResponses), own(Anthropic)],
        control: ControlFields::OpenRouter,
        ..plain("openrouter", "OpenRouter", "https://openrouter.ai/api/v1", &["OPENROUTER_API_KEY"])
    },
    Provider {
        aliases: &["together_ai", "together"],
        ..plain("togetherai", "Together AI", "https://api.together.xyz/v1", &["TOGETHER_API_KEY", "TOGETHERAI_API_KEY"])
    },
    Provider {
        aliases: &["fireworks_ai", "fireworks"],
        speaks: CHAT_AND_RESPONSES,
        ..plain("fireworks-ai", "Fireworks AI", "https://api.fireworks.ai/inference/v1", &["FIREWORKS_API_KEY"])
    },
    Provider {
        makes: &["sonar"],
        ..plain("perplexity", "Perplexity", "https://api.perplexity.ai", &["PERPLEXITY_API_KEY"])
    },
    plain("cerebras", "Cerebras", "https://api.cerebras.ai/v1", &["CEREBRAS_API_KEY"]),
    plain("deepinfra", "DeepInfra", "https://api.deepinfra.com/v1/openai", &["DEEPINFRA_API_KEY"]),
    Provider {
        aliases: &["nvidia_nim"],
        ..plain("nvidia", "NVIDIA NIM", "https://integrate.api.nvidia.com/v1", &["NVIDIA_API_KEY"])
    },
    plain("huggingface", "Hugging Face", "https://router.huggingface.co/v1", &["HF_TOKEN"]),
    Provider {
        aliases: &["dashscope"],
        makes: &["qwen"],
        ..plain(
            "alibaba",
            "Alibaba Qwen",
            "https://dashscope-intl.aliyuncs.com/compatible-mode/v1",
            &["DASHSCOPE_API_KEY"],
        )
    },
    Provider {
        aliases: &["moonshot"],
        makes: &["kimi-", "moonshot-"],
        ..plain("moonshotai", "Moonshot AI", "https://api.moonshot.ai/v1", &["MOONSHOT_API_KEY"])
    },
    Provider {
        makes: &["glm-"],
        ..plain("zai", "Z.ai", "https://api.z.ai/api/paas/v4", &["ZAI_API_KEY", "ZHIPU_API_KEY"])
    },
    Provider { makes: &["MiniMax-"], ..plain("minimax", "MiniMax", "https://api.minimax.io/v1", &["MINIMAX_API_KEY"]) },
    Provider {
        aliases: &["github"],
        ..plain("github-models", "GitHub Models", "https://models.github.ai/inference", &["GITHUB_TOKEN"])
    },
    local("ollama", "Ollama", "http://localhost:11434/v1", &["OLLAMA_BASE_URL"]),
    local("vllm", "vLLM", "http://localhost:8000/v1", &["VLLM_BASE_URL"]),
    local("llamacpp", "llama.cpp", "http://localhost:8080/v1", &["LLAMACPP_BASE_URL"]),
    local("lmstudio", "LM Studio", "http://localhost:1234/v1", &["LMSTUDIO_BASE_URL"]),
];
