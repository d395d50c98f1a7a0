//! Makers and hosts of models that are known by name; what is special about one stands in its row.

use tollgate_ir::Dialect::{Anthropic, OpenAiChat, OpenAiResponses};

use super::record::{CHAT_AND_RESPONSES, OPENAI_AND_ANTHROPIC, Provider, also, at, maker, own, plain};
use crate::openai_chat::{Off, Says, Takes};

/// Hosts that know `max_tokens` alone.
const OLDER_LIMIT: &[Takes] =
    &[Takes { limit: Some("max_tokens"), seed: Some("seed"), stream_options: Some(true), ..Takes::ALL }];

/// cloud.siliconflow.com/docs (Chat): `enable_thinking` and `thinking_budget`.
const SILICONFLOW: &[Takes] = &[Takes { says: Some(Says::Enable), off: Some(Off::Enable), ..OLDER_LIMIT[0] }];

/// inference-docs.cerebras.ai ("will result in a 400 error if they are supplied").
const CEREBRAS: &[Takes] = &[
    Takes {
        limit: Some("max_completion_tokens"),
        refuses: &["frequency_penalty", "presence_penalty", "logit_bias", "service_tier"],
        ..OLDER_LIMIT[0]
    },
    // Its one word is `none` (models.dev).
    Takes { models: "zai-glm", says: Some(Says::Nothing), off: Some(Off::Word("none")), ..Takes::ALL },
];

/// Switched by `thinking: {type}`: Xiaomi's (models.dev) and Doubao's (volcengine.com/docs/82379).
const TYPED: &[Takes] = &[Takes { says: Some(Says::Type), off: Some(Off::Type), efforts: Some(&[]), ..OLDER_LIMIT[0] }];

/// docs.perplexity.ai (Sonar API): no function calls of the client's.
const PERPLEXITY: &[Takes] = &[Takes {
    refuses: &["tools", "tool_choice", "parallel_tool_calls", "seed", "n", "logprobs", "top_logprobs", "stop"],
    ..OLDER_LIMIT[0]
}];

const XIAOMI: &[&str] = &["XIAOMI_API_KEY"];

/// A row of Xiaomi's.
const fn xiaomi(id: &'static str, name: &'static str, base_url: &'static str) -> Provider {
    Provider { chat: TYPED, ..plain(id, name, base_url, XIAOMI) }
}

