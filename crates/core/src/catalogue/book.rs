//! One catalogue file: three sorted lists of lines, searched where they lie. The embedded one costs nothing at a start:
//! its first line says where the lists begin. A file of the operator's is read whole, and every line of it checked.
//!
//! The format is written down in docs/catalogue.md.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt::Write;
use std::ops::Range;

use super::check;
use super::offer::{Offer, Source};

/// The first word of a catalogue file.
pub const MAGIC: &str = "tollgate-catalogue";

/// The version of the format.
pub const FORMAT: &str = "1";

/// A catalogue file.
pub struct Book {
    text: Cow<'static, str>,
    date: Range<usize>,
    offers: Range<usize>,
    names: Range<usize>,
    sources: Range<usize>,
}

/// What is wrong with a line of a catalogue file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {message}")]
pub struct Mistake {
    /// The line, counted from one.
    pub line: usize,
    /// What is wrong with it.
    pub message: String,
}

/// The lists of a file, each sorted, one line each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lists {
    /// `provider/model facts`.
    pub offers: Vec<String>,
    /// `name provider/model …`: who else serves a model of this name, by what name.
    pub names: Vec<String>,
    /// `id date who`.
    pub sources: Vec<String>,
}

impl Lists {
    /// The file's text; `date` is that of the newest source.
    pub fn write(&self, date: &str) -> String {
        let list = |title: &str, lines: &[String]| {
            let mut text = format!("[{title}]\n");
            lines.iter().for_each(|line| {
                let _ = writeln!(text, "{line}");
            });
            text
        };
        let lists = [list("offers", &self.offers), list("names", &self.names), list("sources", &self.sources)];
        let [offers, names, sources] = lists.each_ref().map(String::len);
        format!("{MAGIC} {FORMAT} {date} {offers} {names} {sources}\n{}", lists.concat())
    }
}

impl std::fmt::Debug for Book {
    /// Without its text.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Book").field("date", &self.date()).finish_non_exhaustive()
    }
}

impl Book {
    /// The file that was made with this program: its first line is believed. `None`: it is none.
    pub(super) fn trusted(text: &'static str) -> Option<Self> {
        Self::laid_out(Cow::Borrowed(text))
    }

    /// One without a line.
    pub(super) fn empty() -> Self {
        Self { text: Cow::Borrowed(""), date: 0..0, offers: 0..0, names: 0..0, sources: 0..0 }
    }

    fn laid_out(text: Cow<'static, str>) -> Option<Self> {
        let head = text.find('\n')?;
        let mut words = text[..head].split(' ').skip(2);
        let date = words.next()?;
        let date_at = MAGIC.len() + FORMAT.len() + 2;
        let date = date_at..date_at + date.len();
        let mut at = head + 1;
        let mut list = || -> Option<Range<usize>> {
            let length: usize = words.next()?.parse().ok()?;
            let end = at.checked_add(length)?;
            let title = text.get(at..end)?.find('\n')? + 1;
            let range = at + title..end;
            at = end;
            Some(range)
        };
        let (offers, names, sources) = (list()?, list()?, list()?);
        Some(Self { text, date, offers, names, sources })
    }

    /// A file that somebody wrote: in any order, with comments (`#`) and empty lines, its lists' lengths left out or wrong.
    ///
    /// # Errors
    /// Every line that cannot be read.
    pub fn parse(text: &str) -> Result<Self, Vec<Mistake>> {
        let (lists, date) = check::read(text)?;
        Self::laid_out(Cow::Owned(lists.write(&date)))
            .ok_or_else(|| vec![Mistake { line: 1, message: "the file cannot be laid out".to_owned() }])
    }

    /// The day of its newest source.
    pub fn date(&self) -> &str {
        &self.text[self.date.clone()]
    }

    /// The offer of this name.
    pub fn offer(&self, provider: &str, model: &str) -> Option<Offer<'_>> {
        let wanted = || provider.bytes().chain(*b"/").chain(model.bytes());
        find(&self.text[self.offers.clone()], |key| key.bytes().cmp(wanted())).map(|line| self.read(line))
    }

    /// All offers whose names begin so, in the order of their names.
    pub fn offers<'a>(&'a self, start: &str) -> impl Iterator<Item = Offer<'a>> + use<'a> {
        let lines = &self.text[self.offers.clone()];
        let first = lower_bound(lines, start);
        let start = start.to_owned();
        lines[first..].lines().take_while(move |line| line.starts_with(&start)).map(|line| self.read(line))
    }

    /// Offers of a model of this bare name that have other names there: `provider/model`.
    pub fn named(&self, name: &str) -> impl Iterator<Item = &str> {
        let line = find(&self.text[self.names.clone()], |key| key.cmp(name)).unwrap_or_default();
        line.split(' ').skip(1)
    }

    pub(super) fn source(&self, id: &str) -> Option<Source<'_>> {
        let mut lines = self.text[self.sources.clone()].lines();
        lines.find_map(|line| {
            let (date, from) = line.strip_prefix(id)?.strip_prefix(' ')?.split_once(' ')?;
            Some(Source { date, from })
        })
    }

    fn read<'a>(&'a self, line: &'a str) -> Offer<'a> {
        let (name, facts) = line.split_once(' ').unwrap_or((line, ""));
        let (facts, other) = facts.split_once(" | ").map_or((facts, None), |(facts, other)| (facts, Some(other)));
        Offer { book: self, name, facts, other }
    }
}

/// The line whose key (all before the first space) is equal, of lines sorted by their keys' bytes.
fn find(lines: &str, order: impl Fn(&str) -> Ordering) -> Option<&str> {
    let (mut low, mut high) = (0, lines.len());
    while low < high {
        let (start, end) = line_at(lines, low, low + (high - low) / 2);
        let line = &lines[start..end];
        match order(key(line)) {
            Ordering::Less => low = end + 1,
            Ordering::Greater => high = start,
            Ordering::Equal => return Some(line),
        }
    }
    None
}

/// Where the first line begins that is not before `start`.
fn lower_bound(lines: &str, start: &str) -> usize {
    let (mut low, mut high) = (0, lines.len());
    while low < high {
        let (begin, end) = line_at(lines, low, low + (high - low) / 2);
        if key(&lines[begin..end]) < start { low = (end + 1).min(lines.len()) } else { high = begin }
    }
    low
}

/// The bounds of the line around a place; none begins before `low`.
fn line_at(lines: &str, low: usize, place: usize) -> (usize, usize) {
    let bytes = lines.as_bytes();
    let start = bytes[low..place].iter().rposition(|b| *b == b'\n').map_or(low, |i| low + i + 1);
    let end = bytes[place..].iter().position(|b| *b == b'\n').map_or(lines.len(), |i| place + i);
    (start, end)
}

fn key(line: &str) -> &str {
    line.split(' ').next().unwrap_or(line)
}
