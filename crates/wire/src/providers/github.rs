//! GitHub: Models, and Copilot with a token that its editors' sign-in gives. Copilot's paths are those of recordings.

use tollgate_ir::Dialect::{Anthropic, OpenAiChat, OpenAiResponses};

use super::auth::{Auth, GITHUB_COPILOT};
use super::record::{Provider, at, except, only, own, plain};

pub(super) const RECORDS: &[Provider] = &[
    Provider {
        aliases: &["github"],
        ..plain("github-models", "GitHub Models", "https://models.github.ai/inference", &["GITHUB_TOKEN"])
    },
    Provider {
        aliases: &["github_copilot", "copilot"],
        speaks: &[
            own(OpenAiChat),
            except(&["claude", "gemini", "grok"], own(OpenAiResponses)),
            only(&["claude"], at(Anthropic, "https://api.githubcopilot.com/v1")),
        ],
        auth: Auth::Exchange(&GITHUB_COPILOT),
        // It answers clients that say which integration they are.
        headers: &[("copilot-integration-id", "vscode-chat"), ("editor-version", "vscode/1.104.0")],
        ..plain(
            "github-copilot",
            "GitHub Copilot",
            "https://api.githubcopilot.com",
            &["GITHUB_COPILOT_TOKEN", "COPILOT_GITHUB_TOKEN"],
        )
    },
];
