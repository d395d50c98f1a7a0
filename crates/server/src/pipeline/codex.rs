//! The list of models as Codex reads it. Codex takes `{"models": […]}` whole or, if one entry lacks one required field,
//! not at all; then it works with guesses, and offers the model no grammar tools.
//!
//! Source: `ModelInfo` in openai/codex, `codex-rs/protocol/src/openai_models.rs`; tried against codex-cli 0.169.

use tollgate_core::catalogue::{Capability, Model};
use tollgate_core::config::Modality;
use tollgate_wire::json::ObjectWriter;

/// What a model is told that it is: required, and what Codex has no substitute for once a list is read.
const INSTRUCTIONS: &str = include_str!("codex.md");

/// Tokens of a tool's output that Codex keeps in the conversation: its own default.
const KEPT_OF_OUTPUT: u64 = 10_000;

/// The efforts that every reasoning model has; further ones are translated, but not all hosts tell of them.
const EFFORTS: [(&str, &str); 3] = [
    ("low", "Fast answers with little reasoning"),
    ("medium", "Balances speed and depth"),
    ("high", "Deep reasoning for hard problems"),
];

/// One entry; `rank` orders the list (the first is the default).
pub fn describe(o: &mut ObjectWriter<'_>, name: &str, rank: u64, model: &Model<'_>) {
    o.text("slug", name);
    o.text("display_name", name);
    o.null("description");
    let reasons = model.can(Capability::Reasoning).unwrap_or(true);
    if reasons {
        o.text("default_reasoning_level", "medium");
    }
    o.array("supported_reasoning_levels", |a| {
        for (effort, description) in EFFORTS.iter().filter(|_| reasons) {
            a.object(|o| {
                o.text("effort", effort);
                o.text("description", description);
            });
        }
    });
    o.text("shell_type", "shell_command");
    o.text("visibility", "list");
    o.boolean("supported_in_api", true);
    o.uint("priority", rank);
    o.null("upgrade");
    o.text("base_instructions", INSTRUCTIONS.trim_end());
    o.boolean("supports_reasoning_summaries", reasons);
    o.boolean("support_verbosity", false);
    o.null("default_verbosity");
    o.text("apply_patch_tool_type", "freeform");
    o.object("truncation_policy", |o| {
        o.text("mode", "tokens");
        o.uint("limit", KEPT_OF_OUTPUT);
    });
    o.boolean("supports_parallel_tool_calls", model.can(Capability::ParallelTools).unwrap_or(true));
    o.opt_uint("context_window", model.context());
    o.array("experimental_supported_tools", |_| {});
    o.array("input_modalities", |a| {
        a.text("text");
        if model.input().is_none_or(|input| input.contains(&Modality::Image)) {
            a.text("image");
        }
    });
}
