//! TR34: the contract of a Responses stream, as the SDKs rely on it.

use std::collections::HashMap;

use crate::json::Node;

const TERMINAL: [&str; 3] = ["response.completed", "response.incomplete", "response.failed"];

/// Panics at the first breach.
pub(super) fn check(payloads: &[String]) {
    let events: Vec<_> = payloads.iter().map(|p| Node::read(p.as_bytes()).unwrap()).collect();
    let kinds: Vec<_> = events.iter().map(|e| e.text("type").unwrap()).collect();
    assert_eq!(kinds[..2], ["response.created", "response.in_progress"]);
    let terminals = kinds.iter().filter(|k| TERMINAL.contains(k)).count();
    assert!(terminals == 1 && TERMINAL.contains(kinds.last().unwrap()), "{kinds:?}");
    let mut seen = Seen::default();
    for (i, event) in events.iter().enumerate() {
        assert_eq!(event.uint("sequence_number"), Some(i as u64));
        if let Some(response) = event.get("response") {
            assert_eq!(response.text("id"), events[0].at(&["response", "id"]).and_then(Node::as_str));
            continue;
        }
        seen.event(event);
    }
    let last = events.last().unwrap().get("response").unwrap();
    if kinds.last() != Some(&"response.failed") {
        assert_eq!(seen.done.len(), seen.ids.len(), "every item is done: {kinds:?}");
        let output: Vec<_> = last.get("output").unwrap().items().iter().map(Node::to_text).collect();
        let done: Vec<_> = (0..seen.ids.len()).map(|i| seen.done[&i].clone()).collect();
        assert_eq!(output, done, "the last event holds every item as it was done");
        assert!(seen.parts.values().all(|part| part.said.is_some() && part.ended), "every part is done: {kinds:?}");
    }
}

#[derive(Default)]
struct Seen {
    ids: Vec<String>,
    done: HashMap<usize, String>,
    parts: HashMap<(usize, u64), Part>,
    arguments: HashMap<usize, String>,
}

#[derive(Default)]
struct Part {
    text: String,
    said: Option<String>,
    ended: bool,
}

impl Seen {
    fn event(&mut self, event: &Node<'_>) {
        let kind = event.text("type").unwrap().strip_prefix("response.").unwrap();
        let at = usize::try_from(event.uint("output_index").unwrap()).unwrap();
        if kind == "output_item.added" {
            assert_eq!(at, self.ids.len(), "output_index rises");
            let id = event.at(&["item", "id"]).and_then(Node::as_str).unwrap().to_owned();
            assert!(!self.ids.contains(&id), "ids are unique");
            return self.ids.push(id);
        }
        assert!(!self.done.contains_key(&at), "nothing after output_item.done: {kind}");
        if kind == "output_item.done" {
            assert_eq!(event.at(&["item", "id"]).and_then(Node::as_str), Some(self.ids[at].as_str()));
            self.done.insert(at, event.get("item").unwrap().to_text());
            return;
        }
        assert_eq!(event.text("item_id"), Some(self.ids[at].as_str()), "{kind}");
        if kind.contains("arguments") || kind.contains("tool_call_input") {
            return self.arguments(kind, at, event);
        }
        let index = event.uint("content_index").or_else(|| event.uint("summary_index")).unwrap();
        if kind.ends_with("part.added") {
            assert!(self.parts.insert((at, index), Part::default()).is_none(), "a part begins once");
            return;
        }
        let part = self.parts.get_mut(&(at, index)).unwrap_or_else(|| panic!("{kind} before its part"));
        match kind.rsplit('.').next().unwrap() {
            "delta" => {
                assert!(part.said.is_none());
                part.text.push_str(event.text("delta").unwrap());
                assert_eq!(event.get("logprobs").is_some(), kind == "output_text.delta");
            }
            "done" if kind.ends_with("part.done") => {
                assert!(part.said.is_some() && !part.ended);
                part.ended = true;
            }
            "done" => {
                let said = event.text("text").or_else(|| event.text("refusal")).unwrap();
                assert_eq!(said, part.text, "the whole text is the sum of the deltas");
                assert!(part.said.replace(said.to_owned()).is_none());
            }
            "added" => assert_eq!(kind, "output_text.annotation.added"),
            other => panic!("an event nobody knows: {other}"),
        }
    }

    fn arguments(&mut self, kind: &str, at: usize, event: &Node<'_>) {
        let all = self.arguments.entry(at).or_default();
        if kind.ends_with("delta") {
            all.push_str(event.text("delta").unwrap());
        } else {
            assert_eq!(event.text("arguments").or_else(|| event.text("input")), Some(all.as_str()));
        }
    }
}
