//! Cohere.

use tollgate_ir::Dialect::{Cohere, OpenAiChat};

use super::record::{Provider, at, own, plain};

pub(super) const RECORD: Provider = Provider {
    aliases: &["cohere_chat"],
    speaks: &[own(Cohere), at(OpenAiChat, "https://api.cohere.com/compatibility/v1")],
    url_variables: &["COHERE_BASE_URL"],
    makes: &["command", "c4ai-", "embed-", "rerank-"],
    // Seen in recordings.
    limit_headers: &["x-endpoint-monthly-call-limit", "x-trial-endpoint-call-limit", "x-trial-endpoint-call-remaining"],
    ..plain("cohere", "Cohere", "https://api.cohere.com", &["COHERE_API_KEY", "CO_API_KEY"])
};
