//! What is measured, and beside what: the gateway with all that production has on (keys, allowed models, records, metrics,
//! log), nginx as a plain proxy set up fairly, and no proxy at all.

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::Failure;
use crate::clock::now;
use crate::process::Pinned;
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
    /// The upstream's port.
    pub upstream: u16,
    _upstream: Pinned,
}

/// A subject that runs.
pub struct Running {
    /// Where it listens.
    pub port: u16,
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
        let upstream = free_port()?;
        let me = std::env::current_exe()?;
        let port = upstream.to_string();
        let mut process = Pinned::start(load_core, &me, &["upstream", &port], &folder.join("upstream.log"))?;
        answered(upstream, &mut process, "w-10", &folder.join("upstream.log"))?;
        Ok(Self { tollgate, nginx, folder, load_core, subject_core, upstream, _upstream: process })
    }

    /// Starts a subject; returns once a call through it was answered.
    pub fn start(&self, subject: Subject) -> Result<Running, Failure> {
        let port = free_port()?;
        match subject {
            Subject::Direct => Ok(Running { port: self.upstream, process: None, start: Duration::ZERO }),
            Subject::Nginx => {
                let file = self.folder.join("nginx.conf");
                fs::write(&file, nginx(&self.folder, port, self.upstream))?;
                let path = file.display().to_string();
                self.launch(&self.nginx, &["-c", &path, "-e", "stderr"], "nginx.log", port)
            }
            Subject::Gateway => {
                // In a folder of its own: the gateway watches it for changes, and a log beside it would be one with each line.
                let file = self.folder.join("gateway").join("tollgate.yaml");
                fs::create_dir_all(file.parent().ok_or("the configuration has no folder")?)?;
                fs::write(&file, gateway(port, self.upstream))?;
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
        Ok(Running { port, process: Some(process), start: began.elapsed() })
    }
}

/// One process, so that all of its time is one number. Bodies and replies touch no disk, the log is buffered, connections
/// to the upstream are kept.
fn nginx(folder: &Path, port: u16, upstream: u16) -> String {
    let folder = folder.display();
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
    server 127.0.0.1:{upstream};
    keepalive 256;
    keepalive_requests 1000000000;
  }}
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    location / {{
      proxy_pass http://model;
      proxy_http_version 1.1;
      proxy_set_header Connection \"\";
      proxy_buffering off;
      proxy_max_temp_file_size 0;
      proxy_read_timeout 900s;
    }}
  }}
}}
"
    )
}

fn gateway(port: u16, upstream: u16) -> String {
    let mut keys = String::new();
    for i in 0..100 {
        keys.push_str(&format!("  - {{ name: other-{i}, key: \"tg-other-{i:032}\", models: [ \"up/*\" ] }}\n"));
    }
    format!(
        "server: {{ listen: 127.0.0.1:{port} }}
log: {{ level: info, format: json }}
providers:
  up: {{ dialect: openai-chat, base_url: \"http://127.0.0.1:{upstream}/v1\", api_key: upstream }}
  claude: {{ dialect: anthropic, base_url: \"http://127.0.0.1:{upstream}/v1\", api_key: upstream }}
  gem: {{ dialect: gemini, base_url: \"http://127.0.0.1:{upstream}/v1beta\", api_key: upstream }}
keys:
  - {{ name: bench, key: \"{}\", models: [ assistant, \"up/*\", \"claude/*\", \"gem/*\" ] }}
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
