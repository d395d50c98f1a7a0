"""Ollama's own client over every provider's dialect: what a tool made for Ollama gets when its host is the gateway."""
import json

import ollama
import pytest
from stage import DIALECTS
from test_conversations import CITIES, PNG, SCHEMA, TOOLS, asks, words

each = pytest.mark.parametrize('stream', [False, True], ids=['whole', 'stream'])
dialects = pytest.mark.parametrize('dialect', DIALECTS)
FUNCTIONS = [{'type': 'function', 'function': tool} for tool in TOOLS]


class Talk:
    """A conversation as the client's documents have it: the message that came goes back as it is."""

    def __init__(self, stage, dialect, kind='', stream=False, **options):
        stage.seen()
        self.client, self.model = ollama.Client(stage.url), 'to-%s%s' % (dialect, kind)
        self.stream, self.options, self.history = stream, options, []

    def say(self, text, **more):
        return self.send({'role': 'user', 'content': text, **more})

    def send(self, *messages):
        self.history += messages
        done = self.client.chat(self.model, self.history, stream=self.stream, **self.options)
        done = gather(done) if self.stream else done
        self.history.append(done.message)
        return done


def gather(parts):
    """One response out of a stream of them."""
    content, thinking, calls, last = '', '', [], None
    for last in parts:
        content, thinking = content + (last.message.content or ''), thinking + (last.message.thinking or '')
        calls += last.message.tool_calls or []
    last.message.content, last.message.thinking, last.message.tool_calls = content, thinking or None, calls or None
    return last


@each
@dialects
def test_three_turns(stage, dialect, stream):
    talk = Talk(stage, dialect, stream=stream, options={'num_predict': 1500, 'num_ctx': 8192})
    talk.history = [{'role': 'system', 'content': 'Be brief.'}]
    said = ['first: ☀ "quoted" \\ back', 'second\nwith a line', 'third']
    for i, s in enumerate(said):
        done = talk.say(s)
        assert done.message.content == 'Turn %d — you said: %s ✓' % (2 * i + 1, s)
        assert (done.done, done.done_reason, done.prompt_eval_count, done.eval_count) == (True, 'stop', 11, 7)
        assert done.total_duration > 0 and done.eval_duration > 0 and done.created_at.startswith('20')
    last = asks(stage, dialect)[-1]
    assert (last['system'], last['limit']) == ('Be brief.', 1500 if dialect != 'cohere' else last['limit'])
    assert [''.join(words(t)) for t in last['turns']][::2] == said


@each
@dialects
def test_parallel_tool_calls(stage, dialect, stream):
    """Calls have names and no ids, a tool's message the name of its tool."""
    talk = Talk(stage, dialect, tools=FUNCTIONS, stream=stream)
    for round in range(2):
        done = talk.say('How is the weather?')
        assert [(c.function.name, dict(c.function.arguments)) for c in done.message.tool_calls] == [('get_weather', {'city': c}) for c in CITIES]
        assert (done.message.content, done.done_reason) == ('', 'stop')
        results = ['mild, %d°' % round, 'rain & wind']
        done = talk.send(*[{'role': 'tool', 'content': text, 'tool_name': c.function.name} for text, c in zip(results, done.message.tool_calls)])
        assert done.message.content == 'Results: mild, %d°; rain & wind' % round
        ask = asks(stage, dialect)[-1]
        assert list(ask['tools']) == ['get_weather', 'get-time']
        calls = [p for p in ask['turns'][-2]['parts'] if p['kind'] == 'call']
        assert [(p['id'], p['text']) for p in ask['turns'][-1]['parts']] == list(zip([c['id'] for c in calls], results))


@each
@dialects
def test_thinking(stage, dialect, stream):
    done = Talk(stage, dialect, '-thinking', think=True, stream=stream).say('Hm?')
    assert done.message.thinking == 'Let me weigh turn 1: Hm?'
    assert done.message.content == 'Turn 1 — you said: Hm? ✓'
    assert asks(stage, dialect)[0]['think']


@each
@dialects
def test_image_and_schema(stage, dialect, stream):
    assert Talk(stage, dialect, '-seeing', stream=stream).say('What is this?', images=[PNG]).message.content == 'saw image/png, %d bytes' % len(PNG)
    asks(stage, dialect)
    done = Talk(stage, dialect, format=SCHEMA, stream=stream).say('Give me one.')
    assert json.loads(done.message.content) == {'name': 'Ærø ☀', 'count': 7, 'tags': ['a']}
    asks(stage, dialect)


@each
@dialects
def test_generate(stage, dialect, stream):
    stage.seen()
    client, model = ollama.Client(stage.url), 'to-' + dialect
    done = client.generate(model, 'Say hi', system='Be brief.', stream=stream)
    parts = list(done) if stream else [done]
    assert ''.join(p.response for p in parts) == 'Turn 1 — you said: Say hi ✓'
    assert (parts[-1].done, parts[-1].done_reason, parts[-1].eval_count) == (True, 'stop', 7)
    assert asks(stage, dialect)[0]['system'] == 'Be brief.'
    assert client.generate(model).done_reason == 'load'
    assert stage.seen() == []


def test_what_tools_ask_first(stage):
    client = ollama.Client(stage.url)
    names = [m.model for m in client.list().models]
    assert 'to-anthropic' in names and 'to-gemini-thinking' in names
    assert 'tools' in client.show('to-anthropic').capabilities
    assert list(client.ps().models) == []
    with pytest.raises(ollama.ResponseError) as refused:
        client.chat('nobody/m', [{'role': 'user', 'content': 'Hi'}])
    assert refused.value.status_code == 404 and 'nobody' in refused.value.error


@dialects
def test_errors(stage, dialect):
    for stream in (False, True):
        with pytest.raises(ollama.ResponseError) as refused:
            done = ollama.Client(stage.url).chat('up-%s/busy-ollama-%s' % (dialect, stream), [{'role': 'user', 'content': 'be busy'}], stream=stream)
            list(done)
        assert (refused.value.status_code, 'slow down' in refused.value.error) == (429, True)
    stage.seen()
