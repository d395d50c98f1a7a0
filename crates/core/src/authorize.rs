//! Whether a caller may use a model.
//!
//! Rights are about the name asked for: who may use a virtual model may use what its policy picks, since the operator
//! wrote both; and nobody reaches a target under another spelling of its name, since the canonical name is judged too.

use tollgate_ir::{Fault, FaultKind};

use crate::caller::Caller;
use crate::route::{Meaning, Resolved};

/// Refuses a model that the caller's key does not list.
pub fn authorize(caller: &Caller, resolved: &Resolved) -> Result<(), Fault> {
    let as_asked = || matches!(resolved.meaning, Meaning::Direct { .. }) && caller.models.permits(&resolved.asked);
    if caller.models.permits(&resolved.canonical()) || as_asked() {
        return Ok(());
    }
    let mut fault = Fault::new(
        FaultKind::ModelNotAllowed,
        format!("The key `{}` may not use the model `{}`", caller.name, resolved.canonical()),
    );
    fault.param = Some("model".to_owned());
    Err(fault)
}
