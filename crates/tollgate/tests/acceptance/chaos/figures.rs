//! What a run comes to.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use super::judge::Verdict;

/// One call, told.
pub struct Told {
    pub call: usize,
    pub model: &'static str,
    pub verdict: Verdict,
    pub took: Duration,
    pub attempts: usize,
    pub calm: bool,
}

/// Figures of some calls.
#[derive(Debug, Default)]
pub struct Figures {
    pub calls: usize,
    pub complete: usize,
    pub told_inside: usize,
    pub told: BTreeMap<String, usize>,
    pub corrupt: Vec<String>,
    attempts: usize,
    calm: (usize, usize),
    took: Vec<Duration>,
}

impl Figures {
    pub fn of<'a>(told: impl Iterator<Item = &'a Told>) -> Self {
        let mut figures = Self::default();
        for call in told {
            figures.calls += 1;
            figures.attempts += call.attempts;
            if call.calm {
                figures.calm = (figures.calm.0 + 1, figures.calm.1 + call.attempts);
            }
            figures.took.push(call.took);
            match &call.verdict {
                Verdict::Complete => figures.complete += 1,
                Verdict::ToldInside => figures.told_inside += 1,
                Verdict::Told(status, message) => {
                    *figures.told.entry(format!("{status} {message}")).or_default() += 1;
                }
                Verdict::Corrupt(why) => figures.corrupt.push(format!("call {}: {why}", call.call)),
            }
        }
        figures.took.sort();
        figures
    }

    fn percent(&self, part: usize) -> f64 {
        100.0 * part as f64 / self.calls.max(1) as f64
    }

    /// Served whole, in percent.
    pub fn complete(&self) -> f64 {
        self.percent(self.complete)
    }

    /// Served whole, or told of the break within the stream, in percent.
    pub fn complete_or_told_inside(&self) -> f64 {
        self.percent(self.complete + self.told_inside)
    }

    /// Attempts a call while nothing befell anybody; `None` without such calls.
    pub fn attempts_in_calm(&self) -> Option<f64> {
        (self.calm.0 > 0).then(|| self.calm.1 as f64 / self.calm.0 as f64)
    }

    /// Attempts a call.
    pub fn attempts(&self) -> f64 {
        self.attempts as f64 / self.calls.max(1) as f64
    }

    fn quantile(&self, share: f64) -> u128 {
        let at = (self.took.len() as f64 * share) as usize;
        self.took.get(at.min(self.took.len().saturating_sub(1))).map_or(0, Duration::as_millis)
    }

    /// A row of docs/reliability.md.
    pub fn row(&self, name: &str) -> String {
        format!(
            "| {name} | {} | {:.3} % | {} | {} | {} | {} | {:.3} | {} ms | {} ms |\n",
            self.calls,
            self.complete(),
            self.told_inside,
            self.told.values().sum::<usize>(),
            self.corrupt.len(),
            self.attempts_in_calm().map_or("–".to_owned(), |attempts| format!("{attempts:.3}")),
            self.attempts(),
            self.quantile(0.5),
            self.quantile(0.99),
        )
    }

    /// For whoever reads the test's output.
    pub fn complaints(&self) -> String {
        let mut all = String::new();
        for (what, count) in &self.told {
            let _ = writeln!(all, "{count} × {what}");
        }
        for why in self.corrupt.iter().take(10) {
            let _ = writeln!(all, "{why}");
        }
        all
    }
}
