//! The whole benchmark, in the order in which one result is needed for the next.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use crate::cases::{self, Case, Lane};
use crate::process::{Pinned, cores, wait_for_quiet};
use crate::report::{self, Results};
use crate::subjects::{Bench, Running, Subject};
use crate::window::{Figures, Spans, held, measure};
use crate::{Failure, say};

/// How to run.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// About six minutes instead of half an hour.
    #[arg(long)]
    quick: bool,
    /// The gateway's release binary.
    #[arg(long, default_value = "target/release/tollgate")]
    tollgate: PathBuf,
    /// nginx's binary.
    #[arg(long, default_value = "/usr/sbin/nginx")]
    nginx: PathBuf,
    /// Where logs and results go.
    #[arg(long, default_value = "target/bench")]
    folder: PathBuf,
    /// The page whose figures are written anew; none with `--no-page`.
    #[arg(long, default_value = "docs/performance.md")]
    page: PathBuf,
    /// Only print.
    #[arg(long)]
    no_page: bool,
    /// Only cases whose names begin so: call, connections, stream, overhead, tls, latency, held, overload.
    #[arg(long)]
    only: Option<String>,
}

struct Run<'a> {
    bench: Bench,
    nginx: Running,
    gateway: Running,
    direct: Running,
    rounds: usize,
    spans: Spans,
    results: Results,
    options: &'a Options,
}

/// Runs the benchmark, prints the report, and writes it into the page.
pub fn run(options: &Options) -> Result<(), Failure> {
    let cores = cores();
    if cores.len() < 2 {
        return Err("two cores are needed: one for the subject, one for load and upstream".into());
    }
    let idle = wait_for_quiet();
    let folder = std::path::absolute(&options.folder)?;
    let bench = Bench::new(options.tollgate.clone(), options.nginx.clone(), folder.clone(), &cores)?;
    let (rounds, warm, count) = if options.quick { (2, 200, 800) } else { (5, 500, 3_000) };
    let spans = Spans { warm: Duration::from_millis(warm), count: Duration::from_millis(count) };
    let (nginx, gateway) = (bench.start(Subject::Nginx)?, bench.start(Subject::Gateway)?);
    let direct = bench.start(Subject::Direct)?;
    let mut run = Run { bench, nginx, gateway, direct, rounds, spans, results: Results::default(), options };
    run.results.about = report::about(options.quick, idle, &options.tollgate, &options.nginx);
    run.starts()?;
    for case in [cases::calls(), cases::streams(), cases::overhead()].into_iter().flatten() {
        run.case(&case)?;
    }
    run.tls()?;
    run.latencies()?;
    run.overload()?;
    run.held()?;
    let file = folder.join("results.txt");
    run.results.save(&file)?;
    let text = report::text(&run.results);
    say(&text);
    if !options.no_page && options.only.is_none() {
        report::write(&run.results, &options.page)?;
        say(&format!("bench: written to {}", options.page.display()));
    }
    Ok(())
}

