//! Where credentials come from: sources, one file each, and the chain in which they are asked.
//!
//! A source that has nothing is passed over; one that has something and fails with it ends the walk, since the operator
//! means that one. When nobody has anything, the fault names every place in the order in which it was looked at.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::SystemTime;

use tollgate_ir::{Fault, FaultKind};

use super::Transport;

/// A credential that is being fetched.
pub type Fetching<'a, T> = Pin<Box<dyn Future<Output = Result<Grant<T>, Miss>> + Send + 'a>>;

/// A place where a credential may be.
pub trait Source<T>: fmt::Debug + Send + Sync {
    /// The variables or the file or the server, for people.
    fn place(&self) -> String;

    /// Looks there.
    fn fetch<'a>(&'a self, transport: Transport<'a>) -> Fetching<'a, T>;
}

/// A credential and its end.
#[derive(Clone, Debug)]
pub struct Grant<T> {
    /// The credential.
    pub value: T,
    /// When it ends; `None`: nobody says.
    pub expires: Option<SystemTime>,
}

/// Why a source gave none.
#[derive(Debug)]
pub enum Miss {
    /// There is nothing there, and why.
    Absent(String),
    /// There is, and it does not work.
    Failed(Box<Fault>),
}

impl From<Fault> for Miss {
    fn from(fault: Fault) -> Self {
        Self::Failed(Box::new(fault))
    }
}

impl Miss {
    /// What is there is not right; what to do about it, without any secret.
    pub(super) fn wrong(what: impl Into<String>) -> Self {
        Fault::new(FaultKind::ProviderMisconfigured, what).into()
    }
}

/// Sources in order.
#[derive(Debug)]
pub struct Chain<T> {
    /// The provider's id, for messages.
    pub provider: String,
    /// Who is asked, the first first.
    pub sources: Vec<Box<dyn Source<T>>>,
}

impl<T> Chain<T> {
    /// One source alone.
    pub fn of(provider: &str, source: impl Source<T> + 'static) -> Self {
        Self { provider: provider.to_owned(), sources: vec![Box::new(source)] }
    }

    /// The first credential that there is.
    ///
    /// # Errors
    ///
    /// `ProviderMisconfigured` with all places if there is none; else the fault of the source that failed.
    pub async fn fetch(&self, transport: Transport<'_>) -> Result<Grant<T>, Fault> {
        let mut looked = Vec::new();
        for source in &self.sources {
            match source.fetch(transport).await {
                Ok(grant) => return Ok(grant),
                Err(Miss::Absent(why)) => looked.push(format!("{} ({why})", source.place())),
                Err(Miss::Failed(fault)) => {
                    let mut fault = *fault;
                    fault.public = format!("`{}`: {}: {}", self.provider, source.place(), fault.public);
                    return Err(fault);
                }
            }
        }
        Err(Fault::new(FaultKind::ProviderMisconfigured, missing(&self.provider, &looked)))
    }
}

/// What is said when nothing was found.
pub(super) fn missing(provider: &str, looked: &[String]) -> String {
    let places: Vec<_> = looked.iter().enumerate().map(|(i, place)| format!("{}. {place}", i + 1)).collect();
    format!("The provider `{provider}` has no credential. Looked for, in this order: {}.", places.join("; "))
}
