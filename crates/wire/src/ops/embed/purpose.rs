//! What vectors are for, in each protocol's words. A purpose without a word of its own is sent as the nearest, and that
//! is reported.

use tollgate_ir::Purpose;

/// One purpose in the words of Cohere, Google, Voyage and Jina; the truth value: it is the word's own meaning.
struct Words {
    purpose: Purpose,
    cohere: (&'static str, bool),
    gemini: &'static str,
    voyage: (Option<&'static str>, bool),
    jina: (&'static str, bool),
}

/// Sources: Cohere's “Embed API (v2)”, Google's “Task types”, Voyage's “Text embeddings”, Jina's `task`.
const WORDS: [Words; 8] = [
    Words {
        purpose: Purpose::Query,
        cohere: ("search_query", true),
        gemini: "RETRIEVAL_QUERY",
        voyage: (Some("query"), true),
        jina: ("retrieval.query", true),
    },
    Words {
        purpose: Purpose::Document,
        cohere: ("search_document", true),
        gemini: "RETRIEVAL_DOCUMENT",
        voyage: (Some("document"), true),
        jina: ("retrieval.passage", true),
    },
    Words {
        purpose: Purpose::Classification,
        cohere: ("classification", true),
        gemini: "CLASSIFICATION",
        voyage: (None, false),
        jina: ("classification", true),
    },
    Words {
        purpose: Purpose::Clustering,
        cohere: ("clustering", true),
        gemini: "CLUSTERING",
        voyage: (None, false),
        jina: ("separation", true),
    },
    Words {
        purpose: Purpose::Similarity,
        cohere: ("clustering", false),
        gemini: "SEMANTIC_SIMILARITY",
        voyage: (None, false),
        jina: ("text-matching", true),
    },
    Words {
        purpose: Purpose::QuestionAnswering,
        cohere: ("search_query", false),
        gemini: "QUESTION_ANSWERING",
        voyage: (Some("query"), false),
        jina: ("retrieval.query", false),
    },
    Words {
        purpose: Purpose::FactVerification,
        cohere: ("search_query", false),
        gemini: "FACT_VERIFICATION",
        voyage: (Some("query"), false),
        jina: ("retrieval.query", false),
    },
    Words {
        purpose: Purpose::CodeQuery,
        cohere: ("search_query", false),
        gemini: "CODE_RETRIEVAL_QUERY",
        voyage: (Some("query"), false),
        jina: ("nl2code.query", true),
    },
];

fn words(purpose: Purpose) -> Option<&'static Words> {
    WORDS.iter().find(|w| w.purpose == purpose)
}

/// Reads any protocol's word (they do not clash), in any case.
pub(super) fn read(word: &str) -> Option<Purpose> {
    let found = WORDS.iter().find(|w| {
        (w.cohere.1 && word.eq_ignore_ascii_case(w.cohere.0))
            || word.eq_ignore_ascii_case(w.gemini)
            || (w.voyage.1 && w.voyage.0.is_some_and(|own| word.eq_ignore_ascii_case(own)))
            || (w.jina.1 && word.eq_ignore_ascii_case(w.jina.0))
    });
    found.map(|w| w.purpose)
}

/// Cohere's word, and whether it means the same.
pub(super) fn cohere(purpose: Purpose) -> (&'static str, bool) {
    words(purpose).map_or(("search_document", false), |w| w.cohere)
}

/// Google's word.
pub(super) fn gemini(purpose: Purpose) -> &'static str {
    words(purpose).map_or("TASK_TYPE_UNSPECIFIED", |w| w.gemini)
}

/// Voyage's word, if it has one, and whether it means the same.
pub(super) fn voyage(purpose: Purpose) -> (Option<&'static str>, bool) {
    words(purpose).map_or((None, false), |w| w.voyage)
}

/// Jina's word, and whether it means the same.
pub(super) fn jina(purpose: Purpose) -> (Option<&'static str>, bool) {
    words(purpose).map_or((None, false), |w| (Some(w.jina.0), w.jina.1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_read_back_as_what_it_means() {
        for w in &WORDS {
            assert_eq!(read(w.gemini), Some(w.purpose));
            for (word, own) in [(Some(w.cohere.0), w.cohere.1), w.voyage, (Some(w.jina.0), w.jina.1)] {
                if let (Some(word), true) = (word, own) {
                    assert_eq!(read(word), Some(w.purpose), "{word}");
                }
            }
        }
        assert_eq!(read("image"), None);
    }
}
