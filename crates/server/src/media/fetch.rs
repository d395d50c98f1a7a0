//! One fetch, redirect by redirect.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::pin;

use bytes::{Bytes, BytesMut};
use http::header::{ACCEPT, ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE, HOST, LOCATION, USER_AGENT};
use http::uri::PathAndQuery;
use http::{Request, Response, Uri};
use http_body::Body;
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tollgate_ir::{Fault, FaultKind};

use super::{Fetched, MediaSettings, sniff};
use crate::body::{Coding, Decoder, Output};
use crate::upstream::{Egress, Stream, dial, resolve, secure};

pub(super) fn not_fetched(why: &str) -> Fault {
    Fault::new(
        FaultKind::MediaNotFetched,
        format!("The media address could not be fetched: {why}. Send the content itself, base64-encoded."),
    )
}

/// What one address led to.
enum Step {
    Done(Fetched),
    Redirect(Uri),
}

pub(super) async fn follow(address: &str, settings: &MediaSettings, egress: &Egress) -> Result<Fetched, Fault> {
    let mut uri: Uri = address.parse().map_err(|_| not_fetched("it is not an address"))?;
    for _ in 0..=settings.redirects {
        match step(&uri, settings, egress).await? {
            Step::Done(fetched) => return Ok(fetched),
            Step::Redirect(next) => uri = next,
        }
    }
    Err(not_fetched("it redirects too often"))
}

async fn step(uri: &Uri, settings: &MediaSettings, egress: &Egress) -> Result<Step, Fault> {
    let stream = connect(uri, settings, egress).await?;
    let (mut sender, conn) = http1::handshake::<_, Empty<Bytes>>(TokioIo::new(stream)).await.map_err(no_answer)?;
    let exchange = async {
        let response = sender.send_request(request(uri)?).await.map_err(no_answer)?;
        if response.status().is_redirection() {
            let location = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
            let next = location.and_then(|location| join(uri, location));
            return next.map(Step::Redirect).ok_or_else(|| not_fetched("it redirects to nowhere"));
        }
        read(response, settings.max).await.map(Step::Done)
    };
    // Both in this future: dropping it closes the socket.
    drive(conn, exchange).await
}

async fn drive<T>(conn: impl Future, exchange: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
    let (mut conn, mut exchange) = (pin!(conn), pin!(exchange));
    tokio::select! {
        biased;
        result = exchange.as_mut() => return result,
        _ = conn.as_mut() => {}
    }
    exchange.await
}

async fn connect(uri: &Uri, settings: &MediaSettings, egress: &Egress) -> Result<Stream, Fault> {
    let https = match uri.scheme_str() {
        Some("https") => true,
        Some("http") => false,
        _ => return Err(not_fetched("only http and https addresses are")),
    };
    let authority = uri.authority().ok_or_else(|| not_fetched("it has no host"))?;
    if authority.as_str().contains('@') {
        return Err(not_fetched("it holds a user or password"));
    }
    let port = authority.port_u16().unwrap_or(if https { 443 } else { 80 });
    let unreachable = || not_fetched("its host cannot be reached");
    let addresses = resolve(authority.host(), port).await.map_err(|error| unreachable().source(error))?;
    allowed(&addresses, settings)?;
    let tcp = dial(&addresses).await.map_err(|error| unreachable().source(error))?;
    let connected = tcp.peer_addr().map_err(|error| unreachable().source(error))?;
    allowed(&[connected], settings)?;
    if !https {
        return Ok(Stream::Plain(tcp));
    }
    let config = egress.tls().map_err(|what| unreachable().detail(what))?;
    secure(tcp, config, authority.host()).await.map_err(|error| unreachable().source(error))
}

/// One address that is not public refuses the name: an honest host has none.
fn allowed(addresses: &[SocketAddr], settings: &MediaSettings) -> Result<(), Fault> {
    match addresses.iter().find(|address| !settings.addresses.allows(address.ip())) {
        None => Ok(()),
        Some(address) => Err(not_fetched("its host is not on the public internet").detail(format!("media: {address}"))),
    }
}

