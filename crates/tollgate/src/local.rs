//! Model servers on this machine, found at a start without any configuration: who answers a list of models on the usual
//! port of Ollama, vLLM, SGLang, llama.cpp or LM Studio is taken for it, and its models are listed.
//!
//! The gateway serves before anybody is looked for, and takes in what was found by a swap of its configuration. It goes on
//! looking, at longer and longer intervals: a server that starts later is found, and new models of one that is known. What
//! was found once stays: who is away for a moment is no other provider.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tollgate_ir::Dialect;
use tollgate_server::app::Gateway;
use tollgate_wire::json::Node;
use tollgate_wire::providers::{self, Provider};

use crate::configure::Source;

/// Loopback connects at once or not at all.
const CONNECT: Duration = Duration::from_millis(150);
/// A server that is busy with its models may take a moment to list them.
const ANSWER: Duration = Duration::from_secs(2);
/// Most bytes of a list of models.
const LONGEST: usize = 1 << 20;

/// The first pause between two looks; each is twice the one before.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest.
const LAST_PAUSE: Duration = Duration::from_secs(30);

/// A model server that answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Who it is, by the id of the provider.
    pub provider: &'static str,
    /// Where it is.
    pub base_url: String,
    /// Its models.
    pub models: Vec<String>,
}

/// What was found, shared by all who read the configuration.
#[derive(Clone, Debug, Default)]
pub struct Neighbours(Arc<RwLock<Vec<Found>>>);

impl Neighbours {
    /// All of them.
    pub fn all(&self) -> Vec<Found> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes in what was found; what of it is new.
    fn add(&self, found: &[Found]) -> Vec<Found> {
        let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let mut news = Vec::new();
        for found in found {
            match all.iter_mut().find(|known| (known.provider, &known.base_url) == (found.provider, &found.base_url)) {
                Some(known) if known == found => {}
                Some(known) => {
                    known.clone_from(found);
                    news.push(found.clone());
                }
                None => {
                    all.push(found.clone());
                    news.push(found.clone());
                }
            }
        }
        news
    }
}

/// Where to look.
#[derive(Clone, Debug)]
struct Place {
    provider: &'static Provider,
    base_url: String,
}

/// Looks for model servers beside the running gateway, which serves them from then on. `wish` is `TOLLGATE_DISCOVER`.
pub fn discover(gateway: &Gateway, source: &Source, wish: Option<&str>) {
    let configured = gateway.state();
    let known = |provider: &Provider| {
        let configured = configured.config.providers.iter().find(|p| p.known == Some(provider.id))?;
        configured.base_url.clone()
    };
    let places = match places(wish, known) {
        Ok(places) => places,
        Err(problem) => return tracing::warn!("TOLLGATE_DISCOVER: {problem}"),
    };
    let (gateway, source) = (gateway.clone(), source.clone());
    gateway.clone().tasks().background("local-models", async move {
        let mut pause = FIRST_PAUSE;
        while !places.is_empty() {
            let news = source.neighbours().add(&look(&places).await);
            if !news.is_empty() {
                take_in(&gateway, &source, &news);
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LAST_PAUSE);
        }
    });
}

/// Serves what was found.
fn take_in(gateway: &Gateway, source: &Source, news: &[Found]) {
    for server in news {
        tracing::info!(provider = server.provider, url = server.base_url, models = server.models.len(), "found");
    }
    match source.state() {
        Ok(state) => gateway.swap(state),
        Err(problems) => tracing::warn!("what was found on this machine is not used: {problems}"),
    }
}

/// The usual ports, or what `wish` says: `off`, or `ollama=http://127.0.0.1:11500` and the like. A server that the
/// environment names is looked for there, to list its models.
fn places(wish: Option<&str>, known: impl Fn(&Provider) -> Option<String>) -> Result<Vec<Place>, String> {
    let local = || providers::ALL.iter().filter(|p| p.looked_for);
    let Some(wish) = wish.map(str::trim).filter(|wish| !matches!(*wish, "" | "on")) else {
        let place = |provider| Place { provider, base_url: known(provider).unwrap_or(provider.base_url.to_owned()) };
        return Ok(local().map(place).collect());
    };
    if wish == "off" {
        return Ok(Vec::new());
    }
    let place = |word: &str| {
        let (id, base_url) = word.split_once('=').ok_or_else(|| {
            format!("`{word}` is neither `off` nor `server=address`, such as `ollama=http://127.0.0.1:11434`")
        })?;
        let provider = local().find(|p| p.id == id.trim()).ok_or_else(|| {
            let ids: Vec<_> = local().map(|p| p.id).collect();
            format!("`{id}` is no server that can be found; use one of {}", ids.join(", "))
        })?;
        Ok(Place { provider, base_url: base_url.trim().trim_end_matches('/').to_owned() })
    };
    wish.split(',').map(place).collect()
}

/// Looks everywhere at once; in the order of the places.
async fn look(places: &[Place]) -> Vec<Found> {
    let mut looking = JoinSet::new();
    for (order, Place { provider, base_url }) in places.iter().cloned().enumerate() {
        let Some(way) = provider.speaks.iter().find(|way| way.dialect == Dialect::OpenAiChat) else { continue };
        let list = format!("{}/models", provider.beside(way, &base_url));
        looking.spawn(async move {
            let models = timeout(ANSWER, models(&list)).await.ok()??;
            Some((order, Found { provider: provider.id, base_url, models }))
        });
    }
    let mut found: Vec<_> = looking.join_all().await.into_iter().flatten().collect();
    found.sort_by_key(|(order, _)| *order);
    found.into_iter().map(|(_, found)| found).collect()
}

