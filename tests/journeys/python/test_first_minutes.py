"""A newcomer's first minutes: no configuration, the README's own examples, then the usual environment variables."""
import json
import os
import re
import subprocess
import sys
import time

import openai
import pytest
from stage import ROOT, Gateway, free_port

SHARED = os.path.join(os.path.dirname(ROOT), 'shared')

SAID = 'This answer is simulated; no model was asked. You said: “Hello”'


def example(language, word):
    """The README's example of a language that holds a word: what it shows is what runs here."""
    with open(os.path.join(ROOT, 'README.md')) as f:
        blocks = re.findall('^```%s\n(.*?)^```$' % language, f.read(), re.DOTALL | re.MULTILINE)
    [found] = [b for b in blocks if word in b]
    return found


@pytest.fixture(scope='module')
def bare():
    gateway = Gateway()
    yield gateway
    gateway.close()


@pytest.mark.parametrize('language, word, command', [('sh', 'curl', ['sh', '-c']), ('python', 'from openai', [sys.executable, '-c'])])
def test_examples_of_the_readme(bare, language, word, command):
    program = example(language, word).replace('127.0.0.1:4000', '127.0.0.1:%d' % bare.port)
    done = subprocess.run([*command, program], capture_output=True, text=True, check=True)
    said = json.loads(done.stdout)['choices'][0]['message']['content'] if word == 'curl' else done.stdout.strip()
    assert said == SAID


def test_it_says_that_it_simulates(bare):
    bare.log.seek(0)
    assert re.search(r'no provider is configured.*simulate', bare.log.read())
    models = openai.OpenAI(base_url=bare.url + '/v1', api_key='any').models.list()
    assert 'sim/basic' in [m.id for m in models]


@pytest.fixture(scope='module')
def replay(tmp_path_factory):
    """The replay server with recorded traffic."""
    program = os.path.join(SHARED, 'replay', 'replay.py')
    if not os.path.exists(program):
        pytest.skip('skipped: no recordings beside the repository (../shared)')
    port, log = free_port(), tmp_path_factory.mktemp('replay') / 'requests.jsonl'
    process = subprocess.Popen([sys.executable, program, '--port', str(port), '--record', str(log)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    client = openai.OpenAI(base_url='http://127.0.0.1:%d' % port, api_key='any', max_retries=0)
    while True:
        try:
            client.get('/_replay/health', cast_to=object)
            break
        except openai.APIError:
            assert time.monotonic() < deadline and process.poll() is None, 'the replay server did not start'
            time.sleep(0.2)
    yield client, port, log
    process.terminate()
    process.wait(10)


@pytest.mark.parametrize('streaming', [False, True], ids=['whole', 'stream'])
def test_the_usual_environment(replay, streaming):
    """`OPENAI_API_KEY` and `OPENAI_BASE_URL` are enough: a recorded conversation comes back word for word."""
    server, port, log = replay
    query = {'protocol': 'openai-chat', 'provider': 'openai', 'streaming': str(streaming).lower(), 'status': '200'}
    index = server.get('/_replay/index', cast_to=object, options={'params': query})
    recordings = [r for r in index if 'response-only' not in str(r)][:5]
    assert recordings
    gateway = Gateway(env={'OPENAI_API_KEY': 'sk-of-the-provider', 'OPENAI_BASE_URL': 'http://127.0.0.1:%d/v1' % port})
    try:
        client = openai.OpenAI(base_url=gateway.url + '/v1', api_key='any', max_retries=0)
        direct = openai.OpenAI(base_url='http://127.0.0.1:%d/v1' % port, api_key='any', max_retries=0)
        for r in recordings:
            said = []
            for c, model in ((direct, 'gpt-4.1'), (client, 'openai/gpt-4.1')):
                server.post('/_replay/next', body={'id': r['id'], 'path': '/chat/completions'}, cast_to=object)
                reply = c.chat.completions.create(model=model, messages=[{'role': 'user', 'content': 'any'}], stream=streaming)
                said.append([chunk.choices for chunk in reply if chunk.choices] if streaming else reply.choices)
            assert said[0] == said[1] and said[0]
    finally:
        gateway.close()
    last = [json.loads(line) for line in log.read_text().splitlines() if '"request"' in line][-1]
    assert ['authorization', 'Bearer sk-of-the-provider'] in [[k.lower(), v] for k, v in last['headers']]
    assert last['body']['model'] == 'gpt-4.1'
