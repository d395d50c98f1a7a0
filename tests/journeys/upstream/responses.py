"""OpenAI's Responses, stateless: reasoning comes back encrypted and is checked to the byte."""
import json
import re

from . import script
from .chat import fault  # noqa: F401  the same envelope
from .script import Ask, call, data_url, need, only, paired, result, sign, text, thought

ISSUER = 'openai'
FIELDS = {'model', 'input', 'instructions', 'tools', 'tool_choice', 'parallel_tool_calls', 'text', 'stream', 'stream_options', 'temperature', 'top_p', 'max_output_tokens',
          'reasoning', 'include', 'store', 'metadata', 'user', 'previous_response_id', 'truncation'}


STORED = {}         # id of a response → the items up to and with it
ITEMS = {}          # id of a stored item → the item, for references


def make_id(turn, n):
    return 'call_%02dTurn%02dResponsesXyZ12' % (turn, n)


def read(body, _path):
    only(body, FIELDS)
    ask, previous = Ask(system=body.get('instructions') or ''), body.get('previous_response_id')
    need(previous is None or STORED.get(previous), 'Previous response with id %r not found.' % previous)
    given = body['input']
    ask.items = STORED.get(previous, []) + ([{'role': 'user', 'content': given}] if isinstance(given, str) else [referred(i) for i in given])
    for item in ask.items:
        kind = item.get('type', 'message')
        if kind == 'message' and item['role'] in ('system', 'developer'):
            ask.system += ''.join(p['text'] for p in content(item))
        elif kind == 'message':
            ask.add(item['role'], *content(item))
        elif kind == 'reasoning':
            words = ''.join(s['text'] for s in item['summary'])
            need(item.get('encrypted_content') == sign(ISSUER, words), 'The encrypted content could not be verified')
            ask.add('assistant', thought(words, item['encrypted_content']))
        elif kind == 'function_call':
            need(re.fullmatch(r'.{1,64}', item['call_id']), 'call_id longer than 64')
            need(item.get('id') is None or item['id'].startswith('fc'), 'id of a call must begin with fc')
            ask.add('assistant', call(item['call_id'], item['name'], json.loads(item['arguments'])))
        else:
            need(kind == 'function_call_output', 'item ' + kind)
            out = item['output']
            ask.add('user', result(item['call_id'], out if isinstance(out, str) else ''.join(p['text'] for p in out)))
    paired(ask.turns)
    ask.tools = {t['name']: t['parameters'] for t in body.get('tools') or [] if need(t['type'] == 'function', 'tool type') is None}
    choice = body.get('tool_choice') or 'auto'
    ask.choice = choice if isinstance(choice, str) else choice['name']
    ask.schema = ((body.get('text') or {}).get('format') or {}).get('schema')
    ask.think = (body.get('reasoning') or {}).get('effort') not in (None, 'none')
    ask.limit = body.get('max_output_tokens')
    ask.store = body.get('store', True)
    need(not ask.think or ask.store or 'reasoning.encrypted_content' in (body.get('include') or []), 'a gateway that keeps no state must ask for encrypted reasoning')
    return ask, bool(body.get('stream'))


def referred(item):
    if item.get('type') != 'item_reference':
        return item
    need(item['id'] in ITEMS, 'Item with id %r not found.' % item['id'])
    return ITEMS[item['id']]


def content(item):
    if isinstance(item['content'], str):
        return [text(item['content'])]
    allowed = ('output_text', 'refusal') if item['role'] == 'assistant' else ('input_text', 'input_image', 'input_file')
    need(all(p['type'] in allowed for p in item['content']), 'content of %s: %s' % (item['role'], [p['type'] for p in item['content']]))
    return [data_url(p['image_url']) if p['type'] == 'input_image' else text(p['text']) for p in item['content']]


def items(a):
    if a.thought:
        yield {'id': 'rs_' + a.id, 'type': 'reasoning', 'summary': [{'type': 'summary_text', 'text': a.thought}], 'encrypted_content': a.signature}
    if a.text:
        yield {'id': 'msg_' + a.id, 'type': 'message', 'status': 'completed', 'role': 'assistant', 'content': [{'type': 'output_text', 'text': a.text, 'annotations': [], 'logprobs': []}]}
    for i, c in enumerate(a.calls):
        yield {'id': 'fc_%s_%d' % (a.id, i), 'type': 'function_call', 'status': 'completed', 'call_id': c['id'], 'name': c['name'], 'arguments': json.dumps(c['args'])}


def remember(a):
    """Gives the response its id, under which the conversation is kept if the client wants that."""
    if not a.id:
        a.id = 'resp_%d' % (len(STORED) + 1)
        STORED[a.id] = a.ask.items + list(items(a)) if a.ask.store else None
        ITEMS.update({item['id']: item for item in items(a)} if a.ask.store else {})


def response(a, model, status, output, **more):
    use = {'input_tokens': a.usage[0], 'input_tokens_details': {'cached_tokens': 0}, 'output_tokens': a.usage[1], 'output_tokens_details': {'reasoning_tokens': 0},
                 'total_tokens': sum(a.usage)}
    return {'id': a.id, 'object': 'response', 'created_at': 1, 'status': status, 'error': None, 'incomplete_details': None, 'instructions': None, 'metadata': {}, 'model': model,
            'output': output, 'parallel_tool_calls': True, 'temperature': 1.0, 'tool_choice': 'auto', 'tools': [], 'top_p': 1.0, 'usage': use if output else None, **more}


def whole(a, model):
    remember(a)
    if a.stop == 'length':
        return response(a, model, 'incomplete', list(items(a)), incomplete_details={'reason': 'max_output_tokens'})
    return response(a, model, 'completed', list(items(a)))


def stream(a, model, _body):
    number = iter(range(10_000))

    def event(kind, **fields):
        return kind, {'type': kind, 'sequence_number': next(number), **fields}
    remember(a)
    yield event('response.created', response=response(a, model, 'in_progress', []))
    for at, item in enumerate(items(a)):
        here = {'output_index': at, 'item_id': item['id']}
        kind = item['type']
        empty = {'reasoning': {'summary': []}, 'message': {'content': [], 'status': 'in_progress'}, 'function_call': {'arguments': '', 'status': 'in_progress'}}[kind]
        yield event('response.output_item.added', output_index=at, item={**item, **empty})
        if kind == 'function_call':
            for p in script.pieces(item['arguments'], 5):
                yield event('response.function_call_arguments.delta', delta=p, **here)
            yield event('response.function_call_arguments.done', arguments=item['arguments'], **here)
        else:
            index, part, delta, words = (('summary_index', 'reasoning_summary_part', 'reasoning_summary_text', a.thought) if kind == 'reasoning' else
                                         ('content_index', 'content_part', 'output_text', a.text))
            full = (item.get('content') or item.get('summary'))[0]
            here[index] = 0
            more = {'logprobs': []} if kind == 'message' else {}
            yield event('response.%s.added' % part, part={**full, 'text': ''}, **here)
            for p in script.pieces(words):
                yield event('response.%s.delta' % delta, delta=p, **here, **more)
            yield event('response.%s.done' % delta, text=words, **here, **more)
            yield event('response.%s.done' % part, part=full, **here)
        yield event('response.output_item.done', output_index=at, item=item)
    last = whole(a, model)
    yield event('response.' + last['status'], response=last)
