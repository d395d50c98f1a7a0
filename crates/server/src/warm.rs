//! Connections to the configured providers are made when the gateway has begun to listen, so that the first call to each
//! finds one: name, TCP and TLS are three round trips or more, and the system's roots take long to read.
//!
//! Only providers behind TLS: others are neighbours, to which a connection is one short round trip.

use std::sync::Arc;
use std::time::Duration;

use http::Uri;

use crate::app::Gateway;

/// First come calls that wait already.
const PAUSE: Duration = Duration::from_millis(100);

/// Begins to connect, in the background. Who cannot be reached is not: calls will tell.
pub fn begin(gateway: &Gateway) {
    let warming = gateway.clone();
    gateway.tasks().background("warm-up", async move {
        tokio::time::sleep(PAUSE).await;
        let state = warming.state();
        let ids: Vec<Arc<str>> =
            state.providers.iter().filter(|(_, p)| !p.simulated).map(|(id, _)| id.clone()).collect();
        for id in ids {
            let one = warming.clone();
            warming.tasks().background("warm-up", async move { connect(&one, &id).await });
        }
    });
}

async fn connect(gateway: &Gateway, id: &str) {
    let state = gateway.state();
    let Some(provider) = state.providers.get(id) else { return };
    let Ok(uri) = provider.main_way().base_url.parse::<Uri>() else { return };
    if uri.scheme_str() != Some("https") {
        return;
    }
    let egress = provider.egress.clone();
    // Reads files, which would hold up calls.
    if !matches!(tokio::task::spawn_blocking(move || egress.tls().is_ok()).await, Ok(true)) {
        return;
    }
    match gateway.upstream().warm(&uri, &provider.egress, provider.timeouts.connect).await {
        Ok(()) => tracing::debug!(provider = id, "a connection is ready"),
        Err(fault) => tracing::debug!(provider = id, %fault, "no connection could be made ahead of calls"),
    }
}
