//! The built `tollgate`, started on a free port and killed at the end.

use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long a start may take in a debug build on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// A running gateway. Killed on drop.
#[derive(Debug)]
pub struct Binary {
    child: Child,
    /// Where it listens.
    pub address: SocketAddr,
    /// What it printed, both streams.
    pub log: PathBuf,
}

impl Binary {
    /// `http://127.0.0.1:port` and a path.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// All that was printed so far.
    pub fn printed(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// The process, for signals.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Asks it to shut down, as an orchestrator does.
    pub fn terminate(&self) {
        let sent = Command::new("kill").args(["-TERM", &self.pid().to_string()]).status();
        assert!(sent.is_ok_and(|status| status.success()), "SIGTERM could not be sent");
    }

    /// Kills it, as the kernel does when memory is out.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Waits for the process to end by itself; its exit code, or `None` if it does not or was killed.
    pub fn wait(&mut self, limit: Duration) -> Option<i32> {
        let until = now() + limit;
        while now() < until {
            if let Ok(Some(status)) = self.child.try_wait() {
                return status.code();
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        None
    }
}

impl Drop for Binary {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Starts `tollgate serve` with a configuration and waits until `/healthz` answers 200. The caller passes
/// `env!("CARGO_BIN_EXE_tollgate")`, a folder of its own for files, and the configuration, in which `{listen}` is replaced
/// by the address; variables are added to an otherwise empty environment.
///
/// # Panics
///
/// If it does not start, with what it printed.
pub fn run_binary(executable: &str, folder: &Path, config: &str, variables: &[(&str, &str)]) -> Binary {
    run_binary_at(free_address(), executable, folder, config, variables)
}

/// The same at an address of one's choice: that of a process that was killed, or that is to be taken over from.
///
/// # Panics
///
/// If it does not start, with what it printed.
pub fn run_binary_at(
    address: SocketAddr,
    executable: &str,
    folder: &Path,
    config: &str,
    variables: &[(&str, &str)],
) -> Binary {
    let file = folder.join("tollgate.yaml");
    std::fs::write(&file, config.replace("{listen}", &address.to_string())).expect("the configuration's file");
    let log = folder.join("tollgate.log");
    let out = std::fs::File::create(&log).expect("the log's file");
    let child = Command::new(executable)
        .args(["serve", "--config"])
        .arg(&file)
        .current_dir(folder)
        .env_clear()
        .envs(variables.iter().copied())
        .stdin(Stdio::null())
        .stdout(out.try_clone().expect("the log's file twice"))
        .stderr(out)
        .spawn()
        .expect("a binary that can be started");
    let mut binary = Binary { child, address, log };
    let until = now() + PATIENCE;
    while !healthy(address) {
        let ended = binary.child.try_wait().expect("a child");
        if ended.is_some() || now() > until {
            let mut story = String::new();
            let _ = write!(story, "tollgate did not start ({ended:?}); it printed:\n{}", binary.printed());
            panic!("{story}");
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    binary
}

/// Free when asked; tests in parallel get different ones from the kernel.
fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port of loopback")
}

fn healthy(address: SocketAddr) -> bool {
    let ask = || {
        let mut tcp = TcpStream::connect_timeout(&address, Duration::from_millis(500))?;
        tcp.set_read_timeout(Some(Duration::from_secs(2)))?;
        write!(tcp, "GET /healthz HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n")?;
        let mut reply = [0; 12];
        tcp.read_exact(&mut reply)?;
        Ok::<_, std::io::Error>(reply)
    };
    ask().is_ok_and(|reply| reply.ends_with(b" 200"))
}

fn now() -> Instant {
    #[expect(clippy::disallowed_methods, reason = "a real process takes real time")]
    Instant::now()
}
