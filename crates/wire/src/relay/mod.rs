//! The relay: face and upstream speak the same dialect, so the request is the client's own bytes plus patches.
//!
//! What is patched is named (decisions, “relayed replies keep the host's shape”): the model, `include_usage` of chat
//! streams, parameters by the model's class (the limit's name, and what the model is known to refuse), control fields of
//! other gateways, and what the carriage demands.
//! Every other byte stays, and equal requests give equal bytes.

mod class;
mod control;
mod history;
mod overrides;
mod request;

pub use control::{ControlFields, is_control_field};
pub use history::{Unreasoned, unreasoned, wants_reasoning_back, without_reasoning};
pub use overrides::forbidden_overrides;
pub use request::{RelayRequest, Relayed, control_cuts, relay_request};
