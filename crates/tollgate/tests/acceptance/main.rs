//! The acceptance cases, each against the built binary between a client over plain sockets and upstreams that follow a
//! script. A test is named after its case; what has no case is named after what it promises.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests fail as the tests themselves do"
)]
#![expect(
    clippy::disallowed_methods,
    reason = "real processes and sockets take real time, and nothing here is drained"
)]

mod affinity;
mod agents;
mod bodies;
mod breaker;
mod caller;
mod catalogue;
mod chaos;
mod classes;
mod counting;
mod credentials;
mod errors;
mod explain;
mod faces;
mod headers;
mod invoke;
mod media;
mod ollama;
mod operations;
mod patience;
mod performance;
mod prefill;
mod providers;
mod realtime;
mod relay;
mod relayed;
mod reliability;
mod restart;
mod resume;
mod routing;
mod secrets;
mod security;
mod state;
mod streams;
mod support;
mod vectors;
mod wishes;
