//! The loop: events in order of time, and the walk of each call as `server` walks it, by the same decisions.

use std::collections::BTreeMap;
use std::time::Duration;

use tollgate_core::Now;
use tollgate_core::config::{After, Catalogue, Config, Host, KnownProvider, Surroundings, load};
use tollgate_core::health::{Health, HealthKey, Signals, Standing, Timing};
use tollgate_core::route::{
    Facts, Lookup, Next, RequestFacts, Resolved, RetryBudget, RetryTerms, RouteWishes, Step, Target, Targets, next,
    plan, resolve,
};
use tollgate_ir::{Fault, FaultKind};

use crate::provider::{Draws, Fate};
use crate::scenario::Scenario;

/// How a call went.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Told {
    pub came: f64,
    pub took: f64,
    pub served: bool,
    /// Targets, in order.
    pub attempts: Vec<String>,
    pub timed_out: bool,
    pub hedged: bool,
    /// Something befell a target when it came.
    pub in_outage: bool,
}

/// Runs a scenario to its last call's end.
pub fn run(scenario: &Scenario) -> Vec<Told> {
    let mut draws = Draws::new(scenario.seed);
    let mut scenario = scenario.clone();
    let mut came = Vec::with_capacity(scenario.calls);
    let mut at = 0.0;
    for _ in 0..scenario.calls {
        at += draws.gap(scenario.rate);
        came.push(at);
    }
    if let Some(accidents) = scenario.accidents.take() {
        accidents.befall(&mut scenario.targets, at, &mut draws);
    }
    let config = load(&scenario.config, &Nothing, &Nothing).unwrap_or_else(|problems| panic!("{problems}"));
    let resolved = resolve("m", &config, &Nothing).unwrap();
    let budget = RetryBudget::new(config.retries.budget, 100.0);
    let mut simulation = Simulation {
        scenario: &scenario,
        config: &config,
        resolved: &resolved,
        health: Health::default(),
        budget,
        hedges: BTreeMap::new(),
        draws,
        line: BTreeMap::new(),
        events: 0,
        calls: Vec::with_capacity(came.len()),
    };
    for (call, at) in came.into_iter().enumerate() {
        simulation.calls.push(Call { told: Told { came: at, ..Told::default() }, ..Call::default() });
        simulation.at(Duration::from_secs_f64(at), Event::Comes(call));
    }
    simulation.run();
    simulation.calls.into_iter().map(|call| call.told).collect()
}

/// Neither environment nor files nor a catalogue: the scenario says everything.
struct Nothing;

impl Surroundings for Nothing {
    fn variable(&self, _: &str) -> Option<String> {
        None
    }

    fn file(&self, _: &str) -> Result<String, String> {
        Err("a simulation has no files".to_owned())
    }
}

impl Catalogue for Nothing {
    fn providers(&self) -> &[KnownProvider] {
        &[]
    }

    fn hosts(&self, _: &str) -> Vec<Host> {
        Vec::new()
    }
}

enum Event {
    Comes(usize),
    Again(usize),
    Late { call: usize, attempt: u64 },
    Ends { call: usize, attempt: u64, fate: Fate },
}

#[derive(Default)]
struct Call {
    told: Told,
    steps: Vec<Step>,
    /// Targets that were cooling down when it came, and until when.
    cooling: Vec<(Now, Step)>,
    /// The step that is asked, and how often it was.
    place: usize,
    count: u32,
    /// Attempts under way: number and step.
    live: Vec<(u64, usize, Now)>,
    /// The step beside which the next one was asked too.
    raced: Option<usize>,
}

struct Simulation<'s> {
    scenario: &'s Scenario,
    config: &'s Config,
    resolved: &'s Resolved,
    health: Health,
    budget: RetryBudget,
    hedges: BTreeMap<String, RetryBudget>,
    draws: Draws,
    line: BTreeMap<(Duration, u64), Event>,
    events: u64,
    calls: Vec<Call>,
}

/// Health as routing asks for it.
struct Seen<'a> {
    health: &'a Health,
    config: &'a Config,
    now: Now,
}

impl Targets for Seen<'_> {
    fn standing(&self, target: &Target) -> Standing {
        self.health.standing(&HealthKey::of(target, self.config), self.now)
    }

    fn signals(&self, target: &Target) -> Signals {
        self.health.signals(&HealthKey::of(target, self.config), self.now)
    }
}

