//! Where an answer's bytes come from: a provider, or what we make ourselves.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use tollgate_ir::Fault;

use crate::upstream::ReplyBody;

/// Where an upstream's bytes come from.
pub enum Source {
    /// A provider.
    Remote(Box<ReplyBody>),
    /// The built-in simulation.
    Simulated(VecDeque<(Duration, Bytes)>),
}

impl Source {
    /// A provider's answer. Of a stream the limit for the first token holds until one comes: pings are none.
    pub fn remote(mut body: Box<ReplyBody>, stream: bool) -> Self {
        if stream {
            body.hold_first_token();
        }
        Self::Remote(body)
    }

    /// Bytes of our own.
    pub fn piece(bytes: Bytes) -> Self {
        Self::Simulated(VecDeque::from([(Duration::ZERO, bytes)]))
    }

    /// The next bytes; `None` at the end.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, Fault> {
        match self {
            Self::Remote(body) => body.chunk().await,
            Self::Simulated(pieces) => match pieces.pop_front() {
                Some((pause, bytes)) => {
                    if !pause.is_zero() {
                        tokio::time::sleep(pause).await;
                    }
                    Ok(Some(bytes))
                }
                None => Ok(None),
            },
        }
    }

    /// All of it, up to a cap.
    pub async fn whole(self, cap: usize) -> Result<Bytes, Fault> {
        match self {
            Self::Remote(mut body) => body.whole(cap).await,
            Self::Simulated(_) => {
                let mut source = self;
                let mut all = Vec::new();
                while let Some(piece) = source.chunk().await? {
                    all.extend_from_slice(&piece);
                }
                Ok(all.into())
            }
        }
    }

    /// A token came.
    pub fn token_seen(&mut self) {
        if let Self::Remote(body) = self {
            body.token_seen();
        }
    }
}
