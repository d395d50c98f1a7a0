"""TR40: every framework over providers of foreign dialects: the conversation of a direct connection, with the same tools asked in the same order.

One suite for two environments, since some frameworks refuse the SDKs that others demand; each is run where its packages are.
"""
import importlib
import os
import sys

import clients
import pytest
from stage import DIALECTS, MODELS, PREFIX, key_of

ELSEWHERE = os.path.basename(sys.prefix) == '.venv-openai2'
MODULES = ['llamaindex_agents'] if ELSEWHERE else ['langchain_agents', 'haystack_agents', 'pydantic_agents', 'openai_agents', 'litellm_sdk']
FRAMEWORKS = {name: talk for m in MODULES for name, talk in importlib.import_module('frameworks.' + m).CLIENTS.items()}

CITIES = ['Oslo', 'Århus "C"']
PNG = bytes.fromhex('89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360000002000001e221bc330000000049454e44ae426082')
SAID = ['first: ☀ "quoted" \\ back', 'How is the weather?', 'third']

each = pytest.mark.parametrize('stream', [False, True], ids=['whole', 'stream'])
frameworks = pytest.mark.parametrize('name', FRAMEWORKS)
SIGNED = ('anthropic', 'bedrock')                   # want their signed thoughts back within a loop of tools
EVERY = os.environ.get('JOURNEYS') == 'all'       # every dialect upstream; else a few that are foreign to the framework


def over(names, foreign=3):
    """(framework, dialect upstream)"""
    few = ('anthropic', 'gemini', 'bedrock', 'openai-chat')
    return pytest.mark.parametrize('name, dialect', [(n, d) for n in names for d in (DIALECTS if EVERY else [d for d in few if d != FRAMEWORKS[n].face][:foreign])])


class Opened:
    """A talk, over the gateway or over the provider itself."""

    def __init__(self, stage, name, dialect, kind=0, direct=False, **options):
        stage.seen()
        talk, model = FRAMEWORKS[name], MODELS[dialect][kind]
        if direct:
            names = clients.run(name.split(' as ')[0], 'http://127.0.0.1:%d' % stage.upstream.port, key_of(dialect), model)
        else:
            names = clients.run(name.split(' as ')[0], stage.url, 'any', 'up-%s/%s' % (dialect, model))
        self.talk = talk(names, **options)

    def __enter__(self):
        return self.talk

    def __exit__(self, *_):
        self.talk.close()


def asks(stage, dialect):
    """What reached the provider: in its dialect, and none of it against its rules."""
    seen = stage.seen()
    assert [s['refused'] for s in seen] == [None] * len(seen), [s['refused'] for s in seen]
    assert {s['dialect'] for s in seen} == {dialect}
    return [s['ask'] for s in seen]


def unlimited(asks):
    """Some frameworks choose a limit by the model's name."""
    return [{**a, 'limit': None} for a in asks]


def conversation(stage, name, dialect, **options):
    with Opened(stage, name, dialect, **options) as talk:
        said = [talk.say(text) for text in SAID]
        return talk, [s.text for s in said], [s.pieces for s in said]


@each
@over(FRAMEWORKS)
def test_three_turns_with_tools(stage, name, dialect, stream):
    talk, texts, pieces = conversation(stage, name, dialect, stream=stream)
    assert texts[0] == 'Turn 1 — you said: %s ✓' % SAID[0]
    told = texts[1].replace('\\"', '"')       # some say a result as JSON
    assert told.startswith('Results: ') and all('mild in ' + c in told for c in CITIES), told
    assert texts[2] == 'Turn 7 — you said: third ✓'
    assert sorted(talk.called) == CITIES
    assert not stream or min(pieces) > 1, pieces
    last = asks(stage, dialect)[-1]
    assert last['system'].startswith('Be brief.') and list(last['tools']) == ['get_weather']
    calls = [p['args'] for p in last['turns'][3]['parts'] if p['kind'] == 'call']
    assert calls == [{'city': c} for c in CITIES]


@each
@frameworks
def test_the_same_as_direct(stage, name, stream):
    face = FRAMEWORKS[name].face
    direct = conversation(stage, name, face, stream=stream, direct=True)
    straight = unlimited(asks(stage, face))
    over = conversation(stage, name, face, stream=stream)
    assert direct[1:] == over[1:]
    assert unlimited(asks(stage, face)) == straight
    foreign = conversation(stage, name, 'anthropic' if face != 'anthropic' else 'gemini', stream=stream)
    assert (sorted(foreign[0].called), foreign[1][::2]) == (sorted(direct[0].called), direct[1][::2])


@each
@over([n for n, t in FRAMEWORKS.items() if t.thinks], foreign=2)
def test_reasoning(stage, name, dialect, stream):
    with Opened(stage, name, dialect, kind=1, stream=stream, think=True) as talk:
        assert 'mild in Oslo' in talk.say(SAID[1]).text
        assert talk.say(SAID[2]).text == 'Turn 5 — you said: third ✓'
    first, second, third = asks(stage, dialect)
    assert first['think'] and third['think'] and second['think'] == (FRAMEWORKS[name].keeps_ids or dialect not in SIGNED)
    if not second['think']:
        return      # without the calls' ids the signature is not found again: thinking rests for this one step, and the reply says so
    if dialect != FRAMEWORKS[name].face and dialect in (*SIGNED, 'openai-responses', 'gemini'):
        assert any(p['kind'] == 'thought' and p['signature'] for p in second['turns'][1]['parts']), 'the signature did not come back'


@over([n for n, t in FRAMEWORKS.items() if t.sees], foreign=2)
def test_image(stage, name, dialect):
    with Opened(stage, name, dialect, kind=2) as talk:
        assert talk.say('What is this?', image=PNG).text == 'saw image/png, %d bytes' % len(PNG)
    asks(stage, dialect)
