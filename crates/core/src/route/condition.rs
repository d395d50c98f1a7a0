//! Conditions of rules: CEL over the facts of a request. Nothing of the CEL library is seen outside this file and the
//! table of facts.

use std::sync::Arc;

use cel::{Context, ExecutionError, Program, Value};

use super::facts::{FACTS, Fact, RequestFacts};
use crate::near::nearest;

/// A condition, compiled.
#[derive(Clone)]
pub struct Condition {
    source: Arc<str>,
    program: Arc<Program>,
    /// The facts that it mentions: only these are computed.
    facts: Vec<&'static Fact>,
}

impl Condition {
    /// Compiles a condition. The error says what is wrong with it.
    pub fn compile(source: &str) -> Result<Self, String> {
        let program = Program::compile(source).map_err(|errors| first_line(&errors.to_string()))?;
        let references = program.references();
        let mut facts = Vec::new();
        for name in references.variables() {
            match FACTS.iter().find(|fact| fact.name == name) {
                Some(fact) => facts.push(fact),
                None if is_bound(source, name) => {}
                None => return Err(unknown(name)),
            }
        }
        drop(references);
        let condition = Self { source: source.into(), program: Arc::new(program), facts };
        // A condition of a wrong type is wrong for every request: told now and not at the first one.
        match condition.value(&RequestFacts::default()) {
            Ok(Value::Bool(_)) | Err(ExecutionError::NoSuchKey(_)) => Ok(condition),
            Ok(value) => Err(format!("it gives {:?}, and must give true or false", value.type_of()).to_lowercase()),
            Err(error) => Err(error.to_string()),
        }
    }

    /// Whether it holds. What cannot be evaluated (metadata that is not there) does not hold.
    pub fn holds(&self, facts: &RequestFacts) -> bool {
        matches!(self.value(facts), Ok(Value::Bool(true)))
    }

    /// Whether it depends on a fact.
    pub fn mentions(&self, fact: &str) -> bool {
        self.facts.iter().any(|known| known.name == fact)
    }

    /// As it was written.
    pub fn source(&self) -> &Arc<str> {
        &self.source
    }

    fn value(&self, facts: &RequestFacts) -> Result<Value, ExecutionError> {
        let mut context = Context::default();
        for fact in &self.facts {
            context.add_variable_from_value(fact.name, (fact.value)(facts));
        }
        self.program.execute(&context)
    }
}

impl std::fmt::Debug for Condition {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Condition").field(&self.source).finish()
    }
}

impl PartialEq for Condition {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source
    }
}

/// Whether a name is the variable of a macro such as `tags.exists(t, …)`.
fn is_bound(source: &str, name: &str) -> bool {
    let after =
        source.match_indices(name).map(|(at, _)| (source[..at].trim_end(), source[at + name.len()..].trim_start()));
    let mut bindings = after.filter(|(before, rest)| before.ends_with('(') && rest.starts_with(','));
    bindings.any(|(before, _)| {
        let callee = before.trim_end_matches('(').trim_end();
        ["all", "exists", "exists_one", "map", "filter"].iter().any(|name| callee.ends_with(&format!(".{name}")))
    })
}

fn unknown(name: &str) -> String {
    let near = nearest(name, FACTS.iter().map(|fact| fact.name), 1);
    let hint = match near.first() {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("facts: {}", FACTS.iter().map(|fact| fact.name).collect::<Vec<_>>().join(", ")),
    };
    format!("`{name}` is no fact of a request; {hint}")
}

fn first_line(text: &str) -> String {
    text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("it cannot be read").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Modality;

    #[test]
    fn conditions_hold_over_facts() {
        let facts = RequestFacts {
            prompt_tokens: 9000,
            tools: 2,
            modalities: vec![Modality::Image],
            team: "research".into(),
            tags: vec!["batch".into()],
            metadata: [("env".to_owned(), "prod".to_owned())].into(),
            hour: 3,
            estimated_cost: 0.06,
            ..RequestFacts::default()
        };
        for (source, holds) in [
            ("prompt_tokens > 8000", true),
            ("prompt_tokens > 8000 && tools == 0", false),
            ("\"image\" in modalities", true),
            ("team == 'research' || key.startsWith('ci-')", true),
            ("tags.exists(t, t == 'batch')", true),
            ("has(metadata.env) && metadata.env == 'prod'", true),
            ("metadata.env == 'prod'", true),
            ("metadata.nothing == 'prod'", false),
            ("hour < 6 || hour >= 22", true),
            ("team.matches('^re.*')", true),
            ("estimated_cost > 0.05", true),
            ("estimated_cost < 1", true),
            ("estimated_cost >= 1.5", false),
            ("true", true),
        ] {
            assert_eq!(Condition::compile(source).map(|c| c.holds(&facts)), Ok(holds), "{source}");
        }
    }

    #[test]
    fn a_wrong_condition_is_told_at_once() {
        for (source, part) in [
            ("promt_tokens > 8000", "did you mean `prompt_tokens`?"),
            ("prompt_tokens", "must give true or false"),
            ("prompt_tokens >", ""),
            ("prompt_tokens + team > 3", ""),
            ("", ""),
        ] {
            let told = Condition::compile(source).unwrap_err();
            assert!(told.contains(part) && !told.is_empty() && told.len() < 300, "{source}: {told}");
        }
    }
}
