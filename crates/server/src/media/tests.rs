use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use tokio::time::Instant;
use tollgate_ir::FaultKind;
use tollgate_testkit::{Script, ScriptedUpstream, Step};

use super::*;

const PNG: &[u8] = b"\x89PNG\r\n\x1a\npixels";

/// Loopback's first address stands for the public internet, all others for the private one.
fn only_first_loopback(address: IpAddr) -> bool {
    address == IpAddr::V4(Ipv4Addr::LOCALHOST)
}

fn fetcher(settings: MediaSettings) -> MediaFetcher {
    MediaFetcher::new(settings, &EgressConfig::default()).unwrap()
}

fn reaching() -> MediaSettings {
    MediaSettings { addresses: AddressPolicy::Custom(only_first_loopback), ..MediaSettings::default() }
}

fn image() -> Script {
    Script::status(200).header("content-type", "image/png").chunk(PNG)
}

#[tokio::test]
async fn what_is_allowed_comes_with_its_type() {
    let server = ScriptedUpstream::choosing(|request| match request.target.as_str() {
        "/a.png?x=1" => image(),
        "/moved" => Script::status(302).header("location", "/a.png?x=1"),
        "/octets" => Script::status(200).header("content-type", "application/octet-stream").chunk("%PDF-1.7"),
        "/zipped" => {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            std::io::Write::write_all(&mut encoder, PNG).unwrap();
            let zipped = encoder.finish().unwrap();
            Script::status(200).header("content-type", "image/png").header("content-encoding", "gzip").chunk(zipped)
        }
        _ => Script { sized: false, ..image() },
    })
    .await;
    let fetcher = fetcher(reaching());
    for (path, mime, bytes) in [
        ("/a.png?x=1#fragment", "image/png", PNG),
        ("/moved", "image/png", PNG),
        ("/octets", "application/pdf", b"%PDF-1.7"),
        ("/zipped", "image/png", PNG),
        ("/chunked", "image/png", PNG),
    ] {
        let fetched = fetcher.fetch(&server.url(path)).await.unwrap();
        assert_eq!((fetched.mime.as_str(), &fetched.bytes[..]), (mime, bytes), "{path}");
    }
    assert_eq!(server.requests()[0].header("host"), Some(server.address().to_string().as_str()));
}

#[tokio::test]
async fn private_addresses_are_never_connected_to() {
    let server = ScriptedUpstream::always(image()).await;
    let port = server.address().port();
    let guarded = fetcher(MediaSettings::default());
    for host in [
        "127.0.0.1",
        "localhost",
        "2130706433",
        "0x7f.1",
        "0177.0.0.1",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "0.0.0.0",
        "[::]",
        "169.254.169.254",
        "10.0.0.1",
        "192.168.1.1",
        "[fd00:ec2::254]",
        "[::ffff:10.0.0.1]",
    ] {
        let started = Instant::now();
        let fault = guarded.fetch(&format!("http://{host}:{port}/a.png")).await.unwrap_err();
        assert_eq!((fault.kind, fault.status), (FaultKind::MediaNotFetched, 400), "{host}");
        assert!(started.elapsed() < Duration::from_secs(2), "{host}");
    }
    for address in
        ["file:///etc/passwd", "ftp://1.1.1.1/a.png", "data:image/png;base64,AA", "a.png", "", "http://u:p@1.1.1.1/"]
    {
        assert_eq!(guarded.fetch(address).await.unwrap_err().kind, FaultKind::MediaNotFetched, "{address}");
    }
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn redirects_are_checked_and_counted() {
    let private = tokio::net::TcpListener::bind("127.0.0.2:0").await.unwrap();
    let target = format!("http://{}/a.png", private.local_addr().unwrap());
    let server = ScriptedUpstream::choosing(move |request| match request.target.as_str() {
        "/private" => Script::status(302).header("location", &target),
        "/file" => Script::status(302).header("location", "file:///etc/passwd"),
        "/loop" => Script::status(302).header("location", "/loop"),
        _ => Script::status(302),
    })
    .await;
    let fetcher = fetcher(reaching());
    for (path, requests) in [("/private", 1), ("/file", 1), ("/loop", 4), ("/nowhere", 1)] {
        let before = server.requests().len();
        assert_eq!(fetcher.fetch(&server.url(path)).await.unwrap_err().kind, FaultKind::MediaNotFetched);
        assert_eq!(server.requests().len() - before, requests, "{path}");
    }
    let connected = tokio::time::timeout(Duration::from_millis(50), private.accept()).await;
    assert!(connected.is_err(), "the private address was connected to");
}

#[tokio::test]
async fn size_time_and_type_are_bounded() {
    let server = ScriptedUpstream::choosing(|request| match request.target.as_str() {
        "/said" => Script::status(200).header("content-type", "image/png").chunk(vec![0; 4096]),
        "/unsaid" => Script { sized: false, ..Script::status(200) }
            .header("content-type", "image/png")
            .chunk(vec![0; 1000])
            .chunk(vec![0; 1000])
            .step(Step::Stall),
        "/bomb" => {
            let zipped = zstd::bulk::compress(&vec![0; 1 << 20], 3).unwrap();
            Script::status(200).header("content-type", "image/png").header("content-encoding", "zstd").chunk(zipped)
        }
        "/drip" => Script { sized: false, ..Script::status(200) }
            .header("content-type", "image/png")
            .chunk("1")
            .chunk("2")
            .chunk("3")
            .paced(Duration::from_millis(200)),
        "/html" => Script::status(200).header("content-type", "text/html").chunk("<html>"),
        _ => Script::status(404),
    })
    .await;
    let fetcher = fetcher(MediaSettings { max: 1024, time: Duration::from_millis(400), ..reaching() });
    for (path, why) in [
        ("/said", "over"),
        ("/unsaid", "over"),
        ("/bomb", "over"),
        ("/drip", "too long"),
        ("/html", "neither"),
        ("/absent", "404"),
    ] {
        let fault = fetcher.fetch(&server.url(path)).await.unwrap_err();
        assert!(fault.public.contains(why), "{path}: {fault}");
    }
    server.until(|all| all.iter().any(|each| each.target == "/drip" && each.left.is_some())).await;
}
