//! The upstream: OpenAI Chat, Anthropic and Gemini by path; what it answers is in the model's name, after its last slash:
//! `w-300` is a whole reply with 300 bytes of text, `d-300-50000` the same after 50,000 µs, `s-200-5000` a stream of 200
//! chunks, 5,000 µs apart (0: as fast as they are taken, each in its own write), `h` a stream that says one word and then
//! nothing, `b-20` a stream that breaks off after 20 chunks, `e-500` a refusal with that status.
//!
//! It listens three times: plain, and under TLS with HTTP/1.1 and with HTTP/2.

pub mod authority;
mod counts;
mod listen;
mod pause;
mod words;

use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Request, Response};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};

pub use listen::{Ports, serve};
use pause::pause;
use words::Dialect;

/// What a model's name asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    Whole { bytes: usize, after: Duration },
    Stream { chunks: usize, gap: Duration },
    Broken { chunks: usize },
    Held,
    Refused { status: u16 },
}

impl Asked {
    fn read(model: &str) -> Option<Self> {
        let name = model.rsplit('/').next().unwrap_or(model);
        let mut parts = name.split('-');
        let kind = parts.next()?;
        let mut number = || parts.next().and_then(|n| n.parse::<usize>().ok());
        match kind {
            "w" => Some(Self::Whole { bytes: number()?, after: Duration::ZERO }),
            "d" => Some(Self::Whole { bytes: number()?, after: Duration::from_micros(number()? as u64) }),
            "s" => Some(Self::Stream { chunks: number()?, gap: Duration::from_micros(number()? as u64) }),
            "b" => Some(Self::Broken { chunks: number()? }),
            "h" => Some(Self::Held),
            "e" => Some(Self::Refused { status: u16::try_from(number()?).ok()? }),
            _ => None,
        }
    }
}

/// Where most bodies name their model.
const BEGINNING: usize = 256;

/// A stream that breaks off is an error of its body, upon which the connection is closed.
type Body = UnsyncBoxBody<Bytes, std::io::Error>;

async fn answer(request: Request<Incoming>) -> Response<Body> {
    let path = request.uri().path().to_owned();
    let dialect = Dialect::of_path(&path);
    let mut body = request.into_body();
    let mut frames: Vec<Bytes> = Vec::with_capacity(2);
    // The beginning in one piece: a name may come in frames of its own.
    let mut beginning = Vec::with_capacity(BEGINNING);
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else { break };
        if let Ok(data) = frame.into_data() {
            beginning.extend(data.iter().take(BEGINNING - beginning.len()));
            frames.push(data);
        }
    }
    let asked = match dialect {
        Dialect::Gemini => path.rsplit('/').next().and_then(|last| Asked::read(last.split(':').next()?)),
        _ => std::iter::once(&beginning[..])
            .chain(frames.iter().map(|frame| &frame[..]))
            .find_map(|frame| Asked::read(model(frame)?)),
    };
    match asked {
        None => refused(404),
        Some(Asked::Refused { status }) => refused(status),
        Some(Asked::Whole { bytes, after }) => {
            if !after.is_zero() {
                pause(after).await;
            }
            whole(full(words::whole(dialect, bytes)), "application/json")
        }
        Some(Asked::Broken { chunks }) => whole(broken(dialect, chunks), "text/event-stream"),
        Some(Asked::Stream { chunks, gap }) => whole(stream(dialect, chunks, gap), "text/event-stream"),
        Some(Asked::Held) => whole(held(dialect), "text/event-stream"),
    }
}

fn model(body: &[u8]) -> Option<&str> {
    const KEY: &[u8] = b"\"model\":\"";
    let at = memchr::memmem::find(body, KEY)? + KEY.len();
    let end = memchr::memchr(b'"', &body[at..])? + at;
    std::str::from_utf8(&body[at..end]).ok()
}

fn whole(body: Body, kind: &'static str) -> Response<Body> {
    let mut response = Response::new(body);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

fn full(text: impl Into<Bytes>) -> Body {
    Full::new(text.into()).map_err(|never| match never {}).boxed_unsync()
}

fn refused(status: u16) -> Response<Body> {
    let mut response = whole(full("{\"error\":{\"message\":\"as it was asked\"}}"), "application/json");
    *response.status_mut() = http::StatusCode::from_u16(status).unwrap_or(http::StatusCode::NOT_FOUND);
    response
}

fn broken(dialect: Dialect, chunks: usize) -> Body {
    let pieces = futures_util::stream::unfold(0, move |at| async move {
        let piece = match at {
            0 => words::beginning(dialect),
            at if at <= chunks => words::chunk(dialect, crate::clock::unix_nanos()),
            _ => return Some((Err(std::io::Error::other("it breaks off, as it was asked")), at)),
        };
        tokio::task::yield_now().await;
        Some((Ok(Frame::data(Bytes::from(piece))), at + 1))
    });
    StreamBody::new(pieces).boxed_unsync()
}

fn stream(dialect: Dialect, chunks: usize, gap: Duration) -> Body {
    let pieces = futures_util::stream::unfold(0, move |at| async move {
        if at > chunks + 1 {
            return None;
        }
        let piece = if at == 0 {
            words::beginning(dialect)
        } else if at <= chunks {
            if gap.is_zero() {
                // Else hyper would write many chunks at once.
                tokio::task::yield_now().await;
            } else {
                pause(gap).await;
            }
            words::chunk(dialect, crate::clock::unix_nanos())
        } else {
            words::end(dialect)
        };
        Some((Ok(Frame::data(Bytes::from(piece))), at + 1))
    });
    StreamBody::new(pieces).boxed_unsync()
}

fn held(dialect: Dialect) -> Body {
    let pieces = futures_util::stream::unfold(0, move |at| async move {
        if at > 0 {
            std::future::pending::<()>().await;
        }
        let piece = words::beginning(dialect) + &words::chunk(dialect, crate::clock::unix_nanos());
        Some((Ok(Frame::data(Bytes::from(piece))), at + 1))
    });
    StreamBody::new(pieces).boxed_unsync()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_models_name_says_what_is_answered() {
        assert_eq!(Asked::read("up/w-300"), Some(Asked::Whole { bytes: 300, after: Duration::ZERO }));
        let later = Asked::Whole { bytes: 300, after: Duration::from_millis(50) };
        assert_eq!(Asked::read("up/d-300-50000"), Some(later));
        assert_eq!(Asked::read("bad/e-503"), Some(Asked::Refused { status: 503 }));
        let stream = Asked::Stream { chunks: 200, gap: Duration::from_millis(5) };
        assert_eq!(Asked::read("s-200-5000"), Some(stream));
        assert_eq!(Asked::read("claude/h"), Some(Asked::Held));
        assert_eq!(Asked::read("gpt-5"), None);
        assert_eq!(model(b"{\"model\":\"a/w-1\",\"x\":1}"), Some("a/w-1"));
    }
}
