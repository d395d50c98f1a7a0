//! Inputs of any target by its name, and mutations of seeds that are the same each time: for tests that are not fuzzed.

use tollgate_ir::Dialect;

use super::seeds::{Seed, target};
use super::{dialect, envelope, frames};

/// Checks an input of one of `wire`'s targets.
pub fn check(name: &str, input: &[u8]) {
    match name {
        "frames" => frames::check(input),
        "envelope" => envelope::check(input),
        _ => {
            let known = Dialect::ALL.into_iter().find(|d| target(*d) == name);
            dialect::check(known.unwrap_or_else(|| panic!("no target `{name}`")), input);
        }
    }
}

/// Pieces that break assumptions more often than random bytes do.
const PIECES: [&str; 24] = [
    "null",
    "{}",
    "[]",
    "\"\"",
    "-0",
    "1e400",
    "18446744073709551616",
    "\\ud800",
    "\\u0000",
    "\u{feff}",
    "\r",
    "\n\n",
    "data: ",
    "event: error\n",
    "[DONE]",
    "{\"",
    "[[",
    "true",
    ",",
    ":",
    "\"type\":",
    "\"index\":",
    "}",
    "]",
];

/// A generator of numbers (Marsaglia's xorshift), the same each time.
pub struct Numbers(u64);

impl Numbers {
    pub fn new(seed: u64) -> Self {
        Self(seed | 1)
    }

    /// A number below `bound`, which is over 0.
    pub fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 11).unwrap_or_default() % bound
    }
}

/// One seed, changed in one to four places: bytes flipped, taken out, doubled, put in, or taken from another seed of its
/// target.
pub fn mutated(seeds: &[&Seed], numbers: &mut Numbers) -> Vec<u8> {
    let mut input = seeds[numbers.below(seeds.len())].input.clone();
    let other = &seeds[numbers.below(seeds.len())].input;
    for _ in 0..=numbers.below(4) {
        let from = numbers.below(input.len() + 1);
        let to = (from + numbers.below(40)).min(input.len());
        match numbers.below(6) {
            0 if from < input.len() => input[from] ^= 1 << numbers.below(8),
            1 => drop(input.drain(from..to)),
            2 => {
                let again = input[from..to].to_vec();
                input.splice(to..to, again);
            }
            3 => drop(input.splice(from..to, PIECES[numbers.below(PIECES.len())].bytes())),
            4 => {
                let start = numbers.below(other.len() + 1);
                let end = (start + numbers.below(200)).min(other.len());
                drop(input.splice(from..from, other[start..end].iter().copied()));
            }
            _ => input.truncate(from),
        }
    }
    input
}
