//! Token counts where the provider counts none: an estimate, in the face's own form.

use tollgate_core::route::Target;
use tollgate_ir::{Fault, Losses};
use tollgate_text::tokens;
use tollgate_wire::{codec, ops};

use super::dispatch::{Body, Served};
use super::memory::{Recalled, Understood};
use super::receive::Call;
use crate::app::Gateway;

/// Estimates the request's tokens.
pub async fn estimate(
    gateway: &Gateway,
    call: &Call,
    target: &Target,
    understood: Option<&Understood>,
) -> Result<Served, Fault> {
    let tokens = match understood {
        Some(understood) => tokens::estimate_request(&understood.request),
        None => {
            let recalled = Recalled { pin: None, stored: None };
            tokens::estimate_request(&Understood::of(gateway, call, &recalled).await?.request)
        }
    };
    Ok(Served {
        target: target.clone(),
        headers: http::HeaderMap::new(),
        body: Body::Whole { bytes: ops::count::encode_reply(call.face, tokens).into(), outcome: Box::default() },
        losses: Losses::new(codec::path_of(call.face)),
    })
}
