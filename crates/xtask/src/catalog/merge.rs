//! Two sources → one catalogue. Where both say the same, both are named; where they disagree, this decides, and what the
//! other says is kept beside it:
//!
//! 1. the source that names the provider's own page for the offer;
//! 2. else the newer one;
//! 3. else models.dev.
//!
//! A price of zero that stands against a price is no price: it counts as not said.

use tollgate_core::catalogue::{Mode, Unit};

use super::Offers;
use super::facts::{Bands, Facts};

/// LiteLLM's file is the newer of the two (see `pages`): by the second rule it decides where the first does not, and by
/// the first it is the only one that names pages. Kept as a word of its own so that newer sources change one line.
const NEWER_IS_LITELLM: bool = true;

/// All offers of both.
pub(super) fn merge(dev: &Offers, lite: &Offers) -> Offers {
    let mut merged = Offers::new();
    for name in dev.keys().chain(lite.keys()) {
        let facts = match (dev.get(name), lite.get(name)) {
            (Some(dev), Some(lite)) => {
                let (dev, lite) = (contextual(dev.clone()), with_context(lite, dev));
                if lite.own_page || NEWER_IS_LITELLM { both(&lite, &dev) } else { both(&dev, &lite) }
            }
            (Some(one), None) | (None, Some(one)) => contextual(one.clone()),
            (None, None) => continue,
        };
        merged.entry(name.clone()).or_insert(facts);
    }
    merged
}

/// A context where only the most input is known.
fn contextual(mut facts: Facts) -> Facts {
    facts.context = facts.context.or(facts.max_input);
    facts.max_input = facts.max_input.filter(|most| Some(*most) != facts.context);
    facts
}

/// LiteLLM says how much goes in, models.dev how much goes in and comes out: the first contradicts the second only where
/// it is more.
fn with_context(lite: &Facts, dev: &Facts) -> Facts {
    let mut facts = lite.clone();
    if lite.max_input.zip(dev.context).is_some_and(|(most, context)| most < context) {
        facts.context = dev.context;
    }
    contextual(facts)
}

/// The first decides.
fn both(first: &Facts, second: &Facts) -> Facts {
    let mut facts = first.clone();
    let mut other = Facts { sources: second.sources.clone(), ..Facts::default() };
    limits(&mut facts, &mut other, second);
    capabilities(&mut facts, second);
    let (bands, otherwise) = prices(&first.bands, &second.bands);
    let taken = !first.bands.is_empty() && !second.bands.is_empty() && bands == second.bands && bands != first.bands;
    facts.bands = bands;
    other.bands = otherwise;
    // The first name is that of the prices; whoever says otherwise of them is named beside what he says.
    if taken {
        facts.sources = [second.sources.clone(), first.sources.clone()].concat();
    } else if other.bands.is_empty() {
        facts.sources.extend(&second.sources);
    }
    let silent = Facts { sources: second.sources.clone(), ..Facts::default() };
    facts.otherwise = (other != silent).then(|| Box::new(other));
    facts
}

fn limits(facts: &mut Facts, other: &mut Facts, second: &Facts) {
    // LiteLLM's modes tell Responses from chat; models.dev's are ours, by name.
    if facts.mode == Some(Mode::Chat) && second.mode.is_some_and(|mode| mode != Mode::Chat) {
        facts.mode = second.mode;
    }
    for (mine, theirs, differs) in [
        (&mut facts.context, second.context, &mut other.context),
        (&mut facts.max_input, second.max_input, &mut other.max_input),
        (&mut facts.max_output, second.max_output, &mut other.max_output),
        (&mut facts.dimensions, second.dimensions, &mut other.dimensions),
    ] {
        settle(mine, theirs, differs);
    }
    settle(&mut facts.input, second.input.clone(), &mut other.input);
    settle(&mut facts.output, second.output.clone(), &mut other.output);
    let mut quiet = None;
    settle(&mut facts.reasoning, second.reasoning.clone(), &mut quiet);
    settle(&mut facts.released, second.released.clone(), &mut quiet);
    settle(&mut facts.retires, second.retires.clone(), &mut other.retires);
    facts.status = facts.status.or(second.status);
}

/// What is not said is taken over; what is said otherwise is kept.
fn settle<T: PartialEq + Clone>(mine: &mut Option<T>, theirs: Option<T>, differs: &mut Option<T>) {
    match (&mine, theirs) {
        (None, theirs) => *mine = theirs,
        (Some(said), Some(theirs)) if *said != theirs => *differs = Some(theirs),
        _ => {}
    }
}

fn capabilities(facts: &mut Facts, second: &Facts) {
    let new = |letter: &&char| !facts.can.contains(letter) && !facts.cannot.contains(letter);
    let can: Vec<char> = second.can.iter().filter(new).copied().collect();
    let cannot: Vec<char> = second.cannot.iter().filter(new).copied().collect();
    facts.can.extend(can);
    facts.cannot.extend(cannot);
}

/// The prices that count, and those of the other source where it says otherwise.
fn prices(first: &Bands, second: &Bands) -> (Bands, Bands) {
    let usual = |bands: &Bands| {
        let band = bands.get(&(None, None));
        let of = |unit| band.and_then(|band| band.get(&unit)).copied().unwrap_or(0);
        of(Unit::Input).max(of(Unit::Output))
    };
    if first.is_empty() || (usual(first) == 0 && usual(second) > 0) {
        return (second.clone(), Bands::new());
    }
    if second.is_empty() || (usual(second) == 0 && usual(first) > 0) {
        return (first.clone(), Bands::new());
    }
    let agrees = |(key, band): (_, &super::facts::Band)| {
        let mine = first.get(key);
        band.iter().all(|(unit, price)| mine.and_then(|mine| mine.get(unit)).is_none_or(|mine| mine == price))
    };
    if !second.iter().all(agrees) {
        return (first.clone(), second.clone());
    }
    let mut union = first.clone();
    for (key, band) in second {
        let mine = union.entry(key.clone()).or_default();
        band.iter().for_each(|(unit, price)| {
            mine.entry(*unit).or_insert(*price);
        });
    }
    (union, Bands::new())
}
