//! OpenAI, and its models behind a ChatGPT subscription.

use super::record::{CHAT_AND_RESPONSES, Provider, maker, plain};

pub(super) const RECORD: Provider = maker(
    &[
        "gpt-",
        "o1",
        "o3",
        "o4",
        "chatgpt-",
        "codex-",
        "text-embedding-",
        "dall-e-",
        "tts-",
        "whisper-",
        "omni-moderation",
    ],
    Provider {
        speaks: CHAT_AND_RESPONSES,
        url_variables: &["OPENAI_BASE_URL", "OPENAI_API_BASE"],
        ..plain("openai", "OpenAI", "https://api.openai.com/v1", &["OPENAI_API_KEY"])
    },
);
