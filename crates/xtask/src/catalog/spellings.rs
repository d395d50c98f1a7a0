//! LiteLLM's spellings of providers → their ids (models.dev's), and of models → the names that the providers have.

/// LiteLLM's provider, our id, what stands before a model's name.
const PROVIDERS: &[(&str, &str, &str)] = &[
    ("azure_ai", "azure", "azure_ai/"),
    ("azure_text", "azure", "azure/"),
    ("bedrock", "amazon-bedrock", "bedrock/"),
    ("bedrock_converse", "amazon-bedrock", "bedrock/"),
    ("bedrock_mantle", "amazon-bedrock", "bedrock_mantle/"),
    ("amazon_nova", "nova", "amazon-nova/"),
    ("cloudflare", "cloudflare-workers-ai", "cloudflare/"),
    ("codestral", "mistral", "codestral/"),
    ("text-completion-codestral", "mistral", "text-completion-codestral/"),
    ("cohere_chat", "cohere", "cohere/"),
    ("dashscope", "alibaba", "dashscope/"),
    ("fireworks_ai", "fireworks-ai", "fireworks_ai/"),
    ("fireworks_ai-embedding-models", "fireworks-ai", "fireworks_ai/"),
    ("friendliai", "friendli", "friendliai/"),
    ("gemini", "google", "gemini/"),
    ("gmi", "gmicloud", "gmi/"),
    ("gradient_ai", "digitalocean", "gradient_ai/"),
    ("jina_ai", "jina", "jina_ai/"),
    ("meta_llama", "llama", "meta_llama/"),
    ("moonshot", "moonshotai", "moonshot/"),
    ("novita", "novita-ai", "novita/"),
    ("nvidia_nim", "nvidia", "nvidia_nim/"),
    ("runwayml", "runway", "runwayml/"),
    ("snowflake", "snowflake-cortex", "snowflake/"),
    ("text-completion-inception", "inception", "text-completion-inception/"),
    ("text-completion-openai", "openai", "text-completion-openai/"),
    ("together_ai", "togetherai", "together_ai/"),
    ("vercel_ai_gateway", "vercel", "vercel_ai_gateway/"),
    ("xiaomi_mimo", "xiaomi", "xiaomi_mimo/"),
];

/// The provider's id and the model's name there; `None`: the key is no model that can be asked for by name.
pub(super) fn offer(provider: &str, key: &str) -> Option<(String, String)> {
    let row = PROVIDERS.iter().find(|(spelling, ..)| *spelling == provider);
    let (id, prefix) = match row {
        Some((_, id, prefix)) => ((*id).to_owned(), (*prefix).to_owned()),
        None if provider.starts_with("vertex_ai") => ("google-vertex".to_owned(), "vertex_ai/".to_owned()),
        None => (provider.replace('_', "-"), format!("{provider}/")),
    };
    let model = key.strip_prefix(&prefix).unwrap_or(key);
    if is_dimension_of_a_price(&id, model) {
        return None;
    }
    // Perplexity's agent API serves other makers' models under their makers' names.
    if id == "perplexity" && model.contains('/') {
        return Some(("perplexity-agent".to_owned(), model.to_owned()));
    }
    Some((id, model.to_owned()))
}

/// Keys that hold a price for one size, quality, region or term of a model rather than a model.
fn is_dimension_of_a_price(provider: &str, model: &str) -> bool {
    let Some((first, _)) = model.split_once('/') else {
        return model.is_empty() || model.contains(' ') || is_size_class(model);
    };
    let sized = model.split('/').any(|part| part.contains("-x-") || part == "max-steps");
    let quality = ["hd", "standard", "low", "medium", "high", "auto"].contains(&first);
    let clouds = ["amazon-bedrock", "azure", "google-vertex"].contains(&provider);
    let region = ["*", "eu", "us", "global", "global-standard", "us-gov", "ap"].contains(&first)
        || first.bytes().filter(|b| *b == b'-').count() >= 2 && first.ends_with(|c: char| c.is_ascii_digit())
        || first.starts_with("commitment");
    sized || quality || (clouds && region) || model.contains("-month-commitment") || model.contains(' ')
}

/// `together-ai-4.1b-8b`: a price for all models of a size.
fn is_size_class(model: &str) -> bool {
    model.starts_with("together-ai-") || model.starts_with("fireworks-ai-")
}

#[cfg(test)]
mod tests {
    use super::offer;

    #[test]
    fn spellings_become_ids_and_names() {
        for (provider, key, expected) in [
            ("openai", "gpt-5", Some(("openai", "gpt-5"))),
            ("vertex_ai-language-models", "gemini-2.5-flash", Some(("google-vertex", "gemini-2.5-flash"))),
            ("vertex_ai-anthropic_models", "vertex_ai/claude-3-5-haiku", Some(("google-vertex", "claude-3-5-haiku"))),
            ("together_ai", "together_ai/openai/gpt-oss-20b", Some(("togetherai", "openai/gpt-oss-20b"))),
            ("bedrock_converse", "us.amazon.nova-lite-v1:0", Some(("amazon-bedrock", "us.amazon.nova-lite-v1:0"))),
            ("bedrock", "bedrock/ap-northeast-1/anthropic.claude-v1", None),
            ("bedrock", "1024-x-1024/50-steps/stability.stable-diffusion-xl-v1", None),
            ("azure", "azure/eu/gpt-4o", None),
            ("azure", "azure/hd/1024-x-1024/dall-e-3", None),
            ("azure_ai", "azure_ai/grok-4", Some(("azure", "grok-4"))),
            ("perplexity", "perplexity/anthropic/claude-x", Some(("perplexity-agent", "anthropic/claude-x"))),
            ("lambda_ai", "lambda_ai/x", Some(("lambda-ai", "x"))),
        ] {
            let expected = expected.map(|(id, name)| (id.to_owned(), name.to_owned()));
            assert_eq!(offer(provider, key), expected, "{key}");
        }
    }
}