fn request(uri: &Uri) -> Result<Request<Empty<Bytes>>, Fault> {
    let path = uri.path_and_query().map_or("/", PathAndQuery::as_str);
    let host = uri.authority().map_or("", |authority| authority.as_str());
    Request::get(path)
        .header(HOST, host)
        .header(USER_AGENT, concat!("tollgate/", env!("CARGO_PKG_VERSION")))
        .header(ACCEPT, "image/*, audio/*, application/pdf")
        .header(ACCEPT_ENCODING, "identity")
        .body(Empty::new())
        .map_err(|_| not_fetched("it is not an address"))
}

async fn read(response: Response<Incoming>, max: usize) -> Result<Fetched, Fault> {
    if !response.status().is_success() {
        return Err(not_fetched(&format!("its host answered {}", response.status().as_u16())));
    }
    let text = |name| response.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let declared =
        sniff::admissible(text(CONTENT_TYPE)).ok_or_else(|| not_fetched("it is neither image nor audio nor PDF"))?;
    let codings = Coding::parse(text(CONTENT_ENCODING)).ok_or_else(|| not_fetched("its coding is not known"))?;
    if response.body().size_hint().lower() > max as u64 {
        return Err(too_large(max));
    }
    let bytes = content(response.into_body(), &codings, max).await?;
    let mime = sniff::mime(declared, &bytes).ok_or_else(|| not_fetched("it is neither image nor audio nor PDF"))?;
    Ok(Fetched { mime, bytes })
}

async fn content(mut body: Incoming, codings: &[Coding], max: usize) -> Result<Bytes, Fault> {
    let undecodable = |error: crate::body::DecodeError| match error {
        crate::body::DecodeError::TooLarge(_) => too_large(max),
        other => not_fetched("its content is damaged").source(other),
    };
    let mut decoder = if codings.is_empty() { None } else { Some(Decoder::new(codings, max).map_err(undecodable)?) };
    let mut all = BytesMut::new();
    let mut came = 0;
    while let Some(frame) = body.frame().await {
        let Ok(piece) = frame.map_err(no_answer)?.into_data() else { continue };
        came += piece.len();
        if came > max {
            return Err(too_large(max));
        }
        match &mut decoder {
            None => all.extend_from_slice(&piece),
            Some(decoder) => {
                let mut out = Output::new(max - all.len());
                decoder.push(&piece, &mut out).map_err(undecodable)?;
                all.extend_from_slice(&out.bytes);
            }
        }
    }
    if let Some(decoder) = &mut decoder {
        let mut out = Output::new(max - all.len());
        decoder.finish(&mut out).map_err(undecodable)?;
        all.extend_from_slice(&out.bytes);
    }
    Ok(all.freeze())
}

/// A redirect's target (RFC 3986, section 5.2, without dot segments: servers resolve those).
fn join(base: &Uri, location: &str) -> Option<Uri> {
    let location = location.split('#').next().unwrap_or_default();
    let scheme = base.scheme_str()?;
    let authority = base.authority()?;
    let absolute = if location.contains("://") {
        location.to_owned()
    } else if location.starts_with("//") {
        format!("{scheme}:{location}")
    } else if location.starts_with('/') {
        format!("{scheme}://{authority}{location}")
    } else if location.starts_with('?') {
        format!("{scheme}://{authority}{}{location}", base.path())
    } else {
        let folder = base.path().rsplit_once('/').map_or("", |(folder, _)| folder);
        format!("{scheme}://{authority}{folder}/{location}")
    };
    absolute.parse().ok()
}

fn too_large(max: usize) -> Fault {
    not_fetched(&format!("it is over {} MiB", max / (1024 * 1024)))
}

fn no_answer(error: hyper::Error) -> Fault {
    not_fetched("its host did not answer").source(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redirects_are_joined() {
        let base: Uri = "https://host:8443/a/b?c=d".parse().unwrap();
        for (location, expected) in [
            ("http://other/x", "http://other/x"),
            ("//other/x", "https://other/x"),
            ("/x?y#z", "https://host:8443/x?y"),
            ("x", "https://host:8443/a/x"),
            ("?q", "https://host:8443/a/b?q"),
        ] {
            assert_eq!(join(&base, location).unwrap().to_string(), expected);
        }
    }
}
