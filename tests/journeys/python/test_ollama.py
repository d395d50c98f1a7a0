"""The Ollama client over foreign providers: three turns with parallel tools, whole and streamed, and an image."""
import base64
import urllib.error
import urllib.request

import clients
import pytest
from stage import MODELS
from test_frameworks import CITIES, ELSEWHERE, PNG, SAID, asks, each

pytestmark = pytest.mark.skipif(ELSEWHERE, reason='runs in the environment of the OpenAI SDK 3')


@pytest.fixture
def client(stage):
    if ELSEWHERE:
        return None
    try:
        urllib.request.urlopen(stage.url + '/api/tags')
    except urllib.error.HTTPError:
        pytest.skip('skipped: this binary has no Ollama face')
    from ollama import Client
    return Client(host=stage.url, headers={'Authorization': 'Bearer any'})


def get_weather(city: str) -> str:
    """The weather of a city.

    Args:
        city: the city's name
    """
    return 'mild in ' + city


def turn(client, model, history, stream, **message):
    """One turn with its tools; the text, and how many pieces a stream gave it in."""
    history.append({'role': 'user', **message})
    while True:
        call = {'model': model, 'messages': history, 'tools': [get_weather], 'stream': stream}
        replies = list(client.chat(**call)) if stream else [client.chat(**call)]
        assert replies[-1].done
        text = ''.join(r.message.content or '' for r in replies)
        calls = [c for r in replies for c in r.message.tool_calls or []]
        history.append({'role': 'assistant', 'content': text, 'tool_calls': calls})
        if not calls:
            return text, len([r for r in replies if r.message.content])
        history += [{'role': 'tool', 'tool_name': c.function.name, 'content': get_weather(**c.function.arguments)} for c in calls]


@each
@pytest.mark.parametrize('dialect', ['anthropic', 'gemini', 'openai-chat'])
def test_three_turns(stage, client, dialect, stream):
    stage.seen()
    model, history = 'up-%s/%s' % (dialect, MODELS[dialect][0]), []
    text, pieces = turn(client, model, history, stream, content=SAID[0])
    assert text == 'Turn 1 — you said: %s ✓' % SAID[0] and (pieces > 1 or not stream)
    text, _ = turn(client, model, history, stream, content=SAID[1])
    assert text.startswith('Results: ') and all('mild in ' + c in text for c in CITIES)
    assert turn(client, model, history, stream, content=SAID[2])[0] == 'Turn 7 — you said: third ✓'
    asks(stage, dialect)
    image = base64.b64encode(PNG).decode()
    assert turn(client, model, [], stream, content='What is this?', images=[image])[0] == 'saw image/png, %d bytes' % len(PNG)
    asks(stage, dialect)
    assert any(m.model == model or m.model.startswith('to-') for m in client.list().models)
