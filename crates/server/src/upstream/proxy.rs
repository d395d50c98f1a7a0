//! Proxies: which calls go through one, and the tunnel for https.

use std::net::IpAddr;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderValue, Uri};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::connect::ConnectError;
use super::egress::EgressConfig;

/// The most that a proxy may say before the tunnel stands.
const REPLY: usize = 8 * 1024;

/// A proxy.
#[derive(Debug)]
pub(super) struct Proxy {
    pub(super) host: String,
    pub(super) port: u16,
    /// `Proxy-Authorization`, from the user and password of its address; marked sensitive.
    pub(super) authorization: Option<HeaderValue>,
}

/// Which calls go through which proxy.
#[derive(Debug, Default)]
pub(super) struct ProxyRules {
    https: Option<Arc<Proxy>>,
    http: Option<Arc<Proxy>>,
    except: Vec<Exception>,
}

#[derive(Debug, PartialEq, Eq)]
struct Exception {
    what: Pattern,
    port: Option<u16>,
}

#[derive(Debug, PartialEq, Eq)]
enum Pattern {
    All,
    /// The name and all under it.
    Name(String),
    Network(IpAddr, u8),
}

impl ProxyRules {
    pub(super) fn new(config: &EgressConfig) -> Result<Self, String> {
        let proxy = |given: &Option<String>| match given.as_deref().map(str::trim) {
            None | Some("") => Ok(None),
            Some(url) => Proxy::parse(url).map(|proxy| Some(Arc::new(proxy))),
        };
        Ok(Self {
            https: proxy(&config.https_proxy)?,
            http: proxy(&config.http_proxy)?,
            except: config.no_proxy.split([',', ' ']).filter_map(Exception::parse).collect(),
        })
    }

    /// The proxy for an address, if it goes through one.
    pub(super) fn pick(&self, uri: &Uri) -> Option<Arc<Proxy>> {
        let https = uri.scheme_str() == Some("https");
        let proxy = if https { self.https.as_ref() } else { self.http.as_ref() }?;
        let host = uri.host()?;
        let port = uri.port_u16().unwrap_or(if https { 443 } else { 80 });
        let direct = self.except.iter().any(|exception| exception.covers(host, port));
        (!direct).then(|| Arc::clone(proxy))
    }
}

impl Exception {
    fn parse(item: &str) -> Option<Self> {
        let item = item.trim().to_ascii_lowercase();
        if item.is_empty() {
            return None;
        }
        let (name, port) = match item.rsplit_once(':') {
            Some((name, port)) if !name.contains(':') || name.ends_with(']') => (name, port.parse().ok()),
            _ => (item.as_str(), None),
        };
        let name = name.trim_start_matches("*.").trim_start_matches('.');
        let bare = name.trim_start_matches('[').trim_end_matches(']');
        let what = match bare.split_once('/').unwrap_or((bare, "")) {
            ("*", _) => Pattern::All,
            (address, bits) => match address.parse::<IpAddr>() {
                Ok(address) => Pattern::Network(address, bits.parse().unwrap_or(128)),
                Err(_) => Pattern::Name(name.to_owned()),
            },
        };
        Some(Self { what, port })
    }

    fn covers(&self, host: &str, port: u16) -> bool {
        if self.port.is_some_and(|only| only != port) {
            return false;
        }
        let host = host.trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase();
        match &self.what {
            Pattern::All => true,
            Pattern::Name(name) => {
                host.strip_suffix(name.as_str()).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
            }
            Pattern::Network(network, bits) => host.parse().is_ok_and(|address| same_network(*network, address, *bits)),
        }
    }
}

fn same_network(network: IpAddr, address: IpAddr, bits: u8) -> bool {
    let same = |a: u128, b: u128, width: u8| {
        let keep = bits.min(width);
        keep == 0 || (a ^ b) >> (width - keep) == 0
    };
    match (network, address) {
        (IpAddr::V4(a), IpAddr::V4(b)) => same(a.to_bits().into(), b.to_bits().into(), 32),
        (IpAddr::V6(a), IpAddr::V6(b)) => same(a.to_bits(), b.to_bits(), 128),
        _ => false,
    }
}

