//! The mistakes found so far, and the source that they are shown from.

use std::collections::BTreeMap;
use std::ops::Range;

use super::tree::{Node, Value};
use super::{Problem, Problems};

/// Where something stands in the file; all zero where there is no file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Place {
    pub line: u64,
    pub column: u64,
    pub bytes: Range<usize>,
}

/// Collects mistakes, and shows them at the end: only then is it known which parts of the file are secret.
pub(super) struct Report<'s> {
    source: &'s str,
    found: Vec<(Place, Problem)>,
    places: BTreeMap<String, Place>,
    secret: Vec<Range<usize>>,
    /// There is no tree to tell secrets by.
    unreadable: bool,
    /// Valid, but to be told.
    pub warnings: Vec<String>,
}

impl<'s> Report<'s> {
    pub fn new(source: &'s str) -> Self {
        Self {
            source,
            found: Vec::new(),
            places: BTreeMap::new(),
            secret: Vec::new(),
            unreadable: false,
            warnings: Vec::new(),
        }
    }

    /// The file is no YAML: keys are shown of it and no values.
    pub fn is_unreadable(&mut self) {
        self.unreadable = true;
    }

    /// Learns where paths are.
    pub fn index(&mut self, node: &Node) {
        self.places.insert(node.path.clone(), node.place.clone());
        match &node.value {
            Value::List(items) => items.iter().for_each(|item| self.index(item)),
            Value::Map(entries) => entries.iter().for_each(|entry| self.index(&entry.node)),
            Value::Null | Value::Scalar { .. } => {}
        }
    }

    /// A mistake at a place. Each path is reported once for each message.
    pub fn at(&mut self, place: Place, path: &str, message: String, nearest: Vec<String>) {
        let problem = Problem {
            line: place.line,
            column: place.column,
            path: path.to_owned(),
            message,
            nearest,
            snippet: String::new(),
            caret: 0,
        };
        if !self.found.iter().any(|(_, known)| *known == problem) {
            self.found.push((place, problem));
        }
    }

    /// A mistake at a path, or at the nearest node above it that is in the file.
    pub fn path(&mut self, path: &str, message: impl Into<String>) {
        self.path_near(path, message, Vec::new());
    }

    /// The same, with what may have been meant.
    pub fn path_near(&mut self, path: &str, message: impl Into<String>, nearest: Vec<String>) {
        let mut above = path;
        let place = loop {
            match self.places.get(above) {
                Some(place) => break place.clone(),
                None if above.is_empty() => break Place::default(),
                None => above = above.rfind(['.', '[']).map_or("", |cut| &above[..cut]),
            }
        };
        self.at(place, path, message.into(), nearest);
    }

    /// Whether a mistake at this very path is known already.
    pub fn tells_of(&self, path: &str) -> bool {
        self.found.iter().any(|(_, problem)| problem.path == path)
    }

    /// The bytes of a node are not to be shown.
    pub fn hide(&mut self, place: &Place) {
        if !self.secret.contains(&place.bytes) {
            self.secret.push(place.bytes.clone());
        }
    }

    /// No scalar under a node is to be shown.
    pub fn hide_all(&mut self, node: &Node) {
        match &node.value {
            Value::List(items) => items.iter().for_each(|item| self.hide_all(item)),
            Value::Map(entries) => entries.iter().for_each(|entry| self.hide_all(&entry.node)),
            Value::Scalar { .. } => self.hide(&node.place),
            Value::Null => {}
        }
    }

    pub fn is_clean(&self) -> bool {
        self.found.is_empty()
    }

    /// All mistakes in the order of the file, each with its line.
    pub fn into_problems(self) -> Problems {
        let Self { source, mut found, secret, unreadable, .. } = self;
        found.sort_by_key(|(place, _)| (place.line, place.column));
        let show = |(place, mut problem): (Place, Problem)| {
            (problem.snippet, problem.caret) = snippet(source, &place, &secret, unreadable);
            problem
        };
        Problems(found.into_iter().map(show).collect())
    }
}

/// Most characters of a line that are shown before and after the place.
const AROUND: usize = 100;

