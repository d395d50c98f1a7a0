"""Gemini's generateContent. Of the third generation: the first call of each step brings its thought signature back."""
import base64
import re

from . import script
from .script import Ask, call, image, need, only, result, sign, text, thought, unwrapped

ISSUER = 'gemini'
FIELDS = {'contents', 'systemInstruction', 'tools', 'toolConfig', 'generationConfig', 'safetySettings', 'cachedContent', 'labels'}
CONFIG = {'temperature', 'topP', 'topK', 'maxOutputTokens', 'stopSequences', 'responseMimeType', 'responseSchema', 'responseJsonSchema', 'thinkingConfig', 'candidateCount', 'seed',
          'responseModalities'}
USERS = {'args', 'response', 'parameters', 'parametersJsonSchema', 'responseSchema', 'responseJsonSchema', 'labels'}
STOPS = {'stop': 'STOP', 'calls': 'STOP', 'length': 'MAX_TOKENS'}


def make_id(turn, n):
    return '%d.%d' % (turn, n)      # never sent: Gemini's calls are known by name and place


def camel(value):
    """Google's own spelling; it reads that of protocol buffers, too. Names within arguments and schemas are the user's."""
    if isinstance(value, list):
        return [camel(v) for v in value]
    if not isinstance(value, dict):
        return value
    names = {k: re.sub('_([a-z])', lambda m: m[1].upper(), k) for k in value}
    return {n: value[k] if n in USERS else camel(value[k]) for k, n in names.items()}


def read(body, path):
    body = camel(body)
    only(body, FIELDS)
    config = body.get('generationConfig') or {}
    only(config, CONFIG, 'generationConfig')
    ask = Ask(limit=config.get('maxOutputTokens'))
    ask.system = ''.join(p['text'] for p in (body.get('systemInstruction') or {'parts': []})['parts'])
    calls, contents = [], []
    for content in body['contents']:        # neighbours of one role are one turn
        if contents and contents[-1].get('role') == content.get('role'):
            contents[-1]['parts'] += content['parts']
        else:
            contents.append({**content, 'parts': list(content['parts'])})
    for turn, content in enumerate(contents):
        need(content.get('role', 'user') in ('user', 'model'), 'Please use a valid role: user, model.')
        given = [p for p in content['parts'] if 'functionResponse' in p]
        need(len(given) == len(calls), 'the number of function response parts must equal the number of function call parts of the function call turn')
        answered = iter(calls)
        calls = [(str((turn, i)), p['functionCall']['name']) for i, p in enumerate(content['parts']) if 'functionCall' in p]
        asked = iter(calls)
        for p in content['parts']:
            ask.add('assistant' if content.get('role') == 'model' else 'user', *part(p, asked, answered))
    need(not calls, 'calls without responses')
    rule_of_signatures(contents)
    functions = [f for t in body.get('tools') or [] for f in t['functionDeclarations']]
    ask.tools = {f['name']: f.get('parametersJsonSchema') or f.get('parameters') or {} for f in functions}
    mode = (body.get('toolConfig') or {}).get('functionCallingConfig') or {'mode': 'AUTO'}
    named = mode.get('allowedFunctionNames') or []
    ask.choice = named[0] if len(named) == 1 else {'AUTO': 'auto', 'VALIDATED': 'auto', 'NONE': 'none', 'ANY': 'required'}[mode['mode']]
    ask.schema = config.get('responseJsonSchema') or config.get('responseSchema')
    need(not ask.schema or config.get('responseMimeType') == 'application/json', 'response schema needs responseMimeType application/json')
    think = config.get('thinkingConfig') or {}
    ask.think = bool(think.get('includeThoughts'))
    return ask, 'streamGenerateContent' in path


def part(p, asked, answered):
    """One part's meaning; ids are by place, as the wire has none."""
    signature = p.get('thoughtSignature', '')
    if 'functionCall' in p:
        id, name = next(asked)
        return ([thought('', signature)] if signature else []) + [call(id, name, p['functionCall'].get('args') or {})]
    if 'functionResponse' in p:
        id, name = next(answered)
        response = p['functionResponse']
        need(response['name'] == name, 'response of %s where %s was called' % (response['name'], name))
        need(isinstance(response['response'], dict), 'response must be an object')
        return [result(id, unwrapped(response['response']))]
    if 'inlineData' in p:
        return [image(p['inlineData']['mimeType'], p['inlineData']['data'])]
    if p.get('thought'):
        return [thought(p['text'], signature)]
    need('text' in p, 'part of an unknown kind: %s' % list(p))
    return ([thought('', signature)] if signature else []) + [text(p['text'])]


def rule_of_signatures(contents):
    """Of every step since the user last spoke, the first call carries the signature it came with."""
    spoke = max((i for i, c in enumerate(contents) if c.get('role', 'user') == 'user' and any('text' in p for p in c['parts'])), default=0)
    for i, content in enumerate(contents):
        calls = [p for p in content['parts'] if 'functionCall' in p]
        if calls and i > spoke:
            need('thoughtSignature' in calls[0], 'Function call is missing a thought_signature in functionCall parts.')
        for p in content['parts']:
            if 'thoughtSignature' in p:
                need(bare(p['thoughtSignature']) in SIGNED, 'Thought signature is not valid')


def bare(signature):
    """Its bytes: Google's SDK sends them back in the alphabet for URLs. The placeholder for lost ones stands for itself."""
    return signature if signature == LOST else base64.urlsafe_b64decode(signature.replace('+', '-').replace('/', '_'))


LOST = 'skip_thought_signature_validator'
SIGNED = {LOST}


def parts(a, cut=1):
    for p in script.pieces(a.thought, cut):
        yield {'text': p, 'thought': True}
    for p in script.pieces(a.text, cut):
        yield {'text': p}
    for i, c in enumerate(a.calls):
        part = {'functionCall': {'name': c['name'], 'args': c['args']}}
        if i == 0:
            part['thoughtSignature'] = a.signature or sign(ISSUER, c['id'] + c['name'])
            SIGNED.add(bare(part['thoughtSignature']))
        yield part


def response(a, model, parts, stop=None):
    candidate = {'content': {'role': 'model', 'parts': parts}, 'index': 0}
    if stop:
        candidate['finishReason'] = stop
    return {'candidates': [candidate], 'modelVersion': model, 'responseId': 'r%d' % len(a.ask.turns),
            'usageMetadata': {'promptTokenCount': a.usage[0], 'candidatesTokenCount': a.usage[1], 'totalTokenCount': sum(a.usage)}}


def whole(a, model):
    return response(a, model, list(parts(a)), STOPS[a.stop])


def stream(a, model, _body):
    for p in parts(a, 3):
        yield None, response(a, model, [p])
    yield None, response(a, model, [{'text': ''}], STOPS[a.stop])


def fault(status, message):
    return {'error': {'code': status, 'message': message, 'status': {429: 'RESOURCE_EXHAUSTED', 404: 'NOT_FOUND'}.get(status, 'INVALID_ARGUMENT')}}
