//! Processes: on which core, how much of the processor, how much memory.

use std::fs;
use std::io;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::clock;

/// How long a process may take to end when it is asked to.
const FAREWELL: Duration = Duration::from_secs(2);

/// How long a core was taken away for other machines of the same host so far, to a hundredth of a second; zero where the kernel
/// does not tell (proc(5), `steal`).
pub fn stolen(core: usize) -> io::Result<Duration> {
    const TICK: Duration = Duration::from_millis(10);
    let stat = fs::read_to_string("/proc/stat")?;
    let line = stat.lines().find_map(|line| line.strip_prefix(&format!("cpu{core} ")));
    let ticks = line.and_then(|times| times.split_whitespace().nth(7)).and_then(|ticks| ticks.parse::<u32>().ok());
    Ok(TICK * ticks.unwrap_or_default())
}

/// A process of ours on one core. Ended on drop.
pub struct Pinned {
    child: Child,
}

impl Pinned {
    /// Starts a program on a core; what it prints goes to a file.
    pub fn start(core: usize, program: &Path, arguments: &[&str], log: &Path) -> io::Result<Self> {
        let out = fs::File::create(log)?;
        let child =
            taskset(core, program).args(arguments).stdin(Stdio::null()).stdout(out.try_clone()?).stderr(out).spawn()?;
        Ok(Self { child })
    }

    /// Keeps a core awake: whatever else is to run there comes first (`SCHED_IDLE`). A host gives a core that slept back when
    /// it is that machine's turn, which is milliseconds later where machines are many.
    pub fn awake(core: usize) -> io::Result<Self> {
        let me = std::env::current_exe()?;
        let mut command = taskset(core, Path::new("chrt"));
        command.args(["--idle", "0"]).arg(me).arg("awake").stdin(Stdio::null());
        Ok(Self::of(command.spawn()?))
    }

    /// Takes one over.
    pub const fn of(child: Child) -> Self {
        Self { child }
    }

    /// Processor time of all its threads so far, to the nanosecond as the scheduler counts.
    pub fn processor(&self) -> io::Result<Duration> {
        let mut nanos = 0;
        for thread in fs::read_dir(format!("/proc/{}/task", self.child.id()))? {
            let stat = fs::read_to_string(thread?.path().join("schedstat"))?;
            nanos += stat.split(' ').next().and_then(|n| n.parse::<u64>().ok()).unwrap_or_default();
        }
        Ok(Duration::from_nanos(nanos))
    }

    /// Resident memory in bytes.
    pub fn memory(&self) -> io::Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let kib = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))
            .and_then(|rest| rest.trim().trim_end_matches(" kB").parse::<u64>().ok());
        Ok(kib.unwrap_or_default() * 1024)
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Open descriptors.
    pub fn descriptors(&self) -> io::Result<usize> {
        Ok(fs::read_dir(format!("/proc/{}/fd", self.child.id()))?.count())
    }

    /// It has ended by itself.
    pub fn ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }
}

impl Drop for Pinned {
    /// Asked first: a gateway that counts its branches for the release's profile writes them down as it ends.
    fn drop(&mut self) {
        let asked = Command::new("kill").arg(self.child.id().to_string()).status();
        let until = clock::now() + FAREWELL;
        while asked.is_ok() && !self.ended() && clock::now() < until {
            std::thread::sleep(Duration::from_millis(5));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A command that runs on one core. `taskset` becomes the program, so the process's id is the program's.
pub fn taskset(core: usize, program: &Path) -> Command {
    let mut command = Command::new("taskset");
    command.args(["-c", &core.to_string()]).arg(program);
    command
}

/// The machine is quiet when its processors are idle for this share of their time.
pub const QUIET: f64 = 0.95;

/// Waits up to a minute until the machine is quiet; the share of time that its processors were idle at last. (The load
/// average tells of the last minutes, and a build has just ended.)
pub fn wait_for_quiet() -> f64 {
    let mut idle = 0.0;
    for _ in 0..30 {
        let before = ticks();
        std::thread::sleep(Duration::from_secs(2));
        let after = ticks();
        idle = (after.0 - before.0) / (after.1 - before.1).max(1.0);
        if idle >= QUIET {
            break;
        }
    }
    idle
}

/// Idle time and all time of all processors, by proc_stat(5): user, nice, system, idle, iowait, irq, softirq, steal.
fn ticks() -> (f64, f64) {
    let stat = fs::read_to_string("/proc/stat").unwrap_or_default();
    let all: Vec<f64> = stat
        .lines()
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .skip(1)
        .take(8)
        .filter_map(|n| n.parse().ok())
        .collect();
    (all.iter().skip(3).take(2).sum(), all.iter().sum())
}

/// The cores that this process may use.
pub fn cores() -> Vec<usize> {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let list = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:")).unwrap_or("0").trim();
    list.split(',')
        .flat_map(|part| {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            first.parse::<usize>().unwrap_or(0)..=last.parse::<usize>().unwrap_or(0)
        })
        .collect()
}
