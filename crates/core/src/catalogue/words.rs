//! The words of the catalogue: what an offer is for, what it can do, what it takes, what is counted and priced. Each is
//! one row of one table, with its letter in the file and its name for people; the format's page is made from them.

use crate::config::Modality;

/// What an offer is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Mode {
    /// Conversations.
    #[default]
    Chat,
    /// Conversations, over OpenAI's Responses alone.
    Responses,
    /// Text after text (OpenAI's legacy completions).
    Completion,
    /// Vectors.
    Embed,
    /// Documents in order of relevance.
    Rerank,
    /// Pictures.
    Image,
    /// Pictures from pictures.
    ImageEdit,
    /// Films.
    Video,
    /// Text spoken.
    Speech,
    /// Speech as text.
    Transcription,
    /// Whether a text is harmful.
    Moderation,
    /// Documents as text.
    Ocr,
    /// A session of speech both ways.
    Realtime,
}

impl Mode {
    /// All, with their names.
    pub const ALL: &[(Self, &str)] = &[
        (Self::Chat, "chat"),
        (Self::Responses, "responses"),
        (Self::Completion, "completion"),
        (Self::Embed, "embed"),
        (Self::Rerank, "rerank"),
        (Self::Image, "image"),
        (Self::ImageEdit, "image-edit"),
        (Self::Video, "video"),
        (Self::Speech, "speech"),
        (Self::Transcription, "transcription"),
        (Self::Moderation, "moderation"),
        (Self::Ocr, "ocr"),
        (Self::Realtime, "realtime"),
    ];

    /// Its name.
    pub fn as_str(self) -> &'static str {
        Self::ALL.iter().find(|(mode, _)| *mode == self).map_or("chat", |(_, name)| name)
    }

    /// The one of this name.
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, n)| *n == name).map(|(mode, _)| *mode)
    }
}

/// What an offer can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Capability {
    /// It calls tools.
    Tools,
    /// It calls several in one turn.
    ParallelTools,
    /// It can be made to call a tool.
    ForcedTool,
    /// Its answer follows a JSON Schema.
    StructuredOutput,
    /// It reasons before it answers.
    Reasoning,
    /// Its reasoning cannot be turned off.
    AlwaysReasons,
    /// It decides itself how much to reason (Anthropic's adaptive thinking).
    AdaptiveReasoning,
    /// Prompts are cached.
    PromptCaching,
    /// It goes on from an assistant turn at the end.
    Prefill,
    /// It takes a system message.
    SystemMessages,
    /// It takes temperature and the like.
    Sampling,
    /// It searches the web.
    WebSearch,
    /// It reads pages by their address.
    UrlContext,
    /// It uses a computer.
    ComputerUse,
    /// Anybody may have its weights.
    OpenWeights,
    /// It takes pictures.
    Vision,
    /// It takes recordings.
    Audio,
    /// It takes PDF documents.
    Pdf,
    /// It takes films.
    Video,
    /// It answers in speech.
    AudioOutput,
    /// It answers in pictures.
    ImageOutput,
}

impl Capability {
    /// All, with their letters in the file and their names. The letter of those that follow from the modalities is a
    /// space: they stand in no list of letters.
    pub const ALL: &[(Self, char, &str)] = &[
        (Self::Tools, 't', "tools"),
        (Self::ParallelTools, 'p', "parallel-tools"),
        (Self::ForcedTool, 'f', "forced-tool"),
        (Self::StructuredOutput, 's', "structured-output"),
        (Self::Reasoning, 'r', "reasoning"),
        (Self::AlwaysReasons, 'a', "always-reasons"),
        (Self::AdaptiveReasoning, 'd', "adaptive-reasoning"),
        (Self::PromptCaching, 'c', "prompt-caching"),
        (Self::Prefill, 'e', "prefill"),
        (Self::SystemMessages, 'm', "system-messages"),
        (Self::Sampling, 'l', "sampling"),
        (Self::WebSearch, 'w', "web-search"),
        (Self::UrlContext, 'u', "url-context"),
        (Self::ComputerUse, 'g', "computer-use"),
        (Self::OpenWeights, 'o', "open-weights"),
        (Self::Vision, ' ', "vision"),
        (Self::Audio, ' ', "audio"),
        (Self::Pdf, ' ', "pdf"),
        (Self::Video, ' ', "video"),
        (Self::AudioOutput, ' ', "audio-output"),
        (Self::ImageOutput, ' ', "image-output"),
    ];

    /// Its name.
    pub fn as_str(self) -> &'static str {
        Self::ALL.iter().find(|(one, ..)| *one == self).map_or("", |(_, _, name)| name)
    }

    /// Its letter in the file; `None` where it follows from the modalities.
    pub fn letter(self) -> Option<char> {
        Self::ALL.iter().find(|(one, ..)| *one == self).map(|(_, letter, _)| *letter).filter(|letter| *letter != ' ')
    }

    /// The one of this name.
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, _, n)| *n == name).map(|(one, ..)| *one)
    }

    /// The modality that it is another word for: of the input, or of the output.
    pub(super) fn modality(self) -> Option<(Side, Modality)> {
        Some(match self {
            Self::Vision => (Side::Input, Modality::Image),
            Self::Audio => (Side::Input, Modality::Audio),
            Self::Pdf => (Side::Input, Modality::Document),
            Self::Video => (Side::Input, Modality::Video),
            Self::AudioOutput => (Side::Output, Modality::Audio),
            Self::ImageOutput => (Side::Output, Modality::Image),
            _ => return None,
        })
    }
}

/// What goes in or comes out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Input,
    Output,
}

