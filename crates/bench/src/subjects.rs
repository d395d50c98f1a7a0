//! What is measured, and beside what: the gateway with all that production has on (keys, allowed models, records, metrics,
//! log), nginx as a plain proxy set up fairly, and no proxy at all.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::Failure;
use crate::clock::now;
use crate::process::Pinned;
use crate::upstream::Ports;
use crate::upstream::authority::{Files, NAME};
use tollgate_bench::payload::{self, Face, Payload};

/// What stands between load and upstream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// Nothing.
    Direct,
    /// nginx.
    Nginx,
    /// The gateway.
    Gateway,
}

/// Where everything is.
pub struct Bench {
    /// The gateway's binary.
    pub tollgate: PathBuf,
    /// nginx's binary.
    pub nginx: PathBuf,
    /// Logs and configurations.
    pub folder: PathBuf,
    /// The core of upstream and load.
    pub load_core: usize,
    /// The core of the subject.
    pub subject_core: usize,
    /// Where the upstream listens.
    pub upstream: Ports,
    _upstream: Pinned,
    files: Files,
}

/// A subject that runs.
pub struct Running {
    /// Where it listens.
    pub port: u16,
    /// Where it listens for what goes to the upstream under TLS, if that is another port.
    pub tls_port: u16,
    /// `None`: there is none.
    pub process: Option<Pinned>,
    /// From the start of the process to its first answered call.
    pub start: Duration,
}

impl Bench {
    /// Starts the upstream.
    pub fn new(tollgate: PathBuf, nginx: PathBuf, folder: PathBuf, cores: &[usize]) -> Result<Self, Failure> {
        fs::create_dir_all(&folder)?;
        let load_core = cores.first().copied().unwrap_or(0);
        let subject_core = cores.get(1).copied().unwrap_or(load_core);
        let upstream = Ports { plain: free_port()?, tls: free_port()?, h2: free_port()? };
        let files = Files::make(&folder)?;
        let me = std::env::current_exe()?;
        let [plain, tls, h2] = [upstream.plain, upstream.tls, upstream.h2].map(|port| port.to_string());
        let place = folder.display().to_string();
        let log = folder.join("upstream.log");
        let mut process = Pinned::start(load_core, &me, &["upstream", &plain, &tls, &h2, &place], &log)?;
        answered(upstream.plain, &mut process, "w-10", &log)?;
        Ok(Self { tollgate, nginx, folder, load_core, subject_core, upstream, _upstream: process, files })
    }

    /// What the upstream counted since its start, by listener and name, such as `tls.resumed`.
    pub fn counts(&self) -> Result<BTreeMap<String, f64>, Failure> {
        let mut tcp = TcpStream::connect(("127.0.0.1", self.upstream.plain))?;
        tcp.write_all(b"GET /counts HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")?;
        let mut text = String::new();
        tcp.read_to_string(&mut text)?;
        let lines = text.lines().filter_map(|line| line.split_once('='));
        Ok(lines.filter_map(|(name, count)| Some((name.to_owned(), count.parse().ok()?))).collect())
    }

    /// Starts a subject; returns once a call through it was answered.
    pub fn start(&self, subject: Subject) -> Result<Running, Failure> {
        let port = free_port()?;
        match subject {
            Subject::Direct => {
                let port = self.upstream.plain;
                Ok(Running { port, tls_port: port, process: None, start: Duration::ZERO })
            }
            Subject::Nginx => {
                let file = self.folder.join("nginx.conf");
                let tls_port = free_port()?;
                fs::write(&file, nginx(&self.folder, (port, tls_port), self.upstream, &self.files))?;
                let path = file.display().to_string();
                let running = self.launch(&self.nginx, &["-c", &path, "-e", "stderr"], "nginx.log", port)?;
                Ok(Running { tls_port, ..running })
            }
            Subject::Gateway => {
                // In a folder of its own: the gateway watches it for changes, and a log beside it would be one with each line.
                let file = self.folder.join("gateway").join("tollgate.yaml");
                fs::create_dir_all(file.parent().ok_or("the configuration has no folder")?)?;
                fs::write(&file, gateway(port, self.upstream, &self.files))?;
                let path = file.display().to_string();
                self.launch(&self.tollgate, &["serve", "--config", &path], "tollgate.log", port)
            }
        }
    }

    fn launch(&self, program: &Path, arguments: &[&str], log: &str, port: u16) -> Result<Running, Failure> {
        let log = self.folder.join(log);
        let began = now();
        let mut process = Pinned::start(self.subject_core, program, arguments, &log)?;
        answered(port, &mut process, "up/w-10", &log)?;
        Ok(Running { port, tls_port: port, process: Some(process), start: began.elapsed() })
    }
}

