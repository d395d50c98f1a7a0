//! Parts of a request that an upstream's dialect has no word for, reported in one place: what stands beside texts and
//! media, signatures that others made, and what is said of the form of the answer beside its schema.
//!
//! Decoders tell by [`Losses::spell`] how the client wrote each; what it did not write is not reported.

use tollgate_ir::{
    Block, Content, Dialect, Fault, Issuer, Losses, Media, MediaKind, MediaSource, OutputFormat, Reason, Request,
};

use crate::json::Fields;

/// Where the client wrote what is said of a schema.
pub(crate) fn spell_output(schema: &Fields<'_>, losses: &mut Losses) {
    for key in ["name", "description", "strict"] {
        if schema.has(key) {
            losses.spell(format!("output.{key}"), schema.path(key));
        }
    }
}

/// Takes `include_obfuscation`: padding against traffic analysis, which only OpenAI's own streams have.
pub(crate) fn obfuscation(options: &mut Fields<'_>, losses: &mut Losses) -> Result<(), Fault> {
    if options.boolean("include_obfuscation")? == Some(true) {
        losses.own(options.path("include_obfuscation"), Reason::Dropped);
    }
    Ok(())
}

/// Reports them, for a request that came in another dialect.
pub(crate) fn report(upstream: Dialect, model: &str, request: &Request, losses: &mut Losses) {
    let unsaid = Unsaid { upstream, model };
    for block in request.system.iter().chain(request.turns.iter().flat_map(|turn| &turn.blocks)) {
        unsaid.block(block, losses);
    }
    if let Some(OutputFormat::Schema { strict, .. }) = &request.output {
        unsaid.output(*strict, losses);
    }
}

struct Unsaid<'m> {
    upstream: Dialect,
    model: &'m str,
}

impl Unsaid<'_> {
    fn block(&self, block: &Block, losses: &mut Losses) {
        match &block.content {
            Content::Text { citations, .. } if !citations.is_empty() && !block.at.is_empty() => {
                // Converse can name a source, in its own way.
                let bedrock = self.upstream == Dialect::Bedrock;
                losses.block(block, ".citations", if bedrock { Reason::Adjusted } else { Reason::Dropped });
            }
            Content::Media(media) => self.media(block, media, losses),
            Content::Result(result) => {
                // An object stays as it is, so there is no place for the mark.
                let marked = self.upstream != Dialect::Gemini || result.json.is_none();
                if result.error && !marked {
                    losses.part(&format!("{}.is_error", block.at), Reason::Dropped);
                }
                result.content.iter().for_each(|inner| self.block(inner, losses));
            }
            _ => {}
        }
        // The others write a mark wherever they have a place for one, and report it themselves where not.
        let unmarked =
            matches!(self.upstream, Dialect::OpenAiResponses | Dialect::Gemini | Dialect::Cohere | Dialect::Ollama);
        if unmarked && block.cache.is_some() && !block.at.is_empty() {
            losses.block(block, ".cache_control", Reason::Dropped);
        }
        let reasoning = matches!(block.content, Content::Reasoning(_) | Content::Server(_) | Content::Opaque { .. });
        if block.seal.as_ref().is_some_and(|seal| !self.reads(seal.issuer)) && !reasoning {
            losses.part(&format!("{}.seal", block.at), Reason::Dropped);
        }
    }

    fn media(&self, block: &Block, media: &Media, losses: &mut Losses) {
        let looks = match self.upstream {
            Dialect::OpenAiChat | Dialect::OpenAiResponses | Dialect::Cohere => media.kind == MediaKind::Image,
            Dialect::Anthropic | Dialect::Gemini | Dialect::Bedrock | Dialect::Ollama => false,
        };
        if !looks && media.detail.as_deref().is_some_and(|detail| detail != "auto") {
            losses.block(block, ".detail", Reason::Dropped);
        }
        if media.name.is_some() && !self.says_name(media) {
            losses.part(&format!("{}.name", block.at), Reason::Adjusted);
        }
        if self.upstream != Dialect::Gemini && matches!(media.source, MediaSource::Url(_)) {
            losses.part(&format!("{}.mime", block.at), Reason::Adjusted);
        }
    }

    /// Whether the dialect has a place for the name of a file or document.
    const fn says_name(&self, media: &Media) -> bool {
        let document = matches!(media.kind, MediaKind::Document);
        match self.upstream {
            Dialect::OpenAiChat => document && matches!(media.source, MediaSource::Base64(_)),
            Dialect::OpenAiResponses => document && !matches!(media.source, MediaSource::Url(_)),
            Dialect::Anthropic | Dialect::Bedrock => document,
            Dialect::Gemini => matches!(media.source, MediaSource::Url(_) | MediaSource::FileId { .. }),
            Dialect::Cohere => matches!(media.source, MediaSource::Text(_)),
            Dialect::Ollama => false,
        }
    }

    fn reads(&self, issuer: Issuer) -> bool {
        match self.upstream {
            Dialect::Anthropic | Dialect::Bedrock => issuer == Issuer::Anthropic,
            Dialect::Gemini => issuer == Issuer::Gemini,
            Dialect::OpenAiResponses => issuer == Issuer::OpenAi,
            // Google's own host of this dialect takes its signatures.
            Dialect::OpenAiChat => issuer == Issuer::Gemini && self.model.contains("gemini"),
            Dialect::Cohere | Dialect::Ollama => false,
        }
    }

    fn output(&self, strict: Option<bool>, losses: &mut Losses) {
        let nameless =
            matches!(self.upstream, Dialect::Anthropic | Dialect::Gemini | Dialect::Cohere | Dialect::Ollama);
        if nameless {
            losses.part("output.name", Reason::Adjusted);
        }
        if matches!(self.upstream, Dialect::Anthropic | Dialect::Cohere | Dialect::Ollama) {
            losses.part("output.description", Reason::Dropped);
        }
        // These always hold to the schema.
        if strict == Some(false)
            && matches!(self.upstream, Dialect::Anthropic | Dialect::Gemini | Dialect::Bedrock | Dialect::Ollama)
        {
            losses.part("output.strict", Reason::Adjusted);
        }
    }
}
