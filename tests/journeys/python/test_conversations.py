"""Every SDK over every provider's dialect, streamed and whole: what the SDK hands back, and what reached the provider.

The provider enforces its own rules, so a journey that comes through has also kept those; what it recorded is compared in
words that no dialect owns (`upstream.script.Ask`).
"""
import json
import re

import pytest
from sdks import anthropic_messages, bedrock_runtime, cohere_chat, google_genai, openai_chat, openai_responses
from stage import DIALECTS

SDKS = {
    'openai-chat': openai_chat.OpenAIChat, 'openai-chat-echo': openai_chat.OpenAIChatEcho,
    'openai-responses': openai_responses.OpenAIResponses, 'openai-responses-stored': openai_responses.OpenAIResponsesStored,
    'anthropic': anthropic_messages.Anthropic, 'google-genai': google_genai.GoogleGenai,
    'boto3-converse': bedrock_runtime.BedrockConverse, 'boto3-invoke': bedrock_runtime.BedrockInvoke, 'cohere': cohere_chat.Cohere,
}
TOOLS = [{'name': 'get_weather', 'description': 'The weather of a city', 'parameters': {'type': 'object', 'properties': {'city': {'type': 'string'}}, 'required': ['city'],
                                                                                      'additionalProperties': False}},
         {'name': 'get-time', 'description': 'The time of a city', 'parameters': {'type': 'object', 'properties': {'city': {'type': 'string'}}, 'required': ['city'],
                                                                                 'additionalProperties': False}}]
SCHEMA = {'type': 'object', 'properties': {'name': {'type': 'string'}, 'count': {'type': 'integer'}, 'tags': {'type': 'array', 'items': {'type': 'string', 'enum': ['a', 'b']}}},
          'required': ['name', 'count', 'tags'], 'additionalProperties': False}
PNG = bytes.fromhex('89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360000002000001e221bc330000000049454e44ae426082')
CITIES = ['Oslo', 'Århus "C"']

each = pytest.mark.parametrize('stream', [False, True], ids=['whole', 'stream'])
sdks = pytest.mark.parametrize('sdk', SDKS)
dialects = pytest.mark.parametrize('dialect', DIALECTS)


def start(stage, sdk, dialect, kind='', **options):
    stage.seen()
    return SDKS[sdk](stage.url, 'any', 'to-%s%s' % (dialect, kind), **options)


def asks(stage, dialect):
    """The asks that reached the provider: in its dialect, and none of them against its rules."""
    seen = stage.seen()
    assert [s['refused'] for s in seen] == [None] * len(seen), [s['refused'] for s in seen]
    assert {s['dialect'] for s in seen} == {dialect}
    return [s['ask'] for s in seen]


def words(turn, *kinds):
    return [p['text'] for p in turn['parts'] if p['kind'] in (kinds or ('text',))]


@each
@dialects
@sdks
def test_three_turns(stage, sdk, dialect, stream):
    talk = start(stage, sdk, dialect, system='Be brief.', stream=stream)
    said = ['first: ☀ "quoted" \\ back', 'second\nwith a line', 'third']
    replies = [talk.say(s) for s in said]
    for i, (s, r) in enumerate(zip(said, replies)):
        assert (r.text, r.calls, r.thought) == ('Turn %d — you said: %s ✓' % (2 * i + 1, s), [], '')
        assert (r.stop, r.tokens) == (talk.stops['stop'], (11, 7))
    last = asks(stage, dialect)[-1]
    assert last['system'] == 'Be brief.'
    assert [t['role'] for t in last['turns']] == ['user', 'assistant'] * 2 + ['user']
    assert [''.join(words(t)) for t in last['turns']] == [said[0], replies[0].text, said[1], replies[1].text, said[2]]


@each
@dialects
@sdks
def test_parallel_tool_calls(stage, sdk, dialect, stream):
    """TR01, TR05, TR12, TR15, TR32: two calls at once, both answered; then twice more, so that signatures live as long as the talk."""
    talk = start(stage, sdk, dialect, tools=TOOLS, stream=stream)
    for round in range(2):
        reply = talk.say('How is the weather?')
        assert [(name, args) for _, name, args in reply.calls] == [('get_weather', {'city': c}) for c in CITIES]
        assert (reply.text, reply.stop) == ('', talk.stops['calls'])
        if dialect != talk.dialect:
            assert all(re.fullmatch('[A-Za-z0-9_-]{1,40}', id) for id, _, _ in reply.calls if not id.startswith('no id')), reply.calls
        results = ['mild, %d°' % round, 'rain & wind']
        done = talk.answer(dict(zip([id for id, _, _ in reply.calls], results)))
        assert (done.text, done.calls, done.stop) == ('Results: mild, %d°; rain & wind' % round, [], talk.stops['stop'])
        ask = asks(stage, dialect)[-1]
        assert list(ask['tools']) == ['get_weather', 'get-time']
        assert [t['role'] for t in ask['turns']] == (['user', 'assistant'] * 2)[:-1] + round * ['assistant', 'user', 'assistant', 'user']
        calls = [p for p in ask['turns'][-2]['parts'] if p['kind'] == 'call']
        assert [c['args']['city'] for c in calls] == CITIES
        assert [(p['id'], p['text']) for p in ask['turns'][-1]['parts']] == list(zip([c['id'] for c in calls], results))
        if dialect == 'gemini':
            signatures = [p['signature'] for p in ask['turns'][-2]['parts'] if p['kind'] == 'thought']
            assert signatures and 'skip_thought_signature_validator' not in signatures


