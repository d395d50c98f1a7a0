"""What a request means, whatever its dialect, and which answer it gets. Deterministic: the same ask, the same answer.

Parts are plain dictionaries, so that they can be recorded and read from any language:
`text{text}`, `image{type,bytes}`, `thought{text,signature}`, `call{id,name,args}`, `result{id,text}`.
"""
import base64
import hashlib
import json
from dataclasses import dataclass, field


class Refused(Exception):
    """The provider's 4xx: what a gateway must not provoke."""

    def __init__(self, message, status=400, retry_after=None):
        super().__init__(message)
        self.status, self.retry_after = status, retry_after


def need(condition, message):
    if not condition:
        raise Refused(message)


@dataclass
class Ask:
    system: str = ''
    turns: list = field(default_factory=list)       # [{role: user | assistant, parts: [...]}], neighbours of one role merged
    tools: dict = field(default_factory=dict)       # name → schema of its arguments
    choice: str = 'auto'                            # auto | none | required | a tool's name
    schema: dict | None = None                      # of a structured answer
    think: bool = False
    limit: int | None = None

    def add(self, role, *parts):
        if not self.turns or self.turns[-1]['role'] != role:
            self.turns.append({'role': role, 'parts': []})
        self.turns[-1]['parts'] += parts

    def last(self, kind):
        return [p for p in self.turns[-1]['parts'] if p['kind'] == kind] if self.turns else []


@dataclass
class Answer:
    thought: str = ''
    signature: str = ''
    text: str = ''
    calls: list = field(default_factory=list)       # [{id, name, args}]
    stop: str = 'stop'                              # stop | calls | length
    usage: tuple = (11, 7)
    ask: Ask | None = None
    id: str = ''


def text(words):
    return {'kind': 'text', 'text': words}


def image(kind, data):
    return {'kind': 'image', 'type': kind, 'bytes': len(base64.b64decode(data, validate=True))}


def data_url(url):
    need(url.startswith('data:') and ';base64,' in url, 'this provider fetches nothing: %.40s' % url)
    kind, data = url[5:].split(';base64,', 1)
    return image(kind, data)


def thought(words, signature):
    return {'kind': 'thought', 'text': words, 'signature': signature}


def call(id, name, args):
    need(isinstance(args, dict), 'arguments of a call must be an object')
    return {'kind': 'call', 'id': id, 'name': name, 'args': args}


def result(id, words):
    return {'kind': 'result', 'id': id, 'text': words}


def sign(issuer, words):
    """The signature that this issuer puts under a thought; base64 with every odd character, as the real ones."""
    digest = hashlib.sha512((issuer + words).encode()).digest()
    return base64.b64encode(b'\xfb\xff\xfe' + digest * 3 + b'!').decode()


def paired(turns, ordered=False):
    """Every call is answered by the turn right after it, and nothing else is answered."""
    for before, turn in zip([{'role': '', 'parts': []}] + turns, turns + [{'role': 'user', 'parts': []}]):
        calls = [p['id'] for p in before['parts'] if p['kind'] == 'call']
        results = [p['id'] for p in turn['parts'] if p['kind'] == 'result']
        need(sorted(calls) == sorted(results), 'calls %s are answered by results %s' % (calls, results))
        if ordered and results:
            kinds = [p['kind'] for p in turn['parts']]
            need(kinds[:len(results)] == ['result'] * len(results), 'results must come first in their turn: %s' % kinds)


def only(body, known, where='body'):
    """Unknown fields are refused, as providers do."""
    unknown = [k for k in body if k not in known]
    need(not unknown, 'unknown field of %s: %s' % (where, ', '.join(unknown)))


def fit(schema, root=None):
    """A value that fits the schema."""
    root = root or schema
    if '$ref' in schema:
        return fit(root['$defs'][schema['$ref'].rsplit('/', 1)[1]], root)
    if 'enum' in schema:
        return schema['enum'][0]
    if 'anyOf' in schema:
        return fit(schema['anyOf'][0], root)
    kind = schema.get('type', 'object')
    kind = (kind[0] if isinstance(kind, list) else kind).lower()
    if kind == 'object':
        return {k: fit(v, root) for k, v in schema.get('properties', {}).items()}
    if kind == 'array':
        return [fit(schema['items'], root)]
    return {'string': 'Ærø ☀', 'integer': 7, 'number': 1.5, 'boolean': True}[kind]


def answer(ask, issuer, make_id):
    """The script. What the last user turn says decides."""
    need(ask.turns and ask.turns[-1]['role'] == 'user', 'the last turn must be the user\'s')
    said = ' '.join(p['text'] for p in ask.last('text'))
    reply = Answer(ask=ask)
    if ask.think:
        reply.thought = 'Let me weigh turn %d: %s' % (len(ask.turns), said or 'the results')
        reply.signature = sign(issuer, reply.thought)
    forced = ask.choice if ask.choice in ask.tools else next(iter(ask.tools)) if ask.choice == 'required' and len(ask.tools) == 1 else None
    if forced:
        reply.calls = [call(make_id(len(ask.turns), 0), forced, fit(ask.tools[forced]))]
    elif 'weather' in said and ask.tools and ask.choice != 'none':
        name = next(iter(ask.tools))
        reply.calls = [call(make_id(len(ask.turns), n), name, {'city': city}) for n, city in enumerate(('Oslo', 'Århus "C"'))]
    elif ask.schema:
        reply.text = json.dumps(fit(ask.schema), ensure_ascii=False)
    elif ask.last('result'):
        reply.text = 'Results: ' + '; '.join(p['text'] for p in ask.last('result'))
    elif ask.last('image'):
        reply.text = 'saw ' + ', '.join('%s, %d bytes' % (p['type'], p['bytes']) for p in ask.last('image'))
    elif 'at length' in said:
        reply.text, reply.stop = 'This goes on and', 'length'
    elif 'be busy' in said:
        raise Refused('slow down', 429, 7)
    else:
        reply.text = 'Turn %d — you said: %s ✓' % (len(ask.turns), said)
    if reply.calls:
        reply.stop = 'calls'
    return reply


def unwrapped(value):
    """A result as text, which some clients and gateways put into an object of one field."""
    inner = list(value.values()) if isinstance(value, dict) else [value]
    return inner[0] if len(inner) == 1 and isinstance(inner[0], str) else json.dumps(value, ensure_ascii=False, separators=(',', ':'))


def pieces(words, n=3):
    """Cuts as a stream cuts: anywhere."""
    step = max(1, -(-len(words) // n))
    return [words[i:i + step] for i in range(0, len(words), step)]