/// The models that are listed at this address; `None` if nobody is there, or somebody else.
async fn models(url: &str) -> Option<Vec<String>> {
    let (authority, path) = url.strip_prefix("http://")?.split_once('/')?;
    let (host, port) = authority.rsplit_once(':').unwrap_or((authority, "80"));
    // Servers for this machine alone listen on its IPv4 address, whatever `localhost` is first.
    let host = if host == "localhost" { "127.0.0.1" } else { host };
    let address = (host.trim_matches(['[', ']']), port.parse().ok()?);
    let mut stream = timeout(CONNECT, TcpStream::connect(address)).await.ok()?.ok()?;
    // HTTP/1.0: the body comes unchunked, and ends by its length or with the connection.
    let request = format!("GET /{path} HTTP/1.0\r\nhost: {authority}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.ok()?;
    let mut answer = Vec::new();
    while !is_whole(&answer) && answer.len() < LONGEST && stream.read_buf(&mut answer).await.ok()? > 0 {}
    listed(&answer)
}

/// Head and body of an answer; `None` while the head is not all there.
fn head_and_body(answer: &[u8]) -> Option<(String, &[u8])> {
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n")?;
    Some((std::str::from_utf8(&answer[..end]).ok()?.to_ascii_lowercase(), &answer[end + 4..]))
}

/// Whether all that was announced is there.
fn is_whole(answer: &[u8]) -> bool {
    let Some((head, body)) = head_and_body(answer) else { return false };
    let length = head.split("\r\n").find_map(|line| line.strip_prefix("content-length:"));
    length.and_then(|length| length.trim().parse().ok()).is_some_and(|length: usize| body.len() >= length)
}

/// The models in an answer.
fn listed(answer: &[u8]) -> Option<Vec<String>> {
    let (head, body) = head_and_body(answer)?;
    let (status, headers) = head.split_once("\r\n").unwrap_or((&head, ""));
    if status.split(' ').nth(1) != Some("200") || !headers.contains("content-type: application/json") {
        return None;
    }
    let body = Node::read(body)?;
    // Ollama without any model says `null`.
    let is_list = body.text("object") == Some("list") || body.get("models").is_some();
    let list = body.get("data").or_else(|| body.get("models")).unwrap_or(&Node::Null);
    let id = |model: &Node<'_>| model.text("id").or_else(|| model.text("name")).map(str::to_owned);
    (is_list || body.get("data").is_some()).then(|| list.items().iter().filter_map(id).collect())
}

/// The addresses of what was found, by the environment variable that would name them.
pub fn variables(found: &[Found]) -> HashMap<&'static str, String> {
    let variable = |found: &Found| {
        let provider = providers::find(found.provider)?;
        Some((*provider.url_variables.first()?, found.base_url.clone()))
    };
    found.iter().filter_map(variable).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_models_is_told_from_any_other_answer() {
        let json = "HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n";
        for (answer, models) in [
            (format!(r#"{json}{{"object":"list","data":[{{"id":"a:1b"}},{{"id":"b"}}]}}"#), Some(vec!["a:1b", "b"])),
            (format!(r#"{json}{{"models":[{{"name":"a"}}]}}"#), Some(vec!["a"])),
            (format!(r#"{json}{{"object":"list","data":[]}}"#), Some(vec![])),
            (format!(r#"{json}{{"object":"list","data":null}}"#), Some(vec![])),
            (format!(r#"{json}{{"error":"no"}}"#), None),
            (format!("{json}{{"), None),
            ("HTTP/1.1 200 OK\r\ncontent-type: text/html\r\n\r\n{}".to_owned(), None),
            ("HTTP/1.1 404 Not Found\r\ncontent-type: application/json\r\n\r\n{\"data\":[]}".to_owned(), None),
            ("200".to_owned(), None),
        ] {
            let models = models.map(|all| all.into_iter().map(str::to_owned).collect());
            assert_eq!(listed(answer.as_bytes()), models, "{answer}");
        }
    }

    #[test]
    fn what_is_found_is_told_once_and_kept() {
        let found = |models: &[&str]| Found {
            provider: "ollama",
            base_url: "http://localhost:11434".to_owned(),
            models: models.iter().map(|model| (*model).to_owned()).collect(),
        };
        let neighbours = Neighbours::default();
        for (answer, news) in
            [(vec![found(&["a"])], 1), (vec![found(&["a"])], 0), (vec![], 0), (vec![found(&["a", "b"])], 1)]
        {
            assert_eq!(neighbours.add(&answer).len(), news, "{answer:?}");
        }
        assert_eq!(neighbours.all(), [found(&["a", "b"])]);
    }

    #[test]
    fn places_are_the_usual_ones_or_those_wished_for() {
        let usual = places(None, |_| None).unwrap();
        for (id, port) in [("ollama", 11434), ("vllm", 8000), ("sglang", 30000), ("llamacpp", 8080), ("lmstudio", 1234)]
        {
            let place = usual.iter().find(|p| p.provider.id == id).unwrap();
            assert!(place.base_url.contains(&format!("localhost:{port}")), "{place:?}");
        }
        let elsewhere = places(Some("on"), |p| (p.id == "vllm").then(|| "http://box:9/v1".to_owned())).unwrap();
        assert!(elsewhere.iter().any(|p| p.provider.id == "vllm" && p.base_url == "http://box:9/v1"));
        assert!(places(Some("off"), |_| None).unwrap().is_empty());
        let wished = places(Some("ollama=http://127.0.0.1:1/, vllm=http://127.0.0.1:2/v1"), |_| None).unwrap();
        let urls: Vec<_> = wished.iter().map(|p| p.base_url.as_str()).collect();
        assert_eq!(urls, ["http://127.0.0.1:1", "http://127.0.0.1:2/v1"]);
        assert!(places(Some("openai=http://127.0.0.1:1"), |_| None).unwrap_err().contains("use one of ollama"));
    }
}