pub(super) const ROWS: &[Provider] = &[
    Provider {
        aliases: &["together_ai", "together"],
        limit_headers: &["x-ratelimit", "x-tokenlimit-*"],
        ..plain(
            "togetherai",
            "Together AI",
            "https://api.together.xyz/v1",
            &["TOGETHER_API_KEY", "TOGETHERAI_API_KEY", "TOGETHER_AI_TOKEN"],
        )
    },
    Provider {
        aliases: &["fireworks_ai", "fireworks"],
        speaks: OPENAI_AND_ANTHROPIC,
        limit_headers: &["fireworks-*"],
        ..plain(
            "fireworks-ai",
            "Fireworks AI",
            "https://api.fireworks.ai/inference/v1",
            &["FIREWORKS_API_KEY", "FIREWORKS_AI_API_KEY"],
        )
    },
    Provider {
        makes: &["sonar"],
        chat: PERPLEXITY,
        aliases: &["perplexity-ai"],
        ..plain(
            "perplexity",
            "Perplexity",
            "https://api.perplexity.ai",
            &["PERPLEXITY_API_KEY", "PERPLEXITYAI_API_KEY"],
        )
    },
    Provider {
        speaks: &[own(OpenAiResponses)],
        ..plain("perplexity-agent", "Perplexity Agent", "https://api.perplexity.ai/v1", &["PERPLEXITY_API_KEY"])
    },
    Provider { chat: CEREBRAS, ..plain("cerebras", "Cerebras", "https://api.cerebras.ai/v1", &["CEREBRAS_API_KEY"]) },
    Provider {
        chat: OLDER_LIMIT,
        ..plain("sambanova", "SambaNova", "https://api.sambanova.ai/v1", &["SAMBANOVA_API_KEY"])
    },
    Provider {
        chat: OLDER_LIMIT,
        ..plain(
            "deepinfra",
            "DeepInfra",
            "https://api.deepinfra.com/v1/openai",
            &["DEEPINFRA_API_KEY", "DEEPINFRA_TOKEN"],
        )
    },
    Provider {
        aliases: &["nvidia_nim"],
        chat: OLDER_LIMIT,
        ..plain(
            "nvidia",
            "NVIDIA NIM",
            "https://integrate.api.nvidia.com/v1",
            &["NVIDIA_API_KEY", "NVIDIA_NIM_API_KEY"],
        )
    },
    Provider {
        speaks: CHAT_AND_RESPONSES,
        limit_headers: &["ratelimit", "ratelimit-policy"],
        aliases: &["hf"],
        ..plain("huggingface", "Hugging Face", "https://router.huggingface.co/v1", &["HF_TOKEN", "HUGGINGFACE_API_KEY"])
    },
    Provider {
        chat: SILICONFLOW,
        ..plain("siliconflow", "SiliconFlow", "https://api.siliconflow.com/v1", &["SILICONFLOW_API_KEY"])
    },
    Provider {
        chat: SILICONFLOW,
        ..plain("siliconflow-cn", "SiliconFlow (China)", "https://api.siliconflow.cn/v1", &["SILICONFLOW_CN_API_KEY"])
    },
    Provider {
        aliases: &["novita"],
        speaks: &[own(OpenAiChat), at(Anthropic, "https://api.novita.ai/anthropic/v1")],
        chat: OLDER_LIMIT,
        ..plain("novita-ai", "NovitaAI", "https://api.novita.ai/openai", &["NOVITA_API_KEY"])
    },
    Provider {
        aliases: &["xiaomi_mimo"],
        makes: &["mimo-"],
        ..xiaomi("xiaomi", "Xiaomi", "https://api.xiaomimimo.com/v1")
    },
    xiaomi("xiaomi-token-plan-ams", "Xiaomi Token Plan (Europe)", "https://token-plan-ams.xiaomimimo.com/v1"),
    xiaomi("xiaomi-token-plan-cn", "Xiaomi Token Plan (China)", "https://token-plan-cn.xiaomimimo.com/v1"),
    xiaomi("xiaomi-token-plan-sgp", "Xiaomi Token Plan (Singapore)", "https://token-plan-sgp.xiaomimimo.com/v1"),
    Provider {
        aliases: &["meta_llama", "meta-llama"],
        makes: &["Llama-"],
        ..plain("llama", "Llama", "https://api.llama.com/compat/v1", &["LLAMA_API_KEY"])
    },
    Provider {
        speaks: CHAT_AND_RESPONSES,
        ..plain("sakana", "Sakana AI", "https://api.sakana.ai/v1", &["SAKANA_API_KEY"])
    },
    maker(&["v0-"], plain("v0", "v0", "https://api.v0.dev/v1", &["V0_API_KEY"])),
    plain("bailing", "Bailing", "https://api.tbox.cn/api/llm/v1", &["BAILING_API_TOKEN"]),
    Provider {
        speaks: &[own(OpenAiResponses)],
        ..plain("chatgpt-codex", "ChatGPT Codex", "https://chatgpt.com/backend-api/codex", &["CHATGPT_ACCESS_TOKEN"])
    },
    plain("codestral", "Codestral", "https://codestral.mistral.ai/v1", &["CODESTRAL_API_KEY"]),
    maker(&["jamba"], also(&["ai21_chat"], plain("ai21", "AI21", "https://api.ai21.com/studio/v1", &["AI21_API_KEY"]))),
    maker(&["palmyra"], plain("writer", "Writer", "https://api.writer.com/v1", &["WRITER_API_KEY"])),
    Provider { aliases: &["lambda_ai"], ..plain("lambda", "Lambda", "https://api.lambda.ai/v1", &["LAMBDA_API_KEY"]) },
    plain("hyperbolic", "Hyperbolic", "https://api.hyperbolic.xyz/v1", &["HYPERBOLIC_API_KEY"]),
    plain("nscale", "Nscale", "https://inference.api.nscale.com/v1", &["NSCALE_API_KEY", "NSCALE_SERVICE_TOKEN"]),
    plain("crusoe", "Crusoe", "https://api.inference.crusoecloud.com/v1", &["CRUSOE_API_KEY"]),
    plain("doubleword", "Doubleword", "https://api.doubleword.ai/v1", &["DOUBLEWORD_API_KEY"]),
    plain("avian", "Avian", "https://api.avian.io/v1", &["AVIAN_API_KEY"]),
    also(
        &["featherless_ai"],
        plain(
            "featherless",
            "Featherless",
            "https://api.featherless.ai/v1",
            &["FEATHERLESS_API_KEY", "FEATHERLESS_AI_API_KEY"],
        ),
    ),
    plain("publicai", "Public AI", "https://api.publicai.co/v1", &["PUBLICAI_API_KEY"]),
    plain("galadriel", "Galadriel", "https://api.galadriel.com/v1", &["GALADRIEL_API_KEY"]),
    maker(
        &["GigaChat"],
        plain(
            "gigachat",
            "GigaChat",
            "https://gigachat.devices.sberbank.ru/api/v1",
            &["GIGACHAT_API_KEY", "GIGACHAT_CREDENTIALS"],
        ),
    ),
    maker(
        &["doubao-"],
        Provider {
            aliases: &["doubao", "ark"],
            chat: TYPED,
            speaks: CHAT_AND_RESPONSES,
            ..plain(
                "volcengine",
                "Volcengine Doubao",
                "https://ark.cn-beijing.volces.com/api/v3",
                &["ARK_API_KEY", "VOLCENGINE_API_KEY"],
            )
        },
    ),
    maker(
        &["ernie-"],
        also(&["qianfan"], plain("baidu", "Baidu Qianfan", "https://qianfan.baidubce.com/v2", &["QIANFAN_API_KEY"])),
    ),
    maker(
        &["hunyuan-"],
        also(
            &["hunyuan"],
            plain(
                "tencent-hunyuan",
                "Tencent Hunyuan",
                "https://api.hunyuan.cloud.tencent.com/v1",
                &["HUNYUAN_API_KEY"],
            ),
        ),
    ),
    maker(&["Baichuan"], plain("baichuan", "Baichuan", "https://api.baichuan-ai.com/v1", &["BAICHUAN_API_KEY"])),
    maker(
        &["yi-"],
        also(&["01-ai"], plain("lingyiwanwu", "01.AI", "https://api.lingyiwanwu.com/v1", &["LINGYIWANWU_API_KEY"])),
    ),
    maker(&["LongCat-"], plain("longcat", "LongCat", "https://api.longcat.chat/openai/v1", &["LONGCAT_API_KEY"])),
];
