//! Servers that the operator runs, on their usual ports: without a key unless one is set.

use tollgate_ir::Dialect::{Anthropic, Ollama, OpenAiChat, OpenAiResponses};

use super::auth::Auth;
use crate::openai_chat::{Begun, Takes};

use super::record::{CHAT_AND_RESPONSES, OPENAI_AND_ANTHROPIC, Provider, Speaks, at, own, plain, router};

/// A server on this machine that needs no key.
const fn local(id: &'static str, name: &'static str, base_url: &'static str, url: &'static [&'static str]) -> Provider {
    Provider { auth: Auth::None, url_variables: url, ..plain(id, name, base_url, &[]) }
}

/// One that is looked for at a start without configuration.
const fn found(speaks: &'static [Speaks], row: Provider) -> Provider {
    Provider { speaks, looked_for: true, ..row }
}

/// One that is asked with a key where it has one.
const fn keyed(id: &'static str, name: &'static str, base_url: &'static str, key: &'static [&'static str]) -> Provider {
    plain(id, name, base_url, key)
}

/// vLLM's and SGLang's protocols: `continue_final_message`, which excludes `add_generation_prompt`.
const CONTINUES: &[Takes] = &[Takes { begun: Some(Begun::Continue), ..Takes::ALL }];

pub(super) const ROWS: &[Provider] = &[
    Provider {
        aliases: &["ollama_chat"],
        // Its own API keeps thinking, which `/v1` of older versions does not.
        ..found(
            &[own(Ollama), at(OpenAiChat, "http://localhost:11434/v1")],
            local("ollama", "Ollama", "http://localhost:11434", &["OLLAMA_BASE_URL", "OLLAMA_API_BASE", "OLLAMA_HOST"]),
        )
    },
    Provider {
        aliases: &["hosted_vllm"],
        ..found(
            OPENAI_AND_ANTHROPIC,
            Provider {
                chat: CONTINUES,
                ..local("vllm", "vLLM", "http://localhost:8000/v1", &["VLLM_BASE_URL", "HOSTED_VLLM_API_BASE"])
            },
        )
    },
    found(
        CHAT_AND_RESPONSES,
        Provider { chat: CONTINUES, ..local("sglang", "SGLang", "http://localhost:30000/v1", &["SGLANG_BASE_URL"]) },
    ),
    Provider {
        aliases: &["llama.cpp", "llama-cpp"],
        ..found(
            OPENAI_AND_ANTHROPIC,
            local("llamacpp", "llama.cpp", "http://localhost:8080/v1", &["LLAMACPP_BASE_URL"]),
        )
    },
    Provider {
        aliases: &["lm_studio", "lm-studio"],
        ..found(
            &[own(OpenAiChat), own(OpenAiResponses), own(Anthropic)],
            local("lmstudio", "LM Studio", "http://localhost:1234/v1", &["LMSTUDIO_BASE_URL", "LM_STUDIO_API_BASE"]),
        )
    },
    local("tgi", "Text Generation Inference", "http://localhost:3000/v1", &["TGI_BASE_URL"]),
    local("llamafile", "llamafile", "http://localhost:8080/v1", &["LLAMAFILE_BASE_URL", "LLAMAFILE_API_BASE"]),
    Provider {
        speaks: CHAT_AND_RESPONSES,
        ..local("mistralrs", "mistral.rs", "http://localhost:1234/v1", &["MISTRALRS_BASE_URL"])
    },
    local("xinference", "Xinference", "http://localhost:9997/v1", &["XINFERENCE_BASE_URL", "XINFERENCE_API_BASE"]),
    local("localai", "LocalAI", "http://localhost:8080/v1", &["LOCALAI_BASE_URL"]),
    local("jan", "Jan", "http://localhost:1337/v1", &["JAN_BASE_URL"]),
    local(
        "docker-model-runner",
        "Docker Model Runner",
        "http://localhost:12434/engines/v1",
        &["DOCKER_MODEL_RUNNER_BASE_URL", "DOCKER_MODEL_RUNNER_API_BASE"],
    ),
    local("lemonade", "Lemonade", "http://localhost:8000/api/v1", &["LEMONADE_BASE_URL", "LEMONADE_API_BASE"]),
    keyed("atomic-chat", "Atomic Chat", "http://127.0.0.1:1337/v1", &["ATOMIC_CHAT_API_KEY"]),
    Provider {
        url_variables: &["PRIVATEMODE_ENDPOINT"],
        ..keyed("privatemode-ai", "Privatemode AI", "http://localhost:8080/v1", &["PRIVATEMODE_API_KEY"])
    },
    Provider {
        aliases: &["ollama_cloud"],
        ..keyed("ollama-cloud", "Ollama Cloud", "https://ollama.com/v1", &["OLLAMA_API_KEY"])
    },
    Provider {
        url_variables: &["GPUSTACK_BASE_URL"],
        ..keyed("gpustack", "GPUStack", "http://localhost/v1", &["GPUSTACK_API_KEY"])
    },
    router(Provider {
        aliases: &["litellm", "litellm_proxy"],
        speaks: OPENAI_AND_ANTHROPIC,
        url_variables: &["LITELLM_PROXY_API_BASE", "LITELLM_BASE_URL"],
        ..keyed(
            "litellm-proxy",
            "LiteLLM Proxy",
            "http://localhost:4000/v1",
            &["LITELLM_PROXY_API_KEY", "LITELLM_API_KEY"],
        )
    }),
];
