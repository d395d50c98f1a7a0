//! Stop reasons both ways.

use tollgate_ir::Finish;

/// A `stop_reason`; one that is not known ends the answer like any other.
pub(super) fn read(reason: &str, sequence: Option<&str>) -> Finish {
    match reason {
        "stop_sequence" => Finish::StopSequence(sequence.map(str::to_owned)),
        "max_tokens" => Finish::Length,
        "model_context_window_exceeded" => Finish::ContextWindow,
        "tool_use" => Finish::ToolCalls,
        "refusal" => Finish::Refusal,
        "pause_turn" | "compaction" => Finish::Pause,
        _ => Finish::Stop,
    }
}

/// The `stop_reason`; an answer whose end nobody explained, or that failed in a way this protocol has no word for, says
/// that its turn ended.
pub(super) const fn reason(finish: Option<&Finish>) -> &'static str {
    match finish {
        Some(Finish::StopSequence(_)) => "stop_sequence",
        Some(Finish::Length) => "max_tokens",
        Some(Finish::ContextWindow) => "model_context_window_exceeded",
        Some(Finish::ToolCalls) => "tool_use",
        Some(Finish::ContentFilter | Finish::Refusal) => "refusal",
        Some(Finish::Pause) => "pause_turn",
        Some(Finish::Stop | Finish::Error(_)) | None => "end_turn",
    }
}

/// The `stop_sequence` that came.
pub(super) fn sequence(finish: Option<&Finish>) -> Option<&str> {
    match finish {
        Some(Finish::StopSequence(sequence)) => sequence.as_deref(),
        _ => None,
    }
}
