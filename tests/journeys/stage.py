"""The stage of every journey: the scripted provider, and the built gateway before it with one target for each dialect.

As a program (for suites in other languages) it prints where both listen, as JSON, and stays until its input closes.
"""
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from upstream.server import DIALECTS, Upstream, key_of  # noqa: E402

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BINARY = os.environ.get('TOLLGATE_BINARY') or os.path.join(ROOT, 'target', 'debug', 'tollgate')
# What the gateway's environment holds: nothing of ours, so that no key or proxy of this machine decides a journey.
CLEAN = {'PATH': os.environ['PATH'], 'HOME': '/nonexistent', 'AWS_REGION': 'us-east-1'}
KEY = 'tg-journey-key'

PREFIX = {'openai-chat': '/v1', 'openai-responses': '/v1', 'anthropic': '/v1', 'gemini': '/v1beta', 'bedrock': '', 'cohere': ''}
# For each dialect a model that takes everything, one that thinks, one that sees.
MODELS = {
    'openai-chat': ('gpt-4.1', 'gpt-oss-120b', 'gpt-4.1'),
    'openai-responses': ('gpt-4.1', 'gpt-5', 'gpt-4.1'),
    'anthropic': ('claude-sonnet-4-5-20250929',) * 3,
    'gemini': ('gemini-3-pro-preview',) * 3,
    'bedrock': ('us.anthropic.claude-sonnet-4-5-20250929-v1:0',) * 3,
    'cohere': ('command-a-03-2025', 'command-a-reasoning-08-2025', 'command-a-vision-07-2025'),
}


def config(port, upstream, keys):
    providers = ['  up-%s: { dialect: %s, base_url: "http://127.0.0.1:%d%s", api_key: "%s" }' % (d, d, upstream, PREFIX[d], key_of(d)) for d in DIALECTS]
    models = ['  to-%s%s: { fallback: [ "up-%s/%s" ] }' % (d, kind, d, m) for d in DIALECTS for kind, m in zip(('', '-thinking', '-seeing'), MODELS[d])]
    declared = ['keys:', '  - { name: journey, key: "%s" }' % KEY] if keys else []
    # The SDKs see each answer as it is: nobody waits for a provider that says it is busy.
    return '\n'.join(['server: { listen: "127.0.0.1:%d" }' % port, 'retries: { default: 0 }', 'providers:', *providers, 'models:', *models, *declared, ''])


def free_port():
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]


class Gateway:
    """The built binary on a free port; `yaml(port)` is its configuration, none for none."""

    def __init__(self, yaml=None, env=None):
        self.port, self.folder = free_port(), tempfile.TemporaryDirectory()
        self.url = 'http://127.0.0.1:%d' % self.port
        args = [BINARY, 'serve']
        if yaml:
            path = os.path.join(self.folder.name, 'tollgate.yaml')
            with open(path, 'w') as f:
                f.write(yaml(self.port))
            args += ['--config', path]
        self.log = open(os.path.join(self.folder.name, 'log'), 'w+')
        env = {**CLEAN, 'TOLLGATE_LISTEN': '127.0.0.1:%d' % self.port, **(env or {})}
        self.process = subprocess.Popen(args, cwd=self.folder.name, env=env, stdout=self.log, stderr=subprocess.STDOUT)
        deadline = time.monotonic() + 20
        while not self.answers():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.log.seek(0)
                raise RuntimeError('the gateway did not start: ' + self.log.read())
            time.sleep(0.05)

    def answers(self):
        try:
            return urllib.request.urlopen(self.url + '/healthz', timeout=2).status == 200
        except (urllib.error.URLError, OSError):
            return False

    def close(self):
        self.process.terminate()
        self.process.wait(20)
        self.folder.cleanup()


class Stage:
    def __init__(self, keys=False):
        self.upstream = Upstream()
        self.gateway = Gateway(lambda port: config(port, self.upstream.port, keys))
        self.url = self.gateway.url

    def seen(self):
        """What reached the provider since this was last asked."""
        seen, self.upstream.seen[:] = list(self.upstream.seen), []
        return seen

    def close(self):
        self.gateway.close()
        self.upstream.shutdown()


if __name__ == '__main__':
    stage = Stage()
    print(json.dumps({'gateway': stage.url, 'upstream': 'http://127.0.0.1:%d' % stage.upstream.port, 'dialects': list(DIALECTS)}), flush=True)
    sys.stdin.read()
    stage.close()
