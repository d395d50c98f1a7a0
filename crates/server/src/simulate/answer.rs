//! What the simulated provider answers: a pure function of the request.

use tollgate_ir::{
    Block, BlockStart, Call, CallKind, Choice, Content, Delta, Event, Finish, OutputFormat, Reasoning, Reply,
    ReplyHead, Request, Role, ThinkingMode, ToolChoice, ToolKind, Usage,
};
use tollgate_text::tokens;
use tollgate_wire::ids;

use super::schema;

/// The whole answer: a tool call where one is asked for, JSON where a schema is, else words.
pub(super) fn reply(request: &Request, reasons: bool) -> Reply {
    let mut blocks = Vec::new();
    let thinking = reasons || request.thinking.as_ref().is_some_and(|t| t.mode == ThinkingMode::On);
    if thinking {
        let text = "The request is simulated, so the answer is made from its own words.".to_owned();
        blocks.push(Block::new(Content::Reasoning(Reasoning { text, ..Reasoning::default() })));
    }
    let call = call(request);
    let finish = if call.is_some() { Finish::ToolCalls } else { Finish::Stop };
    blocks.push(match (call, &request.output) {
        (Some(call), _) => Block::new(Content::Call(call)),
        (None, Some(OutputFormat::Schema { schema, .. })) => Block::text(schema::example(schema)),
        (None, Some(OutputFormat::Json)) => Block::text(r#"{"simulated":true}"#),
        (None, None) => Block::text(words(request)),
    });
    let (text, finish) = limit(blocks, finish, request.params.max_tokens);
    let usage = usage(request, &text);
    let head = ReplyHead { model: Some(request.model.clone()), ..ReplyHead::default() };
    Reply {
        head,
        choices: vec![Choice { blocks: text, finish: Some(finish), logprobs: Vec::new() }],
        usage: Some(usage),
    }
}

/// Cuts the last text where the output limit falls.
fn limit(mut blocks: Vec<Block>, finish: Finish, max_tokens: Option<u64>) -> (Vec<Block>, Finish) {
    let Some(max) = max_tokens else { return (blocks, finish) };
    let Some(Content::Text { text, .. }) = blocks.last_mut().map(|b| &mut b.content) else { return (blocks, finish) };
    if tokens::estimate(text) <= max {
        return (blocks, finish);
    }
    while tokens::estimate(text) > max && !text.is_empty() {
        let end = text.trim_end().rfind(char::is_whitespace).unwrap_or(0);
        text.truncate(end);
    }
    (blocks, Finish::Length)
}

fn usage(request: &Request, blocks: &[Block]) -> Usage {
    let (mut output, mut reasoning) = (0, 0);
    for block in blocks {
        match block.content {
            Content::Reasoning(_) => reasoning += tokens::estimate_block(block),
            _ => output += tokens::estimate_block(block),
        }
    }
    Usage {
        input: tokens::estimate_request(request),
        output,
        reasoning: (reasoning > 0).then_some(reasoning),
        ..Usage::default()
    }
}

/// The call that the request asks for: a forced one, or one whose name the last user text mentions; never right after
/// a result, so that a tool loop comes to its end.
fn call(request: &Request) -> Option<Call> {
    let last = request.turns.iter().rev().find(|t| t.role == Role::User)?;
    if last.blocks.iter().any(|b| matches!(b.content, Content::Result(_)))
        || request.tool_choice == Some(ToolChoice::None)
    {
        return None;
    }
    let said = last_words(request).to_lowercase();
    let functions = || {
        request.tools.iter().filter_map(|tool| match &tool.kind {
            ToolKind::Function { name, parameters, .. } => Some((name, parameters)),
            ToolKind::Custom { .. } | ToolKind::Server { .. } => None,
        })
    };
    let mentioned =
        |name: &str| name.to_lowercase().split(['_', '-']).any(|part| part.len() > 2 && said.contains(part));
    let (name, parameters) = match &request.tool_choice {
        Some(ToolChoice::Named(named)) => functions().find(|(name, _)| *name == named)?,
        Some(ToolChoice::Required) => functions().next()?,
        _ => functions().find(|(name, _)| mentioned(name))?,
    };
    Some(Call {
        id: ids::made_up(&said, request.turns.len()),
        name: name.clone(),
        arguments: parameters.as_ref().map_or_else(|| "{}".to_owned(), schema::example),
        kind: CallKind::Function,
    })
}

fn words(request: &Request) -> String {
    let said = last_words(request);
    let quoted: String = said.chars().take(200).collect();
    let results =
        request.turns.last().map_or(0, |t| t.blocks.iter().filter(|b| matches!(b.content, Content::Result(_))).count());
    if results > 0 {
        return format!("This answer is simulated; no model was asked. The tool results came back ({results}).");
    }
    if quoted.is_empty() {
        return "This answer is simulated; no model was asked. Set a provider's key to ask a real one.".to_owned();
    }
    format!("This answer is simulated; no model was asked. You said: “{quoted}”")
}

fn last_words(request: &Request) -> &str {
    let turn =
        request.turns.iter().rev().find(|t| t.role == Role::User && t.blocks.iter().any(|b| b.as_text().is_some()));
    turn.and_then(|t| t.blocks.iter().rev().find_map(Block::as_text)).unwrap_or("")
}

/// The answer as a stream: text word by word, arguments in pieces.
pub(super) fn events(reply: &Reply) -> Vec<Event> {
    let mut events = vec![Event::Start(reply.head.clone())];
    for (choice, answer) in (0u32..).zip(&reply.choices) {
        for (block, content) in (0u32..).zip(&answer.blocks) {
            let (start, pieces): (_, Vec<Delta>) = match &content.content {
                Content::Reasoning(r) => (
                    BlockStart::Reasoning { summary: false, redacted: false, id: None },
                    by_words(&r.text).map(Delta::Text).collect(),
                ),
                Content::Call(call) => (
                    BlockStart::Call { id: call.id.clone(), name: call.name.clone(), kind: call.kind },
                    by_words(&call.arguments).map(Delta::Arguments).collect(),
                ),
                _ => (BlockStart::Text, by_words(content.as_text().unwrap_or("")).map(Delta::Text).collect()),
            };
            events.push(Event::Open { choice, block, start });
            events.extend(pieces.into_iter().map(|delta| Event::Delta { choice, block, delta }));
            events.push(Event::Close { choice, block });
        }
        events.push(Event::Finish { choice, finish: answer.finish.clone().unwrap_or(Finish::Stop) });
    }
    events.extend(reply.usage.map(Event::Usage));
    events.push(Event::End);
    events
}

fn by_words(text: &str) -> impl Iterator<Item = String> + '_ {
    text.split_inclusive(' ').map(str::to_owned)
}

