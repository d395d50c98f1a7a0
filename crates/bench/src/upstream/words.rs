//! What three providers write, after their documents. A chunk carries the time it was made, between two `@`, so that the
//! load can tell how long it was on its way.

/// A provider's dialect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    Chat,
    Anthropic,
    Gemini,
}

impl Dialect {
    /// By where the request goes.
    pub fn of_path(path: &str) -> Self {
        if path.ends_with("/messages") {
            Self::Anthropic
        } else if path.contains("/v1beta/") {
            Self::Gemini
        } else {
            Self::Chat
        }
    }
}

/// A reply in one piece, with so many bytes of text.
pub fn whole(dialect: Dialect, bytes: usize) -> String {
    let text = "The sky is clear tonight. ".repeat(bytes / 26 + 1);
    let text = &text[..bytes];
    match dialect {
        Dialect::Chat => format!(
            "{{\"id\":\"chatcmpl-bench\",\"object\":\"chat.completion\",\"created\":1764000000,\"model\":\"bench\",\"choices\":[\
             {{\"index\":0,\"message\":{{\"role\":\"assistant\",\"content\":\"{text}\"}},\"finish_reason\":\"stop\"}}],\"usage\":\
             {{\"prompt_tokens\":60,\"completion_tokens\":40,\"total_tokens\":100}}}}"
        ),
        Dialect::Anthropic => format!(
            "{{\"id\":\"msg_bench\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"bench\",\"content\":[{{\"type\":\"text\",\
             \"text\":\"{text}\"}}],\"stop_reason\":\"end_turn\",\"stop_sequence\":null,\"usage\":{{\"input_tokens\":60,\
             \"output_tokens\":40}}}}"
        ),
        Dialect::Gemini => format!(
            "{{\"candidates\":[{{\"content\":{{\"parts\":[{{\"text\":\"{text}\"}}],\"role\":\"model\"}},\"finishReason\":\"STOP\",\
             \"index\":0}}],\"usageMetadata\":{{\"promptTokenCount\":60,\"candidatesTokenCount\":40,\"totalTokenCount\":100}},\
             \"modelVersion\":\"bench\"}}"
        ),
    }
}

/// What comes before the first chunk.
pub fn beginning(dialect: Dialect) -> String {
    match dialect {
        Dialect::Chat => {
            "data: {\"id\":\"chatcmpl-bench\",\"object\":\"chat.completion.chunk\",\"created\":1764000000,\"model\":\"bench\",\
             \"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"},\"finish_reason\":null}]}\n\n"
        }
        Dialect::Anthropic => {
            "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_bench\",\"type\":\"message\",\"role\":\
             \"assistant\",\"model\":\"bench\",\"content\":[],\"stop_reason\":null,\"stop_sequence\":null,\"usage\":\
             {\"input_tokens\":60,\"output_tokens\":1}}}\n\nevent: content_block_start\ndata: {\"type\":\"content_block_start\",\
             \"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n"
        }
        Dialect::Gemini => "",
    }
    .to_owned()
}

/// A chunk made at this time.
pub fn chunk(dialect: Dialect, nanos: u64) -> String {
    match dialect {
        Dialect::Chat => format!(
            "data: {{\"id\":\"chatcmpl-bench\",\"object\":\"chat.completion.chunk\",\"created\":1764000000,\"model\":\"bench\",\
             \"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"@{nanos}@ words\"}},\"finish_reason\":null}}]}}\n\n"
        ),
        Dialect::Anthropic => format!(
            "event: content_block_delta\ndata: {{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{{\"type\":\"text_delta\",\
             \"text\":\"@{nanos}@ words\"}}}}\n\n"
        ),
        Dialect::Gemini => format!(
            "data: {{\"candidates\":[{{\"content\":{{\"parts\":[{{\"text\":\"@{nanos}@ words\"}}],\"role\":\"model\"}},\"index\":0}}],\
             \"usageMetadata\":{{\"promptTokenCount\":60,\"totalTokenCount\":60}},\"modelVersion\":\"bench\"}}\r\n\r\n"
        ),
    }
}

/// What ends a stream.
pub fn end(dialect: Dialect) -> String {
    match dialect {
        Dialect::Chat => {
            "data: {\"id\":\"chatcmpl-bench\",\"object\":\"chat.completion.chunk\",\"created\":1764000000,\"model\":\"bench\",\
             \"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: {\"id\":\"chatcmpl-bench\",\"object\":\
             \"chat.completion.chunk\",\"created\":1764000000,\"model\":\"bench\",\"choices\":[],\"usage\":{\"prompt_tokens\":60,\
             \"completion_tokens\":200,\"total_tokens\":260}}\n\ndata: [DONE]\n\n"
        }
        Dialect::Anthropic => {
            "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\nevent: message_delta\ndata: \
             {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\",\"stop_sequence\":null},\"usage\":\
             {\"output_tokens\":200}}\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n"
        }
        Dialect::Gemini => {
            "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"\"}],\"role\":\"model\"},\"finishReason\":\"STOP\",\
             \"index\":0}],\"usageMetadata\":{\"promptTokenCount\":60,\"candidatesTokenCount\":200,\"totalTokenCount\":260},\
             \"modelVersion\":\"bench\"}\r\n\r\n"
        }
    }
    .to_owned()
}
