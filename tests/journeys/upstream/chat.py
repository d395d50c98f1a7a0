"""OpenAI's Chat Completions, with the reasoning that open models show in `reasoning_content`."""
import json
import re

from . import script
from .script import Ask, call, data_url, need, only, paired, result, text, thought

ISSUER = 'chat'
FIELDS = {'model', 'messages', 'tools', 'tool_choice', 'parallel_tool_calls', 'response_format', 'stream', 'stream_options', 'temperature', 'top_p', 'n', 'stop',
          'max_tokens', 'max_completion_tokens', 'reasoning_effort', 'seed', 'user', 'store', 'metadata'}
STOPS = {'stop': 'stop', 'calls': 'tool_calls', 'length': 'length'}


def make_id(turn, n):
    return 'call_%02dTurn%02dAbCdEfGhIjKlMn' % (turn, n)


def read(body, _path):
    only(body, FIELDS)
    ask, waiting = Ask(), set()
    for m in body['messages']:
        role = m['role']
        need(role in ('system', 'developer', 'user', 'assistant', 'tool'), 'role %s' % role)
        need(role == 'tool' or not waiting, 'tool_call_ids without a tool message right after: %s' % sorted(waiting))
        if role == 'tool':
            need(m['tool_call_id'] in waiting, 'tool message answers no call: ' + m['tool_call_id'])
            waiting.discard(m['tool_call_id'])
            ask.add('user', result(m['tool_call_id'], ''.join(p['text'] for p in content(m))))
        elif role in ('system', 'developer'):
            ask.system += ''.join(p['text'] for p in content(m))
        else:
            if m.get('reasoning_content'):
                ask.add(role, thought(m['reasoning_content'], ''))
            ask.add(role, *content(m), *[calls(c) for c in m.get('tool_calls') or []])
            waiting = {c['id'] for c in m.get('tool_calls') or []}
    need(not waiting, 'calls without results')
    paired(ask.turns)
    ask.tools = {t['function']['name']: t['function'].get('parameters', {}) for t in body.get('tools', []) if need(t['type'] == 'function', 'tool type') is None}
    choice = body.get('tool_choice', 'auto')
    need('tool_choice' not in body or ask.tools, 'tool_choice is only allowed when tools are specified')
    ask.choice = choice if isinstance(choice, str) else choice['function']['name']
    ask.schema = (body.get('response_format') or {}).get('json_schema', {}).get('schema')
    ask.think = 'reasoning_effort' in body and body['reasoning_effort'] != 'none'
    ask.limit = body.get('max_completion_tokens', body.get('max_tokens'))
    return ask, bool(body.get('stream'))


def content(m):
    parts = m.get('content')
    need(parts is not None or m.get('tool_calls'), 'content of a %s message is missing' % m['role'])
    if isinstance(parts, str):
        return [text(parts)] if parts else []
    return [data_url(p['image_url']['url']) if p['type'] == 'image_url' else text(p['text']) for p in parts or []]


def calls(c):
    need(re.fullmatch(r'.{1,40}', c['id']), 'id longer than 40: ' + c['id'])
    need(c['type'] == 'function', 'type of a call')
    return call(c['id'], c['function']['name'], json.loads(c['function']['arguments']))


def usage(a):
    return {'prompt_tokens': a.usage[0], 'completion_tokens': a.usage[1], 'total_tokens': sum(a.usage)}


def whole(a, model):
    message = {'role': 'assistant', 'content': a.text or None}
    if a.thought:
        message['reasoning_content'] = a.thought
    if a.calls:
        message['tool_calls'] = [{'id': c['id'], 'type': 'function', 'function': {'name': c['name'], 'arguments': json.dumps(c['args'])}} for c in a.calls]
    return {'id': 'chatcmpl-%d' % len(a.ask.turns), 'object': 'chat.completion', 'created': 1, 'model': model, 'usage': usage(a),
            'choices': [{'index': 0, 'message': message, 'finish_reason': STOPS[a.stop], 'logprobs': None}]}


def stream(a, model, body):
    def chunk(delta, stop=None, **more):
        return {'id': 'chatcmpl-%d' % len(a.ask.turns), 'object': 'chat.completion.chunk', 'created': 1, 'model': model, **more, 'choices': [{'index': 0, 'delta': delta, 'finish_reason': stop}]}
    yield None, chunk({'role': 'assistant', 'content': ''})
    for p in script.pieces(a.thought):
        yield None, chunk({'reasoning_content': p})
    for p in script.pieces(a.text):
        yield None, chunk({'content': p})
    for i, c in enumerate(a.calls):
        yield None, chunk({'tool_calls': [{'index': i, 'id': c['id'], 'type': 'function', 'function': {'name': c['name'], 'arguments': ''}}]})
        for p in script.pieces(json.dumps(c['args']), 5):
            yield None, chunk({'tool_calls': [{'index': i, 'function': {'arguments': p}}]})
    yield None, chunk({}, STOPS[a.stop])
    if (body.get('stream_options') or {}).get('include_usage'):
        yield None, {**chunk({}), 'choices': [], 'usage': usage(a)}
    yield None, '[DONE]'


def fault(status, message):
    return {'error': {'message': message, 'type': 'invalid_request_error' if status == 400 else 'requests', 'param': None, 'code': 'rate_limit_exceeded' if status == 429 else None}}
