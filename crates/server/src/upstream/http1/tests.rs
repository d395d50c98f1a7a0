use http_body_util::{BodyExt, StreamBody};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tollgate_testkit::{Script, ScriptedUpstream};

use super::super::egress::{Egress, EgressConfig};
use super::*;

fn target() -> Target {
    Target::of(&http::Uri::from_static("http://localhost/"), &Egress::new(&EgressConfig::default()).unwrap()).unwrap()
}

/// The bytes of an answer → its pieces as one, or what is wrong; and whether the connection may go on.
async fn read(wire: &[u8], pieces: usize) -> (Result<(u16, Vec<u8>, Option<HeaderMap>), String>, bool) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (client, server) = tokio::join!(TcpStream::connect(listener.local_addr().unwrap()), listener.accept());
    let (client, (mut server, _)) = (client.unwrap(), server.unwrap());
    client.set_nodelay(true).unwrap();
    server.set_nodelay(true).unwrap();
    let mut connection = Connection::new(Stream::Plain(client));
    let answering = async {
        for piece in wire.chunks(wire.len().div_ceil(pieces).max(1)) {
            server.write_all(piece).await.unwrap();
            tokio::task::yield_now().await;
        }
        // Read what was asked, or closing would be a reset.
        let mut asked = [0; 1024];
        tokio::io::AsyncReadExt::read(&mut server, &mut asked).await.unwrap();
        server.shutdown().await.unwrap();
    };
    let reading = async {
        let response = connection.send(Box::new(Request::get("/").body(Payload::Empty).unwrap()), &target()).await;
        let response = response.map_err(|failed| failed.error.to_string())?;
        let (mut body, mut trailers) = (Vec::new(), None);
        while let Some(frame) = poll_fn(|cx| connection.poll_frame(cx)).await {
            match frame.map_err(|error| error.to_string())?.into_data() {
                Ok(data) => body.extend_from_slice(&data),
                Err(frame) => trailers = frame.into_trailers().ok(),
            }
        }
        Ok((response.status().as_u16(), body, trailers))
    };
    let (read, ()) = tokio::join!(reading, answering);
    (read, connection.is_fit())
}

#[tokio::test]
async fn answers_end_where_their_framing_says_wherever_the_network_cut() {
    let ok = |status: u16, body: &str| Ok((status, body.to_owned()));
    let bad = |what: &str| Err(what.to_owned());
    for (wire, expected, fit) in [
        ("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello", ok(200, "hello"), true),
        ("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", ok(200, ""), true),
        ("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhello", ok(200, "he"), false),
        ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi", ok(200, "hi"), false),
        ("HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nhi", ok(200, "hi"), false),
        ("HTTP/1.0 200 OK\r\nconnection: Keep-Alive\r\ncontent-length: 2\r\n\r\nhi", ok(200, "hi"), true),
        ("HTTP/1.1 200 OK\r\n\r\nall of it", ok(200, "all of it"), false),
        ("HTTP/1.1 204 No Content\r\n\r\n", ok(204, ""), true),
        (
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nlink: x\r\n\r\nHTTP/1.1 201 Made\r\ncontent-length: 1\r\n\r\n!",
            ok(201, "!"),
            true,
        ),
        (
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n1 ;x=y\r\n!\r\n0\r\n\r\n",
            ok(200, "hello!"),
            true,
        ),
        (
            "HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, Chunked\r\ncontent-length: 9\r\n\r\nA\r\n0123456789\r\n00\r\n\r\n",
            ok(200, "0123456789"),
            false,
        ),
        ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhel", bad("the connection was closed"), false),
        ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello", bad("the connection was closed"), false),
        (
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhello\r\n",
            bad("a chunk longer than its size"),
            false,
        ),
        ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nhello\r\n", bad("a chunk without a size"), false),
        (
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n12345678901234567\r\n",
            bad("a chunk without a size"),
            false,
        ),
        ("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhel", bad("the connection was closed"), false),
        ("HTTP/1.1 200 OK\r\ncontent-length: +5\r\n\r\nhello", bad("a length that is none"), false),
        ("HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello", bad("two lengths"), false),
        ("HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\n\r\n", bad("a switch that nobody asked for"), false),
        ("HTTP/1.1 200 OK\r\ncontent", bad("the connection was closed"), false),
        ("", bad("the connection was closed"), false),
        ("SSH-2.0-OpenSSH\r\n\r\n", bad("invalid HTTP version"), false),
    ] {
        for pieces in [1, 2, 3, 7, wire.len()].into_iter().filter(|pieces| *pieces > 0) {
            let (read, is_fit) = read(if wire.is_empty() { b"" } else { wire.as_bytes() }, pieces).await;
            let read = read.map(|(status, body, _)| (status, String::from_utf8(body).unwrap()));
            assert_eq!(read, expected, "{wire:?} in {pieces}");
            // In pieces, what comes after the end may not have come yet; the pool looks before it sends.
            assert!(is_fit == fit || pieces > 1 && !fit && wire.ends_with("hello"), "{wire:?} in {pieces}");
        }
    }
}

#[tokio::test]
async fn trailers_come_after_the_body() {
    let wire = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nx-end: 1\r\nx-more: 2\r\n\r\n";
    for pieces in 1..wire.len() {
        let (read, is_fit) = read(wire.as_bytes(), pieces).await;
        let (_, body, trailers) = read.unwrap();
        assert_eq!((&body[..], is_fit), (&b"hi"[..], true));
        assert_eq!(trailers.unwrap()["x-more"], "2");
    }
}

#[tokio::test]
async fn what_provably_was_not_sent_comes_back_whole() {
    let server = ScriptedUpstream::always(Script::json(200, "{}")).await;
    for body in ["one", "two"] {
        let tcp = TcpStream::connect(server.address()).await.unwrap();
        let mut connection = Connection::new(Stream::Plain(tcp));
        let Stream::Plain(socket) = &mut connection.stream else { panic!("plain") };
        socket.shutdown().await.unwrap();
        let payload = match body {
            "one" => Payload::from(Bytes::from("body")),
            _ => Payload::from(vec![Bytes::from("bo"), Bytes::from("dy")]),
        };
        let failed = connection.send(Box::new(Request::post("/").body(payload).unwrap()), &target()).await.unwrap_err();
        let request = failed.unsent.unwrap();
        assert_eq!(request.into_body().collect().await.unwrap().to_bytes(), "body");
        assert!(!connection.is_fit());
    }
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn uploads_of_unknown_length_go_in_chunks() {
    let server = ScriptedUpstream::always(Script::json(200, "{}")).await;
    let pieces = ["one, ", "", "two"].map(|piece| Ok::<_, io::Error>(Frame::data(Bytes::from(piece))));
    let body = Payload::stream(StreamBody::new(futures_util::stream::iter(pieces)));
    let mut connection = Connection::new(Stream::Plain(TcpStream::connect(server.address()).await.unwrap()));
    let response = connection.send(Box::new(Request::post("/up").body(body).unwrap()), &target()).await.unwrap();
    assert_eq!(response.status(), 200);
    let request = server.requests().pop().unwrap();
    assert_eq!((request.body.as_ref(), request.header("transfer-encoding")), (&b"one, two"[..], Some("chunked")));
}
