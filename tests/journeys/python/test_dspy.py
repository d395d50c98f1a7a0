"""DSPy over foreign providers: typed fields, a tool's calls, and a history of three turns."""
import clients
import pytest
from stage import MODELS
from test_frameworks import CITIES, ELSEWHERE, asks, each

pytestmark = pytest.mark.skipif(ELSEWHERE, reason='runs in the environment of the OpenAI SDK 3')


@each
@pytest.mark.parametrize('dialect', ['anthropic', 'gemini', 'bedrock'])
def test_three_turns(stage, dialect, stream):
    import dspy
    stage.seen()
    dspy.configure_cache(enable_disk_cache=False, enable_memory_cache=False)
    lm = clients.run('dspy', stage.url, 'any', 'up-%s/%s' % (dialect, MODELS[dialect][0]))['lm']

    class Question(dspy.Signature):
        """Be brief."""
        history: dspy.History = dspy.InputField()
        question: str = dspy.InputField()
        name: str = dspy.OutputField()
        count: int = dspy.OutputField()

    class Weather(dspy.Signature):
        """Ask the tools."""
        question: str = dspy.InputField()
        tools: list[dspy.Tool] = dspy.InputField()
        outputs: dspy.ToolCalls = dspy.OutputField()

    def get_weather(city: str) -> str:
        """The weather of a city."""
        return 'mild in ' + city

    with dspy.context(lm=lm, adapter=dspy.JSONAdapter()):
        ask = dspy.Predict(Question)
        if stream:
            ask = dspy.streamify(ask, async_streaming=False, stream_listeners=[])
        turns = []
        for text in ('first', 'second', 'third'):
            answer = ask(question=text, history=dspy.History(messages=turns))
            if stream:
                *chunks, answer = answer
                assert len(chunks) > 1
            assert (answer.name, answer.count) == ('Ærø ☀', 7)
            turns.append({'question': text, 'name': answer.name, 'count': answer.count})
        assert len(asks(stage, dialect)[-1]['turns']) == 5
        calls = dspy.Predict(Weather)(question='How is the weather?', tools=[dspy.Tool(get_weather)]).outputs.tool_calls
        assert [(c.name, c.args) for c in calls] == [('get_weather', {'city': c}) for c in CITIES]
    asks(stage, dialect)
