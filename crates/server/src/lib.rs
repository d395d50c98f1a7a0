//! The gateway at work: listeners, the pipeline of a call, upstreams, the admin API.

pub mod routes;
pub mod simulate;