/// One process, so that all of its time is one number. Bodies and replies touch no disk, the log is buffered, connections
/// to the upstream are kept; under TLS it checks the certificate, as the gateway does.
fn nginx(folder: &Path, (port, tls_port): (u16, u16), upstream: Ports, files: &Files) -> String {
    let folder = folder.display();
    let Ports { plain, tls, .. } = upstream;
    let ca = files.ca.display();
    format!(
        "daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log stderr error;
worker_rlimit_nofile 20000;
events {{ worker_connections 19000; }}
http {{
  access_log {folder}/nginx-access.log combined buffer=64k flush=1s;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  client_max_body_size 64m;
  client_body_buffer_size 2m;
  keepalive_requests 1000000000;
  keepalive_timeout 90s;
  tcp_nodelay on;
  upstream model {{
    server 127.0.0.1:{plain};
    keepalive 256;
    keepalive_requests 1000000000;
  }}
  upstream model_tls {{
    server 127.0.0.1:{tls};
    keepalive 256;
    keepalive_requests 1000000000;
  }}
  proxy_http_version 1.1;
  proxy_set_header Connection \"\";
  proxy_buffering off;
  proxy_max_temp_file_size 0;
  proxy_read_timeout 900s;
  proxy_ssl_name {NAME};
  proxy_ssl_server_name on;
  proxy_ssl_protocols TLSv1.2 TLSv1.3;
  proxy_ssl_verify on;
  proxy_ssl_trusted_certificate {ca};
  proxy_ssl_session_reuse on;
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    location / {{ proxy_pass http://model; }}
  }}
  server {{
    listen 127.0.0.1:{tls_port} backlog=4096;
    location / {{ proxy_pass https://model_tls; }}
  }}
}}
"
    )
}

fn gateway(port: u16, upstream: Ports, files: &Files) -> String {
    let mut keys = String::new();
    for i in 0..100 {
        keys.push_str(&format!("  - {{ name: other-{i}, key: \"tg-other-{i:032}\", models: [ \"up/*\" ] }}\n"));
    }
    let Ports { plain, tls, h2 } = upstream;
    let ca = files.ca.display();
    format!(
        "server: {{ listen: 127.0.0.1:{port} }}
log: {{ level: info, format: json }}
providers:
  up: {{ dialect: openai-chat, base_url: \"http://127.0.0.1:{plain}/v1\", api_key: upstream }}
  claude: {{ dialect: anthropic, base_url: \"http://127.0.0.1:{plain}/v1\", api_key: upstream }}
  gem: {{ dialect: gemini, base_url: \"http://127.0.0.1:{plain}/v1beta\", api_key: upstream }}
  bad: {{ dialect: openai-chat, base_url: \"http://127.0.0.1:{plain}/v1\", api_key: upstream, breaker: off }}
  up-tls: {{ dialect: openai-chat, base_url: \"https://{NAME}:{tls}/v1\", api_key: upstream, ca: \"{ca}\" }}
  up-h2: {{ dialect: openai-chat, base_url: \"https://{NAME}:{h2}/v1\", api_key: upstream, ca: \"{ca}\" }}
  claude-h2: {{ dialect: anthropic, base_url: \"https://{NAME}:{h2}/v1\", api_key: upstream, ca: \"{ca}\" }}
keys:
  - {{ name: bench, key: \"{}\", models: [ assistant, \"up/*\", \"claude/*\", \"gem/*\", \"bad/*\", \"up-tls/*\", \"up-h2/*\", \"claude-h2/*\" ] }}
{keys}",
        payload::KEY
    )
}

fn free_port() -> Result<u16, Failure> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

/// Asks every half millisecond until a call is answered with 200.
fn answered(port: u16, process: &mut Pinned, model: &str, log: &Path) -> Result<(), Failure> {
    let request = payload::request(Face::Chat, Payload::Small, model, false);
    let until = now() + Duration::from_secs(30);
    loop {
        let last = match ask(port, &request) {
            Ok(200) => return Ok(()),
            Ok(status) => format!("status {status}"),
            Err(error) => error.to_string(),
        };
        if process.ended() || now() > until {
            let printed = fs::read_to_string(log).unwrap_or_default();
            return Err(format!("{} does not serve ({last}); it printed:\n{printed}", log.display()).into());
        }
        std::thread::sleep(Duration::from_micros(500));
    }
}

fn ask(port: u16, request: &[u8]) -> std::io::Result<u16> {
    let mut tcp = TcpStream::connect(("127.0.0.1", port))?;
    tcp.set_read_timeout(Some(Duration::from_secs(5)))?;
    tcp.write_all(request)?;
    let mut head = [0; 12];
    tcp.read_exact(&mut head)?;
    Ok(std::str::from_utf8(&head[9..]).ok().and_then(|s| s.parse().ok()).unwrap_or_default())
}