impl Proxy {
    fn parse(url: &str) -> Result<Self, String> {
        // Never the address itself in the message: it may hold a password.
        let bad = |what: &str| format!("the proxy's address {what}; write http://[user:password@]host:port");
        let rest = match url.split_once("://") {
            None => url,
            Some(("http", rest)) => rest,
            Some(_) => return Err(bad("has a scheme that is not http")),
        };
        let authority = rest.split('/').next().unwrap_or_default();
        let (user, place) = match authority.rsplit_once('@') {
            Some((user, place)) => (Some(user), place),
            None => (None, authority),
        };
        let place: http::uri::Authority = place.parse().map_err(|_| bad("cannot be read"))?;
        let authorization = user
            .map(|user| {
                let mut value = HeaderValue::try_from(format!("Basic {}", STANDARD.encode(percent_decoded(user))))
                    .map_err(|_| bad("has a strange user"))?;
                value.set_sensitive(true);
                Ok::<_, String>(value)
            })
            .transpose()?;
        Ok(Self { host: place.host().to_owned(), port: place.port_u16().unwrap_or(80), authorization })
    }
}

fn percent_decoded(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let escaped = (byte == b'%').then(|| text.get(at + 1..at + 3)).flatten();
        match escaped.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(decoded) => {
                out.push(decoded);
                at += 3;
            }
            None => {
                out.push(byte);
                at += 1;
            }
        }
    }
    out
}

/// Asks the proxy for a tunnel.
pub(super) async fn tunnel(tcp: &mut TcpStream, proxy: &Proxy, host: &str, port: u16) -> Result<(), ConnectError> {
    let mut ask = format!("CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n").into_bytes();
    if let Some(value) = &proxy.authorization {
        ask.extend_from_slice(b"Proxy-Authorization: ");
        ask.extend_from_slice(value.as_bytes());
        ask.extend_from_slice(b"\r\n");
    }
    ask.extend_from_slice(b"\r\n");
    let failed = |error: std::io::Error| ConnectError::Proxy(error.to_string());
    tcp.write_all(&ask).await.map_err(failed)?;
    let mut reply = Vec::with_capacity(256);
    // In TLS the client speaks first, so nothing after the empty line can be lost by reading in pieces.
    while !reply.ends_with(b"\r\n\r\n") {
        if reply.len() > REPLY {
            return Err(ConnectError::Proxy("its answer is too long".to_owned()));
        }
        if tcp.read_buf(&mut reply).await.map_err(failed)? == 0 {
            return Err(ConnectError::Proxy("it closed the connection".to_owned()));
        }
    }
    let line = reply.split(|&byte| byte == b'\r').next().unwrap_or_default();
    let status = line.split(|&byte| byte == b' ').nth(1).unwrap_or_default();
    if line.starts_with(b"HTTP/1.") && status.len() == 3 && status.first() == Some(&b'2') {
        return Ok(());
    }
    Err(ConnectError::Proxy(format!("it answered {}", String::from_utf8_lossy(line))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_proxy_means_what_operators_mean() {
        for (list, url, through) in [
            ("", "https://api.openai.com/v1", true),
            ("*", "https://api.openai.com/v1", false),
            ("openai.com", "https://api.openai.com/v1", false),
            (".openai.com", "https://api.openai.com/v1", false),
            ("*.openai.com", "https://API.OpenAI.com/v1", false),
            ("openai.com", "https://notopenai.com/v1", true),
            ("localhost, 10.0.0.0/8", "https://10.1.2.3/v1", false),
            ("10.0.0.0/8", "https://11.1.2.3/v1", true),
            ("10.1.2.3", "https://10.1.2.3:8443/v1", false),
            ("10.1.2.3:443", "https://10.1.2.3:8443/v1", true),
            ("internal:8443", "https://a.internal:8443/", false),
            ("::1", "https://[::1]:8080/", false),
            ("[::1]:8080", "https://[::1]:8080/", false),
            ("fd00::/8", "https://[fd12::1]/", false),
            ("0.0.0.0/0", "https://[fd12::1]/", true),
        ] {
            let config = EgressConfig {
                https_proxy: Some("http://proxy:3128".to_owned()),
                no_proxy: list.to_owned(),
                ..EgressConfig::default()
            };
            let rules = ProxyRules::new(&config).unwrap();
            assert_eq!(rules.pick(&url.parse().unwrap()).is_some(), through, "{list} {url}");
            assert!(rules.pick(&"http://plain/".parse().unwrap()).is_none(), "no proxy for http was given");
        }
    }

    #[test]
    fn addresses_of_proxies() {
        let proxy = Proxy::parse("http://us%40er:pa%3Ass@proxy.corp:3128/").unwrap();
        assert_eq!((proxy.host.as_str(), proxy.port), ("proxy.corp", 3128));
        assert_eq!(proxy.authorization.unwrap(), format!("Basic {}", STANDARD.encode("us@er:pa:ss")));
        assert_eq!(Proxy::parse("proxy:8080").unwrap().port, 8080);
        let error = Proxy::parse("socks5://user:secret@proxy:1080").unwrap_err();
        assert!(error.contains("scheme") && !error.contains("secret"), "{error}");
    }
}
