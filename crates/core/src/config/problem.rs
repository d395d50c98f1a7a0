//! Mistakes of a configuration: all at once, each with its place, the nearest valid word and the line it stands in,
//! secrets masked.

use std::fmt;

/// One mistake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// From 1; 0 where there is no file (the environment).
    pub line: u64,
    /// From 1, in characters.
    pub column: u64,
    /// `providers.openai.timeouts.connect`, `models.a.fallback[1]`.
    pub path: String,
    /// What is wrong and what to write instead.
    pub message: String,
    /// The nearest valid words, best first.
    pub nearest: Vec<String>,
    /// The line as it stands in the file, unexpanded, secrets masked, cut around the place if it is long.
    pub snippet: String,
    /// How many characters of the snippet stand before the place.
    pub caret: usize,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line > 0 {
            write!(f, "{}:{}: ", self.line, self.column)?;
        }
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.message)?;
        if let [first, rest @ ..] = self.nearest.as_slice() {
            write!(f, "; did you mean `{first}`")?;
            for other in rest {
                write!(f, " or `{other}`")?;
            }
            f.write_str("?")?;
        }
        if self.line > 0 && !self.snippet.is_empty() {
            let gutter = self.line.to_string().len();
            let indent = self.caret;
            write!(f, "\n  {} | {}\n  {:gutter$} | {:indent$}^", self.line, self.snippet, "", "")?;
        }
        Ok(())
    }
}

/// All mistakes of a configuration, in the order of the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problems(pub Vec<Problem>);

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, problem) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}