/// The place's line with its secrets masked, and how many characters of it stand before the place.
fn snippet(source: &str, place: &Place, secret: &[Range<usize>], unreadable: bool) -> (String, usize) {
    let nothing = (String::new(), 0);
    let Some(index) = usize::try_from(place.line).ok().and_then(|line| line.checked_sub(1)) else { return nothing };
    let Some(line) = source.split('\n').nth(index) else { return nothing };
    let start: usize = source.split('\n').take(index).map(|line| line.len() + 1).sum();
    let column = usize::try_from(place.column.saturating_sub(1)).unwrap_or(0);
    let middle = start + line.char_indices().nth(column).map_or(line.len(), |(at, _)| at);
    let show = |range: Range<usize>| {
        let mut shown = without_secrets(source, range, secret);
        // Old keys are often commented out.
        if let Some(comment) = shown.find(" #") {
            shown.truncate(comment);
        }
        if unreadable { mask_values(&shown) } else { mask_userinfo(&shown) }
    };
    let whole = show(start..start + line.len());
    // What is masked is shorter than it was, so the place is found by what is shown before it.
    let before = show(start..middle);
    let caret = if whole.starts_with(&before) { before.chars().count() } else { column.min(whole.chars().count()) };
    let skipped = caret.saturating_sub(AROUND);
    let cut: String = whole.chars().skip(skipped).take(2 * AROUND).collect();
    (cut.trim_end().to_owned(), caret - skipped)
}

/// A stretch of the source with `***` where secrets stand.
fn without_secrets(source: &str, range: Range<usize>, secret: &[Range<usize>]) -> String {
    let overlaps = |hidden: &&Range<usize>| hidden.start < range.end && hidden.end > range.start && !hidden.is_empty();
    let mut hidden: Vec<&Range<usize>> = secret.iter().filter(overlaps).collect();
    hidden.sort_by_key(|hidden| hidden.start);
    let mut shown = String::new();
    let mut at = range.start;
    for hidden in hidden {
        let text = source.get(hidden.clone()).unwrap_or_default();
        // A reference is no secret; but what stands in for it may be one.
        let only_names = text.contains("${") && !text.contains(":-");
        if hidden.start.max(range.start) < at || only_names {
            continue;
        }
        shown.push_str(source.get(at..hidden.start.max(range.start)).unwrap_or_default());
        shown.push_str("***");
        at = hidden.end.min(range.end);
    }
    shown.push_str(source.get(at..range.end).unwrap_or_default());
    shown
}

/// Masks what stands before an `@` in an address: names and passwords.
fn mask_userinfo(line: &str) -> String {
    let mut shown = String::new();
    let mut rest = line;
    while let Some(at) = rest.find("://") {
        let (head, tail) = rest.split_at(at + 3);
        shown.push_str(head);
        let authority = &tail[..tail.find(['/', '?', '#', ' ', '"', '\'']).unwrap_or(tail.len())];
        rest = match authority.rfind('@') {
            Some(end) => {
                shown.push_str("***");
                &tail[end..]
            }
            None => tail,
        };
    }
    shown.push_str(rest);
    shown
}

/// Masks every word that is no key: of a file that cannot be read nobody knows which are secret.
fn mask_values(line: &str) -> String {
    const STRUCTURE: &[char] = &['{', '}', '[', ']', ',', ':', ' ', '\t', '#', '-', '&', '*', '!', '|', '>', '"', '\''];
    let mut shown = String::new();
    let mut rest = line;
    while !rest.is_empty() {
        let end = rest.find(|c| !STRUCTURE.contains(&c)).unwrap_or(rest.len());
        let (structure, word) = rest.split_at(end);
        shown.push_str(structure);
        // A hyphen within a word does not end it.
        let end = word.find(|c| STRUCTURE.contains(&c) && c != '-').unwrap_or(word.len());
        let (word, after) = word.split_at(end);
        let is_key = after.trim_start_matches(['"', '\'', ' ']).starts_with(':') && after.len() > 1;
        let known = word.len() <= 20 && word.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
        shown.push_str(if word.is_empty() || is_key && known { word } else { "***" });
        rest = after;
    }
    shown
}
