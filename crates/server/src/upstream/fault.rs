//! What can go wrong on the way, told apart for the log and told simply to the client.
//!
//! Invariant: `public` never holds an address, a certificate's name or a proxy; these are the operator's.

use std::error::Error;
use std::io;

use tollgate_ir::{Fault, FaultKind, Retry};

use super::connect::ConnectError;

/// No connection was made.
pub(super) fn unreachable(error: ConnectError, host: &str) -> Fault {
    let kind = if matches!(error, ConnectError::Timeout) {
        FaultKind::ProviderTimeout
    } else {
        FaultKind::ProviderUnreachable
    };
    let public = match kind {
        FaultKind::ProviderTimeout => "The provider did not accept a connection in time.",
        _ => "The provider cannot be reached.",
    };
    Fault::new(kind, public).detail(format!("{}: {error} ({host})", error.word())).source(error)
}

/// The request was sent, at least in part, and no reply came. On a reused connection this is most often the other side
/// closing an idle connection just now, and the same target will answer on a new one.
pub(super) fn no_reply(error: hyper::Error, host: &str, reused: bool) -> Fault {
    let error = match upload_fault(error) {
        Ok(fault) => return fault,
        Err(error) => error,
    };
    if error.is_parse() {
        return Fault::new(FaultKind::ProviderGarbage, "The provider's answer cannot be read.")
            .detail(format!("http: {error} ({host})"))
            .source(error);
    }
    let word = word_of(&error);
    let mut fault =
        Fault::new(FaultKind::ProviderUnreachable, "The provider closed the connection before it answered.")
            .detail(format!(
                "{word}: no reply{} ({host}): {error}",
                if reused { " on a reused connection" } else { "" }
            ))
            .source(error);
    if reused {
        fault.retry = Retry::SameTarget;
    }
    fault
}

/// The reply broke off in its body.
pub(super) fn cut(error: hyper::Error) -> Fault {
    let word = word_of(&error);
    Fault::new(FaultKind::ProviderCut, "The provider's answer ended too early.")
        .detail(format!("{word}: in the body: {error}"))
        .source(error)
}

/// The provider's address cannot be used.
pub(super) fn misconfigured(what: impl Into<String>) -> Fault {
    Fault::new(FaultKind::ProviderMisconfigured, "The provider's configuration is not complete.").detail(what)
}

/// `reset`, `closed` and so on: one word for the log.
fn word_of(error: &hyper::Error) -> &'static str {
    let cause = causes(error).find_map(|cause| cause.downcast_ref::<io::Error>());
    match cause.map(io::Error::kind) {
        Some(io::ErrorKind::ConnectionReset) => "reset",
        Some(io::ErrorKind::BrokenPipe) => "broken pipe",
        Some(io::ErrorKind::TimedOut) => "tcp timeout",
        Some(io::ErrorKind::UnexpectedEof) => "closed",
        _ if error.is_incomplete_message() || error.is_closed() || error.is_canceled() => "closed",
        _ => "http",
    }
}

/// The client's own upload failed, not the provider: its fault, as the upload told it.
fn upload_fault(error: hyper::Error) -> Result<Fault, hyper::Error> {
    let fault = causes(&error).find_map(|cause| cause.downcast_ref::<Fault>().cloned());
    fault.ok_or(error)
}

fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| error.source())
}
