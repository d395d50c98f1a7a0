//! The relay: face and upstream speak the same dialect, so the request is the client's own bytes plus patches.
//!
//! What is patched is named (decisions, “relayed replies keep the host's shape”): the model, `include_usage` of chat
//! streams, the limit's name by the model's class, control fields of other gateways, and what the carriage demands.
//! Every other byte stays, and equal requests give equal bytes.

mod control;
mod limit;
mod overrides;
mod request;

pub use control::{ControlFields, is_control_field};
pub use limit::LimitName;
pub use overrides::forbidden_overrides;
pub use request::{RelayRequest, Relayed, control_cuts, relay_request};