impl Run<'_> {
    fn wanted(&self, name: &str) -> bool {
        self.options.only.as_ref().is_none_or(|only| name.starts_with(only.as_str()))
    }

    fn running(&self, lane: Lane) -> &Running {
        match lane.subject() {
            Subject::Direct => &self.direct,
            Subject::Nginx => &self.nginx,
            Subject::Gateway => &self.gateway,
        }
    }

    fn case(&mut self, case: &Case) -> Result<(), Failure> {
        if self.wanted(&case.name) { self.rounds_of(case) } else { Ok(()) }
    }

    /// All lanes in turns, round by round; of each figure the median of the rounds. Rounds of which the host took too much are
    /// made again, as many at most as were wanted, and those count of which it took least.
    fn rounds_of(&mut self, case: &Case) -> Result<(), Failure> {
        let cores = if case.has_pauses() { &[self.bench.load_core, self.bench.subject_core][..] } else { &[] };
        let _awake = cores.iter().map(|core| Pinned::awake(*core)).collect::<Result<Vec<_>, _>>()?;
        let mut rounds: Vec<Vec<Figures>> = Vec::new();
        while is_one_wanted(&rounds, self.rounds) {
            rounds.push(case.lanes.iter().map(|lane| self.once(case, *lane)).collect::<Result<_, _>>()?);
        }
        self.results.add_again(rounds.len() - self.rounds);
        let rounds = quietest(rounds, self.rounds);
        for (i, lane) in case.lanes.iter().map(|lane| lane.name()).enumerate() {
            let rounds: Vec<&Figures> = rounds.iter().map(|round| &round[i]).collect();
            let mut names: Vec<&String> = rounds.iter().flat_map(|figures| figures.keys()).collect();
            names.sort_unstable();
            names.dedup();
            for name in names {
                let values: Vec<f64> = rounds.iter().filter_map(|figures| figures.get(name).copied()).collect();
                if name == "cpu_us" {
                    self.results.set(&case.name, lane, "cpu_spread", spread(&values));
                }
                self.results.set(&case.name, lane, name, median(values));
            }
            let figure = |name| self.results.get(&case.name, lane, name).unwrap_or_default();
            say(&format!(
                "{:<16} {lane:<18} {:>8.1} µs of processor a call (rounds differ by {:.0} %, {:.0} % stolen), {:>7.0} calls/s, p50 {:.0} p99 {:.0} µs, {:.0} errors",
                case.name,
                figure("cpu_us"),
                figure("cpu_spread") * 100.0,
                figure("stolen") * 100.0,
                figure("per_s"),
                figure("call_p50_us"),
                figure("call_p99_us"),
                figure("errors")
            ));
        }
        Ok(())
    }

    /// Start to first answered call, the binary's size, memory before any load.
    fn starts(&mut self) -> Result<(), Failure> {
        let (mut times, mut idle) = (Vec::new(), Vec::new());
        for _ in 0..5 {
            let running = self.bench.start(Subject::Gateway)?;
            times.push(running.start.as_secs_f64() * 1e3);
            std::thread::sleep(Duration::from_millis(300));
            idle.push(mebibytes(running.process.as_ref().map_or(Ok(0), |p| p.memory())?));
        }
        self.results.set("start", "gateway", "ms", median(times));
        self.results.set("start", "gateway", "idle_mib", median(idle));
        let size = std::fs::metadata(&self.options.tollgate)?.len();
        self.results.set("start", "gateway", "binary_mib", mebibytes(size));
        Ok(())
    }

    /// The table with an upstream under TLS, and what the upstream saw of connections meanwhile.
    fn tls(&mut self) -> Result<(), Failure> {
        if !self.wanted("tls") {
            return Ok(());
        }
        for case in cases::under_tls() {
            self.case(&case)?;
        }
        Ok(())
    }

    /// One lane of a case, once. Under TLS what the upstream saw of connections is added up, too.
    fn once(&mut self, case: &Case, lane: Lane) -> Result<Figures, Failure> {
        let spans = case.spans(self.spans);
        if !case.name.starts_with("tls") {
            return measure(&self.bench, self.running(lane), lane, case, spans);
        }
        let before = self.bench.counts()?;
        let figures = measure(&self.bench, self.running(lane), lane, case, spans)?;
        let after = self.bench.counts()?;
        let listener = if lane.is_h2() { "h2" } else { "tls" };
        for name in ["requests", "full", "resumed"] {
            let of = |counts: &BTreeMap<String, f64>| counts.get(&format!("{listener}.{name}")).copied().unwrap_or(0.0);
            let sum = self.results.get("kept all cases", lane.name(), name).unwrap_or(0.0) + of(&after) - of(&before);
            self.results.set("kept all cases", lane.name(), name, sum);
        }
        Ok(figures)
    }

    /// The open loop: at 1,000 a second, and at 60 % of what each way through the gateway can do.
    fn latencies(&mut self) -> Result<(), Failure> {
        if !self.wanted("latency") {
            return Ok(());
        }
        let lanes = [Lane::Direct, Lane::Nginx, Lane::Relay, Lane::ToAnthropic];
        self.case(&cases::latency("latency 1000/s", &lanes, 1000))?;
        for lane in [Lane::Relay, Lane::ToAnthropic] {
            // Measured beside them: the same processor gives half as much at another hour.
            let most = format!("most {}", lane.name());
            self.rounds_of(&cases::most(&most, lane))?;
            let most = self.results.get(&most, lane.name(), "per_s").ok_or("the maximum was not measured")?;
            let rate = whole(most * 0.6);
            let name = format!("latency 60 % {}", lane.name());
            self.results.set(&name, "all", "rate", most * 0.6);
            self.case(&cases::latency(&name, &[Lane::Direct, Lane::Nginx, lane], rate))?;
        }
        Ok(())
    }

    /// Three times as many calls as it can serve.
    fn overload(&mut self) -> Result<(), Failure> {
        if !self.wanted("overload") {
            return Ok(());
        }
        self.case(&cases::overload("overload once", 256, 0))?;
        let most = self.results.get("overload once", Lane::ToAnthropic.name(), "per_s").unwrap_or_default();
        self.case(&cases::overload("overload thrice", 1024, whole(most * 3.0)))
    }

    /// Memory of streams that say nothing, each on a subject that has just started.
    fn held(&mut self) -> Result<(), Failure> {
        if !self.wanted("held") {
            return Ok(());
        }
        for streams in [1_000, 8_000] {
            for lane in [Lane::Nginx, Lane::Relay, Lane::ToAnthropic] {
                let running = self.bench.start(lane.subject())?;
                let bytes = held(&self.bench, &running, lane, streams)?;
                self.results.set(&format!("held {streams}"), lane.name(), "kib", bytes / 1024.0);
                say(&format!("held {streams:<11} {:<16} {:>8.1} KiB a stream", lane.name(), bytes / 1024.0));
            }
        }
        Ok(())
    }
}

