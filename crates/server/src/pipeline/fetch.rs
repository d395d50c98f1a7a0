//! Media by address, for providers that take no addresses: fetched under guard and put into the request.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tollgate_core::config::Fetch;
use tollgate_ir::{Block, Content, Dialect, Fault, FaultKind, Media, MediaKind, MediaSource, Request};

use super::receive::Call;
use crate::app::Gateway;

/// Most addresses of one request.
const MAX_MEDIA: usize = 32;

/// Replaces addresses by what is there, where the upstream takes none. Otherwise nothing is fetched.
pub async fn media(gateway: &Gateway, call: &Call, upstream: Dialect, request: &mut Arc<Request>) -> Result<(), Fault> {
    if !matches!(upstream, Dialect::Bedrock | Dialect::Ollama) {
        return Ok(());
    }
    let mut fetched = 0;
    for turn in &mut Arc::make_mut(request).turns {
        for block in &mut turn.blocks {
            let nested: &mut [Block] = match &mut block.content {
                Content::Result(result) => &mut result.content,
                _ => std::slice::from_mut(block),
            };
            for block in nested {
                let at = block.at.clone();
                let Content::Media(media) = &mut block.content else { continue };
                let MediaSource::Url(url) = &media.source else { continue };
                // `s3://` is Bedrock's own.
                if !url.starts_with("http") {
                    continue;
                }
                fetched += 1;
                let url = url.clone();
                fetch(gateway, call, &url, &at, fetched, media).await?;
            }
        }
    }
    Ok(())
}

/// Replaces one address by what is there; `count` counts a request's.
pub async fn one(gateway: &Gateway, call: &Call, at: &str, count: &mut usize, media: &mut Media) -> Result<(), Fault> {
    let MediaSource::Url(url) = &media.source else { return Ok(()) };
    if !url.starts_with("http") {
        return Ok(());
    }
    *count += 1;
    let url = url.clone();
    fetch(gateway, call, &url, at, *count, media).await
}

async fn fetch(
    gateway: &Gateway,
    call: &Call,
    url: &str,
    at: &str,
    count: usize,
    into: &mut Media,
) -> Result<(), Fault> {
    let refuse = |why: &str| {
        let mut fault =
            Fault::new(FaultKind::MediaNotFetched, format!("`{at}`: {why} Send the bytes in the request instead."));
        fault.param = Some(at.to_owned());
        fault
    };
    if call.state.config.media == Fetch::Off {
        return Err(refuse("the target takes no addresses, and fetching them is switched off (`media.fetch`)."));
    }
    if count > MAX_MEDIA {
        return Err(refuse("the request names too many addresses."));
    }
    let fetched = gateway.media().fetch(url).await.map_err(|mut fault| {
        fault.public = format!("`{at}`: {}", fault.public);
        fault.param = Some(at.to_owned());
        fault
    })?;
    into.kind = MediaKind::of_mime(&fetched.mime);
    into.mime = Some(fetched.mime);
    into.source = MediaSource::Base64(STANDARD.encode(&fetched.bytes));
    Ok(())
}
