//! OpenAI's legacy `/v1/completions` over models that only chat: a prompt becomes the user's turn, an answer's text the
//! completion. Sources: OpenAI, “Completions (legacy)”.

use tollgate_ir::{Fault, FaultKind, Losses, Reason};

use crate::json::{ArrayWriter, Fields, Node, ObjectWriter, object, wrong};

/// What the legacy endpoint takes for `max_tokens` when it is absent.
const USUAL_MAX_TOKENS: u64 = 16;

/// Fields that mean the same in a chat request.
const SAME: &[&str] = &[
    "model",
    "temperature",
    "top_p",
    "n",
    "stop",
    "seed",
    "stream",
    "stream_options",
    "presence_penalty",
    "frequency_penalty",
    "logit_bias",
    "user",
];

/// A completion request as chat requests, one for each prompt.
#[derive(Clone, Debug, PartialEq)]
pub struct Chats {
    /// Their bodies.
    pub bodies: Vec<Vec<u8>>,
    /// What stands before the answers: the prompts, where they are to be repeated.
    pub echoes: Vec<String>,
    /// Answers to each prompt.
    pub n: u64,
}

/// Reads a client's request. Token ids and insertions are refused: no chat can do them.
pub fn to_chats(body: &[u8], losses: &mut Losses) -> Result<Chats, Fault> {
    let node = Node::parse(body)?;
    let same: Vec<_> = node.entries().iter().filter(|(key, _)| SAME.contains(&key.as_ref())).cloned().collect();
    let n = node.uint("n").unwrap_or(1).max(1);
    let mut fields = Fields::new(node, "")?;
    fields.ignore(SAME);
    let prompts = prompts(fields.take("prompt"))?;
    if fields.text("suffix")?.is_some_and(|suffix| !suffix.is_empty()) {
        return Err(no_chat("suffix", "Text between a prompt and a suffix"));
    }
    let echo = fields.boolean("echo")?.unwrap_or(false);
    let logprobs = match fields.take("logprobs") {
        None | Some(Node::Bool(false)) => None,
        Some(node) => Some(node.as_u64().ok_or_else(|| wrong("logprobs", "a whole number", &node))?),
    };
    let max_tokens = fields.uint("max_tokens")?.unwrap_or(USUAL_MAX_TOKENS);
    if fields.uint("best_of")?.is_some_and(|best| best > n) {
        losses.path("best_of", Reason::Dropped);
    }
    fields.report_rest(losses);
    let chat = |prompt: &String| {
        let mut out = Vec::new();
        object(&mut out, |o| {
            same.iter().filter(|(_, value)| *value != Node::Null).for_each(|(key, value)| o.node(key, value));
            o.array("messages", |a| {
                a.object(|o| {
                    o.text("role", "user");
                    o.text("content", prompt);
                });
            });
            o.uint("max_tokens", max_tokens);
            if let Some(top) = logprobs {
                o.boolean("logprobs", true);
                o.uint("top_logprobs", top);
            }
        });
        out
    };
    let bodies = prompts.iter().map(chat).collect();
    let echoes = prompts.into_iter().map(|prompt| if echo { prompt } else { String::new() }).collect();
    Ok(Chats { bodies, echoes, n })
}

fn prompts(node: Option<Node<'_>>) -> Result<Vec<String>, Fault> {
    match node {
        None => Err(Fault::field("prompt", "Missing required field: `prompt`.")),
        Some(Node::Text(text)) => Ok(vec![text.into_owned()]),
        Some(Node::Array(items)) if items.is_empty() => Err(Fault::field("prompt", "`prompt` must hold something.")),
        Some(Node::Array(items)) => items
            .into_iter()
            .enumerate()
            .map(|(i, item)| match item {
                Node::Text(text) => Ok(text.into_owned()),
                Node::Number(_) | Node::Array(_) => Err(no_chat("prompt", "Token ids")),
                other => Err(wrong(&format!("prompt[{i}]"), "a text", &other)),
            })
            .collect(),
        Some(other) => Err(wrong("prompt", "a text or a list of texts", &other)),
    }
}

fn no_chat(field: &str, what: &str) -> Fault {
    let mut fault = Fault::new(
        FaultKind::UnsupportedContent,
        format!("`{field}`: this model only chats. {what} can be sent to models of `/v1/completions` alone."),
    );
    fault.param = Some(field.to_owned());
    fault
}

