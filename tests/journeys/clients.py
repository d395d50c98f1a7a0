"""docs/clients.md as programs: a journey takes its client from the fragment that users copy, so the page cannot drift."""
import os
import re

from stage import ROOT

PAGE = os.path.join(ROOT, 'docs', 'clients.md')
ADDRESS, KEY = 'http://127.0.0.1:4000', 'your-gateway-key'
# The models that the page asks for: a target of the journey stands in for them.
MODELS = ('anthropic/claude-sonnet-5', 'openai/gpt-5.5')


def fragments(language):
    """name → fragment"""
    with open(PAGE) as f:
        return dict(re.findall(r'^```%s (\S+)\n(.*?)^```$' % language, f.read(), re.DOTALL | re.MULTILINE))


def aimed(language, name, url, key, model):
    """The fragment with its address, key and model changed, and nothing else."""
    text = fragments(language)[name]
    assert ADDRESS in text and (KEY in text or language == 'yaml') and any(m in text for m in MODELS), 'a fragment holds address, key and model: ' + name
    text = text.replace(ADDRESS, url).replace(KEY, key)
    for m in MODELS:
        text = text.replace(m, model)
    return text


def run(name, url, key, model):
    """What the fragment in Python defines."""
    names = {}
    exec(compile(aimed('python', name, url, key, model), 'docs/clients.md, ' + name, 'exec'), names)
    return names
