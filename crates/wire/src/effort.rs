//! Efforts that a model does not know.

use tollgate_ir::Effort;

/// The effort that a class of models takes for the one asked for: the same, else the next below, else the least. `None`:
/// it takes none.
pub(crate) fn nearest(efforts: &[Effort], asked: Effort) -> Option<Effort> {
    efforts.iter().rev().find(|effort| **effort <= asked).or_else(|| efforts.first()).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_effort_is_never_raised_but_to_the_lowest() {
        use Effort::{High, Low, Max, Medium, Minimal, XHigh};
        let claude: &[Effort] = &[Low, Medium, High, Max];
        for (efforts, asked, given) in [
            (claude, Medium, Some(Medium)),
            (claude, XHigh, Some(High)),
            (claude, Minimal, Some(Low)),
            (&[Medium, High], Low, Some(Medium)),
            (&[], High, None),
        ] {
            assert_eq!(nearest(efforts, asked), given, "{asked:?} of {efforts:?}");
        }
    }
}
