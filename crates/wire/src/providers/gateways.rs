//! Gateways in front of many providers. Their control fields are their own affair.

use tollgate_ir::Dialect::{Anthropic, Gemini, OpenAiChat, OpenAiResponses};

use super::auth::Auth;
use super::record::{OPENAI_AND_ANTHROPIC, Provider, also, at, except, only, own, plain, router};
use crate::openai_chat::{Off, Says, Takes};

/// docs.venice.ai (Chat): OpenAI's fields, and its own in `venice_parameters`.
const VENICE: &[Takes] = &[Takes { limit: Some("max_completion_tokens"), ..Takes::ALL }];

/// vercel.com/docs/ai-gateway (OpenAI-compatible API): `reasoning: {enabled, effort, max_tokens}`.
const VERCEL: &[Takes] = &[Takes { says: Some(Says::Routed), off: Some(Off::Routed), ..Takes::ALL }];

/// What is asked in Anthropic's dialect there (models.dev).
const OPENCODE_CLAUDE_LIKE: &[&str] =
    &["claude", "qwen3.5", "qwen3.6", "minimax-m2.1-free", "minimax-m2.5-free", "minimax-m3-free"];
const OPENCODE_ELSEWHERE: &[&str] =
    &["gpt-5", "gemini", "claude", "qwen3.5", "qwen3.6", "minimax-m2.1-free", "minimax-m2.5-free", "minimax-m3-free"];