@each
@dialects
@sdks
def test_reasoning_in_a_tool_loop(stage, sdk, dialect, stream):
    """TR06, TR08, TR11: the thought is shown, and comes back under its own signature, whatever the client drops."""
    talk = start(stage, sdk, dialect, '-thinking', tools=TOOLS, think=True, stream=stream)
    reply = talk.say('How is the weather?')
    assert reply.thought == 'Let me weigh turn 1: How is the weather?'
    assert len(reply.calls) == 2
    done = talk.answer({id: 'fine' for id, _, _ in reply.calls})
    assert done.text == 'Results: fine; fine'
    assert done.thought == 'Let me weigh turn 3: the results'
    again = talk.say('And now?')
    assert again.text == 'Turn 5 — you said: And now? ✓'
    first, second, _ = asks(stage, dialect)
    assert first['think'] and second['think']
    if dialect in ('anthropic', 'bedrock', 'openai-responses', 'gemini'):
        thoughts = [p for p in second['turns'][1]['parts'] if p['kind'] == 'thought' and p['signature']]
        assert thoughts, 'the signature did not come back'       # that it is the right one, the provider has checked


@each
@dialects
@sdks
def test_image(stage, sdk, dialect, stream):
    talk = start(stage, sdk, dialect, '-seeing', stream=stream)
    assert talk.say('What is this?', image=PNG).text == 'saw image/png, %d bytes' % len(PNG)
    [ask] = asks(stage, dialect)
    assert ask['turns'][0]['parts'] == [{'kind': 'text', 'text': 'What is this?'}, {'kind': 'image', 'type': 'image/png', 'bytes': len(PNG)}]


@each
@pytest.mark.parametrize('think', [False, True], ids=['plain', 'thinking'])
@dialects
@sdks
def test_structured_output(stage, sdk, dialect, stream, think):
    """TR20: the schema goes up with its order, JSON and nothing else comes back; the thought beside it stays beside it."""
    talk = start(stage, sdk, dialect, '-thinking' if think else '', schema=SCHEMA, think=think, stream=stream)
    reply = talk.say('Give me one.')
    assert json.loads(reply.text) == {'name': 'Ærø ☀', 'count': 7, 'tags': ['a']}
    assert reply.stop == talk.stops['stop'] and reply.calls == []
    assert bool(reply.thought) == think
    [ask] = asks(stage, dialect)
    schema = ask['schema'] or next(iter(ask['tools'].values()))
    assert list(schema['properties']) == ['name', 'count', 'tags']
    assert schema['properties']['tags']['items']['enum'] == ['a', 'b']


@each
@dialects
@sdks
def test_cut_at_the_limit(stage, sdk, dialect, stream):
    """TR05, TR38: the limit goes up under the name that the model takes, and the reason of the end comes down."""
    talk = start(stage, sdk, dialect, limit=1500, stream=stream)
    reply = talk.say('Tell me at length')
    assert (reply.text, reply.stop) == ('This goes on and', talk.stops['length'])
    assert asks(stage, dialect)[0]['limit'] == 1500


@pytest.mark.parametrize('choice', ['auto', 'none', 'required', 'get-time'])
@dialects
@sdks
def test_tool_choice(stage, sdk, dialect, choice):
    """TR17: `none` never yields a call, a named tool is the one called."""
    if (sdk, choice) in (('boto3-converse', 'none'), ('cohere', 'get-time')):
        pytest.skip('this SDK cannot say so')
    talk = start(stage, sdk, dialect, tools=TOOLS, choice=choice)
    reply = talk.say('How is the weather?')
    [ask] = asks(stage, dialect)
    called = {name for _, name, _ in reply.calls}
    if choice == 'none':
        assert not called and (ask['choice'] == 'none' or not ask['tools'])
    elif choice == 'get-time' and dialect == 'cohere':        # which knows no named tool: any, and that is reported
        assert ask['choice'] == 'required' and called
    else:
        assert ask['choice'] == choice and called == {'get-time' if choice == 'get-time' else 'get_weather'}


@each
@pytest.mark.parametrize('sdk', [s for s in SDKS])
def test_one_conversation_over_many_models(stage, sdk, stream):
    """TR09, TR12: the history of one provider's calls and thoughts is taken by the next."""
    talk = start(stage, sdk, 'gemini', tools=TOOLS, stream=stream)
    order = ['gemini', 'openai-chat', 'anthropic', 'bedrock', 'cohere', 'openai-responses', 'gemini', 'anthropic']
    if sdk == 'google-genai':       # a relay changes nothing, so it adds no signature to a call that Gemini did not make
        order.remove('gemini')
        order.remove('gemini')
    for dialect, then in zip(order, order[1:]):
        talk.model = 'to-' + dialect
        reply = talk.say('How is the weather?')
        talk.model = 'to-' + then
        done = talk.answer({id: 'as told' for id, _, _ in reply.calls})
        assert done.text == 'Results: as told; as told'
    refused = [s['refused'] for s in stage.seen()]
    assert refused == [None] * len(refused)
