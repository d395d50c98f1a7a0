use crate::{Dialect, Json};

/// One ordered piece of a turn, of a system prompt, of a tool result or of a reply.
#[derive(Clone, Debug, PartialEq)]
pub struct Block {
    /// What it says.
    pub content: Content,
    /// A prompt-cache breakpoint after this block.
    pub cache: Option<CacheMark>,
    /// Opaque proof that a provider made this block; returned to that provider only.
    pub seal: Option<Seal>,
    /// Fields of this block that only its own dialect understands, as one JSON object (or the whole block, when
    /// `content` is [`Content::Opaque`] or [`Content::Server`]).
    pub carry: Option<Carry>,
    /// Where the block stands in the client's own body (`messages[3].content[1]`); empty in replies.
    pub at: String,
}

impl Block {
    /// A block with nothing but content.
    pub fn new(content: Content) -> Self {
        Self { content, cache: None, seal: None, carry: None, at: String::new() }
    }

    /// A block of plain text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::new(Content::Text { text: text.into(), citations: Vec::new() })
    }

    /// The same block at a place in the client's body.
    #[must_use]
    pub fn at(mut self, at: impl Into<String>) -> Self {
        self.at = at.into();
        self
    }

    /// The words, if it is text.
    pub fn as_text(&self) -> Option<&str> {
        match &self.content {
            Content::Text { text, .. } => Some(text),
            _ => None,
        }
    }
}

/// What a block says.
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    /// Words for the reader.
    Text {
        /// The words.
        text: String,
        /// What they rest on.
        citations: Vec<Citation>,
    },
    /// An image, document, recording or film.
    Media(Media),
    /// The model asks the client to run a tool.
    Call(Call),
    /// What the tool answered.
    Result(ToolResult),
    /// The model's reasoning.
    Reasoning(Reasoning),
    /// The model declines, in words apart from the text (OpenAI).
    Refusal(String),
    /// A step of a tool that the provider runs itself: a search and its results, code and its output.
    Server(ServerItem),
    /// A block of a kind that this version does not know; `carry` holds it whole.
    Opaque {
        /// Its `type`, for messages.
        kind: String,
    },
}

/// A source that a text rests on.
#[derive(Clone, Debug, PartialEq)]
pub struct Citation {
    /// The page or document.
    pub url: Option<String>,
    /// Its title.
    pub title: Option<String>,
    /// The words cited, where they are given.
    pub quote: Option<String>,
    /// Which characters of the text it stands behind: `[start, end)`, in Unicode scalar values.
    pub range: Option<(u64, u64)>,
    /// The citation as its own dialect wrote it.
    pub carry: Option<Carry>,
}

/// Media in a request or a reply.
#[derive(Clone, Debug, PartialEq)]
pub struct Media {
    /// What kind, by its MIME type where one is given.
    pub kind: MediaKind,
    /// `image/png`, `application/pdf`, `audio/wav`; `None` where the dialect does not say.
    pub mime: Option<String>,
    /// The bytes, or where they are.
    pub source: MediaSource,
    /// File name or title.
    pub name: Option<String>,
    /// How closely to look (`low`, `high`, `auto`).
    pub detail: Option<String>,
}

/// Kinds of media that models differ in taking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MediaKind {
    /// A picture.
    Image,
    /// A PDF or another document.
    Document,
    /// A recording.
    Audio,
    /// A film.
    Video,
}

impl MediaKind {
    /// By MIME type; documents are what is nothing else.
    pub fn of_mime(mime: &str) -> Self {
        match mime.split('/').next() {
            Some("image") => Self::Image,
            Some("audio") => Self::Audio,
            Some("video") => Self::Video,
            _ => Self::Document,
        }
    }

    /// The word in messages.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Document => "document",
            Self::Audio => "audio",
            Self::Video => "video",
        }
    }
}

/// Where the bytes of media are.
#[derive(Clone, Debug, PartialEq)]
pub enum MediaSource {
    /// In the request, base64 (standard alphabet, no line breaks).
    Base64(String),
    /// At an address.
    Url(String),
    /// In one provider's file store.
    FileId {
        /// The id there.
        id: String,
        /// Whose store.
        dialect: Dialect,
    },
    /// A plain-text document, its text inline.
    Text(String),
}

/// The model asks for a tool to be run.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// Joins call and result. Decoders of dialects without ids (Gemini, old functions) make one that is stable:
    /// see `wire::ids`.
    pub id: String,
    /// The tool's name, as the client declared it.
    pub name: String,
    /// The arguments as JSON text; the empty text means none. Free text for a custom tool.
    pub arguments: String,
    /// Function or custom.
    pub kind: CallKind,
}

/// How a tool takes its arguments.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CallKind {
    /// A JSON object.
    #[default]
    Function,
    /// Free text, perhaps by a grammar (OpenAI's custom tools).
    Custom,
}

/// What a tool answered.
#[derive(Clone, Debug, PartialEq)]
pub struct ToolResult {
    /// The call it answers.
    pub call: String,
    /// The tool's name, where the dialect says it (Gemini must).
    pub name: Option<String>,
    /// Text and media in order; empty is an answer too.
    pub content: Vec<Block>,
    /// The answer as JSON where the dialect gives it parsed (Gemini's `response`, Bedrock's `json`); then `content`
    /// holds the same as text.
    pub json: Option<Json>,
    /// The tool failed.
    pub error: bool,
    /// Function or custom.
    pub kind: CallKind,
}

/// Reasoning that the model shows, in words, sealed, or both.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reasoning {
    /// The words; empty when only the seal is given (redacted, encrypted).
    pub text: String,
    /// The words are a summary and not the reasoning itself (OpenAI).
    pub summary: bool,
    /// The provider withheld the words (Anthropic's `redacted_thinking`); the seal holds them.
    pub redacted: bool,
    /// The item's id in its own dialect (`rs_…`).
    pub id: Option<String>,
}

/// Opaque state: a thinking signature, a thought signature, encrypted reasoning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seal {
    /// Who made it and can read it.
    pub issuer: Issuer,
    /// The bytes as their maker spelled them.
    pub data: String,
}

/// Who can read a seal. Others refuse it, so it is taken out before they are asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Issuer {
    /// Claude, on any host.
    Anthropic,
    /// Gemini, on any host.
    Gemini,
    /// OpenAI; readable with the key that it was made for.
    OpenAi,
}

/// A step of a provider-run tool, whole in `carry`.
#[derive(Clone, Debug, PartialEq)]
pub struct ServerItem {
    /// The `type` in its own dialect: `web_search_call`, `server_tool_use`, `executableCode`.
    pub kind: String,
    /// Its id, where it has one.
    pub id: Option<String>,
}

/// Raw fields that go back to the same dialect only.
#[derive(Clone, Debug, PartialEq)]
pub struct Carry {
    /// Whose fields they are.
    pub dialect: Dialect,
    /// The JSON as it came.
    pub raw: Json,
}

/// A prompt-cache breakpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CacheMark {
    /// Asked for one hour rather than the default five minutes.
    pub one_hour: bool,
}
