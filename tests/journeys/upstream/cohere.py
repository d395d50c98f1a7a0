"""Cohere's chat of the second version."""
import json

from . import script
from .chat import content as chat_content
from .script import Ask, call, need, only, paired, result, text, thought

ISSUER = 'cohere'
FIELDS = {'model', 'messages', 'tools', 'tool_choice', 'strict_tools', 'response_format', 'stream', 'max_tokens', 'temperature', 'p', 'k', 'seed', 'stop_sequences', 'thinking',
          'frequency_penalty', 'presence_penalty', 'documents', 'citation_options', 'safety_mode', 'logprobs', 'priority'}
STOPS = {'stop': 'COMPLETE', 'calls': 'TOOL_CALL', 'length': 'MAX_TOKENS'}


def make_id(turn, n):
    return 'get_weather_t%02dn%02dabcd' % (turn, n)


def read(body, _path):
    only(body, FIELDS)
    ask = Ask(limit=body.get('max_tokens'))
    for m in body['messages']:
        role = m['role']
        need(role in ('system', 'user', 'assistant', 'tool'), 'role ' + role)
        if role == 'tool':
            parts = [text(m['content'])] if isinstance(m['content'], str) else [text(p['text'] if p['type'] == 'text' else document(p)) for p in m['content']]
            ask.add('user', result(m['tool_call_id'], ''.join(p['text'] for p in parts)))
        elif role == 'system':
            ask.system += ''.join(p['text'] for p in chat_content(m))
        elif role == 'user':
            ask.add(role, *chat_content(m))
        else:
            said = m.get('content') or []
            said = [{'type': 'text', 'text': said}] if isinstance(said, str) else said
            ask.add(role, *[thought(p['thinking'], '') if p['type'] == 'thinking' else text(p['text']) for p in said])
            ask.add(role, *[call(c['id'], c['function']['name'], json.loads(c['function']['arguments'])) for c in m.get('tool_calls') or []])
    paired(ask.turns)
    ask.tools = {t['function']['name']: t['function'].get('parameters', {}) for t in body.get('tools') or []}
    ask.choice = {None: 'auto', 'REQUIRED': 'required', 'NONE': 'none'}[body.get('tool_choice')]
    form = body.get('response_format') or {}
    ask.schema = form.get('json_schema') or form.get('schema')
    need(not (ask.schema and ask.tools), 'response_format is not supported with tools')
    ask.think = (body.get('thinking') or {}).get('type') == 'enabled'
    return ask, bool(body.get('stream'))


def document(p):
    return script.unwrapped(p['document']['data'])


def usage(a):
    tokens = {'input_tokens': a.usage[0], 'output_tokens': a.usage[1]}
    return {'billed_units': tokens, 'tokens': tokens}


def tool_call(c, arguments):
    return {'id': c['id'], 'type': 'function', 'function': {'name': c['name'], 'arguments': arguments}}


def whole(a, _model):
    message = {'role': 'assistant'}
    content = ([{'type': 'thinking', 'thinking': a.thought}] if a.thought else []) + ([{'type': 'text', 'text': a.text}] if a.text else [])
    if content:
        message['content'] = content
    if a.calls:
        message['tool_calls'] = [tool_call(c, json.dumps(c['args'])) for c in a.calls]
    return {'id': 'c1', 'finish_reason': STOPS[a.stop], 'message': message, 'usage': usage(a)}


def stream(a, _model, _body):
    def event(kind, **fields):
        return kind, {'type': kind, **fields}
    yield event('message-start', id='c1', delta={'message': {'role': 'assistant', 'content': [], 'tool_plan': '', 'tool_calls': [], 'citations': []}})
    blocks = [(kind, words) for kind, words in (('thinking', a.thought), ('text', a.text)) if words]
    for i, (kind, words) in enumerate(blocks):
        yield event('content-start', index=i, delta={'message': {'content': {'type': kind, kind: ''}}})
        for p in script.pieces(words):
            yield event('content-delta', index=i, delta={'message': {'content': {kind: p}}})
        yield event('content-end', index=i)
    for i, c in enumerate(a.calls):
        yield event('tool-call-start', index=i, delta={'message': {'tool_calls': tool_call(c, '')}})
        for p in script.pieces(json.dumps(c['args'])):
            yield event('tool-call-delta', index=i, delta={'message': {'tool_calls': {'function': {'arguments': p}}}})
        yield event('tool-call-end', index=i)
    yield event('message-end', id='c1', delta={'finish_reason': STOPS[a.stop], 'usage': usage(a)})


def fault(_status, message):
    return {'id': 'e1', 'message': message}
