//! Model servers on this machine, found at a start without any configuration: who answers a list of models on the usual
//! port of Ollama, vLLM, llama.cpp or LM Studio is taken for it.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use tollgate_wire::providers;

/// Loopback answers at once or not at all.
const PATIENCE: Duration = Duration::from_millis(150);

/// The base URLs of the servers that answer, by the environment variable that would name them.
pub fn found() -> HashMap<&'static str, String> {
    let local = providers::ALL.iter().filter(|p| p.looked_for);
    local
        .filter(|p| answers(p.base_url, PATIENCE))
        .filter_map(|p| Some((*p.url_variables.first()?, p.base_url.to_owned())))
        .collect()
}

/// Whether a list of models is to be had at this address.
fn answers(base_url: &str, patience: Duration) -> bool {
    let Some((authority, path)) = base_url.strip_prefix("http://").and_then(|rest| rest.split_once('/')) else {
        return false;
    };
    let Some(port) = authority.rsplit_once(':').and_then(|(_, port)| port.parse().ok()) else { return false };
    list_models(SocketAddr::from(([127, 0, 0, 1], port)), authority, path, patience).unwrap_or(false)
}

fn list_models(address: SocketAddr, host: &str, path: &str, patience: Duration) -> std::io::Result<bool> {
    let mut stream = TcpStream::connect_timeout(&address, patience)?;
    stream.set_read_timeout(Some(patience))?;
    stream.set_write_timeout(Some(patience))?;
    write!(stream, "GET /{path}/models HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n")?;
    let mut head = [0; 512];
    let read = stream.read(&mut head)?;
    let head = String::from_utf8_lossy(&head[..read]).to_ascii_lowercase();
    Ok(head.starts_with("http/1.1 200") && head.contains("content-type: application/json"))
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn a_server_that_lists_models_is_found_and_any_other_is_not() {
        for (answer, expected) in [
            ("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{}", true),
            ("HTTP/1.1 200 OK\r\ncontent-type: text/html\r\n\r\n<p>", false),
            ("HTTP/1.1 404 Not Found\r\n\r\n", false),
        ] {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let port = listener.local_addr().unwrap().port();
            let server = std::thread::spawn(move || {
                let (mut stream, _) = listener.accept().unwrap();
                let _ = stream.read(&mut [0; 256]);
                stream.write_all(answer.as_bytes()).unwrap();
            });
            let found = answers(&format!("http://localhost:{port}/v1"), Duration::from_secs(10));
            assert_eq!(found, expected, "{answer}");
            server.join().unwrap();
        }
        assert!(!answers("http://localhost:1/v1", PATIENCE));
    }
}