/// A round tells of its machine's neighbours once the host took more of its time than this.
const TAKEN: f64 = 0.02;

/// The largest share of time that the host took away in any lane of a round.
fn taken(round: &[Figures]) -> f64 {
    round.iter().filter_map(|figures| figures.get("stolen").copied()).fold(0.0, f64::max)
}

/// Whether another round is to be made: too few are whole yet, and not twice as many as are wanted have been made.
fn is_one_wanted(rounds: &[Vec<Figures>], wanted: usize) -> bool {
    let whole = rounds.iter().filter(|round| taken(round) <= TAKEN).count();
    whole < wanted && rounds.len() < wanted * 2
}

/// As many rounds as are wanted: those of which the host took least.
fn quietest(mut rounds: Vec<Vec<Figures>>, wanted: usize) -> Vec<Vec<Figures>> {
    rounds.sort_by(|a, b| taken(a).total_cmp(&taken(b)));
    rounds.truncate(wanted);
    rounds
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => 0.0,
        n if n % 2 == 1 => values[middle],
        _ => f64::midpoint(values[middle - 1], values[middle]),
    }
}

/// How far the rounds lie apart, as a share of their median.
fn spread(values: &[f64]) -> f64 {
    let least = values.iter().copied().fold(f64::INFINITY, f64::min);
    let most = values.iter().copied().fold(0.0, f64::max);
    (most - least).max(0.0) / median(values.to_vec()).max(f64::MIN_POSITIVE)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rate far below 2^52")]
fn whole(rate: f64) -> u64 {
    rate as u64
}

#[expect(clippy::cast_precision_loss, reason = "a figure for a report")]
fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / (1024.0 * 1024.0)
}

#[cfg(test)]
mod tests {
    use super::{Figures, is_one_wanted, median, quietest, spread, taken};

    #[test]
    fn rounds_that_lost_too_much_are_made_again_within_bounds() {
        let lane = |stolen: f64| Figures::from([("stolen".to_owned(), stolen)]);
        let round = |stolen: f64| vec![lane(0.0), lane(stolen)];
        let mut rounds = vec![round(0.01), round(0.3)];
        assert!(is_one_wanted(&rounds, 2), "one of the two is no measure");
        rounds.push(round(0.02));
        assert!(!is_one_wanted(&rounds, 2));
        let kept: Vec<f64> = quietest(rounds, 2).iter().map(|round| taken(round)).collect();
        assert_eq!(kept, [0.01, 0.02]);
        assert!(!is_one_wanted(&[round(0.3), round(0.2), round(0.3), round(0.2)], 2), "it does not go on for ever");
    }

    #[test]
    fn the_median_is_the_middle() {
        assert!((median(vec![3.0, 1.0, 2.0]) - 2.0).abs() < 1e-9);
        assert!((median(vec![4.0, 1.0, 2.0, 3.0]) - 2.5).abs() < 1e-9);
        assert!((spread(&[9.0, 10.0, 11.0]) - 0.2).abs() < 1e-9);
    }
}