/// The answers to all prompts as one completion. `id` where there is none.
pub fn from_chats(replies: &[impl AsRef<[u8]>], chats: &Chats) -> Vec<u8> {
    let nodes: Vec<Node<'_>> = replies.iter().filter_map(|reply| Node::read(reply.as_ref())).collect();
    let sum = |key: &str| nodes.iter().filter_map(|n| n.at(&["usage", key])?.as_u64()).sum::<u64>();
    let mut out = Vec::new();
    object(&mut out, |o| {
        head(o, nodes.first().unwrap_or(&Node::Null));
        o.array("choices", |a| {
            for (i, (node, echo)) in nodes.iter().zip(&chats.echoes).enumerate() {
                for choice in node.get("choices").map(Node::items).unwrap_or_default() {
                    let text = choice.at(&["message", "content"]).and_then(Node::as_str).unwrap_or_default();
                    let index = i as u64 * chats.n + choice.uint("index").unwrap_or(0);
                    write_choice(a, &format!("{echo}{text}"), index, choice, echo.len());
                }
            }
        });
        match nodes.as_slice() {
            [one] => {
                if let Some(usage) = one.get("usage") {
                    o.node("usage", usage);
                }
            }
            _ => o.object("usage", |o| {
                ["prompt_tokens", "completion_tokens", "total_tokens"].iter().for_each(|key| o.uint(key, sum(key)));
            }),
        }
    });
    out
}

/// A whole completion as the events of a stream.
pub fn as_events(completion: &[u8]) -> Vec<u8> {
    let mut out = b"data: ".to_vec();
    out.extend_from_slice(completion);
    out.extend_from_slice(b"\n\ndata: [DONE]\n\n");
    out
}

/// The chunk of a chat's stream as one of a completion's; `None` where it says nothing there (a role alone). `echoed`
/// holds the choices whose prompt went out.
pub fn chunk(data: &[u8], echo: &str, echoed: &mut Vec<u64>) -> Option<Vec<u8>> {
    let node = Node::read(data)?;
    let choices = node.get("choices").map(Node::items).unwrap_or_default();
    if node.get("error").is_some() {
        return Some(data.to_vec());
    }
    let says = |choice: &Node<'_>| {
        choice.at(&["delta", "content"]).and_then(Node::as_str).is_some_and(|t| !t.is_empty())
            || choice.get("finish_reason").is_some()
    };
    let usage = node.get("usage");
    if usage.is_none() && !choices.iter().any(says) {
        return None;
    }
    let mut out = Vec::new();
    object(&mut out, |o| {
        head(o, &node);
        o.array("choices", |a| {
            for choice in choices.iter().filter(|c| says(c)) {
                let index = choice.uint("index").unwrap_or(0);
                let before = if echoed.contains(&index) { "" } else { echo };
                echoed.push(index);
                let text = choice.at(&["delta", "content"]).and_then(Node::as_str).unwrap_or_default();
                write_choice(a, &format!("{before}{text}"), index, choice, before.len());
            }
        });
        if let Some(usage) = usage {
            o.node("usage", usage);
        }
    });
    Some(out)
}

fn head(o: &mut ObjectWriter<'_>, chat: &Node<'_>) {
    let id = chat.text("id").unwrap_or_default();
    o.text("id", &format!("cmpl-{}", id.strip_prefix("chatcmpl-").unwrap_or(id)));
    o.text("object", "text_completion");
    o.uint("created", chat.uint("created").unwrap_or(0));
    o.text("model", chat.text("model").unwrap_or_default());
    o.opt_text("system_fingerprint", chat.text("system_fingerprint"));
}

fn write_choice(a: &mut ArrayWriter<'_>, text: &str, index: u64, choice: &Node<'_>, offset: usize) {
    a.object(|o| {
        o.text("text", text);
        o.uint("index", index);
        match choice.at(&["logprobs", "content"]) {
            Some(tokens) => o.object("logprobs", |o| logprobs(o, tokens.items(), offset)),
            None => o.null("logprobs"),
        }
        let reason = choice.text("finish_reason").map(|reason| match reason {
            "length" | "content_filter" => reason,
            _ => "stop",
        });
        o.text_or_null("finish_reason", reason);
    });
}

