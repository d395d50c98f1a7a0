"""Anthropic's Messages: thinking is signed, comes first, and is demanded back within a tool loop."""
import json
import re

from . import script
from .script import Ask, call, image, need, only, paired, result, sign, text, thought

ISSUER = 'anthropic'
FIELDS = {'model', 'messages', 'system', 'max_tokens', 'tools', 'tool_choice', 'thinking', 'output_config', 'output_format', 'stream', 'temperature', 'top_p', 'top_k',
          'stop_sequences', 'metadata', 'service_tier', 'cache_control'}
STOPS = {'stop': 'end_turn', 'calls': 'tool_use', 'length': 'max_tokens'}


def make_id(turn, n):
    return 'toolu_01Turn%02dNumber%02dAbCd' % (turn, n)


def read(body, _path):
    only(body, FIELDS)
    need(isinstance(body.get('max_tokens'), int), 'max_tokens: Field required')
    ask = Ask(limit=body['max_tokens'])
    ask.system = ''.join(b['text'] for b in blocks(body.get('system') or []))
    need(body['messages'][0]['role'] == 'user', 'the first message must be the user\'s')
    for m in body['messages']:
        need(m['role'] in ('user', 'assistant'), 'role ' + m['role'])
        ask.add(m['role'], *[part(b) for b in blocks(m['content'])])
    paired(ask.turns, ordered=True)
    think = body.get('thinking') or {'type': 'disabled'}
    ask.think = think['type'] != 'disabled'
    if think['type'] == 'enabled':
        need(1024 <= think['budget_tokens'] < ask.limit, 'budget_tokens %d of %d' % (think['budget_tokens'], ask.limit))
    ask.tools = {t['name']: t['input_schema'] for t in body.get('tools') or []}
    choice = body.get('tool_choice') or {'type': 'auto'}
    ask.choice = {'any': 'required', 'tool': choice.get('name')}.get(choice['type'], choice['type'])
    need(ask.choice in ('auto', 'none') or not ask.think, 'Thinking may not be enabled when tool_choice forces tool use.')
    need(not ask.think or body.get('temperature', 1) == 1, '`temperature` may only be set to 1 when thinking is enabled')
    rule_of_thinking(ask)
    form = (body.get('output_config') or {}).get('format') or body.get('output_format')
    ask.schema = form and form['schema']
    return ask, bool(body.get('stream'))


def rule_of_thinking(ask):
    """With thinking on, a turn whose calls are being answered begins with its thinking block."""
    if ask.think and ask.last('result'):
        kind = ask.turns[-2]['parts'][0]['kind']
        need(kind == 'thought', 'Expected `thinking` or `redacted_thinking`, but found `%s`' % {'call': 'tool_use'}.get(kind, kind))


def blocks(content):
    return [{'type': 'text', 'text': content}] if isinstance(content, str) else content


def part(b):
    kind = b['type']
    if kind == 'text':
        need(b['text'].strip(), 'text content blocks must be non-empty')
        return text(b['text'])
    if kind == 'image':
        need(b['source']['type'] == 'base64', 'this provider fetches nothing')
        return image(b['source']['media_type'], b['source']['data'])
    if kind == 'thinking':
        need(b['signature'] == sign(ISSUER, b['thinking']), 'Invalid `signature` in `thinking` block')
        return thought(b['thinking'], b['signature'])
    if kind == 'tool_use':
        need(re.fullmatch(r'[a-zA-Z0-9_-]+', b['id']), 'id of tool_use: ' + b['id'])
        return call(b['id'], b['name'], b['input'])
    need(kind == 'tool_result', 'block ' + kind)
    return result(b['tool_use_id'], ''.join(p['text'] for p in blocks(b.get('content') or [])))


def usage(a):
    return {'input_tokens': a.usage[0], 'output_tokens': a.usage[1], 'cache_creation_input_tokens': 0, 'cache_read_input_tokens': 0}


def content(a):
    if a.thought:
        yield {'type': 'thinking', 'thinking': a.thought, 'signature': a.signature}
    if a.text:
        yield {'type': 'text', 'text': a.text}
    for c in a.calls:
        yield {'type': 'tool_use', 'id': c['id'], 'name': c['name'], 'input': c['args']}


def whole(a, model):
    return {'id': 'msg_%d' % len(a.ask.turns), 'type': 'message', 'role': 'assistant', 'model': model, 'content': list(content(a)), 'stop_reason': STOPS[a.stop], 'stop_sequence': None, 'usage': usage(a)}


def stream(a, model, _body):
    def event(kind, **fields):
        return kind, {'type': kind, **fields}
    yield event('message_start', message={**whole(a, model), 'content': [], 'stop_reason': None, 'usage': {**usage(a), 'output_tokens': 1}})
    yield event('ping')
    for i, b in enumerate(content(a)):
        key = {'thinking': 'thinking', 'text': 'text', 'tool_use': 'input'}[b['type']]
        start = {**b, key: {} if key == 'input' else ''}
        if 'signature' in b:
            start['signature'] = ''
        yield event('content_block_start', index=i, content_block=start)
        words, name = (json.dumps(b['input']), 'partial_json') if key == 'input' else (b[key], key)
        for p in script.pieces(words, 5):
            yield event('content_block_delta', index=i, delta={'type': {'input': 'input_json_delta'}.get(key, key + '_delta'), name: p})
        if 'signature' in b:
            yield event('content_block_delta', index=i, delta={'type': 'signature_delta', 'signature': b['signature']})
        yield event('content_block_stop', index=i)
    yield event('message_delta', delta={'stop_reason': STOPS[a.stop], 'stop_sequence': None}, usage=usage(a))
    yield event('message_stop')


def fault(status, message):
    return {'type': 'error', 'error': {'type': 'rate_limit_error' if status == 429 else 'invalid_request_error', 'message': message}}
