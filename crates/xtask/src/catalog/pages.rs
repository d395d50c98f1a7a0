//! The sources that prices come from: the two catalogues, and the pages that LiteLLM's names.

use std::collections::BTreeSet;

/// The id of models.dev.
pub(super) const MODELS_DEV: usize = 0;

/// The id of LiteLLM's file where it names no page.
pub(super) const LITELLM: usize = 1;

/// models.dev's commit and its day, as the source's own README says.
const MODELS_DEV_LINE: &str = "2026-07-02 models.dev f3fc69229";

/// LiteLLM's release and the day of its package.
const LITELLM_LINE: &str = "2026-10-21 litellm 1.106.2";

/// The day of the newest source.
pub(super) const NEWEST: &str = "2026-10-21";

/// The pages, in their order: a page's id is its place and two.
#[derive(Default)]
pub(super) struct Pages(Vec<String>);

impl Pages {
    /// All pages that are named.
    pub(super) fn new(pages: BTreeSet<String>) -> Self {
        Self(pages.into_iter().collect())
    }

    /// The id of a page.
    pub(super) fn id(&self, page: Option<&str>) -> usize {
        page.and_then(|page| self.0.iter().position(|one| one == page)).map_or(LITELLM, |place| place + 2)
    }

    /// The lines of the catalogue's list of sources, by their ids.
    pub(super) fn lines(&self) -> Vec<String> {
        let first = [MODELS_DEV_LINE.to_owned(), LITELLM_LINE.to_owned()];
        let pages = self.0.iter().map(|page| format!("{LITELLM_LINE} {page}"));
        first.into_iter().chain(pages).enumerate().map(|(id, line)| format!("{id} {line}")).collect()
    }
}

/// Whether a page is the provider's own, by its host: a page of somebody else decides nothing.
pub(super) fn is_own(page: &str, provider: &str) -> bool {
    let host = page.split_once("://").map_or(page, |(_, rest)| rest).split('/').next().unwrap_or_default();
    let domain: String =
        host.rsplit('.').nth(1).unwrap_or_default().chars().filter(char::is_ascii_alphanumeric).collect();
    let id: String = provider.chars().filter(char::is_ascii_alphanumeric).collect();
    let known = match domain.as_str() {
        "claude" => "anthropic",
        "google" => "google",
        "amazon" | "amazonaws" | "awsstatic" => "amazon",
        "microsoft" => "azure",
        "kimi" => "moonshotai",
        "bfl" => "blackforestlabs",
        domain => domain,
    };
    !known.is_empty() && (id.starts_with(known) || known.starts_with(&id))
}

#[cfg(test)]
mod tests {
    use super::is_own;

    #[test]
    fn a_page_is_the_providers_own_by_its_host() {
        for (page, provider, own) in [
            ("https://platform.claude.com/docs/pricing", "anthropic", true),
            ("https://developers.openai.com/api/docs/pricing", "openai", true),
            ("https://cloud.google.com/vertex-ai/pricing", "google-vertex", true),
            ("https://ai.google.dev/pricing", "google", true),
            ("https://aws.amazon.com/bedrock/pricing/", "amazon-bedrock", true),
            ("https://prices.azure.com/api", "azure", true),
            ("https://api.together.ai/models", "togetherai", true),
            ("https://docs.fireworks.ai/x", "fireworks-ai", true),
            ("https://api.novita.ai/x", "novita-ai", true),
            ("https://www.alibabacloud.com/x", "alibaba", true),
            ("https://openrouter.ai/x", "wandb", false),
            ("https://artificialanalysis.ai/x", "fireworks-ai", false),
            ("", "openai", false),
        ] {
            assert_eq!(is_own(page, provider), own, "{page} {provider}");
        }
    }
}
