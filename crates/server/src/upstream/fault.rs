//! What can go wrong on the way, told apart for the log and told simply to the client.
//!
//! Invariant: `public` never holds an address, a certificate's name or a proxy; these are the operator's.

use std::error::Error;
use std::io;

use tollgate_ir::{Fault, FaultKind, Retry};

use super::connect::ConnectError;

/// How an exchange broke.
#[derive(Debug, thiserror::Error)]
pub(super) enum Broken {
    /// As the library tells it, of HTTP/2 and of connections that change their protocol.
    #[error("{0}")]
    Hyper(#[source] hyper::Error),
    /// The socket failed.
    #[error("{0}")]
    Io(#[source] io::Error),
    /// The other side closed before it had said all.
    #[error("the connection was closed")]
    Closed,
    /// No head of HTTP/1.
    #[error("{0}")]
    Head(#[source] httparse::Error),
    /// The other side sent what it must not.
    #[error("{0}")]
    Garbage(&'static str),
    /// Our own side failed to bring the request's body.
    #[error("the upload broke off")]
    Upload(#[source] Box<dyn Error + Send + Sync>),
}

impl Broken {
    /// What came is no HTTP.
    fn is_garbage(&self) -> bool {
        match self {
            Self::Hyper(error) => error.is_parse(),
            Self::Head(_) | Self::Garbage(_) => true,
            Self::Io(_) | Self::Closed | Self::Upload(_) => false,
        }
    }
}

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
pub(super) fn no_reply(error: Broken, host: &str, reused: bool) -> Fault {
    let error = match upload_fault(error) {
        Ok(fault) => return fault,
        Err(error) => error,
    };
    if error.is_garbage() {
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
pub(super) fn cut(error: Broken) -> Fault {
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
fn word_of(error: &Broken) -> &'static str {
    let cause = causes(error).find_map(|cause| cause.downcast_ref::<io::Error>());
    match (cause.map(io::Error::kind), error) {
        (Some(io::ErrorKind::ConnectionReset), _) => "reset",
        (Some(io::ErrorKind::BrokenPipe), _) => "broken pipe",
        (Some(io::ErrorKind::TimedOut), _) => "tcp timeout",
        (Some(io::ErrorKind::UnexpectedEof), _) | (_, Broken::Closed) => "closed",
        (_, Broken::Hyper(error)) if error.is_incomplete_message() || error.is_closed() || error.is_canceled() => {
            "closed"
        }
        _ => "http",
    }
}

/// The client's own upload failed, not the provider: its fault, as the upload told it.
fn upload_fault(error: Broken) -> Result<Fault, Broken> {
    let fault = causes(&error).find_map(|cause| cause.downcast_ref::<Fault>().cloned());
    fault.ok_or(error)
}

fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| error.source())
}
