use crate::{Media, Usage};

/// A request for vectors.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EmbedRequest {
    /// What is embedded, one vector each.
    pub inputs: Vec<EmbedInput>,
    /// The client sent one input and no list: some replies look otherwise then.
    pub single: bool,
    /// The forms of numbers that are wanted; empty: floats.
    pub forms: Vec<VectorForm>,
    /// Each vector is wanted as base64 of its numbers and not as a list.
    pub packed: bool,
    /// How many numbers a vector is to have.
    pub dimensions: Option<u64>,
    /// What the vectors are for.
    pub purpose: Option<Purpose>,
    /// What happens to input that is too long.
    pub truncate: Option<Truncate>,
    /// A document's title.
    pub title: Option<String>,
    /// Vectors of length one are wanted, or not.
    pub normalize: Option<bool>,
    /// Most tokens of one input.
    pub max_tokens: Option<u64>,
    /// The client's end user.
    pub user: Option<String>,
}

/// One thing to embed.
#[derive(Clone, Debug, PartialEq)]
pub struct EmbedInput {
    /// Where it stands in the client's body.
    pub at: String,
    /// What it is.
    pub content: EmbedContent,
}

/// What is embedded.
#[derive(Clone, Debug, PartialEq)]
pub enum EmbedContent {
    /// Text.
    Text(String),
    /// Token ids of a model's own vocabulary.
    Tokens(Vec<u64>),
    /// Text and media that give one vector together.
    Parts(Vec<EmbedPart>),
}

/// A part of what gives one vector.
#[derive(Clone, Debug, PartialEq)]
pub enum EmbedPart {
    /// Text.
    Text(String),
    /// A picture or the like.
    Media(Media),
}

/// How a vector's numbers are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VectorForm {
    /// Floats.
    Float,
    /// Floats of 32 bits, little-endian, as base64 (Cohere has it beside the others).
    Base64,
    /// Whole numbers from -128 to 127.
    Int8,
    /// Whole numbers from 0 to 255.
    Uint8,
    /// The numbers' signs, eight to a byte, the byte less 128.
    Binary,
    /// The numbers' signs, eight to a byte.
    Ubinary,
}

/// What vectors are for: models that know embed questions other than the texts that answer them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// A search's question.
    Query,
    /// A text that is searched.
    Document,
    /// Classification.
    Classification,
    /// Clustering.
    Clustering,
    /// Comparing texts with each other.
    Similarity,
    /// A question whose answer is searched.
    QuestionAnswering,
    /// A claim that is to be checked.
    FactVerification,
    /// A question for code.
    CodeQuery,
}

/// What happens to input that is too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Truncate {
    /// It is refused.
    Never,
    /// Its beginning is cut off.
    Start,
    /// Its end is cut off.
    End,
}

/// Vectors, in the order of the inputs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EmbedReply {
    /// The reply's id at the provider.
    pub id: Option<String>,
    /// The model, as the provider names it.
    pub model: Option<String>,
    /// One for each input.
    pub vectors: Vec<Vector>,
    /// What it used.
    pub usage: Option<Usage>,
}

/// One input's vector, in each form that was asked for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Vector {
    /// As floats.
    pub float: Option<Vec<f64>>,
    /// See [`VectorForm::Int8`].
    pub int8: Option<Vec<i8>>,
    /// See [`VectorForm::Uint8`].
    pub uint8: Option<Vec<u8>>,
    /// See [`VectorForm::Binary`].
    pub binary: Option<Vec<i8>>,
    /// See [`VectorForm::Ubinary`].
    pub ubinary: Option<Vec<u8>>,
}
