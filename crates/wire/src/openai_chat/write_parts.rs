//! Texts and media → the content of a message.

use tollgate_ir::{Block, Content, Dialect, Fault, Media, MediaKind, MediaSource, Reason};

use super::write::Writer;
use crate::fault::unsupported;
use crate::json::{ArrayWriter, ObjectWriter};
use crate::media::data_url;

impl Writer<'_> {
    /// A message of texts and media: a plain text where it is one text and no more.
    pub(super) fn words(&mut self, a: &mut ArrayWriter<'_>, role: &str, blocks: &[&Block]) -> Result<(), Fault> {
        let marked = self.rules.cache_marks && blocks.iter().any(|b| b.cache.is_some());
        if let ([block], false) = (blocks, marked)
            && let Some(text) = block.as_text()
        {
            self.unmarked(block);
            a.object(|o| {
                o.text("role", role);
                o.text("content", text);
            });
            return Ok(());
        }
        // Blocks that cannot be sent leave no empty message behind.
        a.object_if(|o| {
            o.text("role", role);
            o.array("content", |list| {
                blocks.iter().try_for_each(|block| self.part(list, block)).map(|()| !list.is_empty())
            })
        })
    }

    /// The prefix is cached unasked: a breakpoint that cannot be sent costs nothing but precision.
    pub(super) fn unmarked(&mut self, block: &Block) {
        if block.cache.is_some() {
            self.losses.block(block, ".cache_control", Reason::Adjusted);
        }
    }

    fn part(&mut self, list: &mut ArrayWriter<'_>, block: &Block) -> Result<(), Fault> {
        match &block.content {
            Content::Text { text, .. } | Content::Refusal(text) if text.is_empty() => {}
            Content::Text { text, .. } | Content::Refusal(text) => list.object(|o| {
                o.text("type", "text");
                o.text("text", text);
                self.mark(o, block);
            }),
            Content::Media(media) => {
                let mut fault = None;
                list.object(|o| {
                    fault = self.media(o, block, media).err();
                    self.mark(o, block);
                });
                return fault.map_or(Ok(()), Err);
            }
            Content::Opaque { .. } | Content::Server(_) => match &block.carry {
                Some(carry) if carry.dialect == Dialect::OpenAiChat => list.json(&carry.raw),
                _ => self.losses.block(block, "", Reason::Dropped),
            },
            Content::Call(_) | Content::Result(_) | Content::Reasoning(_) => {
                self.losses.block(block, "", Reason::Dropped);
            }
        }
        Ok(())
    }

    fn mark(&mut self, o: &mut ObjectWriter<'_>, block: &Block) {
        if self.rules.cache_marks && block.cache.is_some() {
            o.object("prompt_cache_breakpoint", |m| m.text("mode", "explicit"));
        } else {
            self.unmarked(block);
        }
    }

    fn media(&mut self, o: &mut ObjectWriter<'_>, block: &Block, media: &Media) -> Result<(), Fault> {
        if self.target.facts.refuses(media.kind) {
            return Err(unsupported(block, "The model does not take it. Take it out, or ask a model that takes it."));
        }
        let url = |fallback| match &media.source {
            MediaSource::Base64(data) => data_url(media.mime.as_deref().unwrap_or(fallback), data),
            MediaSource::Url(url) => [url, "", "", ""],
            MediaSource::FileId { .. } | MediaSource::Text(_) => [""; 4],
        };
        match (media.kind, &media.source) {
            (_, MediaSource::Text(text)) => {
                o.text("type", "text");
                o.text("text", text);
            }
            (_, MediaSource::FileId { id, dialect: Dialect::OpenAiChat | Dialect::OpenAiResponses })
                if media.kind != MediaKind::Image =>
            {
                o.text("type", "file");
                o.object("file", |f| f.text("file_id", id));
            }
            (_, MediaSource::FileId { .. }) => {
                return Err(unsupported(
                    block,
                    "It lies in a file store that the provider cannot read. Send its bytes.",
                ));
            }
            (MediaKind::Image, _) => link(o, "image_url", &url("image/png"), media.detail.as_deref()),
            (MediaKind::Video, _) if self.target.facts.media.is_some() => {
                link(o, "video_url", &url("video/mp4"), None);
            }
            (MediaKind::Video, _) => {
                return Err(unsupported(
                    block,
                    "Chat Completions has no place for it. Take it out, or ask another provider.",
                ));
            }
            (MediaKind::Audio, MediaSource::Base64(data)) => {
                o.text("type", "input_audio");
                o.object("input_audio", |f| {
                    f.text("data", data);
                    f.text("format", audio_format(media.mime.as_deref()));
                });
            }
            (MediaKind::Document, MediaSource::Base64(_)) => {
                o.text("type", "file");
                o.object("file", |f| {
                    f.text("filename", media.name.as_deref().unwrap_or("document.pdf"));
                    f.joined("file_data", &url("application/pdf"));
                });
            }
            (MediaKind::Audio | MediaKind::Document, MediaSource::Url(_)) => {
                return Err(unsupported(block, "The provider takes no address for it. Send its bytes."));
            }
        }
        Ok(())
    }
}

fn link(o: &mut ObjectWriter<'_>, kind: &str, url: &[&str], detail: Option<&str>) {
    o.text("type", kind);
    o.object(kind, |l| {
        l.joined("url", url);
        l.opt_text("detail", detail);
    });
}

/// `OpenAI` documents `wav` and `mp3`; hosts take more, by the same short names.
fn audio_format(mime: Option<&str>) -> &str {
    match mime.and_then(|m| m.split('/').nth(1)) {
        Some("mpeg" | "mp3" | "mpga") => "mp3",
        Some("x-wav" | "wave" | "vnd.wave" | "wav") | None => "wav",
        Some(other) => other,
    }
}
