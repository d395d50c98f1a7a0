"""Instructor over foreign providers: typed objects, three turns, whole and as partial objects of a stream."""
import pytest
from stage import MODELS
from test_frameworks import ELSEWHERE, asks, clients, each

pytestmark = pytest.mark.skipif(not ELSEWHERE, reason='runs in the environment of the OpenAI SDK 2')


@each
@pytest.mark.parametrize('name, dialect', [('instructor-openai', d) for d in ('anthropic', 'gemini', 'bedrock')] + [('instructor-anthropic', d) for d in ('openai-chat', 'gemini', 'cohere')])
def test_objects(stage, name, dialect, stream):
    from frameworks import instructor_models as instructor
    stage.seen()
    given = instructor.talk(clients.run(name, stage.url, 'any', 'up-%s/%s' % (dialect, MODELS[dialect][0])), stream)
    assert [answer for answer, _ in given] == [instructor.EXPECTED] * 3
    assert not stream or dialect == 'gemini' or all(partial > 1 for _, partial in given)      # Gemini's calls come whole
    last = asks(stage, dialect)[-1]
    assert last['system'].startswith('Be brief.') and len(last['turns']) == 5
    assert list((last['schema'] or list(last['tools'].values())[0])['properties']) == ['name', 'count', 'tags']