fn logprobs(o: &mut ObjectWriter<'_>, tokens: &[Node<'_>], offset: usize) {
    o.array("tokens", |a| tokens.iter().for_each(|t| a.text(t.text("token").unwrap_or_default())));
    o.array("token_logprobs", |a| {
        tokens.iter().for_each(|t| a.float(t.get("logprob").and_then(Node::as_f64).unwrap_or_default()));
    });
    o.array("top_logprobs", |a| {
        for token in tokens {
            a.object(|o| {
                for top in token.get("top_logprobs").map(Node::items).unwrap_or_default() {
                    let logprob = top.get("logprob").and_then(Node::as_f64).unwrap_or_default();
                    o.float(top.text("token").unwrap_or_default(), logprob);
                }
            });
        }
    });
    o.array("text_offset", |a| {
        let mut at = offset;
        for token in tokens {
            a.uint(at as u64);
            at += token.text("token").unwrap_or_default().chars().count();
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chats(body: &str) -> Result<Chats, Fault> {
        to_chats(body.as_bytes(), &mut Losses::new(|_| ""))
    }

    #[test]
    fn a_prompt_is_the_users_turn() {
        let chats = chats(r#"{"model":"m","prompt":"Say hi","max_tokens":5,"logprobs":2,"stop":["."],"stream":true,"echo":true,"user":null}"#).unwrap();
        assert_eq!(
            String::from_utf8(chats.bodies[0].clone()).unwrap(),
            r#"{"model":"m","stop":["."],"stream":true,"messages":[{"role":"user","content":"Say hi"}],"max_tokens":5,"logprobs":true,"top_logprobs":2}"#
        );
        assert_eq!(chats.echoes, ["Say hi"]);
    }

    #[test]
    fn what_no_chat_can_do_is_refused_by_name() {
        for (body, field) in [
            (r#"{"model":"m","prompt":[1,2]}"#, "prompt"),
            (r#"{"model":"m","prompt":[[1],[2]]}"#, "prompt"),
            (r#"{"model":"m","prompt":"a","suffix":"b"}"#, "suffix"),
            (r#"{"model":"m"}"#, "prompt"),
        ] {
            assert_eq!(chats(body).unwrap_err().param.as_deref(), Some(field), "{body}");
        }
        let mut losses = Losses::new(|_| "");
        to_chats(br#"{"model":"m","prompt":"a","best_of":3,"odd":1}"#, &mut losses).unwrap();
        assert_eq!(losses.dropped().map(|l| l.path.as_str()).collect::<Vec<_>>(), ["best_of", "odd"]);
    }

    #[test]
    fn answers_are_numbered_over_all_prompts() {
        let asked = chats(r#"{"model":"m","prompt":["a","b"],"n":2,"echo":true}"#).unwrap();
        let reply = |t: &str| {
            format!(
                r#"{{"id":"chatcmpl-1","created":7,"model":"m","choices":[{{"index":0,"message":{{"content":"{t}0"}},"finish_reason":"stop"}},{{"index":1,"message":{{"content":"{t}1"}},"finish_reason":"length"}}],"usage":{{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}}}}"#
            )
        };
        let whole = from_chats(&[reply("x"), reply("y")], &asked);
        assert_eq!(
            String::from_utf8(whole).unwrap(),
            r#"{"id":"cmpl-1","object":"text_completion","created":7,"model":"m","choices":[{"text":"ax0","index":0,"logprobs":null,"finish_reason":"stop"},{"text":"ax1","index":1,"logprobs":null,"finish_reason":"length"},{"text":"by0","index":2,"logprobs":null,"finish_reason":"stop"},{"text":"by1","index":3,"logprobs":null,"finish_reason":"length"}],"usage":{"prompt_tokens":2,"completion_tokens":4,"total_tokens":6}}"#
        );
    }

    #[test]
    fn a_streams_chunks_hold_texts() {
        let mut echoed = Vec::new();
        let role = br#"{"id":"chatcmpl-1","created":7,"model":"m","choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}"#;
        assert_eq!(chunk(role, "a", &mut echoed), None);
        let text = br#"{"id":"chatcmpl-1","created":7,"model":"m","choices":[{"index":0,"delta":{"content":"hi"},"finish_reason":null}]}"#;
        let out = |c: Option<Vec<u8>>| String::from_utf8(c.unwrap()).unwrap();
        assert!(out(chunk(text, "a", &mut echoed)).contains(r#""text":"ahi""#));
        assert!(out(chunk(text, "a", &mut echoed)).contains(r#""text":"hi""#));
        let usage = br#"{"id":"chatcmpl-1","created":7,"model":"m","choices":[],"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}"#;
        assert!(out(chunk(usage, "", &mut echoed)).contains(r#""choices":[],"usage""#));
    }
}
