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
    /// Valid, but to be told.
    pub warnings: Vec<String>,
}

/// Keys under which a credential may stand, by which lines are masked that could not be read as a tree.
const SECRET_KEYS: &[&str] =
    &["key", "keys", "api_key", "api_keys", "password", "secret", "token", "authorization", "url", "proxy"];

impl<'s> Report<'s> {
    pub fn new(source: &'s str) -> Self {
        Self { source, found: Vec::new(), places: BTreeMap::new(), secret: Vec::new(), warnings: Vec::new() }
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
        let Self { source, mut found, secret, .. } = self;
        found.sort_by_key(|(place, _)| (place.line, place.column));
        let show = |(place, mut problem): (Place, Problem)| {
            problem.snippet = snippet(source, &place, &secret);
            problem
        };
        Problems(found.into_iter().map(show).collect())
    }
}

/// The place's line with its secrets masked.
fn snippet(source: &str, place: &Place, secret: &[Range<usize>]) -> String {
    let Some(index) = usize::try_from(place.line).ok().and_then(|line| line.checked_sub(1)) else {
        return String::new();
    };
    let Some(line) = source.split('\n').nth(index) else { return String::new() };
    let start: usize = source.split('\n').take(index).map(|line| line.len() + 1).sum();
    let mut shown = String::new();
    let mut at = start;
    let mut hidden: Vec<&Range<usize>> = secret
        .iter()
        .filter(|range| range.start < start + line.len() && range.end > start && !range.is_empty())
        .collect();
    hidden.sort_by_key(|range| range.start);
    for range in hidden {
        let text = source.get(range.clone()).unwrap_or_default();
        if range.start.max(start) < at || text.contains("${") && !text.contains(":-") {
            continue;
        }
        shown.push_str(source.get(at..range.start.max(start)).unwrap_or_default());
        shown.push_str("***");
        at = range.end.min(start + line.len());
    }
    shown.push_str(source.get(at..start + line.len()).unwrap_or_default());
    mask_userinfo(&mask_by_key(shown.trim_end()))
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

/// Masks what follows a key that may hold a credential: for lines of a file that could not be read.
fn mask_by_key(line: &str) -> String {
    let mut shown = String::new();
    let mut rest = line;
    while let Some(colon) = rest.find(": ") {
        let (head, value) = rest.split_at(colon + 2);
        shown.push_str(head);
        let key =
            head.trim_end_matches(": ").rsplit(['{', ',', ' ', '-', '[', '"', '\'']).find(|word| !word.is_empty());
        let is_secret = key.is_some_and(|key| SECRET_KEYS.contains(&key.to_lowercase().as_str()));
        let end = value.find([',', '}', ']', '#']).unwrap_or(value.len());
        let scalar = &value[..end];
        let opens = scalar.trim_start().starts_with(['{', '[', '$', '"', '\'']) && scalar.contains(['{', '[', '$']);
        if is_secret && !opens && !scalar.trim().is_empty() {
            shown.push_str("***");
            rest = &value[end..];
        } else {
            rest = value;
        }
    }
    shown.push_str(rest);
    shown
}
