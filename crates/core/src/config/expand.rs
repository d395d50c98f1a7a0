//! `${VAR}`, `${VAR:-default}`, `${file:/path}` and `$$` in scalars (decisions.md 25): expanded after parsing, so that no
//! value can change the shape of the file.

use std::collections::HashSet;

use super::Surroundings;
use super::report::Report;
use super::tree::{Kind, Node, Value};

/// Expands every scalar of a tree in place.
pub(super) fn expand(tree: &mut Node, around: &dyn Surroundings, report: &mut Report<'_>) -> Expansion {
    let mut done = Expansion::default();
    walk(tree, around, &mut done, report);
    done
}

/// What expanding a tree brought to light.
#[derive(Default)]
pub(super) struct Expansion {
    /// Files that were read.
    pub files: Vec<String>,
    /// Paths of scalars that could not be expanded: they have no value to read.
    pub failed: HashSet<String>,
}

fn walk(node: &mut Node, around: &dyn Surroundings, done: &mut Expansion, report: &mut Report<'_>) {
    match &mut node.value {
        Value::List(items) => items.iter_mut().for_each(|item| walk(item, around, done, report)),
        Value::Map(entries) => entries.iter_mut().for_each(|entry| walk(&mut entry.node, around, done, report)),
        Value::Scalar { text, kind } if *kind == Kind::Text && text.contains('$') => {
            match expanded(text, around, &mut done.files) {
                Ok(whole) => (*text, *kind) = (whole, Kind::Expanded),
                Err(message) => {
                    report.at(node.place.clone(), &node.path, message, Vec::new());
                    done.failed.insert(node.path.clone());
                }
            }
        }
        Value::Null | Value::Scalar { .. } => {}
    }
}

fn expanded(text: &str, around: &dyn Surroundings, files: &mut Vec<String>) -> Result<String, String> {
    let mut whole = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        whole.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('$') {
            whole.push('$');
            rest = after;
        } else if let Some(inner) = rest.strip_prefix('{') {
            let end = inner.find('}').ok_or("`${` without `}`; write `$$` for a dollar sign")?;
            whole.push_str(&value(&inner[..end], around, files)?);
            rest = &inner[end + 1..];
        } else {
            whole.push('$');
        }
    }
    whole.push_str(rest);
    Ok(whole)
}

fn value(name: &str, around: &dyn Surroundings, files: &mut Vec<String>) -> Result<String, String> {
    if let Some(path) = name.strip_prefix("file:") {
        let text = around.file(path).map_err(|why| format!("the file `{path}` cannot be read: {why}"))?;
        if !files.iter().any(|known| known == path) {
            files.push(path.to_owned());
        }
        // Editors and secret stores end a file with a line break that is no part of the secret.
        return Ok(text.trim_end_matches(['\n', '\r']).to_owned());
    }
    let (name, default) = name.split_once(":-").map_or((name, None), |(name, default)| (name, Some(default)));
    if name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
        return Err(format!("`${{{name}}}` is no name of an environment variable; write `$$` for a dollar sign"));
    }
    // As in a shell, `:-` also stands in for a variable that is set to nothing.
    match around.variable(name).filter(|value| default.is_none() || !value.is_empty()) {
        Some(value) => Ok(value),
        None => default.map(str::to_owned).ok_or_else(|| {
            format!("the environment variable `{name}` is not set; set it or write `${{{name}:-default}}`")
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixed;

    impl Surroundings for Fixed {
        fn variable(&self, name: &str) -> Option<String> {
            match name {
                "A" => Some("alpha".into()),
                "EMPTY" => Some(String::new()),
                "SLY" => Some("${A}".into()),
                _ => None,
            }
        }

        fn file(&self, path: &str) -> Result<String, String> {
            if path == "/run/secrets/x" { Ok("s3cret\n".into()) } else { Err("no such file".into()) }
        }
    }

    #[test]
    fn each_form_is_expanded_once() {
        for (text, expected) in [
            ("${A}", "alpha"),
            ("a${A}b${A}", "aalphabalpha"),
            ("${NONE:-x}", "x"),
            ("${NONE:-}", ""),
            ("${EMPTY:-x}", "x"),
            ("${EMPTY}", ""),
            ("${SLY}", "${A}"),
            ("$$A $${A}", "$A ${A}"),
            ("5$ and $A", "5$ and $A"),
            ("${file:/run/secrets/x}", "s3cret"),
        ] {
            assert_eq!(expanded(text, &Fixed, &mut Vec::new()).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_cannot_be_expanded_is_said() {
        for (text, part) in [("${NONE}", "NONE"), ("${A", "without"), ("${file:/x}", "no such file"), ("${a b}", "a b")]
        {
            let error = expanded(text, &Fixed, &mut Vec::new()).unwrap_err();
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}
