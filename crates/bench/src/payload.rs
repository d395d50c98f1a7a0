//! What clients send: the same conversation in three dialects, in five sizes. The name of the model tells the upstream what
//! to answer, since gateways hand on no foreign headers.

use std::fmt::Write;

/// The gateway key of the load.
pub const KEY: &str = "tg-bench-0123456789abcdef0123456789abcdef";

/// The dialect of the client's side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "load", derive(clap::ValueEnum))]
pub enum Face {
    /// OpenAI Chat Completions.
    Chat,
    /// Anthropic Messages.
    Anthropic,
}

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "load", derive(clap::ValueEnum))]
pub enum Payload {
    /// One question, 300 bytes.
    Small,
    /// A question of 2 kB.
    Short,
    /// A conversation of 8 kB.
    Talk,
    /// A document of 100 kB.
    Document,
    /// A question with 20 tools, about 10 kB.
    Tools,
    /// An image of 1 MB in base64.
    Image,
}

impl Payload {
    /// Its name in reports.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Small => "300 B",
            Self::Short => "2 kB",
            Self::Talk => "8 kB",
            Self::Document => "100 kB",
            Self::Tools => "20 tools",
            Self::Image => "1 MB image",
        }
    }
}

/// A whole HTTP/1.1 request, ready to be written again and again.
pub fn request(face: Face, payload: Payload, model: &str, stream: bool) -> Vec<u8> {
    let body = body(face, payload, model, stream);
    let path = match face {
        Face::Chat => "/v1/chat/completions",
        Face::Anthropic => "/v1/messages",
    };
    let mut out = format!(
        "POST {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {KEY}\r\ncontent-type: application/json\r\n\
         accept: application/json\r\nuser-agent: bench\r\n"
    );
    if face == Face::Anthropic {
        out.push_str("anthropic-version: 2023-06-01\r\n");
    }
    let _ = write!(out, "content-length: {}\r\n\r\n", body.len());
    out.push_str(&body);
    out.into_bytes()
}

/// The body alone.
pub fn body(face: Face, payload: Payload, model: &str, stream: bool) -> String {
    let mut out = format!("{{\"model\":\"{model}\",");
    if stream {
        out.push_str("\"stream\":true,");
        if face == Face::Chat {
            out.push_str("\"stream_options\":{\"include_usage\":true},");
        }
    }
    out.push_str("\"max_tokens\":256,\"messages\":[");
    match payload {
        Payload::Small => out.push_str(&turn("user", &prose(130))),
        Payload::Short => out.push_str(&turn("user", &prose(1_800))),
        Payload::Talk => {
            let turns: Vec<String> =
                (0..9).map(|i| turn(if i % 2 == 0 { "user" } else { "assistant" }, &prose(820))).collect();
            out.push_str(&turns.join(","));
        }
        Payload::Document => out.push_str(&turn("user", &prose(100_000))),
        Payload::Tools => out.push_str(&turn("user", &prose(400))),
        Payload::Image => out.push_str(&image(face)),
    }
    out.push(']');
    if payload == Payload::Tools {
        let tools: Vec<String> = (0..20).map(|i| tool(face, i)).collect();
        let _ = write!(out, ",\"tools\":[{}]", tools.join(","));
    }
    out.push('}');
    out
}

fn turn(role: &str, text: &str) -> String {
    format!("{{\"role\":\"{role}\",\"content\":\"{text}\"}}")
}

/// Text as it stands in JSON, with the escapes that prompts have: line breaks and quotes.
fn prose(bytes: usize) -> String {
    const LINE: &str =
        "The \\\"quick\\\" brown fox looks over the lazy dog, and asks what the weather will be like.\\n";
    let mut out = String::with_capacity(bytes + LINE.len());
    while out.len() + LINE.len() <= bytes {
        out.push_str(LINE);
    }
    while out.len() < bytes {
        out.push('x');
    }
    out
}

fn image(face: Face) -> String {
    let data = "iVBORw0KGgoAAAANSUhEUgAA/+8BQAAASUVORK5CYII0".repeat(1_000_000 / 44);
    match face {
        Face::Chat => format!(
            "{{\"role\":\"user\",\"content\":[{{\"type\":\"text\",\"text\":\"What is this?\"}},{{\"type\":\"image_url\",\
             \"image_url\":{{\"url\":\"data:image/png;base64,{data}\"}}}}]}}"
        ),
        Face::Anthropic => format!(
            "{{\"role\":\"user\",\"content\":[{{\"type\":\"text\",\"text\":\"What is this?\"}},{{\"type\":\"image\",\
             \"source\":{{\"type\":\"base64\",\"media_type\":\"image/png\",\"data\":\"{data}\"}}}}]}}"
        ),
    }
}

fn tool(face: Face, index: usize) -> String {
    let schema = "{\"type\":\"object\",\"properties\":{\"city\":{\"type\":\"string\",\"description\":\"The city, such as Paris or \
                  Berlin\"},\"unit\":{\"type\":\"string\",\"enum\":[\"celsius\",\"fahrenheit\"]},\"days\":{\"type\":\"integer\",\
                  \"minimum\":1,\"maximum\":14}},\"required\":[\"city\"]}";
    let about =
        "Looks up the weather of a place for some days, with wind and rain, as the service of the country tells it.";
    match face {
        Face::Chat => format!(
            "{{\"type\":\"function\",\"function\":{{\"name\":\"weather_{index}\",\"description\":\"{about}\",\"parameters\":{schema}}}}}"
        ),
        Face::Anthropic => {
            format!("{{\"name\":\"weather_{index}\",\"description\":\"{about}\",\"input_schema\":{schema}}}")
        }
    }
}
