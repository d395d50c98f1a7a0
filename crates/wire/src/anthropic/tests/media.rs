use tollgate_ir::{Dialect, FaultKind, Media, MediaKind, MediaSource};

use super::*;

fn media(kind: MediaKind, mime: Option<&str>, source: MediaSource) -> Request {
    let media = Media { kind, mime: mime.map(str::to_owned), source, name: None, detail: None };
    conversation(vec![turn(Role::User, vec![Block::new(Content::Media(media))])])
}

fn base64(data: &str) -> MediaSource {
    MediaSource::Base64(data.into())
}

#[test]
fn tr24_media_in_the_form_that_claude_takes() {
    use MediaKind::{Audio, Document, Image, Video};
    let url = || MediaSource::Url("https://e.x/a".into());
    let file = |dialect| MediaSource::FileId { id: "f".into(), dialect };
    // kind, type, source, what is written; empty: refused
    let table = [
        (
            Image,
            Some("image/png"),
            base64("iVBORw=="),
            r#""image","source":{"type":"base64","media_type":"image/png","data":"iVBORw=="}"#,
        ),
        (
            Image,
            Some("image/jpg"),
            base64("/9j/"),
            r#""image","source":{"type":"base64","media_type":"image/jpeg","data":"/9j/"}"#,
        ),
        (
            Image,
            None,
            base64("R0lGODlh"),
            r#""image","source":{"type":"base64","media_type":"image/gif","data":"R0lGODlh"}"#,
        ),
        (Image, Some("image/svg+xml"), base64("PHN2Zz4="), ""),
        (Image, None, url(), r#""image","source":{"type":"url","url":"https://e.x/a"}"#),
        (Document, None, url(), r#""document","source":{"type":"url","url":"https://e.x/a"}"#),
        (
            Document,
            Some("application/pdf"),
            base64("JVBERi0="),
            r#""document","source":{"type":"base64","media_type":"application/pdf","data":"JVBERi0="}"#,
        ),
        (
            Document,
            Some("text/csv; charset=utf-8"),
            base64("YSxi"),
            r#""document","source":{"type":"text","media_type":"text/plain","data":"a,b"}"#,
        ),
        (Document, Some("application/msword"), base64("0M8R4A=="), ""),
        (
            Document,
            None,
            MediaSource::Text("words".into()),
            r#""document","source":{"type":"text","media_type":"text/plain","data":"words"}"#,
        ),
        (Document, None, file(Dialect::Anthropic), r#""document","source":{"type":"file","file_id":"f"}"#),
        (Document, None, file(Dialect::OpenAiChat), ""),
        (Audio, Some("audio/wav"), base64("UklGRg=="), ""),
        (Video, Some("video/mp4"), url(), ""),
    ];
    for (kind, mime, source, wanted) in table {
        let request = media(kind, mime, source);
        if wanted.is_empty() {
            let fault = refusal(CLAUDE, &request);
            assert_eq!((fault.kind, fault.param.as_deref()), (FaultKind::UnsupportedContent, Some("m[0]")));
        } else {
            let (body, reported) = encode(CLAUDE, &request);
            assert!(body.contains(wanted), "{body}");
            assert_eq!(reported, [""; 0]);
        }
    }
}

#[test]
fn tr24_media_in_tool_results_are_sent_or_refused_by_name() {
    let mut request = conversation(vec![turn(Role::Assistant, vec![call("a")]), turn(Role::User, vec![result("a")])]);
    let image = Media { kind: MediaKind::Image, mime: None, source: base64("/9j/"), name: None, detail: None };
    let Content::Result(inner) = &mut request.turns[1].blocks[0].content else { unreachable!() };
    inner.content.push(Block::new(Content::Media(image)).at("m[0].content[1]"));
    assert!(encode(CLAUDE, &request).0.contains(r#"{"type":"base64","media_type":"image/jpeg","data":"/9j/"}"#));
    let names = ToolNames::default();
    let facts = ModelFacts { media: Some(vec![]), ..ModelFacts::default() };
    let target = Target { model: CLAUDE, names: &names, facts: &facts };
    let fault = super::super::encode_request(&request, &target, &mut Losses::new(super::super::path_of)).unwrap_err();
    assert_eq!(fault.param.as_deref(), Some("m[0].content[1]"));
}

#[test]
fn files_in_anthropics_store_need_their_beta() {
    let request = media(MediaKind::Image, None, MediaSource::FileId { id: "f".into(), dialect: Dialect::Anthropic });
    assert_eq!(encode_all(CLAUDE, &request).0.betas, ["files-api-2025-04-14"]);
    assert!(encode_all(CLAUDE, &hello()).0.betas.is_empty());
}
