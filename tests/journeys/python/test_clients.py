"""Every fragment of docs/clients.md is run: those that are a whole call here, the others by the journeys of their framework."""
import clients
import pytest
from stage import MODELS
from test_frameworks import ELSEWHERE, FRAMEWORKS, asks

ELSEWHERE_RUN = {'ollama', 'dspy', 'instructor-openai', 'instructor-anthropic', 'llamaindex-openai-like', 'llamaindex-google-genai'}
CALLS = [name for name, text in clients.fragments('python').items() if '\ntext = ' in text and name != 'ollama']

pytestmark = pytest.mark.skipif(ELSEWHERE, reason='runs in the environment of the OpenAI SDK 3')


@pytest.mark.parametrize('dialect', ['anthropic', 'gemini'])
@pytest.mark.parametrize('name', CALLS)
def test_a_call(stage, name, dialect):
    stage.seen()
    assert clients.run(name, stage.url, 'any', 'up-%s/%s' % (dialect, MODELS[dialect][0]))['text'] == 'Turn 1 — you said: Hello ✓'
    asks(stage, dialect)


def test_no_fragment_is_left_out():
    run = {*CALLS, *ELSEWHERE_RUN, *(name.split(' as ')[0] for name in FRAMEWORKS)}
    assert set(clients.fragments('python')) == run
    assert (set(clients.fragments('yaml')), set(clients.fragments('toml')), set(clients.fragments('sh'))) == ({'llm'}, {'codex'}, {'claude-code'})