pub(super) const ROWS: &[Provider] = &[
    router(Provider {
        aliases: &["vercel_ai_gateway", "vercel-gateway", "ai-gateway"],
        speaks: OPENAI_AND_ANTHROPIC,
        chat: VERCEL,
        ..plain(
            "vercel",
            "Vercel AI Gateway",
            "https://ai-gateway.vercel.sh/v1",
            &["AI_GATEWAY_API_KEY", "VERCEL_AI_GATEWAY_API_KEY", "VERCEL_OIDC_TOKEN"],
        )
    }),
    router(Provider {
        speaks: &[
            except(OPENCODE_ELSEWHERE, own(OpenAiChat)),
            only(&["gpt-5"], own(OpenAiResponses)),
            only(OPENCODE_CLAUDE_LIKE, own(Anthropic)),
            only(&["gemini"], own(Gemini)),
        ],
        ..plain("opencode", "OpenCode Zen", "https://opencode.ai/zen/v1", &["OPENCODE_API_KEY"])
    }),
    router(Provider {
        speaks: &[except(&["minimax", "qwen"], own(OpenAiChat)), only(&["minimax", "qwen"], own(Anthropic))],
        ..plain("opencode-go", "OpenCode Go", "https://opencode.ai/zen/go/v1", &["OPENCODE_API_KEY"])
    }),
    router(Provider {
        speaks: &[own(OpenAiChat), own(OpenAiResponses), at(Anthropic, "https://zenmux.ai/api/anthropic/v1")],
        ..plain("zenmux", "ZenMux", "https://zenmux.ai/api/v1", &["ZENMUX_API_KEY"])
    }),
    router(Provider {
        speaks: &[
            own(OpenAiChat),
            own(OpenAiResponses),
            own(Anthropic),
            only(&["gemini"], at(Gemini, "https://aihubmix.com/gemini/v1beta")),
        ],
        ..plain("aihubmix", "AIHubMix", "https://aihubmix.com/v1", &["AIHUBMIX_API_KEY"])
    }),
    router(Provider {
        speaks: &[own(Anthropic), except(&["claude"], at(OpenAiChat, "https://api.freemodel.dev/v1"))],
        auth: Auth::Header("x-api-key"),
        ..plain("freemodel", "FreeModel", "https://cc.freemodel.dev/v1", &["FREEMODEL_API_KEY"])
    }),
    router(Provider {
        speaks: &[own(OpenAiResponses), own(OpenAiChat)],
        ..plain("vivgrid", "Vivgrid", "https://api.vivgrid.com/v1", &["VIVGRID_API_KEY"])
    }),
    Provider {
        chat: VENICE,
        aliases: &["venice-ai"],
        ..plain("venice", "Venice AI", "https://api.venice.ai/api/v1", &["VENICE_API_KEY"])
    },
    // (k)
    router(plain(
        "merge-gateway",
        "Merge Gateway",
        "https://api-gateway.merge.dev/v1/openai",
        &["MERGE_GATEWAY_API_KEY"],
    )),
    router(Provider {
        aliases: &["aiml"],
        ..plain("aimlapi", "AI/ML API", "https://api.aimlapi.com/v1", &["AIML_API_KEY", "AIMLAPI_API_KEY"])
    }),
    router(Provider {
        aliases: &["portkey-ai"],
        ..plain("portkey", "Portkey", "https://api.portkey.ai/v1", &["PORTKEY_API_KEY"])
    }),
    router(Provider {
        speaks: &[
            own(OpenAiChat),
            own(OpenAiResponses),
            at(Anthropic, "https://gateway.pydantic.dev/proxy/anthropic/v1"),
        ],
        ..plain(
            "pydantic-gateway",
            "Pydantic AI Gateway",
            "https://gateway.pydantic.dev/proxy/openai",
            &["PYDANTIC_AI_GATEWAY_API_KEY"],
        )
    }),
    // (k)
    router(Provider {
        aliases: &["mirascope"],
        speaks: &[
            own(OpenAiChat),
            own(OpenAiResponses),
            at(Anthropic, "https://mirascope.com/router/v2/anthropic/v1"),
            at(Gemini, "https://mirascope.com/router/v2/google/v1beta"),
        ],
        ..plain(
            "mirascope-gateway",
            "Mirascope Router",
            "https://mirascope.com/router/v2/openai/v1",
            &["MIRASCOPE_API_KEY"],
        )
    }),
    router(plain("abacus", "Abacus", "https://routellm.abacus.ai/v1", &["ABACUS_API_KEY"])),
    router(plain("anyapi", "AnyAPI", "https://api.anyapi.ai/v1", &["ANYAPI_API_KEY"])),
    router(plain("auriko", "Auriko", "https://api.auriko.ai/v1", &["AURIKO_API_KEY"])),
    router(plain("claudinio", "Claudinio", "https://api.claudin.io/v1", &["CLAUDINIO_API_KEY"])),
    router(plain("cortecs", "Cortecs", "https://api.cortecs.ai/v1", &["CORTECS_API_KEY"])),
    router(plain("crof", "CrofAI", "https://crof.ai/v1", &["CROF_API_KEY"])),
    router(plain("fastrouter", "FastRouter", "https://go.fastrouter.ai/api/v1", &["FASTROUTER_API_KEY"])),
    router(plain("frogbot", "FrogBot", "https://app.frogbot.ai/api/v1", &["FROGBOT_API_KEY"])),
    router(plain("helicone", "Helicone", "https://ai-gateway.helicone.ai/v1", &["HELICONE_API_KEY"])),
    router(plain("kilo", "Kilo Gateway", "https://api.kilo.ai/api/gateway", &["KILO_API_KEY"])),
    router(plain("llmgateway", "LLM Gateway", "https://api.llmgateway.io/v1", &["LLMGATEWAY_API_KEY"])),
    router(plain("llmtr", "LLMTR", "https://llmtr.com/v1", &["LLMTR_API_KEY"])),
    router(plain("lucidquery", "LucidQuery", "https://api.lucidquery.com/v1", &["LUCIDQUERY_API_KEY"])),
    router(plain("meganova", "Meganova", "https://api.meganova.ai/v1", &["MEGANOVA_API_KEY"])),
    router(also(&["nanogpt"], plain("nano-gpt", "NanoGPT", "https://nano-gpt.com/api/v1", &["NANO_GPT_API_KEY"]))),
    router(plain("orcarouter", "OrcaRouter", "https://api.orcarouter.ai/v1", &["ORCAROUTER_API_KEY"])),
    router(plain("poe", "Poe", "https://api.poe.com/v1", &["POE_API_KEY"])),
    router(plain("requesty", "Requesty", "https://router.requesty.ai/v1", &["REQUESTY_API_KEY"])),
    router(plain("routing-run", "routing.run", "https://ai.routing.sh/v1", &["ROUTING_RUN_API_KEY"])),
    router(plain("the-grid-ai", "The Grid AI", "https://api.thegrid.ai/v1", &["THEGRIDAI_API_KEY"])),
    router(plain("umans-ai", "Umans AI", "https://api.code.umans.ai/v1", &["UMANS_AI_API_KEY"])),
    router(plain(
        "umans-ai-coding-plan",
        "Umans AI Coding Plan",
        "https://api.code.umans.ai/v1",
        &["UMANS_AI_CODING_PLAN_API_KEY"],
    )),
    router(plain("wafer.ai", "Wafer", "https://pass.wafer.ai/v1", &["WAFER_API_KEY"])),
    router(plain("xpersona", "Xpersona", "https://www.xpersona.co/v1", &["XPERSONA_API_KEY"])),
];
