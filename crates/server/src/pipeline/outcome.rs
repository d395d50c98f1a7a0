//! What an answer turned out to be, whichever way it was seen: whole, by the tap, or event by event.

use tollgate_core::continuity::{seal_id, seal_ids};
use tollgate_ir::{BlockStart, Delta, Event, Finish, Issuer, Reply, Usage};
use tollgate_wire::tap::Seen;

/// What an answer turned out to be.
#[derive(Debug, Default)]
pub struct Outcome {
    /// The model, as the provider names it.
    pub model: Option<String>,
    /// The answer's id at the provider.
    pub id: Option<String>,
    /// The tier that served.
    pub service_tier: Option<String>,
    /// What it used.
    pub usage: Option<Usage>,
    /// Why it ended.
    pub finish: Option<Finish>,
    /// The short names of the encrypted reasoning in it that only its maker reads.
    pub seals: Vec<String>,
    /// It says nothing.
    pub empty: bool,
    /// The whole answer, where it was kept for what is remembered of it.
    pub reply: Option<Box<Reply>>,
}

impl Outcome {
    /// Of a whole reply.
    pub fn of(reply: Reply) -> Self {
        Self {
            model: reply.head.model.clone(),
            id: reply.head.id.clone(),
            service_tier: reply.head.service_tier.clone(),
            usage: reply.usage,
            finish: reply.choices.first().and_then(|c| c.finish.clone()),
            seals: seal_ids(reply.choices.iter().flat_map(|c| &c.blocks)),
            empty: reply.is_empty(),
            reply: Some(Box::new(reply)),
        }
    }

    /// Of a relayed answer, as the tap saw it.
    pub fn seen(seen: Seen, seals: Vec<String>, reply: Option<Box<Reply>>) -> Self {
        let Seen { model, id, service_tier, usage, finish, empty, .. } = seen;
        Self { model, id, service_tier, usage, finish, seals, empty, reply }
    }

    /// The next event of a stream.
    pub fn event(&mut self, event: &Event) {
        match event {
            Event::Start(head) => {
                self.model.clone_from(&head.model);
                self.id.clone_from(&head.id);
                self.service_tier.clone_from(&head.service_tier);
            }
            Event::Delta { delta: Delta::Seal(seal), .. } if seal.issuer == Issuer::OpenAi => {
                self.seals.push(seal_id(seal));
            }
            Event::Open { start: BlockStart::Whole(block), .. } => {
                self.seals.extend(seal_ids(std::iter::once(&**block)));
            }
            Event::Usage(usage) => self.usage = Some(*usage),
            Event::Finish { choice: 0, finish } => self.finish = Some(finish.clone()),
            _ => {}
        }
    }
}
