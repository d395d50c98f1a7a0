//! Whether and how Claude thinks: read from a client, and planned for a class of models.
//!
//! A budget must leave room within `max_tokens`; a forced tool and a budget exclude each other (thinking wins); a tool loop
//! whose thinking the client has lost goes on without thinking, since the API refuses it otherwise.

use tollgate_ir::{
    Block, Content, Effort, Fault, Field, Issuer, Losses, Reason, Request, Role, Thinking, ThinkingMode,
};

use super::rules::{ModelClass, ThinkingForm};
use super::turns::Turns;
use crate::json::{Fields, ObjectWriter};

/// Reads `thinking` and the effort of `output_config`.
pub(super) fn read(
    fields: &mut Fields<'_>,
    effort: Option<Effort>,
    losses: &mut Losses,
) -> Result<Option<Thinking>, Fault> {
    let mut thinking = Thinking { mode: ThinkingMode::On, effort, budget: None, show: None, summary: None };
    let Some(mut config) = fields.object("thinking")? else {
        if effort.is_some() {
            losses.spell("thinking", "output_config.effort");
        }
        return Ok(effort.map(|_| thinking));
    };
    if config.has("display") {
        // Elsewhere what is shown goes with how to think.
        losses.own(config.path("display"), Reason::Adjusted);
    }
    thinking.budget = config.uint("budget_tokens")?;
    thinking.show = match config.text("display")?.as_deref() {
        Some("omitted") => Some(false),
        Some(_) => Some(true),
        None => None,
    };
    thinking.mode = match config.required_text("type")?.as_str() {
        "enabled" => ThinkingMode::On,
        "disabled" => ThinkingMode::Off,
        "adaptive" => ThinkingMode::Adaptive,
        other => {
            if other != "between_tools" {
                let path = config.path("type");
                let message = format!("`{path}` must be enabled, disabled or adaptive, but is {other}.");
                return Err(Fault::field(path, message));
            }
            losses.path(config.path("type"), Reason::Adjusted);
            ThinkingMode::Adaptive
        }
    };
    config.report_rest(losses);
    Ok(Some(thinking))
}

/// What is said of thinking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// Nothing.
    Unsaid,
    /// `disabled`.
    Disabled,
    /// `enabled`, with a budget.
    Budget(u64),
    /// `adaptive`.
    Adaptive,
}

/// How Claude is told to think.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Plan {
    /// Whether.
    pub mode: Mode,
    /// How hard, for models that take an effort.
    pub effort: Option<Effort>,
    /// Whether the words are shown.
    show: Option<bool>,
}

impl Plan {
    const UNSAID: Self = Self { mode: Mode::Unsaid, effort: None, show: None };

    /// For a request whose turns are laid out, to a class of models. `room` is the output limit that efforts are
    /// shares of.
    pub fn of(request: &Request, turns: &Turns<'_>, class: &ModelClass, room: u64, losses: &mut Losses) -> Self {
        let Some(wish) = &request.thinking else { return Self::UNSAID };
        let on = match wish.mode {
            ThinkingMode::On | ThinkingMode::Adaptive => true,
            ThinkingMode::Off => false,
            ThinkingMode::Unsaid if wish.effort.is_some() || wish.budget.is_some() => true,
            ThinkingMode::Unsaid => return Self::UNSAID,
        };
        if class.thinking == ThinkingForm::None {
            if on {
                losses.field(Field::Thinking, Reason::Dropped);
            }
            return Self::UNSAID;
        }
        if !on {
            return Self::off(class, losses);
        }
        if loop_without_thinking(turns) {
            losses.field(Field::Thinking, Reason::Adjusted);
            return Self { mode: off_mode(class), ..Self::UNSAID };
        }
        Self::on(wish, class, room, losses)
    }

    fn off(class: &ModelClass, losses: &mut Losses) -> Self {
        if class.thinking == ThinkingForm::Always {
            // The nearest thing to not thinking that these models know.
            losses.field(Field::Thinking, Reason::Adjusted);
            return Self { mode: Mode::Unsaid, effort: class.effort(Effort::Low), show: None };
        }
        Self { mode: Mode::Disabled, ..Self::UNSAID }
    }

    fn on(wish: &Thinking, class: &ModelClass, room: u64, losses: &mut Losses) -> Self {
        let by_budget = match class.thinking {
            ThinkingForm::Both => wish.budget.is_some() && wish.mode == ThinkingMode::On,
            form => form == ThinkingForm::Budget,
        };
        if by_budget {
            let budget = wish.budget.unwrap_or_else(|| wish.effort.unwrap_or(Effort::Medium).budget(room));
            if wish.mode == ThinkingMode::Adaptive || wish.show == Some(false) {
                losses.field(Field::Thinking, Reason::Adjusted);
            }
            return Self { mode: Mode::Budget(budget), effort: None, show: None };
        }
        let asked = wish.effort.or_else(|| wish.budget.map(|budget| Effort::of_budget(budget, room)));
        let effort = asked.and_then(|asked| class.effort(asked));
        if effort != asked || wish.budget.is_some() {
            losses.field(Field::Thinking, Reason::Adjusted);
        }
        Self { mode: Mode::Adaptive, effort, show: wish.show }
    }

    /// Claude thinks, or may.
    pub fn is_on(&self) -> bool {
        matches!(self.mode, Mode::Budget(_) | Mode::Adaptive)
    }

    /// A tool cannot be forced (“tool choice that forces use is refused with manual thinking”).
    pub fn forbids_forcing(&self) -> bool {
        matches!(self.mode, Mode::Budget(_))
    }

    /// Writes `thinking`.
    pub fn write(&self, o: &mut ObjectWriter<'_>) {
        let kind = match self.mode {
            Mode::Unsaid => return,
            Mode::Disabled => "disabled",
            Mode::Budget(_) => "enabled",
            Mode::Adaptive => "adaptive",
        };
        o.object("thinking", |o| {
            o.text("type", kind);
            if let Mode::Budget(budget) = self.mode {
                o.uint("budget_tokens", budget);
            }
            if let Some(show) = self.show {
                o.text("display", if show { "summarized" } else { "omitted" });
            }
        });
    }
}

const fn off_mode(class: &ModelClass) -> Mode {
    match class.thinking {
        ThinkingForm::Always | ThinkingForm::None => Mode::Unsaid,
        ThinkingForm::Budget | ThinkingForm::Both | ThinkingForm::Adaptive => Mode::Disabled,
    }
}

/// The conversation ends in tool results, and the assistant's turn that began that loop does not begin with thinking
/// that Claude can read.
fn loop_without_thinking(turns: &Turns<'_>) -> bool {
    let mut first = None;
    for turn in turns.conversation().rev() {
        match turn.role {
            Role::User if turn.blocks.iter().any(|b| matches!(b.content, Content::Result(_))) => {}
            Role::Assistant => first = Some(turn),
            Role::System => {}
            Role::User => break,
        }
    }
    // A last turn of the assistant's own is no loop yet.
    let in_loop = turns.conversation().next_back().is_some_and(|turn| turn.role == Role::User);
    in_loop && first.is_some_and(|turn| !turn.blocks.first().is_some_and(|block| is_signed(block)))
}

fn is_signed(block: &Block) -> bool {
    matches!(block.content, Content::Reasoning(_)) && block.seal.as_ref().is_some_and(|s| s.issuer == Issuer::Anthropic)
}
