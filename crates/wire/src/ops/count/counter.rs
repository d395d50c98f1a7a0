//! Counters that providers have, as data: which chat each counts, where it stands, and what is around the chat there.
//!
//! A counter takes what its dialect's chat encoder writes, cut down to [`Counter::cut`]; [`Counter::fit`] then brings it,
//! and a client's own count request of the dialect, into the host's form. Fitting twice changes nothing.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use tollgate_ir::{Dialect, Fault, FaultKind, Operation};

use super::form;
use crate::carriage::Carriage;
use crate::json::{Node, Object, ObjectWriter, object};

/// A counter that a provider has.
#[derive(Debug)]
pub struct Counter {
    /// The dialect of the chats that it counts.
    pub dialect: Dialect,
    /// Its path, and the end of the base URL that it does not stand behind; `None`: where the carriage has it.
    at: Option<(&'static str, &'static str)>,
    /// The fields of a chat request that it takes; others are refused with 400.
    keeps: &'static [&'static str],
    /// Puts a body for a model into the host's form; `None`: it is in it.
    fit: fn(&str, &Bytes) -> Option<Vec<u8>>,
    /// Where the number stands in the reply.
    number: &'static [&'static str],
    /// Whether tools are in the number.
    pub counts_tools: bool,
}

/// Anthropic, “Count tokens in a Message”; Vertex has the same at a path of its own.
static ANTHROPIC: Counter = Counter {
    dialect: Dialect::Anthropic,
    at: None,
    keeps: &["model", "messages", "system", "tools", "tool_choice", "thinking", "output_config", "cache_control"],
    fit: |_, _| None,
    number: &["input_tokens"],
    counts_tools: true,
};

/// AWS, `CountTokens` of a body for `InvokeModel`, in base64.
static BEDROCK_INVOKE: Counter = Counter { fit: in_base64, number: &["inputTokens"], ..ANTHROPIC };

/// AWS, `CountTokens` of a Converse request.
static BEDROCK: Counter = Counter {
    dialect: Dialect::Bedrock,
    at: None,
    keeps: &["messages", "system", "toolConfig", "additionalModelRequestFields"],
    fit: as_converse,
    number: &["inputTokens"],
    counts_tools: true,
};

/// Google, `models.countTokens`.
static GEMINI: Counter = Counter {
    dialect: Dialect::Gemini,
    at: None,
    keeps: &["contents", "systemInstruction", "tools", "toolConfig", "generationConfig"],
    fit: as_generate_content,
    number: &["totalTokens"],
    counts_tools: true,
};

/// Google Cloud, `CountTokensRequest` of Vertex: the chat's fields at the top, never wrapped.
pub static VERTEX_GEMINI: Counter = Counter {
    keeps: &["contents", "systemInstruction", "tools", "generationConfig"],
    fit: without_generate_content,
    ..GEMINI
};

/// OpenAI, “Get input token counts”.
static RESPONSES: Counter = Counter {
    dialect: Dialect::OpenAiResponses,
    at: None,
    keeps: &[
        "model",
        "input",
        "instructions",
        "tools",
        "tool_choice",
        "parallel_tool_calls",
        "reasoning",
        "text",
        "truncation",
        "conversation",
        "previous_response_id",
    ],
    fit: |_, _| None,
    number: &["input_tokens"],
    counts_tools: true,
};

/// A counter of chats in OpenAI's dialect at a path of the host's own.
const CHAT: Counter = Counter {
    dialect: Dialect::OpenAiChat,
    at: None,
    keeps: &["model", "messages", "tools"],
    fit: |_, _| None,
    number: &[],
    counts_tools: true,
};

/// Moonshot, “Estimate tokens”: the model's own tokeniser, whatever the name says. It takes messages alone.
pub static KIMI: Counter = Counter {
    at: Some(("/tokenizers/estimate-token-count", "")),
    keeps: &["model", "messages"],
    number: &["data", "total_tokens"],
    counts_tools: false,
    ..CHAT
};

/// Zhipu, “Tokenizer”.
pub static ZHIPU: Counter = Counter { at: Some(("/tokenizer", "")), number: &["usage", "prompt_tokens"], ..CHAT };

/// vLLM's `TokenizeChatRequest`: the model's own template and tokeniser, beside `/v1`.
pub static VLLM: Counter = Counter { at: Some(("/tokenize", "/v1")), number: &["count"], ..CHAT };

