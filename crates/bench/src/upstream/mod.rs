//! The upstream: OpenAI Chat, Anthropic and Gemini by path; what it answers is in the model's name, after its last slash:
//! `w-300` is a whole reply with 300 bytes of text, `s-200-5000` a stream of 200 chunks, 5,000 µs apart (0: as fast as they
//! are taken, each in its own write), `h` a stream that says one word and then nothing.

mod words;

use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Request, Response};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};

use crate::Failure;
use words::Dialect;

/// What a model's name asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    Whole { bytes: usize },
    Stream { chunks: usize, gap: Duration },
    Held,
}

impl Asked {
    fn read(model: &str) -> Option<Self> {
        let name = model.rsplit('/').next().unwrap_or(model);
        let mut parts = name.split('-');
        let kind = parts.next()?;
        let mut number = || parts.next().and_then(|n| n.parse::<usize>().ok());
        match kind {
            "w" => Some(Self::Whole { bytes: number()? }),
            "s" => Some(Self::Stream { chunks: number()?, gap: Duration::from_micros(number()? as u64) }),
            "h" => Some(Self::Held),
            _ => None,
        }
    }
}

type Body = UnsyncBoxBody<Bytes, Infallible>;

/// Serves until it is killed.
pub fn serve(port: u16) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    tokio::task::LocalSet::new().block_on(&runtime, async {
        let listener = listen(port)?;
        loop {
            let (tcp, _) = listener.accept().await?;
            tokio::task::spawn_local(connection(tcp));
        }
    })
}

fn listen(port: u16) -> Result<TcpListener, Failure> {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None)?;
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&std::net::SocketAddr::from(([127, 0, 0, 1], port)).into())?;
    socket.listen(8192)?;
    Ok(TcpListener::from_std(socket.into())?)
}

async fn connection(tcp: TcpStream) {
    let _ = tcp.set_nodelay(true);
    let service = hyper::service::service_fn(|request| async { Ok::<_, Infallible>(answer(request).await) });
    let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(tcp), service).await;
}

async fn answer(request: Request<Incoming>) -> Response<Body> {
    let path = request.uri().path().to_owned();
    let dialect = Dialect::of_path(&path);
    let mut body = request.into_body();
    let mut frames: Vec<Bytes> = Vec::with_capacity(2);
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else { break };
        if let Ok(data) = frame.into_data() {
            frames.push(data);
        }
    }
    let asked = match dialect {
        Dialect::Gemini => path.rsplit('/').next().and_then(|last| Asked::read(last.split(':').next()?)),
        _ => frames.iter().find_map(|frame| Asked::read(model(frame)?)),
    };
    let Some(asked) = asked else { return refused() };
    match asked {
        Asked::Whole { bytes } => {
            whole(Full::new(words::whole(dialect, bytes).into()).boxed_unsync(), "application/json")
        }
        Asked::Stream { chunks, gap } => whole(stream(dialect, chunks, gap), "text/event-stream"),
        Asked::Held => whole(held(dialect), "text/event-stream"),
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

fn refused() -> Response<Body> {
    let mut response = whole(
        Full::new(Bytes::from_static(b"{\"error\":{\"message\":\"unknown model\"}}")).boxed_unsync(),
        "application/json",
    );
    *response.status_mut() = http::StatusCode::NOT_FOUND;
    response
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
                tokio::time::sleep(gap).await;
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
        assert_eq!(Asked::read("up/w-300"), Some(Asked::Whole { bytes: 300 }));
        let stream = Asked::Stream { chunks: 200, gap: Duration::from_millis(5) };
        assert_eq!(Asked::read("s-200-5000"), Some(stream));
        assert_eq!(Asked::read("claude/h"), Some(Asked::Held));
        assert_eq!(Asked::read("gpt-5"), None);
        assert_eq!(model(b"{\"model\":\"a/w-1\",\"x\":1}"), Some("a/w-1"));
    }
}
