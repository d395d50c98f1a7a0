//! Rows of a table that are found by how a name begins, laid out by the first letter: most names begin like few rows or
//! none, and are held against no others.

/// See the module.
pub(crate) struct ByLetter<T>(Vec<Vec<(&'static str, T)>>);

impl<T> ByLetter<T> {
    /// Of rows and the beginning of the names that each is for.
    pub(crate) fn new(rows: impl IntoIterator<Item = (&'static str, T)>) -> Self {
        let mut letters: Vec<Vec<_>> = (0..=u8::MAX).map(|_| Vec::new()).collect();
        for (start, row) in rows {
            if let Some(letter) = start.bytes().next() {
                letters[usize::from(letter)].push((start, row));
            }
        }
        Self(letters)
    }

    /// The rows whose beginning has the name's first letter, in order.
    pub(crate) fn like(&self, name: &str) -> &[(&'static str, T)] {
        name.bytes().next().map_or(&[], |letter| &self.0[usize::from(letter)])
    }

    /// The first row that the name begins like.
    pub(crate) fn first(&self, name: &str) -> Option<&T> {
        self.like(name).iter().find(|(start, _)| name.starts_with(start)).map(|(_, row)| row)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_row_that_a_name_begins_like_is_found() {
        let table = ByLetter::new([("gpt-5", 1), ("gpt-", 2), ("glm", 3), ("", 4), ("é", 5)]);
        for (name, row) in
            [("gpt-5.1", Some(1)), ("gpt-4", Some(2)), ("glm", Some(3)), ("g", None), ("é1", Some(5)), ("", None)]
        {
            assert_eq!(table.first(name).copied(), row, "{name}");
        }
    }
}