impl Counter {
    /// The counter that a dialect's maker has, in this carriage. Hosts that lack it say so when they are asked.
    pub fn of(dialect: Dialect, carriage: &Carriage, base_url: &str) -> Option<&'static Self> {
        carriage.path(dialect, Operation::CountTokens, "", false)?;
        Some(match dialect {
            Dialect::Anthropic if *carriage == Carriage::BedrockInvoke => &BEDROCK_INVOKE,
            Dialect::Anthropic => &ANTHROPIC,
            Dialect::Bedrock => &BEDROCK,
            Dialect::Gemini if base_url.ends_with("/publishers/google") => &VERTEX_GEMINI,
            Dialect::Gemini => &GEMINI,
            Dialect::OpenAiResponses => &RESPONSES,
            Dialect::OpenAiChat | Dialect::Cohere | Dialect::Ollama => return None,
        })
    }

    /// It is the host's own, beside those that its dialects' makers have.
    pub fn is_hosts_own(&self) -> bool {
        self.at.is_some()
    }

    /// What its path stands behind.
    pub fn base<'a>(&self, base_url: &'a str) -> &'a str {
        self.at.and_then(|(_, end)| base_url.strip_suffix(end)).unwrap_or(base_url)
    }

    /// Its path and query.
    pub fn path(&self, carriage: &Carriage, model: &str) -> Option<String> {
        match self.at {
            Some((path, _)) => Some(path.to_owned()),
            None => carriage.path(self.dialect, Operation::CountTokens, model, false),
        }
    }

    /// Whether a client of this dialect reads its replies as they are.
    pub fn answers(&self, face: Dialect) -> bool {
        self.dialect == face && form(face).is_some_and(|form| self.number == [form.number])
    }

    /// An encoded chat request without what a counter refuses.
    pub fn cut(&self, chat: &Bytes) -> Bytes {
        let Some(Node::Object(Object(mut fields))) = Node::read(chat) else { return chat.clone() };
        fields.retain(|(key, _)| self.keeps.contains(&key.as_ref()));
        written(|o| fields.iter().for_each(|(key, value)| o.node(key, value))).into()
    }

    /// A body for a model in the host's form.
    pub fn fit(&self, model: &str, body: &Bytes) -> Bytes {
        (self.fit)(model, body).map_or_else(|| body.clone(), Bytes::from)
    }

    /// Reads the count.
    pub fn read(&self, reply: &[u8]) -> Result<u64, Fault> {
        let node = Node::read(reply);
        node.as_ref().and_then(|node| node.at(self.number)?.as_u64()).ok_or_else(|| {
            Fault::new(FaultKind::ProviderGarbage, "The provider's token count cannot be read.")
                .detail(format!("no number `{}`", self.number.join(".")))
        })
    }
}