/// Modalities with their letters and names.
pub const MODALITIES: &[(Modality, char, &str)] = &[
    (Modality::Text, 't', "text"),
    (Modality::Image, 'i', "image"),
    (Modality::Document, 'd', "pdf"),
    (Modality::Audio, 'a', "audio"),
    (Modality::Video, 'v', "video"),
];

/// Efforts of reasoning with their letters, the least first.
pub const EFFORTS: &[(char, &str)] =
    &[('0', "none"), ('1', "minimal"), ('2', "low"), ('3', "medium"), ('4', "high"), ('5', "xhigh"), ('6', "max")];

/// What is counted and priced, per million.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Unit {
    /// Plain input tokens.
    Input,
    /// Plain output tokens.
    Output,
    /// Input tokens read from a prompt cache.
    CacheRead,
    /// Input tokens written to a cache of the default lifetime.
    CacheWrite,
    /// Input tokens written to a cache of one hour.
    CacheWrite1h,
    /// Reasoning tokens.
    Reasoning,
    /// Audio tokens in.
    AudioInput,
    /// Audio tokens out.
    AudioOutput,
    /// Audio tokens read from a prompt cache.
    AudioCacheRead,
    /// Audio tokens written to a cache.
    AudioCacheWrite,
    /// Image tokens in.
    ImageInput,
    /// Image tokens out.
    ImageOutput,
    /// Image tokens read from a prompt cache.
    ImageCacheRead,
    /// Video tokens in.
    VideoInput,
    /// Video tokens out.
    VideoOutput,
    /// Tokens of citations.
    Citation,
    /// Pictures in.
    ImagesIn,
    /// Pictures out.
    ImagesOut,
    /// Seconds in.
    SecondsIn,
    /// Seconds out.
    SecondsOut,
    /// Seconds of audio in.
    AudioSecondsIn,
    /// Seconds of video in.
    VideoSecondsIn,
    /// Seconds of video out.
    VideoSecondsOut,
    /// Characters in.
    CharactersIn,
    /// Characters out.
    CharactersOut,
    /// Pixels in.
    PixelsIn,
    /// Pixels out.
    PixelsOut,
    /// Searches of a rerank.
    Queries,
    /// Pages.
    Pages,
    /// Requests.
    Requests,
    /// Searches of the web (a search of medium context where they differ).
    WebSearches,
}

impl Unit {
    /// All, with their letters in the file and their names: small letters count tokens.
    pub const ALL: &[(Self, char, &str)] = &[
        (Self::Input, 'i', "input"),
        (Self::Output, 'o', "output"),
        (Self::CacheRead, 'r', "cache_read"),
        (Self::CacheWrite, 'w', "cache_write"),
        (Self::CacheWrite1h, 'h', "cache_write_1h"),
        (Self::Reasoning, 'g', "reasoning"),
        (Self::AudioInput, 'a', "audio_input"),
        (Self::AudioOutput, 'b', "audio_output"),
        (Self::AudioCacheRead, 'c', "audio_cache_read"),
        (Self::AudioCacheWrite, 'd', "audio_cache_write"),
        (Self::ImageInput, 'm', "image_input"),
        (Self::ImageOutput, 'n', "image_output"),
        (Self::ImageCacheRead, 'e', "image_cache_read"),
        (Self::VideoInput, 'v', "video_input"),
        (Self::VideoOutput, 'u', "video_output"),
        (Self::Citation, 't', "citation"),
        (Self::ImagesIn, 'I', "images_in"),
        (Self::ImagesOut, 'J', "images_out"),
        (Self::SecondsIn, 'S', "seconds_in"),
        (Self::SecondsOut, 'T', "seconds_out"),
        (Self::AudioSecondsIn, 'A', "audio_seconds_in"),
        (Self::VideoSecondsIn, 'V', "video_seconds_in"),
        (Self::VideoSecondsOut, 'U', "video_seconds_out"),
        (Self::CharactersIn, 'C', "characters_in"),
        (Self::CharactersOut, 'D', "characters_out"),
        (Self::PixelsIn, 'X', "pixels_in"),
        (Self::PixelsOut, 'Y', "pixels_out"),
        (Self::Queries, 'Q', "queries"),
        (Self::Pages, 'P', "pages"),
        (Self::Requests, 'R', "requests"),
        (Self::WebSearches, 'W', "web_searches"),
    ];

    /// Its name.
    pub fn as_str(self) -> &'static str {
        Self::ALL.iter().find(|(one, ..)| *one == self).map_or("", |(_, _, name)| name)
    }

    /// Its letter in the file.
    pub fn letter(self) -> char {
        Self::ALL.iter().find(|(one, ..)| *one == self).map_or(' ', |(_, letter, _)| *letter)
    }

    /// The one of this letter.
    pub fn of_letter(letter: char) -> Option<Self> {
        Self::ALL.iter().find(|(_, l, _)| *l == letter).map(|(one, ..)| *one)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn letters_and_names_are_told_apart() {
        let mut letters = HashSet::new();
        let mut names = HashSet::new();
        for (one, letter, name) in Capability::ALL {
            assert!(one.modality().is_some() == (*letter == ' '), "{name}");
            assert!(*letter == ' ' || letters.insert(*letter), "{letter} comes twice");
            assert!(names.insert(*name) && Capability::of(name) == Some(*one));
        }
        let units: HashSet<char> = Unit::ALL.iter().map(|(_, letter, _)| *letter).collect();
        assert_eq!(units.len(), Unit::ALL.len());
        assert!(Unit::ALL.iter().all(|(unit, letter, _)| Unit::of_letter(*letter) == Some(*unit)));
    }
}
