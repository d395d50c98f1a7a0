/// Tokens of one attempt in disjoint classes, so that prices multiply without double counting.
///
/// `None` means that the provider did not say; `Some(0)` that it said none. Decoders take apart what a dialect sums
/// (OpenAI's input holds cache reads and writes), encoders sum back what theirs does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Input tokens at the plain price: neither read from nor written to a cache.
    pub input: u64,
    /// Input tokens read from a prompt cache.
    pub cache_read: Option<u64>,
    /// Input tokens written to a cache of the default lifetime (5 minutes).
    pub cache_write: Option<u64>,
    /// Input tokens written to a cache of one hour.
    pub cache_write_1h: Option<u64>,
    /// Input tokens that the provider's own tools added (Gemini's tool-use prompt).
    pub tool_input: Option<u64>,
    /// Audio tokens within the plain input. A share of `input`, kept for the price class.
    pub audio_input: Option<u64>,
    /// Output tokens, reasoning excluded where the provider says how many those are.
    pub output: u64,
    /// Reasoning tokens, beside `output`.
    pub reasoning: Option<u64>,
    /// Audio tokens within the output. A share of `output`, kept for the price class.
    pub audio_output: Option<u64>,
    /// Predicted tokens that were accepted and rejected (OpenAI's predicted outputs). Shares of `output`.
    pub accepted_prediction: Option<u64>,
    /// See `accepted_prediction`.
    pub rejected_prediction: Option<u64>,
    /// What the provider says it charges for, where that is not what it processed (Cohere). Beside the classes above:
    /// it is the base of the cost, they are what was done.
    pub billed: Option<Billed>,
    /// Nobody reported: counted here from the text.
    pub estimated: bool,
}

/// Tokens that are charged, at the plain prices.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Billed {
    /// Input tokens.
    pub input: u64,
    /// Output tokens.
    pub output: u64,
}

impl Usage {
    /// All input, cached or not.
    pub fn input_total(&self) -> u64 {
        self.input + self.cache_read.unwrap_or(0) + self.cache_writes().unwrap_or(0) + self.tool_input.unwrap_or(0)
    }

    /// All output, reasoning included.
    pub fn output_total(&self) -> u64 {
        self.output + self.reasoning.unwrap_or(0)
    }

    /// Input and output.
    pub fn total(&self) -> u64 {
        self.input_total() + self.output_total()
    }

    /// Cache writes of every lifetime; `None` when none was reported.
    pub fn cache_writes(&self) -> Option<u64> {
        match (self.cache_write, self.cache_write_1h) {
            (None, None) => None,
            (a, b) => Some(a.unwrap_or(0) + b.unwrap_or(0)),
        }
    }
}
