use tollgate_ir::{Block, Content, MediaSource};

/// About how many bytes a block holds; for bounds on memory, not for accounts.
pub(super) fn of_block(block: &Block) -> u64 {
    let content = match &block.content {
        Content::Text { text, citations } => text.len() + citations.len() * 200,
        Content::Media(media) => match &media.source {
            MediaSource::Base64(data) | MediaSource::Url(data) | MediaSource::Text(data) => data.len(),
            MediaSource::FileId { id, .. } => id.len(),
        },
        Content::Call(call) => call.id.len() + call.name.len() + call.arguments.len(),
        Content::Result(result) => {
            let json = result.json.as_ref().map_or(0, |json| json.as_str().len());
            return 200 + json as u64 + result.content.iter().map(of_block).sum::<u64>();
        }
        Content::Reasoning(reasoning) => reasoning.text.len(),
        Content::Refusal(text) => text.len(),
        Content::Server(_) | Content::Opaque { .. } => 0,
    };
    let seal = block.seal.as_ref().map_or(0, |seal| seal.data.len());
    let carry = block.carry.as_ref().map_or(0, |carry| carry.raw.as_str().len());
    200 + (content + seal + carry) as u64
}
