//! The gateway at work: listeners, the pipeline of a call, upstreams, the admin API.

pub mod body;
pub mod credentials;
pub mod listen;
pub mod media;
pub mod routes;
pub mod simulate;
pub mod tasks;
pub mod upstream;
