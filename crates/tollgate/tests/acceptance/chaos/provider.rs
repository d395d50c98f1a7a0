//! Four providers of four dialects that answer each call with words of its own, if the weather lets them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use tollgate_ir::Dialect;
use tollgate_testkit::{Received, Script, ScriptedUpstream, Step};

use super::weather::{PROVIDERS, Weather, hash, unit, weather};
use crate::faces::{self, Spoken};

/// What each speaks.
pub const SPEAKS: [Dialect; PROVIDERS] =
    [Dialect::OpenAiChat, Dialect::Anthropic, Dialect::Gemini, Dialect::OpenAiResponses];

/// What a call is known by in its prompt.
pub fn prompt(call: usize) -> String {
    format!("call-{call:07}")
}

/// The words that answer a call: no two calls have the same, so that an answer that went astray shows.
pub fn words(call: usize) -> Vec<String> {
    const WORDS: [&str; 8] = ["toll", "gate", "bridge", "süß", "漢字", "🚦", "river", "ferry"];
    let count = 3 + hash(&[7, call as u64]) % 20;
    let word = |i: u64| format!(" {}{}", WORDS[(hash(&[8, call as u64, i]) % 8) as usize], i);
    std::iter::once(format!("{call:07}:")).chain((0..count).map(word)).collect()
}

/// How often each call has come to whom.
type Asked = Arc<Mutex<HashMap<(usize, usize), usize>>>;

/// The providers, and how many requests each call has cost so far.
pub struct Providers {
    pub all: Vec<ScriptedUpstream>,
    asked: Asked,
}

impl Providers {
    pub async fn start(seed: u64) -> Self {
        let asked: Asked = Arc::default();
        let mut all = Vec::new();
        for provider in 0..PROVIDERS {
            let asked = Arc::clone(&asked);
            all.push(
                ScriptedUpstream::forgetful(move |request| {
                    let call = call_of(request);
                    let attempt = {
                        let mut asked = asked.lock().unwrap();
                        let count = asked.entry((call, provider)).or_default();
                        *count += 1;
                        *count - 1
                    };
                    answer(seed, call, provider, attempt, is_streamed(request))
                })
                .await,
            );
        }
        Self { all, asked }
    }

    /// Requests for calls of a kind.
    pub fn requests(&self, of: impl Fn(usize) -> bool) -> usize {
        self.asked.lock().unwrap().iter().filter(|((call, _), _)| of(*call)).map(|(_, count)| count).sum()
    }
}

fn call_of(request: &Received) -> usize {
    let body = String::from_utf8_lossy(&request.body);
    let number = body.split_once("call-").and_then(|(_, rest)| rest.get(..7)).and_then(|digits| digits.parse().ok());
    number.unwrap_or_else(|| panic!("no call's number in {body}"))
}

