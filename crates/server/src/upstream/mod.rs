//! The way to providers: addresses, bytes, time. Nothing here knows models, keys or money.
//!
//! One [`Upstream`] serves the process; an [`Egress`] says how a provider is reached (proxy, trust, client certificate);
//! [`Deadlines`] say how long it may take. A reply's body gives its connection back when it was read to its end, and
//! closes it when dropped before, so that a client's disconnect reaches the provider at once.

mod connect;
mod deadlines;
mod egress;
mod fault;
mod http1;
mod names;
mod origin;
mod payload;
mod pool;
mod proxy;
mod reply;
mod send;
mod stream;
mod tls;

pub use connect::resolve;
pub use deadlines::Deadlines;
pub use egress::{Egress, EgressConfig};
pub use payload::Payload;
pub use pool::{PoolSettings, PoolStats};
pub use reply::ReplyBody;
pub use send::Upstream;
pub use tls::{ClientIdentity, Trust};

pub(crate) use connect::{dial, secure};
pub(crate) use stream::Stream;
pub(crate) use tls::chain as tls_chain;

#[cfg(test)]
mod kept_tests;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tls_tests;
