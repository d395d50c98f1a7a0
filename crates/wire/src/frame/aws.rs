//! The AWS event stream: binary frames with typed headers and two checksums.

use bytes::{Bytes, BytesMut};
use tollgate_ir::Fault;

use super::Frame;

/// Cuts an AWS event stream into messages.
#[derive(Debug, Default)]
pub struct AwsDeframer {
    held: BytesMut,
}

impl AwsDeframer {
    /// At the start of a body.
    pub fn new() -> Self {
        Self::default()
    }

    pub(super) fn push(&mut self, chunk: Bytes) {
        self.held.extend_from_slice(&chunk);
    }

    pub(super) fn next_frame(&mut self) -> Result<Option<Frame>, Fault> {
        Ok(None)
    }

    pub(super) fn finish(&mut self) -> Result<Option<Frame>, Fault> {
        Ok(None)
    }
}
