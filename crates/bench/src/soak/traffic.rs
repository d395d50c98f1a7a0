//! What clients of every kind do to a gateway: a table of calls, each with the answer that it must get.

use std::net::SocketAddr;
use std::time::Duration;

use crate::load::client::Connection;
use tollgate_bench::payload::{Face, KEY, Payload, request};

/// One kind of call.
pub struct Kind {
    /// Its name in the report.
    pub name: &'static str,
    request: Vec<u8>,
    /// What its status must be.
    expected: Expected,
    /// The client leaves after the stream's first word.
    leaves: bool,
}

#[derive(Clone, Copy)]
enum Expected {
    Served,
    /// The client's mistake: 4xx.
    Refused,
    /// The provider's: 4xx or 5xx.
    Failed,
}

/// A call may take so long.
const PATIENCE: Duration = Duration::from_secs(30);

impl Kind {
    /// Makes the call, on a connection that was kept if it can be.
    ///
    /// # Errors
    ///
    /// What was wrong with the answer.
    pub async fn call(&self, kept: Option<Connection>, address: SocketAddr) -> Result<Ended, String> {
        let calling = async {
            let mut connection = match kept {
                Some(connection) => connection,
                None => Connection::open(address).await?,
            };
            let status = if self.leaves {
                connection.first_word(&self.request).await?
            } else {
                connection.exchange(&self.request, |_| {}).await?
            };
            Ok::<_, std::io::Error>((status, connection))
        };
        match tokio::time::timeout(PATIENCE, calling).await {
            Err(_) => Err(format!("{}: no answer", self.name)),
            Ok(Err(error)) => Err(format!("{}: {error}", self.name)),
            Ok(Ok((200, connection))) if matches!(self.expected, Expected::Served) => {
                Ok(Ended::Right((!self.leaves).then_some(connection)))
            }
            Ok(Ok((status, _))) if self.expected.is(status) => Ok(Ended::Right(None)),
            Ok(Ok((503, _))) => Ok(Ended::InARush),
            Ok(Ok((status, _))) => Err(format!("{}: status {status}", self.name)),
        }
    }
}

/// How a call ended that was answered as it may be.
pub enum Ended {
    /// As it should; the connection is good for more.
    Right(Option<Connection>),
    /// The gateway, or a provider of one's own, had no time: no leak, and told apart.
    InARush,
}

impl Expected {
    const fn is(self, status: u16) -> bool {
        match self {
            Self::Served => status == 200,
            Self::Refused => status >= 400 && status < 500,
            Self::Failed => status >= 400,
        }
    }
}

/// The mixture; each is called as often as it stands here.
pub fn kinds() -> Vec<Kind> {
    use Expected::{Failed, Refused, Served};
    use Face::{Anthropic, Chat};
    use Payload::{Document, Image, Small, Talk, Tools};
    let kind = |name, request, expected, leaves| Kind { name, request, expected, leaves };
    let whole = |name, face, payload, model| kind(name, request(face, payload, model, false), Served, false);
    let stream = |name, face, model| kind(name, request(face, Small, model, true), Served, false);
    let left = |name, face, model| kind(name, request(face, Small, model, true), Served, true);
    let refused = |name, bytes| kind(name, bytes, Refused, false);
    let plain = |path: &str, body: &str| post(path, KEY, body);
    vec![
        whole("relay", Chat, Small, "up/w-300"),
        whole("relay of 8 kB", Chat, Talk, "up/w-300"),
        whole("chat→anthropic, tools", Chat, Tools, "claude/w-300"),
        whole("anthropic→chat", Anthropic, Small, "up/w-300"),
        whole("chat→gemini", Chat, Small, "gem/w-300"),
        kind("responses→chat", plain("/v1/responses", RESPONSES), Served, false),
        kind("gemini→chat", plain("/v1beta/models/up%2Fw-300:generateContent", GEMINI), Served, false),
        whole("relay, TLS", Chat, Small, "up-tls/w-300"),
        whole("relay, h2", Chat, Small, "up-h2/w-300"),
        stream("paced stream", Chat, "up/s-50-20000"),
        stream("paced stream, chat→anthropic", Chat, "claude/s-50-20000"),
        stream("paced stream, anthropic→chat", Anthropic, "up/s-25-20000"),
        stream("flood", Chat, "up/s-200-0"),
        stream("flood, chat→anthropic", Chat, "claude/s-200-0"),
        stream("paced stream, h2", Chat, "up-h2/s-25-20000"),
        left("client leaves", Chat, "up/s-500-5000"),
        left("client leaves, chat→anthropic", Chat, "claude/s-500-5000"),
        left("client leaves a silent stream", Anthropic, "up/h"),
        left("client leaves, h2", Chat, "up-h2/s-500-5000"),
        stream("stream that breaks off", Chat, "bad/b-20"),
        kind("provider fails", request(Chat, Small, "bad/e-500", false), Failed, false),
        kind("provider refuses", request(Chat, Small, "bad/e-400", false), Refused, false),
        refused("no such model", request(Chat, Small, "nobody/model", false)),
        refused("no JSON", plain("/v1/chat/completions", "{\"model\":\"up/w-300\",")),
        refused("no such key", post("/v1/chat/completions", "tg-nobody", "{\"model\":\"up/w-300\"}")),
        whole("100 kB", Chat, Document, "up/w-300"),
        whole("100 kB, chat→anthropic", Chat, Document, "claude/w-300"),
        whole("image of 1 MB", Chat, Image, "up/w-300"),
        whole("image of 1 MB, chat→anthropic", Chat, Image, "claude/w-300"),
    ]
}

/// `store: false`: what a gateway keeps of responses on purpose has bounds of its own, and would be taken for a leak.
const RESPONSES: &str = "{\"model\":\"up/w-300\",\"store\":false,\"input\":\"What will the weather be?\"}";
const GEMINI: &str = "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"What will the weather be?\"}]}]}";

fn post(path: &str, key: &str, body: &str) -> Vec<u8> {
    format!(
        "POST {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {key}\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}
