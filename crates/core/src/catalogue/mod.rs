//! The catalogue: which models every provider offers, what each can do and what it costs, with the source of each fact.
//!
//! It is a text that lies in the program and is searched where it lies: nothing is read at a start, nothing is copied. A
//! file of the operator's stands before it, offer by offer. `cargo xtask catalog` makes the embedded text from public
//! catalogues; docs/catalogue.md says how, and what the lines mean.

mod alias;
mod book;
mod check;
mod model;
mod offer;
mod sheet;
#[cfg(test)]
mod tests;
mod words;

use std::sync::{Arc, OnceLock};

pub use book::{Book, Lists, Mistake};
pub use model::Model;
pub use offer::{Offer, ReasoningForm, Source};
pub use sheet::{Band, Sheet};
pub use words::{Capability, EFFORTS, MODALITIES, Mode, Unit};

/// The catalogue that this program was made with.
const BUNDLED: &str = include_str!("../../data/catalogue.txt");

/// A price in a file that is so many times the bundled one is taken for a mistake of units.
const SUSPICIOUS: i64 = 1_000;

/// All offers that are known.
#[derive(Debug)]
pub struct Catalogue {
    /// The operator's file: its offers stand before the bundled ones.
    own: Option<Book>,
    bundled: &'static Book,
}

impl Catalogue {
    /// What this program was made with.
    pub fn bundled() -> Arc<Self> {
        static BUNDLE: OnceLock<Arc<Catalogue>> = OnceLock::new();
        Arc::clone(BUNDLE.get_or_init(|| Arc::new(Self { own: None, bundled: bundle() })))
    }

    /// The bundled offers with those of a file before them. `force` takes prices that look like mistakes of units.
    ///
    /// # Errors
    /// Every line that cannot be read; every price that is a thousand times the bundled one.
    pub fn with_file(text: &str, force: bool) -> Result<Self, Vec<Mistake>> {
        let own = Book::parse(text)?;
        let bundled = bundle();
        if !force {
            suspicious(text, &own, bundled)?;
        }
        Ok(Self { own: Some(own), bundled })
    }

    /// The day of the newest source, of the file before the bundled.
    pub fn date(&self) -> &str {
        self.own.as_ref().unwrap_or(self.bundled).date()
    }

    /// A model of a provider by its exact name there. Provider ids are models.dev's.
    pub fn offer(&self, provider: &str, model: &str) -> Option<Offer<'_>> {
        self.books().find_map(|book| book.offer(provider, model))
    }

    /// A model of a provider by its name there, or by another of its names: another snapshot of it, without a date, with
    /// a dot for a dash. For facts; what is sent is the name as it was asked for.
    pub fn offer_of(&self, provider: &str, model: &str) -> Option<Offer<'_>> {
        self.offer(provider, model).or_else(|| {
            let plain = alias::dashed(model);
            let model = plain.as_deref().unwrap_or(model);
            let stem = alias::stem(model);
            self.offer(provider, model).or_else(|| self.offer(provider, stem)).or_else(|| self.newest(provider, stem))
        })
    }

    /// The name by which a provider serves a model of this bare name: the same; the one that is listed for it; where it
    /// asks for the latest or names no snapshot, the newest.
    pub fn name_at(&self, provider: &str, name: &str) -> Option<&str> {
        if let Some(offer) = self.offer(provider, name) {
            return Some(offer.model());
        }
        let listed = self.hosts(name).find(|(host, _)| *host == provider).map(|(_, model)| model);
        listed.or_else(|| {
            let stem = alias::stem(name);
            if stem != name && !alias::is_latest(name) {
                return None;
            }
            self.offer(provider, stem).or_else(|| self.newest(provider, stem)).map(|offer| offer.model())
        })
    }

    /// Who serves a model of this bare name by another name: provider and model there.
    pub fn hosts(&self, name: &str) -> impl Iterator<Item = (&str, &str)> {
        self.books().flat_map(move |book| book.named(name)).filter_map(|host| host.split_once('/'))
    }

    /// All offers, in the order of their names.
    pub fn offers(&self) -> impl Iterator<Item = Offer<'_>> {
        self.beginning("")
    }

    /// All offers of a provider.
    pub fn of_provider<'a>(&'a self, provider: &str) -> impl Iterator<Item = Offer<'a>> + use<'a> {
        self.beginning(&format!("{provider}/"))
    }

    /// The newest snapshot of a model.
    fn newest(&self, provider: &str, stem: &str) -> Option<Offer<'_>> {
        let snapshots = self.beginning(&format!("{provider}/{stem}"));
        let dated = snapshots.filter_map(|offer| Some((alias::snapshot(offer.model(), stem)?, offer)));
        dated.max_by(|a, b| a.0.cmp(&b.0)).map(|(_, offer)| offer)
    }

    /// Offers whose names begin so, the file's before the bundled of the same name.
    fn beginning<'a>(&'a self, start: &str) -> impl Iterator<Item = Offer<'a>> + use<'a> {
        let own: Vec<Offer<'_>> = self.own.iter().flat_map(|book| book.offers(start)).collect();
        let mut own = own.into_iter().peekable();
        let mut bundled = self.bundled.offers(start).peekable();
        std::iter::from_fn(move || match (own.peek(), bundled.peek()) {
            (Some(ours), Some(theirs)) if ours.name() > theirs.name() => bundled.next(),
            (Some(ours), theirs) => {
                if theirs.is_some_and(|theirs| theirs.name() == ours.name()) {
                    bundled.next();
                }
                own.next()
            }
            (None, _) => bundled.next(),
        })
    }

    fn books(&self) -> impl Iterator<Item = &Book> {
        self.own.iter().chain(std::iter::once(self.bundled))
    }
}

/// The embedded file. That it can be laid out is what the tests of this module prove; were it none, it would be empty.
fn bundle() -> &'static Book {
    static BUNDLE: OnceLock<Book> = OnceLock::new();
    BUNDLE.get_or_init(|| Book::trusted(BUNDLED).unwrap_or_else(Book::empty))
}

/// The prices of a file that are a thousand times the bundled ones, with their lines in its text.
fn suspicious(text: &str, own: &Book, bundled: &Book) -> Result<(), Vec<Mistake>> {
    let mut mistakes = Vec::new();
    for offer in own.offers("") {
        let usual = bundled.offer(offer.provider(), offer.model()).and_then(|offer| offer.sheet());
        let Some((fresh, usual)) = offer.sheet().zip(usual) else { continue };
        for (unit, price) in fresh.bands().flat_map(Band::units) {
            let Some(known) = usual.unit(unit).filter(|known| known.0 > 0) else { continue };
            if price.0 / SUSPICIOUS >= known.0 {
                let named = |line: &str| line.strip_prefix(offer.name()).is_some_and(|rest| rest.starts_with(' '));
                let line = text.lines().position(named).map_or(1, |i| i + 1);
                let message = format!(
                    "`{}`: {} of ${price} per million is {SUSPICIOUS} times the bundled ${known} or more; prices are dollars per million. \
                     If it is meant, set `catalogue.force: true`",
                    offer.name(),
                    unit.as_str(),
                );
                mistakes.push(Mistake { line, message });
                break;
            }
        }
    }
    if mistakes.is_empty() { Ok(()) } else { Err(mistakes) }
}
