//! The gateway at work: listeners, the pipeline of a call, upstreams, the admin API.

mod admin;
pub mod app;
pub mod body;
mod call_id;
pub mod catalogue;
pub mod clock;
pub mod credentials;
mod draw;
pub mod edge;
mod health;
mod lag;
pub mod listen;
pub mod media;
pub mod metrics;
mod pipeline;
pub mod provider;
mod retired;
pub mod routes;
pub mod simulate;
pub mod tasks;
mod turns;
pub mod upstream;
pub mod warm;
mod ways;
