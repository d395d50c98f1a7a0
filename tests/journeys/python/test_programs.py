"""Programs rather than libraries, set up as docs/clients.md says: llm, and the coding agents Claude Code and Codex.

The agents are large (0.8 GB): `scripts/setup agents` installs them, without it their journeys are skipped. What they sent is also
kept as requests in crates/tollgate/tests/acceptance/agents.rs.
"""
import json
import os
import subprocess
import sys

import clients
import pytest
from stage import MODELS, ROOT
from test_frameworks import ELSEWHERE, asks

pytestmark = pytest.mark.skipif(ELSEWHERE, reason='runs in the environment of the OpenAI SDK 3')
AGENTS = os.path.join(ROOT, 'tests', 'journeys', 'agents', 'node_modules', '.bin')
foreign = pytest.mark.parametrize('dialect', ['anthropic', 'gemini', 'bedrock'])


@pytest.fixture
def home(tmp_path_factory):
    """A home of its own, and not under the system's temporary folder: Codex refuses that."""
    folder = os.path.join(ROOT, 'target', 'journeys', tmp_path_factory.mktemp('home').name + str(os.getpid()))
    os.makedirs(os.path.join(folder, 'project'))
    return folder


def run(home, command, **env):
    done = subprocess.run(command, cwd=os.path.join(home, 'project'), env={'PATH': os.environ['PATH'], 'HOME': home, **env}, capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return done.stdout


def named(dialect):
    return 'up-%s/%s' % (dialect, MODELS[dialect][0])


@foreign
def test_llm(stage, home, dialect):
    """A talk of three turns with a function of the user's, streamed as to a terminal."""
    stage.seen()
    with open(os.path.join(home, 'extra-openai-models.yaml'), 'w') as f:
        f.write(clients.aimed('yaml', 'llm', stage.url, 'any', named(dialect)))
    with open(os.path.join(home, 'tools.py'), 'w') as f:
        f.write('def get_weather(city: str) -> str:\n    "The weather of a city"\n    return "mild in " + city\n')
    llm, env = [sys.executable, '-m', 'llm'], {'LLM_USER_PATH': home}
    run(home, [*llm, 'keys', 'set', 'tollgate', '--value', 'any'], **env)
    assert run(home, [*llm, '-m', 'tollgate', '-s', 'Be brief.', 'first'], **env).strip() == 'Turn 1 — you said: first ✓'
    told = run(home, [*llm, '-c', '--functions', os.path.join(home, 'tools.py'), 'How is the weather?'], **env)
    assert 'mild in Oslo' in told and 'mild in Århus "C"' in told
    assert run(home, [*llm, '-c', 'third'], **env).strip().endswith('you said: third ✓')
    assert asks(stage, dialect)[-1]['system'] == 'Be brief.'


def agent(name):
    program = os.path.join(AGENTS, name)
    return pytest.param(program, marks=pytest.mark.skipif(not os.path.exists(program), reason='skipped: %s is not installed (scripts/setup agents)' % name))


@foreign
@pytest.mark.parametrize('program', [agent('codex')])
def test_codex(stage, home, dialect, program):
    """TR35, TR40: it reads the list, runs a model of it with its grammar tool, sees its calls through, and goes on."""
    stage.seen()
    os.makedirs(os.path.join(home, '.codex'))
    with open(os.path.join(home, '.codex', 'config.toml'), 'w') as f:
        f.write(clients.aimed('toml', 'codex', stage.url, 'any', 'to-' + dialect))
    codex = [program, 'exec', '--skip-git-repo-check', '--json']
    first = run(home, [*codex, 'hello'])
    assert 'Model metadata' not in first and 'hello ✓' in first
    assert 'apply_patch' in asks(stage, dialect)[0]['tools']
    assert 'Results: ' in run(home, [*codex, 'How is the weather?'])
    called = asks(stage, dialect)[-1]
    assert [len([p for p in t['parts'] if p['kind'] in ('call', 'result')]) for t in called['turns'][-2:]] == [2, 2]
    assert 'third ✓' in run(home, [program, 'exec', 'resume', '--last', '--skip-git-repo-check', '--json', 'third'])
    assert len(asks(stage, dialect)[-1]['turns']) == 5


@pytest.mark.parametrize('dialect', ['openai-responses', 'gemini', 'bedrock'])
@pytest.mark.parametrize('program', [agent('claude')])
def test_claude_code(stage, home, dialect, program):
    """TR25, TR40: a turn, one with parallel calls of its tools, and one that continues."""
    stage.seen()
    lines = clients.aimed('sh', 'claude-code', stage.url, 'any', named(dialect)).splitlines()
    env = dict(line.removeprefix('export ').split('=', 1) for line in lines)
    claude = [program, '--output-format', 'json', '-p']
    quiet = {'CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC': '1', 'ANTHROPIC_SMALL_FAST_MODEL': env['ANTHROPIC_MODEL'], **env}
    assert json.loads(run(home, [*claude, 'hello'], **quiet))['result'].endswith('hello ✓')
    assert json.loads(run(home, [*claude, 'How is the weather?'], **quiet))['result'].startswith('Results: ')
    called = asks(stage, dialect)[-1]
    assert len([p for t in called['turns'] for p in t['parts'] if p['kind'] == 'result']) == 2
    assert json.loads(run(home, [*claude, '--continue', 'third'], **quiet))['result'].endswith('third ✓')
    assert len(asks(stage, dialect)[-1]['turns']) >= 5
