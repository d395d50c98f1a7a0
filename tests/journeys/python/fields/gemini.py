"""Gemini's request as google-genai takes it and sends it: the SDK itself says how a field goes on the wire, and which of its fields are Vertex AI's alone."""
import json

import pydantic
from google import genai
from google.genai import types

from .shapes import Choice, OneOf, Sequence, Struct, of_model

NAMES = ('declared', 'other')
SCHEMA = {'type': 'object', 'properties': {'a': {'type': 'string'}}}
# What the API's reference calls required; the types make everything optional.
REQUIRED = {
    'Blob': ('data', 'mime_type'), 'FileData': ('file_uri', 'mime_type'), 'FunctionCall': ('name', 'args'), 'FunctionResponse': ('name', 'response'), 'FunctionDeclaration': ('name',),
    'ExecutableCode': ('code', 'language'), 'CodeExecutionResult': ('outcome',), 'SafetySetting': ('category', 'threshold'), 'FunctionResponseBlob': ('data', 'mime_type'),
    'FunctionResponseFileData': ('file_uri', 'mime_type'), 'Schema': ('type', 'properties'), 'FunctionResponsePart': ('inline_data', 'file_data'), 'DynamicRetrievalConfig': ('mode',),
}
# A part holds one of these; what else it has speaks about it.
DATA = ('text', 'inline_data', 'file_data', 'function_call', 'function_response', 'executable_code', 'code_execution_result', 'tool_call', 'tool_response')

OMIT = {
    'http_options': 'transport', 'should_return_http_response': 'the SDK\'s own', 'automatic_function_calling': 'the SDK\'s own',
    'automatic_continuation': 'the SDK\'s own', 'Blob.display_name': 'Vertex AI\'s alone', 'FileData.display_name': 'Vertex AI\'s alone',
}
VALUES = {
    'Schema.type': ('OBJECT', 'OBJECT'), 'Schema.properties': ({'a': {'type': 'STRING'}, 'b': {'type': 'STRING'}}, {'a': {'type': 'STRING'}, 'b': {'type': 'INTEGER'}}),
    'Schema.property_ordering': (['b', 'a'], ['a', 'b']), 'Schema.any_of': ([{'type': 'OBJECT'}], [{'type': 'STRING'}]),
    'FunctionCallingConfig.allowed_function_names': (['declared'], ['other']),
    'mime_type': ('image/png', 'image/jpeg'), 'start_time': ('2026-01-01T00:00:00Z', '2026-01-02T00:00:00Z'), 'end_time': ('2026-02-01T00:00:00Z', '2026-02-02T00:00:00Z'), 'file_uri': ('https://example.com/a', 'https://example.com/b'),
    'parameters_json_schema': (SCHEMA, SCHEMA), 'response_json_schema': (SCHEMA, SCHEMA), 'top_k': (7, 8), 'FunctionCall.args': ({'a': 'a'}, {'a': 'b'}), 'FunctionResponse.response': ({'a': 'a'}, {'a': 'b'}),
}


def root():
    content, config = of_model(types.Content), of_model(types.GenerateContentConfig)
    part, tool = of_model(types.Part), of_model(types.Tool)
    about = {m: s for m, s in part.fields.items() if m not in DATA}
    kinds = [Struct(k, {k: (part.fields[k][0], True), **(about if k in ('text', 'inline_data') else {}), 'thought_signature': about['thought_signature']}) for k in DATA]
    content.fields['parts'] = (Sequence(OneOf(tuple(kinds))), True)
    content.fields['role'] = (Choice(('user', 'model')), True)
    config.fields['tools'] = (Sequence(OneOf(tuple(Struct(k, {k: (s, True)}) for k, (s, _) in tool.fields.items()))), False)
    calling = config.fields['tool_config'][0].fields['function_calling_config'][0]
    calling.fields['mode'] = (Choice(('ANY', 'AUTO', 'NONE', 'VALIDATED')), True)
    config.fields['system_instruction'] = (Struct('SystemInstruction', {'parts': (Sequence(kinds[0]), True)}), False)
    config.fields['response_schema'] = (of_model(types.Schema), False)
    return Struct('GenerateContent', {'contents': (Sequence(content), True), **config.fields})


def beside(body):
    more = {'contents': [{'role': 'user', 'parts': [{'text': 'Hi'}]}], 'tools': [{'function_declarations': [{'name': t, 'parameters_json_schema': SCHEMA} for t in NAMES]}]}
    if 'logprobs' in body:
        more['response_logprobs'] = True
    if 'response_schema' in body or 'response_json_schema' in body:
        more['response_mime_type'] = 'application/json'
    return more


def around(turn):
    """A call is answered, an answer has its call."""
    user, parts = {'role': 'user', 'parts': [{'text': 'Hi'}]}, turn.get('parts') or []
    calls = [p['function_call'] for p in parts if 'function_call' in p]
    answers = [p['function_response'] for p in parts if 'function_response' in p]
    if answers:
        return [user, {'role': 'model', 'parts': [{'function_call': {**{k: a[k] for k in ('id', 'name') if k in a}, 'args': {}}} for a in answers]}], []
    if turn.get('role') == 'model':
        return [user], [{'role': 'user', 'parts': [{'function_response': {**{k: c[k] for k in ('id', 'name') if k in c}, 'response': {}}} for c in calls] + [{'text': 'Hi'}]}]
    return [user], []


def seat(turn):
    return 'model' if any(k in p for p in turn['parts'] for k in ('function_call', 'executable_code', 'code_execution_result', 'tool_call', 'tool_response', 'thought')) else None


class Sent(Exception):
    pass


def sender():
    client = genai.Client(api_key='any')

    def send(request, *_, **__):
        raise Sent(request.data)
    client._api_client._request = send

    sent_before = {}

    def wire(body):
        key = repr(body)
        if key not in sent_before:
            sent_before[key] = once(dict(body))
        return sent_before[key]

    def once(body):
        contents = body.pop('contents')
        try:
            client.models._generate_content(model='to', contents=contents, config=body)
        except Sent as sent:
            return json.loads(json.dumps(sent.args[0]))
        except pydantic.ValidationError:
            raise
        except ValueError as e:
            return str(e)
    return wire


send = sender()


def wire(without, body):
    without, body = send(without), send(body)
    if isinstance(without, str) or isinstance(body, str) or without == body:
        return None
    return without, body, difference(without, body)


def difference(a, b):
    """The path of the first place where two bodies differ."""
    if isinstance(a, dict) and isinstance(b, dict):
        key = next(k for k in [*b, *a] if a.get(k) != b.get(k))
        below = difference(a[key], b[key]) if key in a and key in b else ''
        return key + ('.' if below and not below.startswith('[') else '') + below
    if isinstance(a, list) and isinstance(b, list):
        at = next(i for i in range(max(len(a), len(b))) if a[i:i + 1] != b[i:i + 1])
        below = difference(a[at], b[at]) if at < len(a) and at < len(b) else ''
        return '[%d]' % at + ('.' if below and not below.startswith('[') else '') + below
    return ''
