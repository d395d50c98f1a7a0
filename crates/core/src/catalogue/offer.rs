//! One offer: a model of a provider, as a view of its line. Nothing is copied or parsed before it is asked for.

use super::book::Book;
use super::sheet::Sheet;
use super::words::{Capability, EFFORTS, MODALITIES, Mode, Side};
use crate::config::Modality;
use crate::money::Price;

/// A model of a provider, and what is known of it.
#[derive(Clone, Copy, Debug)]
pub struct Offer<'a> {
    pub(super) book: &'a Book,
    pub(super) name: &'a str,
    /// The facts that count.
    pub(super) facts: &'a str,
    /// What another source says otherwise.
    pub(super) other: Option<&'a str>,
}

/// Where a fact comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Source<'a> {
    /// The day of which it is (`2026-07-02`).
    pub date: &'a str,
    /// Who says so, and the page that is named for it.
    pub from: &'a str,
}

/// How a model's reasoning is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReasoningForm<'a> {
    /// It can be turned on and off.
    pub toggle: bool,
    efforts: &'a str,
    /// Tokens it may be given, least and most, where it takes a budget.
    pub budget: Option<(u64, Option<u64>)>,
}

impl<'a> ReasoningForm<'a> {
    /// The efforts that it takes, the least first.
    pub fn efforts(self) -> impl Iterator<Item = &'static str> + 'a {
        EFFORTS.iter().filter(move |(letter, _)| self.efforts.contains(*letter)).map(|(_, name)| *name)
    }
}

impl<'a> Offer<'a> {
    /// `provider/model`.
    pub fn name(&self) -> &'a str {
        self.name
    }

    /// The provider's id (models.dev's).
    pub fn provider(&self) -> &'a str {
        self.name.split_once('/').map_or("", |(provider, _)| provider)
    }

    /// The model's name there.
    pub fn model(&self) -> &'a str {
        self.name.split_once('/').map_or("", |(_, model)| model)
    }

    /// What it is for.
    pub fn mode(&self) -> Mode {
        self.field('x').and_then(Mode::of).unwrap_or_default()
    }

    /// Most tokens of a prompt and its answer together.
    pub fn context(&self) -> Option<u64> {
        self.number('c')
    }

    /// Most tokens of a prompt, where they are fewer than the context.
    pub fn max_input(&self) -> Option<u64> {
        self.number('i')
    }

    /// Most output tokens.
    pub fn max_output(&self) -> Option<u64> {
        self.number('o')
    }

    /// The length of its vectors.
    pub fn dimensions(&self) -> Option<u64> {
        self.number('d')
    }

    /// Whether it is known to be able to.
    pub fn has(&self, capability: Capability) -> bool {
        self.can(capability) == Some(true)
    }

    /// Whether it is able to; `None`: not known.
    pub fn can(&self, capability: Capability) -> Option<bool> {
        if let Some((side, modality)) = capability.modality() {
            return self.modality(side, modality);
        }
        let listed =
            |tag| self.field(tag).is_some_and(|letters| capability.letter().is_some_and(|l| letters.contains(l)));
        if listed('k') {
            return Some(true);
        }
        listed('n').then_some(false)
    }

    /// Whether it is known to take this as input.
    pub fn takes(&self, modality: Modality) -> bool {
        self.modality(Side::Input, modality) == Some(true)
    }

    /// What it takes; `None`: not known.
    pub fn input(&self) -> Option<Vec<Modality>> {
        self.modalities(Side::Input)
    }

    /// What it answers with; `None`: not known.
    pub fn output(&self) -> Option<Vec<Modality>> {
        self.modalities(Side::Output)
    }

    /// How its reasoning is asked for; `None`: it has none, or that is not known.
    pub fn reasoning(&self) -> Option<ReasoningForm<'a>> {
        let mut form = ReasoningForm::default();
        for part in self.field('r')?.split(',') {
            match part.split_at_checked(1) {
                Some(("t", "")) => form.toggle = true,
                Some(("e", efforts)) => form.efforts = efforts,
                Some(("b", budget)) => {
                    let (least, most) = budget.split_once('-').unwrap_or((budget, ""));
                    form.budget = least.parse().ok().map(|least| (least, most.parse().ok()));
                }
                _ => {}
            }
        }
        Some(form)
    }

    /// All that it costs; `None`: not known.
    pub fn sheet(&self) -> Option<Sheet<'a>> {
        self.field('$').map(Sheet::new)
    }

    /// What attempts are billed by; `None`: not known.
    pub fn price(&self) -> Option<Price> {
        self.sheet().map(Sheet::price)
    }

    /// The day it came out, as `2025-08-07` or less exactly.
    pub fn released(&self) -> Option<&'a str> {
        self.field('B')
    }

    /// The day from which it is served no more, as `2026-03-01`.
    pub fn retires(&self) -> Option<&'a str> {
        self.field('D')
    }

    /// Whether it is served no more on a day (`2026-11-25`). Days are compared as text: that is their order.
    pub fn is_retired(&self, today: &str) -> bool {
        self.retires().is_some_and(|day| day <= today)
    }

    /// `deprecated`, `beta` or `alpha`, where a source says so.
    pub fn status(&self) -> Option<&'static str> {
        match self.field('q')? {
            "d" => Some("deprecated"),
            "b" => Some("beta"),
            "a" => Some("alpha"),
            _ => None,
        }
    }

    /// The model of the same provider to go over to.
    pub fn successor(&self) -> Option<&'a str> {
        self.field('>')
    }

    /// Where it is known from.
    pub fn sources(&self) -> impl Iterator<Item = Source<'a>> + use<'a> {
        let book = self.book;
        self.field('s').unwrap_or_default().split('+').filter_map(|id| book.source(id))
    }

    /// What another source says, where it says otherwise: the same offer by the other's facts.
    pub fn otherwise(&self) -> Option<Self> {
        Some(Self { facts: self.other?, other: None, ..*self })
    }

    pub(super) fn field(&self, tag: char) -> Option<&'a str> {
        self.facts.split(' ').find_map(|field| field.strip_prefix(tag))
    }

    fn number(&self, tag: char) -> Option<u64> {
        self.field(tag)?.parse().ok()
    }

    fn modality(&self, side: Side, modality: Modality) -> Option<bool> {
        let letters = self.letters(side)?;
        let letter = MODALITIES.iter().find(|(one, ..)| *one == modality).map(|(_, letter, _)| *letter)?;
        Some(letters.contains(letter))
    }

    fn modalities(&self, side: Side) -> Option<Vec<Modality>> {
        let letters = self.letters(side)?;
        Some(MODALITIES.iter().filter(|(_, letter, _)| letters.contains(*letter)).map(|(one, ..)| *one).collect())
    }

    fn letters(&self, side: Side) -> Option<&'a str> {
        let (input, output) = self.field('m')?.split_once('>')?;
        Some(match side {
            Side::Input => input,
            Side::Output => output,
        })
    }
}
