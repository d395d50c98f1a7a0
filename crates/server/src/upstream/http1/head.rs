//! The head of an answer, and how its body is framed (RFC 9112, section 6.3).

use std::mem::MaybeUninit;

use bytes::BytesMut;
use http::header::{CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING};
use http::{HeaderMap, Response, StatusCode, Version};

use super::super::fault::Broken;
use super::framing::Framing;
use super::header_map;

/// The most that a head may hold, and how many headers.
const BYTES: usize = 256 * 1024;
const HEADERS: usize = 128;

/// What an answer says of itself.
pub(super) struct Head {
    pub(super) response: Response<()>,
    pub(super) framing: Framing,
    /// The other side keeps the connection after the body.
    pub(super) keeps: bool,
}

/// Takes a head off the input, if all of it is there; heads that only say that one is to come are passed over. `bodiless`:
/// the request was one that gets no body.
pub(super) fn parse(input: &mut BytesMut, bodiless: bool) -> Result<Option<Head>, Broken> {
    loop {
        let whole = std::mem::take(input).freeze();
        let mut room = [const { MaybeUninit::uninit() }; HEADERS];
        let mut parsed = httparse::Response::new(&mut []);
        let parser = httparse::ParserConfig::default();
        let length = match parser.parse_response_with_uninit_headers(&mut parsed, &whole, &mut room) {
            Ok(httparse::Status::Complete(length)) => length,
            Ok(httparse::Status::Partial) if whole.len() > BYTES => return Err(Broken::Garbage("a head without end")),
            Ok(httparse::Status::Partial) => {
                *input = BytesMut::from(whole);
                return Ok(None);
            }
            Err(error) => return Err(Broken::Head(error)),
        };
        // Whoever keeps a header keeps the head, and not what came with it.
        *input = BytesMut::from(&whole[length..]);
        let status = StatusCode::from_u16(parsed.code.unwrap_or_default());
        let status = status.map_err(|_| Broken::Garbage("a status that is none"))?;
        match status {
            StatusCode::SWITCHING_PROTOCOLS => return Err(Broken::Garbage("a switch that nobody asked for")),
            _ if status.is_informational() => continue,
            _ => {}
        }
        let headers = header_map(parsed.headers, &whole)?;
        let version = if parsed.version == Some(0) { Version::HTTP_10 } else { Version::HTTP_11 };
        let (framing, framed) =
            if bodiless || matches!(status.as_u16(), 204 | 304) { (Framing::Ended, true) } else { framing(&headers)? };
        let keeps = framed && keeps(version, &headers);
        let mut response = Response::new(());
        (*response.status_mut(), *response.version_mut(), *response.headers_mut()) = (status, version, headers);
        return Ok(Some(Head { response, framing, keeps }));
    }
}

/// How the body is framed, and whether there is only one way to understand that.
fn framing(headers: &HeaderMap) -> Result<(Framing, bool), Broken> {
    let mut lengths = headers.get_all(CONTENT_LENGTH).iter();
    if let Some(coding) = headers.get_all(TRANSFER_ENCODING).iter().next_back() {
        let last = coding.as_bytes().rsplit(|byte| *byte == b',').next().unwrap_or_default();
        let chunked = last.trim_ascii().eq_ignore_ascii_case(b"chunked");
        // With a length beside it, somebody on the way may have understood that one.
        return Ok((if chunked { Framing::chunked() } else { Framing::UntilClose }, lengths.next().is_none()));
    }
    let Some(first) = lengths.next() else { return Ok((Framing::UntilClose, true)) };
    let digits = first.to_str().ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    let length: u64 = digits.and_then(|text| text.parse().ok()).ok_or(Broken::Garbage("a length that is none"))?;
    if lengths.any(|other| other != first) {
        return Err(Broken::Garbage("two lengths"));
    }
    Ok((if length == 0 { Framing::Ended } else { Framing::Length(length) }, true))
}

fn keeps(version: Version, headers: &HeaderMap) -> bool {
    let says = |word: &str| {
        headers.get_all(CONNECTION).iter().any(|value| {
            value.to_str().is_ok_and(|text| text.split(',').any(|each| each.trim().eq_ignore_ascii_case(word)))
        })
    };
    if version == Version::HTTP_10 { says("keep-alive") } else { !says("close") }
}
