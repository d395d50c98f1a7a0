"""Bedrock's Converse with Claude behind it: Claude's rules in Bedrock's words."""
import json
import re

from . import script
from .anthropic import ISSUER, STOPS, rule_of_thinking  # noqa: F401  Claude signs the same on any host
from .script import Ask, call, image, need, only, paired, result, sign, text, thought, unwrapped

FIELDS = {'messages', 'system', 'inferenceConfig', 'toolConfig', 'additionalModelRequestFields', 'outputConfig', 'requestMetadata', 'performanceConfig', 'serviceTier', 'guardrailConfig',
          'additionalModelResponseFieldPaths', 'promptVariables'}


def make_id(turn, n):
    return 'tooluse_%02dTurn%02dQrStUvWx' % (turn, n)


def read(body, path):
    only(body, FIELDS)
    config, more = body.get('inferenceConfig') or {}, body.get('additionalModelRequestFields') or {}
    only(config, {'maxTokens', 'temperature', 'topP', 'stopSequences'}, 'inferenceConfig')
    ask = Ask(limit=config.get('maxTokens'))
    ask.system = ''.join(b['text'] for b in body.get('system') or [] if 'text' in b)
    roles = [m['role'] for m in body['messages']]
    need(roles == (['user', 'assistant'] * len(roles))[:len(roles)], 'roles must alternate: %s' % roles)
    for m in body['messages']:
        ask.add(m['role'], *[part(b) for b in m['content'] if 'cachePoint' not in b])
    paired(ask.turns, ordered=True)
    tools = body.get('toolConfig') or {}
    used = any(p['kind'] in ('call', 'result') for t in ask.turns for p in t['parts'])
    need(tools or not used, 'The toolConfig field must be defined when using toolUse and toolResult content blocks.')
    ask.tools = {t['toolSpec']['name']: t['toolSpec']['inputSchema']['json'] for t in tools.get('tools') or [] if 'toolSpec' in t}
    choice = tools.get('toolChoice') or {'auto': {}}
    ask.choice = {'any': 'required', 'tool': (choice.get('tool') or {}).get('name')}.get(next(iter(choice)), 'auto')
    ask.think = (more.get('thinking') or {'type': 'disabled'})['type'] != 'disabled'
    if ask.think and 'budget_tokens' in more['thinking']:
        need(1024 <= more['thinking']['budget_tokens'] < (ask.limit or 4096), 'budget_tokens')
    need(ask.choice in ('auto', 'none') or not ask.think, 'Thinking may not be enabled when tool_choice forces tool use.')
    rule_of_thinking(ask)
    form = (body.get('outputConfig') or {}).get('textFormat')
    ask.schema = form and json.loads(form['structure']['jsonSchema']['schema'])
    return ask, path.endswith('-stream')


def part(b):
    if 'text' in b:
        need(b['text'].strip(), 'The text field in the ContentBlock object is blank.')
        return text(b['text'])
    if 'image' in b:
        return image('image/' + b['image']['format'], b['image']['source']['bytes'])
    if 'reasoningContent' in b:
        t = b['reasoningContent']['reasoningText']
        need(t.get('signature') == sign(ISSUER, t['text']), 'Invalid `signature` in `thinking` block')
        return thought(t['text'], t['signature'])
    if 'toolUse' in b:
        need(re.fullmatch(r'[a-zA-Z0-9_-]{1,64}', b['toolUse']['toolUseId']), 'toolUseId')
        return call(b['toolUse']['toolUseId'], b['toolUse']['name'], b['toolUse']['input'])
    r = b['toolResult']
    return result(r['toolUseId'], ''.join(p['text'] if 'text' in p else unwrapped(p['json']) for p in r['content']))


def usage(a):
    return {'inputTokens': a.usage[0], 'outputTokens': a.usage[1], 'totalTokens': sum(a.usage)}


def whole(a, _model):
    content = [{'reasoningContent': {'reasoningText': {'text': a.thought, 'signature': a.signature}}}] if a.thought else []
    content += [{'text': a.text}] if a.text else []
    content += [{'toolUse': {'toolUseId': c['id'], 'name': c['name'], 'input': c['args']}} for c in a.calls]
    return {'output': {'message': {'role': 'assistant', 'content': content}}, 'stopReason': STOPS[a.stop], 'usage': usage(a), 'metrics': {'latencyMs': 1}}


def stream(a, _model, _body):
    yield 'messageStart', {'role': 'assistant'}
    blocks = [('reasoningContent', a.thought, None)] if a.thought else []
    blocks += [('text', a.text, None)] if a.text else []
    blocks += [('toolUse', json.dumps(c['args']), c) for c in a.calls]
    for i, (kind, words, c) in enumerate(blocks):
        if c:
            yield 'contentBlockStart', {'contentBlockIndex': i, 'start': {'toolUse': {'toolUseId': c['id'], 'name': c['name']}}}
        for p in script.pieces(words):
            yield 'contentBlockDelta', {'contentBlockIndex': i, 'delta': {'text': p} if kind == 'text' else {kind: {'input' if c else 'text': p}}}
        if kind == 'reasoningContent':
            yield 'contentBlockDelta', {'contentBlockIndex': i, 'delta': {kind: {'signature': a.signature}}}
        yield 'contentBlockStop', {'contentBlockIndex': i}
    yield 'messageStop', {'stopReason': STOPS[a.stop]}
    yield 'metadata', {'usage': usage(a), 'metrics': {'latencyMs': 1}}


def fault(_status, message):
    return {'message': message}