fn is_streamed(request: &Received) -> bool {
    request.target.contains("streamGenerateContent")
        || String::from_utf8_lossy(&request.body).replace(' ', "").contains(r#""stream":true"#)
}

fn answer(seed: u64, call: usize, provider: usize, attempt: usize, stream: bool) -> Script {
    let dialect = SPEAKS[provider];
    let draw = [seed, 6, call as u64, provider as u64, attempt as u64];
    let good = good(dialect, call, stream);
    let refusal = |status, message: &str| Script::json(status, error(dialect, status, message));
    match weather(seed, call, provider, attempt) {
        Weather::Fair => good,
        Weather::Limited => refusal(429, "Too many requests").header("retry-after", "1"),
        Weather::LimitedSilently => refusal(429, "Too many requests"),
        Weather::UsedUp => refusal(429, "You exceeded your current quota"),
        Weather::Overloaded => refusal([503, 529][(hash(&draw) % 2) as usize], "Overloaded"),
        Weather::Failing => refusal([500, 502][(hash(&draw) % 2) as usize], "Something went wrong"),
        Weather::Refused => refusal([401, 403][(hash(&draw) % 2) as usize], "Invalid key"),
        Weather::Slow => late(good),
        Weather::StalledAfterHead => stalled(good, 0),
        Weather::StalledAfterWords => {
            let chunks = good.steps.len();
            stalled(good, if stream { chunks / 2 } else { 0 })
        }
        Weather::Loris => loris(&good),
        Weather::Reset => good.broken_at(unit(&draw), Step::Reset),
        Weather::Cut => good.broken_at(unit(&draw), Step::Cut),
        Weather::Unfinished => unfinished(good, unit(&draw)),
        Weather::ErrorInside if stream => error_inside(dialect, good, unit(&draw)),
        Weather::ErrorInside => refusal(500, "Something went wrong"),
        Weather::Garbage => garbage(good, &draw),
        Weather::Page => Script::status(200)
            .header("content-type", "text/html")
            .chunk("<html><body>Are you a human? <form></form></body></html>"),
        Weather::Empty => empty(dialect, stream),
    }
}

/// As a healthy provider answers.
fn good(dialect: Dialect, call: usize, stream: bool) -> Script {
    let words = words(call);
    if !stream {
        return Script::json(200, faces::whole(dialect).replace("Hello there", &words.concat()))
            .header("x-request-id", "r");
    }
    let spoken = Spoken::of(dialect);
    let template = String::from_utf8(spoken.content[0].to_vec()).unwrap();
    let content = words.iter().map(|word| Bytes::from(template.replace("Hello", word)));
    let end = spoken
        .end
        .iter()
        .map(|piece| Bytes::from(String::from_utf8(piece.to_vec()).unwrap().replace("Hello there", &words.concat())));
    spoken.script(spoken.lifecycle.iter().cloned().chain(content).chain(end))
}

fn error(dialect: Dialect, status: u16, message: &str) -> String {
    match dialect {
        Dialect::Anthropic => {
            format!(r#"{{"type":"error","error":{{"type":"api_error","message":"{message}"}}}}"#)
        }
        Dialect::Gemini => {
            format!(r#"{{"error":{{"code":{status},"message":"{message}","status":"UNKNOWN"}}}}"#)
        }
        _ => format!(r#"{{"error":{{"message":"{message}","type":"error","param":null,"code":null}}}}"#),
    }
}

fn late(mut script: Script) -> Script {
    script.steps.insert(0, Step::Wait(Duration::from_millis(300)));
    script
}

/// The head and so many chunks, then silence.
fn stalled(mut script: Script, chunks: usize) -> Script {
    script.steps.truncate(chunks);
    script.steps.insert(0, Step::Head);
    // What was promised and does not come.
    script.sized = false;
    script.step(Step::Stall)
}

/// The head, a byte at a time, and no end of it.
fn loris(script: &Script) -> Script {
    let drops = script.bytes().into_iter().take(10).map(|byte| Step::Raw(Bytes::copy_from_slice(&[byte])));
    let mut slow = Script::status(200);
    for drop in drops {
        slow = slow.step(drop).wait(Duration::from_millis(50));
    }
    slow.step(Step::Stall)
}

/// Some of the words, and then the end of the framing as if that were all.
fn unfinished(mut script: Script, share: f64) -> Script {
    if script.sized {
        let Some(Step::Chunk(body)) = script.steps.first() else { return script };
        let half = body.slice(..(body.len() as f64 * share) as usize);
        script.steps = vec![Step::Chunk(half)];
        return script;
    }
    // Without the dialect's end, of which every dialect here has one piece at least.
    let words = script.steps.len() - 1;
    script.steps.truncate((words as f64 * share) as usize);
    script
}

fn error_inside(dialect: Dialect, mut script: Script, share: f64) -> Script {
    let words = script.steps.len() - 3;
    script.steps.truncate((words as f64 * share) as usize);
    script.chunk(Spoken::of(dialect).error)
}

fn garbage(mut script: Script, draw: &[u64]) -> Script {
    let bytes: Vec<u8> = (0..200u64).map(|i| hash(&[hash(draw), i]) as u8).collect();
    script.steps = vec![Step::Chunk(bytes.into())];
    script
}

/// Nothing said, and no token counted for it.
fn empty(dialect: Dialect, stream: bool) -> Script {
    let silent = |text: &str| {
        let counts = ["completion_tokens", "output_tokens", "candidatesTokenCount"];
        let without = |text: String, name: &&str| text.replace(&format!(r#""{name}":2"#), &format!(r#""{name}":0"#));
        Bytes::from(counts.iter().fold(text.replace("Hello there", ""), without))
    };
    if !stream {
        return Script::json(200, silent(faces::whole(dialect)));
    }
    let spoken = Spoken::of(dialect);
    let pieces = spoken.lifecycle.iter().chain(&spoken.end);
    spoken.script(pieces.map(|piece| silent(std::str::from_utf8(piece).unwrap())))
}