/// A stable id for a body.
pub(super) fn fingerprint(body: &[u8]) -> String {
    ids::made_up(&String::from_utf8_lossy(body), 0).trim_start_matches("call_").to_owned()
}

#[cfg(test)]
mod tests {
    use tollgate_ir::{Json, Tool, Turn};

    use super::*;

    fn asked(text: &str) -> Request {
        let turn = Turn { role: Role::User, blocks: vec![Block::text(text)] };
        Request { model: "basic".into(), turns: vec![turn], ..Request::default() }
    }

    fn weather() -> Tool {
        let parameters = Json::parse(r#"{"type":"object","properties":{"city":{"type":"string"},"days":{"type":"integer","minimum":2}},"required":["city","days"]}"#).unwrap();
        let kind = ToolKind::Function {
            name: "get_weather".into(),
            description: None,
            parameters: Some(parameters),
            strict: None,
        };
        Tool { kind, cache: None, carry: None, at: String::new() }
    }

    #[test]
    fn words_are_given_back_and_the_simulation_is_said() {
        let reply = reply(&asked("hello there"), false);
        let text = reply.choices[0].blocks[0].as_text().unwrap();
        assert!(text.contains("simulated") && text.contains("hello there"), "{text}");
        assert_eq!(reply.choices[0].finish, Some(Finish::Stop));
    }

    #[test]
    fn a_tool_that_is_mentioned_is_called_with_arguments_that_fit() {
        let mut request = asked("What is the weather?");
        request.tools.push(weather());
        let reply = reply(&request, false);
        let Content::Call(call) = &reply.choices[0].blocks[0].content else { panic!("no call") };
        assert_eq!((call.name.as_str(), call.arguments.as_str()), ("get_weather", r#"{"city":"city","days":2}"#));
        assert_eq!(reply.choices[0].finish, Some(Finish::ToolCalls));
    }

    #[test]
    fn the_output_limit_cuts_words() {
        let mut request = asked("tell me something long");
        request.params.max_tokens = Some(5);
        let reply = reply(&request, false);
        assert_eq!(reply.choices[0].finish, Some(Finish::Length));
        assert!(reply.usage.unwrap().output <= 5);
    }

    #[test]
    fn equal_requests_get_equal_answers() {
        assert_eq!(reply(&asked("x"), true), reply(&asked("x"), true));
    }
}