fn written(fill: impl FnOnce(&mut ObjectWriter<'_>)) -> Vec<u8> {
    let mut out = Vec::new();
    object(&mut out, fill);
    out
}

fn in_base64(_: &str, body: &Bytes) -> Option<Vec<u8>> {
    if Node::read(body)?.get("input").is_some() {
        return None;
    }
    let text = STANDARD.encode(body);
    Some(written(|o| o.object("input", |o| o.object("invokeModel", |o| o.text("body", &text)))))
}

fn as_converse(_: &str, body: &Bytes) -> Option<Vec<u8>> {
    let chat = Node::read(body)?;
    chat.get("input").is_none().then(|| written(|o| o.object("input", |o| o.node("converse", &chat))))
}

/// Contents alone stand at the top; what else there is has a place only in the wrapped form, which names the model.
fn as_generate_content(model: &str, body: &Bytes) -> Option<Vec<u8>> {
    let node = Node::read(body)?;
    let wrapped = wrapped(&node);
    if wrapped.is_none() && node.entries().iter().all(|(key, _)| key == "contents") {
        return None;
    }
    let chat = wrapped.unwrap_or(&node);
    let name = if model.contains('/') { model.to_owned() } else { format!("models/{model}") };
    Some(written(|o| {
        o.object("generateContentRequest", |o| {
            o.text("model", &name);
            chat.entries().iter().filter(|(key, _)| key != "model").for_each(|(key, value)| o.node(key, value));
        });
    }))
}

fn without_generate_content(_: &str, body: &Bytes) -> Option<Vec<u8>> {
    let node = Node::read(body)?;
    let chat = wrapped(&node)?;
    let kept = |key: &str| VERTEX_GEMINI.keeps.contains(&key);
    Some(written(|o| {
        chat.entries().iter().filter(|(key, _)| kept(key)).for_each(|(key, value)| o.node(key, value));
    }))
}

fn wrapped<'a, 'b>(node: &'b Node<'a>) -> Option<&'b Node<'a>> {
    node.get("generateContentRequest").or_else(|| node.get("generate_content_request"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fitted(counter: &Counter, chat: &str) -> String {
        let cut = counter.cut(&Bytes::copy_from_slice(chat.as_bytes()));
        let once = counter.fit("m", &cut);
        assert_eq!(counter.fit("m", &once), once, "fitted twice");
        String::from_utf8(once.to_vec()).unwrap()
    }

    #[test]
    fn a_count_request_has_only_what_is_counted_in_the_hosts_form() {
        let table: [(&Counter, &str, &str); 9] = [
            (
                &ANTHROPIC,
                r#"{"model":"m","max_tokens":9,"temperature":1,"messages":[],"stream":true}"#,
                r#"{"model":"m","messages":[]}"#,
            ),
            (&BEDROCK_INVOKE, r#"{"messages":[]}"#, r#"{"input":{"invokeModel":{"body":"eyJtZXNzYWdlcyI6W119"}}}"#),
            (&GEMINI, r#"{"contents":[1]}"#, r#"{"contents":[1]}"#),
            (
                &GEMINI,
                r#"{"contents":[1],"safetySettings":[],"tools":[2]}"#,
                r#"{"generateContentRequest":{"model":"models/m","contents":[1],"tools":[2]}}"#,
            ),
            (&VERTEX_GEMINI, r#"{"contents":[1],"toolConfig":{},"tools":[2]}"#, r#"{"contents":[1],"tools":[2]}"#),
            (
                &BEDROCK,
                r#"{"messages":[1],"inferenceConfig":{"maxTokens":1}}"#,
                r#"{"input":{"converse":{"messages":[1]}}}"#,
            ),
            (
                &RESPONSES,
                r#"{"model":"m","input":[],"store":false,"max_output_tokens":9}"#,
                r#"{"model":"m","input":[]}"#,
            ),
            (
                &VLLM,
                r#"{"model":"m","messages":[],"stream":true,"tools":[1]}"#,
                r#"{"model":"m","messages":[],"tools":[1]}"#,
            ),
            (&KIMI, r#"{"model":"m","messages":[],"tools":[1]}"#, r#"{"model":"m","messages":[]}"#),
        ];
        for (counter, chat, wanted) in table {
            assert_eq!(fitted(counter, chat), wanted, "{counter:?}");
        }
    }

    #[test]
    fn a_clients_wrapper_is_fitted_to_either_of_googles_hosts() {
        let wrapped = r#"{"generateContentRequest":{"model":"models/up/x","contents":[1],"toolConfig":{}}}"#;
        let wrapped = Bytes::from(wrapped);
        assert_eq!(
            &GEMINI.fit("m", &wrapped)[..],
            br#"{"generateContentRequest":{"model":"models/m","contents":[1],"toolConfig":{}}}"#
        );
        assert_eq!(&VERTEX_GEMINI.fit("m", &wrapped)[..], br#"{"contents":[1]}"#);
    }

    #[test]
    fn counts_are_read_where_they_stand() {
        for (counter, reply) in [
            (&ANTHROPIC, r#"{"input_tokens":7}"#),
            (&BEDROCK_INVOKE, r#"{"inputTokens":7}"#),
            (&GEMINI, r#"{"totalTokens":7,"promptTokensDetails":[]}"#),
            (&RESPONSES, r#"{"object":"response.input_tokens","input_tokens":7}"#),
            (&KIMI, r#"{"data":{"total_tokens":7}}"#),
            (&ZHIPU, r#"{"usage":{"prompt_tokens":7}}"#),
            (&VLLM, r#"{"count":7,"max_model_len":9,"tokens":[1]}"#),
        ] {
            assert_eq!(counter.read(reply.as_bytes()).unwrap(), 7, "{reply}");
            assert!(counter.read(br#"{"other":1}"#).is_err());
        }
    }

    #[test]
    fn a_counter_beside_the_api_stands_beside_it() {
        assert_eq!(VLLM.base("http://x:8000/v1"), "http://x:8000");
        assert_eq!(VLLM.base("http://x:8000"), "http://x:8000");
        assert_eq!(KIMI.base("https://api.moonshot.ai/v1"), "https://api.moonshot.ai/v1");
    }
}
