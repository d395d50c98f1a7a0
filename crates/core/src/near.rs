//! The nearest valid word to a wrong one, for messages that tell what was meant.

/// The candidates nearest to `word`, best first, at most `most`: within a third of its length in edits, or sharing its
/// last path segment.
pub(crate) fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>, most: usize) -> Vec<String> {
    let allowed = (word.chars().count() / 3).max(1);
    let mut found: Vec<(usize, &str)> = candidates
        .into_iter()
        .filter_map(|candidate| {
            let edits = distance(&word.to_lowercase(), &candidate.to_lowercase());
            let same_tail = candidate != word && tail(candidate) == tail(word);
            (edits <= allowed || same_tail).then_some((edits, candidate))
        })
        .collect();
    found.sort_by(|a, b| a.0.cmp(&b.0).then_with(|| a.1.cmp(b.1)));
    found.dedup();
    found.into_iter().take(most).map(|(_, candidate)| candidate.to_owned()).collect()
}

fn tail(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

/// Edits between two words: insertions, deletions, substitutions, and swaps of neighbours (optimal string alignment),
/// since swapped letters are the commonest slip.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, to) in b.iter().enumerate() {
            let substituted = last[j] + usize::from(from != to);
            let mut best = substituted.min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *from == b[j - 1] && a[i - 1] == *to {
                best = best.min(before[j - 1] + 1);
            }
            row.push(best);
        }
        before = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_are_counted() {
        for (a, b, edits) in [
            ("", "abc", 3),
            ("listen", "listen", 0),
            ("lisetn", "listen", 1),
            ("lsten", "listen", 1),
            ("cat", "dog", 3),
        ] {
            assert_eq!(distance(a, b), edits, "{a} → {b}");
            assert_eq!(distance(b, a), edits, "{b} → {a}");
        }
    }

    #[test]
    fn the_nearest_come_first_and_strangers_not_at_all() {
        let keys = ["base_url", "api_key", "api_keys", "dialect"];
        assert_eq!(nearest("api_kys", keys, 3), ["api_keys", "api_key"]);
        assert_eq!(nearest("frobnicate", keys, 3), [""; 0]);
        assert_eq!(nearest("gpt-5", ["openai/gpt-5", "azure/gpt-4"], 3), ["openai/gpt-5"]);
    }
}