impl Simulation<'_> {
    fn run(&mut self) {
        while let Some(((at, _), event)) = self.line.pop_first() {
            let now = Now { monotonic: at, unix_ms: u64::try_from(at.as_millis()).unwrap_or(u64::MAX) };
            match event {
                Event::Comes(call) => self.comes(call, now),
                Event::Again(call) => self.ask(call, self.calls[call].place, now),
                Event::Late { call, attempt } => self.late(call, attempt, now),
                Event::Ends { call, attempt, fate } => self.ends(call, attempt, fate, now),
            }
        }
    }

    fn at(&mut self, at: Duration, event: Event) {
        self.events += 1;
        self.line.insert((at, self.events), event);
    }

    fn comes(&mut self, call: usize, now: Now) {
        let came = now.monotonic.as_secs_f64();
        self.calls[call].told.in_outage = self.scenario.targets.values().any(|nature| nature.is_struck(came));
        let look = RequestFacts::default;
        let wishes = RouteWishes::default();
        let facts = Facts {
            config: self.config,
            targets: &Seen { health: &self.health, config: self.config, now },
            request: &Lookup::new(&look),
            body_bytes: 100,
            may_have_media: false,
            now,
            only: None,
            first: None,
            unfit: None,
            wishes: &wishes,
            explain: false,
        };
        let draws = &mut self.draws;
        let plan = plan(self.resolved, &facts, &mut || draws.unit());
        (self.calls[call].steps, self.calls[call].cooling) = (plan.steps, plan.cooling);
        self.budget.earn(now);
        self.ask_or_end(call, now);
    }

    fn ask_or_end(&mut self, call: usize, now: Now) {
        let place = self.calls[call].place;
        if place < self.calls[call].steps.len() { self.ask(call, place, now) } else { self.over(call, false, now) }
    }

    fn ask(&mut self, call: usize, place: usize, now: Now) {
        let step = self.calls[call].steps[place].clone();
        let key = HealthKey::of(&step.target, self.config);
        self.health.asked(&key, now);
        let name = step.target.name();
        let nature = self.scenario.targets.get(&name).unwrap_or_else(|| panic!("the scenario has no target {name}"));
        let fate = nature.answer(now.monotonic.as_secs_f64(), self.scenario.timeout, &mut self.draws);
        let attempt = self.events;
        let first = self.calls[call].count == 0 && self.calls[call].live.is_empty();
        if first && let Some(hedge) = step.terms.hedge.filter(|_| place + 1 < self.calls[call].steps.len()) {
            let after = match hedge.after {
                After::Time(after) => Some(after),
                After::Quantile(share) => self.health.usually(&key, share, true, now),
            };
            if let Some(after) = after {
                let budget = self.hedges.entry(name.clone()).or_insert_with(|| RetryBudget::strict(hedge.budget));
                budget.earn(now);
                // The first token is what is late, and comes after a third of the answer.
                if fate.after / 3 > after {
                    self.at(now.monotonic + after, Event::Late { call, attempt });
                }
            }
        }
        let told = &mut self.calls[call];
        told.told.attempts.push(name);
        told.live.push((attempt, place, now));
        if told.live.len() == 1 {
            told.count += 1;
        }
        self.at(now.monotonic + fate.after, Event::Ends { call, attempt, fate });
    }

    /// The first token is late: the next target is asked too, if the budget has it.
    fn late(&mut self, call: usize, attempt: u64, now: Now) {
        let Some((_, place, _)) = self.calls[call].live.iter().find(|(id, ..)| *id == attempt).copied() else { return };
        let name = self.calls[call].steps[place].target.name();
        if self.hedges.get_mut(&name).is_some_and(|budget| budget.spend(now)) {
            self.calls[call].told.hedged = true;
            self.calls[call].raced = Some(place);
            self.ask(call, place + 1, now);
        }
    }

    fn ends(&mut self, call: usize, attempt: u64, fate: Fate, now: Now) {
        let Some(found) = self.calls[call].live.iter().position(|(id, ..)| *id == attempt) else { return };
        let (_, place, began) = self.calls[call].live.remove(found);
        let key = HealthKey::of(&self.calls[call].steps[place].target, self.config);
        let Some(fault) = fate.fault else {
            let total = now.since(began);
            self.health.served(&key, Timing { first_token: Some(total / 3), total }, now);
            for (_, place, began) in std::mem::take(&mut self.calls[call].live) {
                self.health.cancelled(&HealthKey::of(&self.calls[call].steps[place].target, self.config), began);
            }
            return self.over(call, true, now);
        };
        self.health.failed(&key, &fault, began, now);
        self.calls[call].told.timed_out |= fault.kind == FaultKind::ProviderTimeout;
        // Of two that run, the other one may still serve.
        if self.calls[call].live.is_empty() {
            self.follow(call, &fault, now);
        }
    }

    /// What follows a failed attempt.
    fn follow(&mut self, call: usize, fault: &Fault, now: Now) {
        let (place, count) = (self.calls[call].place, self.calls[call].count);
        let after = place + 1 + usize::from(self.calls[call].raced == Some(place));
        if after >= self.calls[call].steps.len() {
            // Whoever was cooling down and is back.
            let (back, still): (Vec<_>, _) = self.calls[call].cooling.drain(..).partition(|cooling| cooling.0 <= now);
            self.calls[call].cooling = still;
            self.calls[call].steps.extend(back.into_iter().map(|(_, step)| step));
        }
        let others = after < self.calls[call].steps.len();
        let step = self.calls[call].steps[place].clone();
        let of_provider = self.config.provider(&step.target.provider).and_then(|provider| provider.retries);
        let mut terms = RetryTerms {
            retries: step.terms.retries.or(of_provider).unwrap_or(self.config.retries.default),
            on: step.terms.on.as_deref(),
            base: self.config.retries.base,
            most: self.config.retries.most,
        };
        let mut decided = next(fault, count, others, &terms, self.draws.unit());
        if matches!(decided, Next::Same(_)) && !self.budget.spend(now) {
            terms.retries = 0;
            decided = next(fault, count, others, &terms, 0.0);
        }
        match decided {
            Next::Same(pause) => self.at(now.monotonic + pause, Event::Again(call)),
            Next::Other => {
                self.calls[call].place = after;
                self.calls[call].count = 0;
                self.ask_or_end(call, now);
            }
            Next::Stop => self.over(call, false, now),
        }
    }

    fn over(&mut self, call: usize, served: bool, now: Now) {
        let told = &mut self.calls[call].told;
        told.served = served;
        told.took = now.monotonic.as_secs_f64() - told.came;
    }
}
