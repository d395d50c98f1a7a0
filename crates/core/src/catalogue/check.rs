//! A catalogue file that somebody wrote → its lists, or every line that is wrong, with what to write instead.

use std::collections::BTreeMap;

use super::book::{FORMAT, Lists, MAGIC, Mistake};
use super::sheet::Sheet;
use super::words::{Capability, EFFORTS, MODALITIES, Mode};

/// Most mistakes that are told: a file of another kind has one a line.
const MOST_MISTAKES: usize = 20;

/// Lines by their keys: sorted, each key once.
type List<'a> = BTreeMap<&'a str, &'a str>;

/// Reads a file's lists and its date.
pub(super) fn read(text: &str) -> Result<(Lists, String), Vec<Mistake>> {
    let mut mistakes = Vec::new();
    let (mut offers, mut names, mut sources) = (List::new(), List::new(), List::new());
    let date = match head(text.lines().next().unwrap_or_default()) {
        Ok(date) => date,
        Err(message) => return Err(vec![Mistake { line: 1, message }]),
    };
    let mut list = "";
    for (i, line) in text.lines().enumerate().skip(1) {
        let line = line.trim_end();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let done = match line {
            "[offers]" | "[names]" | "[sources]" => {
                list = line;
                Ok(())
            }
            _ => match list {
                "[offers]" => offer(line).and_then(|()| insert(&mut offers, line)),
                "[names]" => insert(&mut names, line),
                "[sources]" => source(line).and_then(|()| insert(&mut sources, line)),
                _ => Err("a list begins with its title: `[offers]`, `[names]` or `[sources]`".to_owned()),
            },
        };
        if let Err(message) = done {
            mistakes.push(Mistake { line: i + 1, message });
            if mistakes.len() == MOST_MISTAKES {
                break;
            }
        }
    }
    if !mistakes.is_empty() {
        return Err(mistakes);
    }
    let lines = |list: List<'_>| list.into_values().map(str::to_owned).collect();
    Ok((Lists { offers: lines(offers), names: lines(names), sources: lines(sources) }, date))
}

fn head(line: &str) -> Result<String, String> {
    let mut words = line.split(' ');
    if words.next() != Some(MAGIC) {
        return Err(format!("is no catalogue: the first line must be `{MAGIC} {FORMAT} 2026-11-25`, with its day"));
    }
    match (words.next(), words.next()) {
        (Some(FORMAT), Some(date)) if is_day(date) => Ok(date.to_owned()),
        (Some(FORMAT), _) => Err(format!("the day is missing: write `{MAGIC} {FORMAT} 2026-11-25`")),
        (format, _) => Err(format!(
            "format {} is not known to this version, which reads format {FORMAT}",
            format.unwrap_or_default()
        )),
    }
}

fn insert<'a>(list: &mut List<'a>, line: &'a str) -> Result<(), String> {
    let key = line.split(' ').next().unwrap_or(line);
    match list.insert(key, line) {
        None => Ok(()),
        Some(_) => Err(format!("`{key}` comes twice")),
    }
}

fn source(line: &str) -> Result<(), String> {
    let mut words = line.splitn(3, ' ');
    let numbered = words.next().is_some_and(|id| id.bytes().all(|b| b.is_ascii_alphanumeric()));
    let whole = numbered && words.next().is_some_and(is_day) && words.next().is_some_and(|from| !from.is_empty());
    if whole { Ok(()) } else { Err("a source is written `1 2026-11-25 who says so`".to_owned()) }
}

fn offer(line: &str) -> Result<(), String> {
    let (name, facts) = line.split_once(' ').unwrap_or((line, ""));
    if !name.split_once('/').is_some_and(|(provider, model)| !provider.is_empty() && !model.is_empty()) {
        return Err(format!("`{name}` is no offer: write `provider/model` and its facts"));
    }
    let (facts, other) = facts.split_once(" | ").unwrap_or((facts, ""));
    facts.split(' ').chain(other.split(' ')).filter(|field| !field.is_empty()).try_for_each(field)
}

fn field(field: &str) -> Result<(), String> {
    let Some((tag, value)) = field.split_at_checked(1) else { return Err(format!("`{field}` is no fact")) };
    let good = match tag {
        "s" => value.split('+').all(|id| !id.is_empty() && id.bytes().all(|b| b.is_ascii_alphanumeric())),
        "c" | "i" | "o" | "d" => value.parse::<u64>().is_ok(),
        "x" => Mode::of(value).is_some(),
        "k" | "n" => value.chars().all(|c| c != ' ' && Capability::ALL.iter().any(|(_, letter, _)| *letter == c)),
        "m" => value.split_once('>').is_some_and(|(input, output)| {
            input.chars().chain(output.chars()).all(|c| MODALITIES.iter().any(|(_, letter, _)| *letter == c))
        }),
        "r" => value.split(',').all(reasoning),
        "B" => value.len() >= 4 && value.bytes().all(|b| b.is_ascii_digit() || b == b'-'),
        "D" => is_day(value),
        "q" => matches!(value, "a" | "b" | "d"),
        ">" => !value.is_empty(),
        "$" => return Sheet::new(value).check(),
        _ => return Err(format!("`{field}` is no fact: no fact begins with `{tag}`")),
    };
    if good { Ok(()) } else { Err(format!("`{field}` cannot be read as {}", meaning(tag))) }
}

fn meaning(tag: &str) -> &'static str {
    match tag {
        "s" => "sources, such as `s1` or `s0+4`",
        "c" => "the context in tokens, such as `c200000`",
        "i" | "o" | "d" => "a number of tokens or dimensions, such as `o64000`",
        "x" => "what the model is for, such as `xembed`",
        "k" | "n" => "letters of capabilities, such as `kts`",
        "m" => "modalities, such as `mti>t`",
        "r" => "a form of reasoning, such as `rt,e234,b1024-63999`",
        "D" | "B" => "a day, such as `2026-11-25`",
        "q" => "a status: a, b or d",
        _ => "the name of a model",
    }
}

fn reasoning(part: &str) -> bool {
    match part.split_at_checked(1) {
        Some(("t", "")) => true,
        Some(("e", efforts)) => efforts.chars().all(|c| EFFORTS.iter().any(|(letter, _)| *letter == c)),
        Some(("b", budget)) => {
            let (least, most) = budget.split_once('-').unwrap_or((budget, "0"));
            least.parse::<u64>().is_ok() && most.parse::<u64>().is_ok()
        }
        _ => false,
    }
}

fn is_day(text: &str) -> bool {
    let shape = |(i, b): (usize, u8)| if i == 4 || i == 7 { b == b'-' } else { b.is_ascii_digit() };
    text.len() == 10 && text.bytes().enumerate().all(shape)
}
