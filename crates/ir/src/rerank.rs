use crate::{Json, Usage};

/// A request to order documents by how well they answer a query.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RerankRequest {
    /// What is looked for.
    pub query: String,
    /// What is ordered.
    pub documents: Vec<Document>,
    /// How many of the best are wanted.
    pub top: Option<u64>,
    /// The documents are wanted back with their scores.
    pub return_documents: Option<bool>,
    /// The fields of structured documents that count, in order.
    pub rank_fields: Option<Vec<String>>,
    /// Most tokens of one document.
    pub max_tokens: Option<u64>,
    /// Most chunks of one document.
    pub max_chunks: Option<u64>,
    /// What is too long is cut (or, `false`, refused).
    pub truncate: Option<bool>,
}

/// A document.
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    /// Its words.
    pub text: String,
    /// The object that the client sent, where it was one.
    pub object: Option<Json>,
}

/// An order of documents.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RerankReply {
    /// The reply's id at the provider.
    pub id: Option<String>,
    /// The model, as the provider names it.
    pub model: Option<String>,
    /// The best first.
    pub results: Vec<Ranked>,
    /// What it used.
    pub usage: Option<Usage>,
    /// Searches that are charged (Cohere).
    pub search_units: Option<u64>,
}

/// A document's score.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ranked {
    /// Which of the request's documents.
    pub index: u64,
    /// How well it answers; only the order compares between models.
    pub score: f64,
}
