//! A list of inputs in parts that a provider takes at once.

use tollgate_ir::EmbedInput;

/// The inputs in order, in as few parts as go: none has more inputs or, as far as `tokens` tells, more tokens than a
/// provider takes. An input that is over alone stands alone: its provider says so, or cuts it.
pub fn parts(
    inputs: &[EmbedInput],
    most_inputs: usize,
    most_tokens: Option<u64>,
    tokens: impl Fn(&EmbedInput) -> u64,
) -> Vec<&[EmbedInput]> {
    let most_tokens = most_tokens.unwrap_or(u64::MAX);
    let mut parts = Vec::new();
    let (mut from, mut sum) = (0, 0_u64);
    for (at, input) in inputs.iter().enumerate() {
        let more = if most_tokens == u64::MAX { 0 } else { tokens(input) };
        let full = at - from >= most_inputs || sum.saturating_add(more) > most_tokens;
        if full && at > from {
            parts.push(&inputs[from..at]);
            (from, sum) = (at, 0);
        }
        sum = sum.saturating_add(more);
    }
    if from < inputs.len() {
        parts.push(&inputs[from..]);
    }
    parts
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tollgate_ir::EmbedContent;

    use super::*;

    fn inputs(lengths: &[usize]) -> Vec<EmbedInput> {
        let text = |n: &usize| EmbedContent::Text("a".repeat(*n));
        lengths.iter().enumerate().map(|(i, n)| EmbedInput { at: format!("input[{i}]"), content: text(n) }).collect()
    }

    fn length(input: &EmbedInput) -> u64 {
        match &input.content {
            EmbedContent::Text(text) => text.len() as u64,
            _ => 0,
        }
    }

    #[test]
    fn parts_end_where_either_limit_is_reached() {
        for (lengths, most_inputs, most_tokens, wanted) in [
            (&[1, 1, 1][..], 2, None, &[2, 1][..]),
            (&[5, 5, 5], 9, Some(10), &[2, 1]),
            (&[99, 1, 99], 9, Some(10), &[1, 1, 1]),
            (&[99], 1, Some(10), &[1]),
            (&[], 4, Some(10), &[]),
        ] {
            let inputs = inputs(lengths);
            let sizes: Vec<_> =
                parts(&inputs, most_inputs, most_tokens, length).iter().map(|part| part.len()).collect();
            assert_eq!(sizes, wanted, "{lengths:?}");
        }
    }

    proptest! {
        #[test]
        fn nothing_is_lost_or_moved_and_no_part_is_over(
            lengths in proptest::collection::vec(0_usize..40, 0..60), most_inputs in 1_usize..9, most_tokens in 1_u64..60,
        ) {
            let inputs = inputs(&lengths);
            let parts = parts(&inputs, most_inputs, Some(most_tokens), length);
            prop_assert_eq!(parts.concat().len(), inputs.len());
            prop_assert!(parts.iter().flat_map(|p| p.iter()).zip(&inputs).all(|(a, b)| a.at == b.at));
            for part in parts {
                let sum: u64 = part.iter().map(length).sum();
                prop_assert!(!part.is_empty() && part.len() <= most_inputs && (sum <= most_tokens || part.len() == 1));
            }
        }
    }
}
