"""The six faces: where each SDK declares its request, which words stand in fields whose form no type tells, and what a field needs beside it."""
import base64
import json
from dataclasses import dataclass, field
from importlib.metadata import version

import botocore.session
from anthropic.types import message_create_params
from cohere.v2.raw_client import RawV2Client
from openai.types.chat import completion_create_params
from openai.types.responses import response_create_params

from . import gemini
from .cases import PNG, Walk
from .shapes import OneOf, Sequence, Text, of_aws, of_signature, of_typed_dict

PDF = tuple(base64.b64encode(b'%%PDF-1.4 %s' % mark).decode() for mark in (b'a', b'b'))
DATA_URLS = tuple('data:image/png;base64,' + p for p in PNG)
URLS = ('https://example.com/a', 'https://example.com/b')
SCHEMAS = tuple({'type': 'object', 'properties': {mark: {'type': 'string'}}, 'required': [mark], 'additionalProperties': False} for mark in 'ab')
ARGUMENTS = ('{"mark": "a"}', '{"mark": "b"}')
TOOL, OTHER = NAMES = 'declared', 'other'
# Structs that hold their fields of `needs` one at a time.
ONE_OF = {'FileFile', 'ResponseInputImageParam', 'ResponseInputImageContentParam', 'ResponseInputFileParam', 'ResponseInputFileContentParam', 'FunctionResponsePart'}

# By field, or by struct and field. What holds everywhere first.
EVERYWHERE = {'temperature': (0.25, 0.5), 'top_p': (0.25, 0.5), 'arguments': ARGUMENTS, 'parameters': SCHEMAS, 'url': URLS}


@dataclass
class Face:
    dialect: str
    sdk: tuple                      # the packages whose types these are
    root: object
    turns: str                      # the field that holds the conversation
    path: str
    least: int                      # fewer fields than this, and the walk has gone astray
    values: dict
    needs: dict                     # struct → fields that it must have, though its type does not say so
    omit: dict                      # fields that are no part of the body → why
    beside: object                  # body → what must stand beside the field
    around: object                  # turn → the turns before and after, so that it is a conversation
    seat: object = None             # turn → whose it must be, where the types leave that open
    excused: dict = field(default_factory=dict)     # fields that mean nothing to another provider → why
    wire: object = None             # the SDK's own way from Python to the wire; a field that it refuses to send is none of this API
    cases: list = field(default_factory=list)
    refused: list = field(default_factory=list)

    def known(self, struct, name, shape):
        for key in ('%s.%s' % (struct, name), name):
            for table in (self.values, EVERYWHERE):
                if key in table and ('.' in key or isinstance(shape, Text) or not isinstance(table[key][0], str)):
                    return [[v] for v in table[key]] if isinstance(shape, Sequence) and not isinstance(table[key][0], list) else table[key]
        return None

    def walk(self):
        walk = Walk(self.known, self.needs, ONE_OF, self.omit)
        walk.into(self.root, lambda body: body, '', '')
        unknown = set(self.omit) - walk.used
        assert not unknown, '%s has no fields %s' % (self.dialect, unknown)
        for case in walk.cases:
            case.name = case.name.removeprefix('<%s>.' % self.root.name)
            self.cases += self.complete(case)
        unknown = set(self.excused) - {c.name for c in self.cases}
        assert not unknown, '%s has no fields %s' % (self.dialect, unknown)
        return self

    def complete(self, case):
        """The case within whole bodies, one for each value; none where the SDK does not send it."""
        pairs = [p for p in (self.pair(case, *bodies) for bodies in case.bodies) if p]
        if not pairs:
            self.refused.append(case.name)
            return []
        case.path, case.bodies = pairs[0][2], [(w, b) for w, b, _ in pairs]
        return [case]

    def pair(self, case, without, body):
        own = case.path.split('.')[0].split('[')[0]
        beside = {k: v for k, v in self.beside(body).items() if k != own}
        without, body = self.seated(without, case), self.seated(body, case)
        # An id joins two turns: each of the two bodies has its own other half.
        joins = case.path.rsplit('.', 1)[-1] in ('id', 'call_id', 'tool_call_id', 'tool_use_id', 'toolUseId')
        rounds = [self.around(b[self.turns][0]) if b.get(self.turns) and isinstance(b[self.turns], list) else ([], []) for b in ((without if joins else body), body)]
        before = rounds[1][0]
        whole = [self.set(b, beside, *r) for b, r in zip((without, body), rounds)]
        path = case.path.replace('%s[0]' % self.turns, '%s[%d]' % (self.turns, len(before)), 1)
        if self.wire:
            return self.wire(*whole)
        return (*whole, path)

    def seated(self, body, case):
        if self.seat and isinstance(body.get(self.turns), list) and not case.name.endswith('.role'):
            return {**body, self.turns: [{**t, 'role': self.seat(t) or t['role']} for t in body[self.turns]]}
        return body

    def set(self, body, beside, before, after):
        body = {**beside, **body}
        if isinstance(body.get(self.turns), list):
            body[self.turns] = [*before, *body[self.turns], *after]
        return body


def texts(*texts):
    return [{'type': 'text', 'text': t} for t in texts]


# OpenAI Chat

def chat_beside(body):
    more = {'model': 'to', 'messages': [{'role': 'user', 'content': 'Hi'}], 'tools': [{'type': 'function', 'function': {'name': t, 'parameters': SCHEMAS[0]}} for t in (TOOL, OTHER)]}
    if 'top_logprobs' in body:
        more['logprobs'] = True
    if 'stream_options' in body:
        more['stream'] = True
    if 'function_call' in body:
        more['functions'] = [{'name': TOOL}, {'name': OTHER}]
    if 'audio' in body:
        more['modalities'] = ['text', 'audio']
    return more


def chat_around(turn):
    user, role = {'role': 'user', 'content': 'Hi'}, turn.get('role')
    if role == 'assistant':
        answers = [{'role': 'tool', 'tool_call_id': c['id'], 'content': 'done'} for c in turn.get('tool_calls') or []]
        if turn.get('function_call'):
            answers = [{'role': 'function', 'name': turn['function_call']['name'], 'content': 'done'}]
        return [user], answers + [user]
    if role == 'tool':
        return [user, {'role': 'assistant', 'tool_calls': [{'id': turn['tool_call_id'], 'type': 'function', 'function': {'name': TOOL, 'arguments': '{}'}}]}], []
    if role == 'function':
        return [user, {'role': 'assistant', 'function_call': {'name': turn['name'], 'arguments': '{}'}}], []
    return [], ([] if role == 'user' else [user])


CHAT_NEEDS = {'ChatCompletionAssistantMessageParam': ('content',), 'FileFile': ('file_data', 'file_id'), 'JSONSchema': ('schema',)}
CHAT_VALUES = {
    'Function.name': NAMES, 'ChatCompletionFunctionCallOptionParam.name': NAMES,
    'ImageURL.url': DATA_URLS, 'InputAudio.data': PNG, 'FileFile.file_data': tuple('data:application/pdf;base64,' + p for p in PDF),
    'JSONSchema.schema': SCHEMAS, 'n': (2, 3), 'top_logprobs': (2, 3), 'frequency_penalty': (0.25, 0.5), 'presence_penalty': (0.25, 0.5), 'stop': ('mark_a', 'mark_b'),
    'ChatCompletionAllowedToolsParam.tools': ([{'type': 'function', 'function': {'name': TOOL}}],) * 2, 'metadata': ({'mark': 'a'}, {'mark': 'b'}),
    'CompletionCreateParamsBase.logit_bias': ({'50256': 7}, {'50256': 8}),
}


# OpenAI Responses

def responses_beside(body):
    more = {'model': 'to', 'input': 'Hi', 'tools': [{'type': 'function', 'name': t, 'parameters': SCHEMAS[0], 'strict': True} for t in (TOOL, OTHER)]}
    if 'stream_options' in body:
        more['stream'] = True
    return more


def responses_around(item):
    user, kind = {'role': 'user', 'content': 'Hi'}, item.get('type')
    call = item.get('call_id', 'mark_a')
    if kind == 'function_call':
        return [user], [{'type': 'function_call_output', 'call_id': call, 'output': 'done'}]
    if kind == 'custom_tool_call':
        return [user], [{'type': 'custom_tool_call_output', 'call_id': call, 'output': 'done'}]
    if kind == 'function_call_output':
        return [user, {'type': 'function_call', 'call_id': call, 'name': TOOL, 'arguments': '{}'}], []
    if kind == 'custom_tool_call_output':
        return [user, {'type': 'custom_tool_call', 'call_id': call, 'name': TOOL, 'input': 'x'}], []
    return [user], [user]


IMAGE, FILE = ('image_url', 'file_id'), ('file_data', 'file_id', 'file_url')
RESPONSES_NEEDS = {'ResponseInputImageParam': IMAGE, 'ResponseInputImageContentParam': IMAGE, 'ResponseInputFileParam': FILE, 'ResponseInputFileContentParam': FILE,
                   'FunctionCallOutput': ('call_id',)}
RESPONSES_VALUES = {
    'ToolChoiceFunctionParam.name': NAMES,
    'image_url': DATA_URLS, 'file_data': tuple('data:application/pdf;base64,' + p for p in PDF), 'JSONSchema.schema': SCHEMAS, 'schema': SCHEMAS,
    'top_logprobs': (2, 3), 'ToolChoiceAllowedParam.tools': ([{'type': 'function', 'name': TOOL}],) * 2, 'metadata': ({'mark': 'a'}, {'mark': 'b'}),
    'file_url': URLS, 'call_id': ('mark_a', 'mark_a'),
}


# Anthropic

def anthropic_beside(body):
    more = {'model': 'to', 'max_tokens': 4096, 'messages': [{'role': 'user', 'content': 'Hi'}], 'tools': [{'name': t, 'input_schema': SCHEMAS[0]} for t in (TOOL, OTHER)]}
    return more


def anthropic_around(turn):
    user = {'role': 'user', 'content': 'Hi'}
    blocks = turn['content'] if isinstance(turn.get('content'), list) else []
    if turn.get('role') == 'assistant':
        results = [{'type': 'tool_result', 'tool_use_id': b['id'], 'content': 'done'} for b in blocks if b['type'] == 'tool_use']
        return [user], [{'role': 'user', 'content': results + texts('Hi')}]
    uses = [{'type': 'tool_use', 'id': b['tool_use_id'], 'name': TOOL, 'input': {}} for b in blocks if b['type'] == 'tool_result']
    if uses:
        return [user, {'role': 'assistant', 'content': uses}], []
    return [user], [user]


ANTHROPIC_VALUES = {
    'ToolChoiceToolParam.name': NAMES, 'ToolUseBlockParam.name': NAMES,
    'Base64ImageSourceParam.data': PNG, 'Base64PDFSourceParam.data': PDF, 'ToolParam.input_schema': SCHEMAS, 'JSONOutputFormatParam.schema': SCHEMAS,
    'budget_tokens': (1500, 2500), 'max_tokens': (3000, 3500), 'top_k': (7, 8),
}


# The types let either side say every block; these are what the API documents as the user's and as Claude's.
USERS = {'text', 'image', 'document', 'search_result', 'tool_result', 'container_upload'}
CLAUDES = {'text', 'thinking', 'redacted_thinking', 'tool_use', 'server_tool_use', 'web_search_tool_result', 'web_fetch_tool_result', 'code_execution_tool_result',
           'bash_code_execution_tool_result', 'text_editor_code_execution_tool_result', 'tool_search_tool_result', 'container_upload'}


def anthropic_root():
    root = of_typed_dict(message_create_params.MessageCreateParamsBase)
    for message in root.fields['messages'][0].item.options:
        words, blocks = message.fields['content'][0].options
        said = {'UserMessageParam': USERS, 'AssistantMessageParam': CLAUDES, 'SystemMessageParam': {'text'}}[message.name]
        options = blocks.item.options if isinstance(blocks.item, OneOf) else (blocks.item,)
        kept = tuple(o for o in options if o.fields['type'][0].members[0] in said)
        assert len(kept) == len(said), said
        message.fields['content'] = (OneOf((words, Sequence(OneOf(kept)))), True)
    return root


# Bedrock

def bedrock_beside(body):
    more = {'messages': [{'role': 'user', 'content': [{'text': 'Hi'}]}],
            'toolConfig': {'tools': [{'toolSpec': {'name': t, 'inputSchema': {'json': SCHEMAS[0]}}} for t in (TOOL, OTHER)]}}
    return more


def bedrock_around(turn):
    user, blocks = {'role': 'user', 'content': [{'text': 'Hi'}]}, turn.get('content') or []
    if turn.get('role') == 'assistant':
        results = [{'toolResult': {'toolUseId': b['toolUse']['toolUseId'], 'content': [{'text': 'done'}]}} for b in blocks if 'toolUse' in b]
        return [user], [{'role': 'user', 'content': results + [{'text': 'Hi'}]}]
    uses = [{'toolUse': {'toolUseId': b['toolResult']['toolUseId'], 'name': TOOL, 'input': {}}} for b in blocks if 'toolResult' in b]
    if uses:
        return [user, {'role': 'assistant', 'content': uses}], []
    return [user], [user]


def bedrock_seat(turn):
    return 'assistant' if any(k in b for b in turn['content'] for k in ('toolUse', 'reasoningContent', 'citationsContent')) else None


BEDROCK_VALUES = {
    'SpecificToolChoice.name': NAMES, 'ToolConfiguration.tools': tuple([{'toolSpec': {'name': t, 'inputSchema': {'json': SCHEMAS[0]}}} for t in names] for names in (NAMES, NAMES[:1])),
    'uri': ('s3://bucket/a', 's3://bucket/b'), 'json': SCHEMAS, 'JsonSchemaDefinition.schema': tuple(json.dumps(s) for s in SCHEMAS),
    'topP': (0.25, 0.5), 'additionalModelRequestFields': ({'top_k': 7}, {'top_k': 8}),
}


# Cohere

def cohere_beside(body):
    return {'model': 'to', 'messages': [{'role': 'user', 'content': 'Hi'}], 'tools': [{'type': 'function', 'function': {'name': t, 'parameters': SCHEMAS[0]}} for t in (TOOL, OTHER)]}


def cohere_around(turn):
    user, role = {'role': 'user', 'content': 'Hi'}, turn.get('role')
    if role == 'assistant':
        return [user], [{'role': 'tool', 'tool_call_id': c['id'], 'content': 'done'} for c in turn.get('tool_calls') or []] + [user]
    if role == 'tool':
        return [user, {'role': 'assistant', 'tool_calls': [{'id': turn['tool_call_id'], 'type': 'function', 'function': {'name': TOOL, 'arguments': '{}'}}]}], []
    return [], ([] if role == 'user' else [user])


COHERE_NEEDS = {'AssistantChatMessageV2': ('content',), 'ToolV2': ('function',), 'ToolCallV2': ('function',), 'ToolCallV2Function': ('name', 'arguments')}
COHERE_VALUES = {'ImageUrl.url': DATA_URLS, 'json_schema': SCHEMAS, 'p': (0.25, 0.5), 'k': (7, 8), 'frequency_penalty': (0.25, 0.5), 'presence_penalty': (0.25, 0.5)}

ROUTE = 'chooses the target'
# What means nothing to another provider; one of the face's own dialect must get it all the same.
CHAT_EXCUSED = {'stream_options<ChatCompletionStreamOptionsParam>.include_usage': 'done by the gateway, which always asks for usage and shows it to who asked (TR30)'}
NAMES_ITEM = 'the name that a response gave its item: OpenAI and the gateway refer by it, and nobody else'
RESPONSES_EXCUSED = {'input[]<%s>.id' % kind: NAMES_ITEM for kind in (
    'assistant', 'function_call', 'function_call_output', 'custom_tool_call', 'custom_tool_call_output', 'image_generation_call', 'developer')}


def faces():
    bedrock = botocore.session.get_session().get_service_model('bedrock-runtime').operation_model('Converse').input_shape
    return [f.walk() for f in (
        Face('openai-chat', ('openai',), of_typed_dict(completion_create_params.CompletionCreateParamsBase), 'messages', '/v1/chat/completions', 120, CHAT_VALUES, CHAT_NEEDS,
             {'CompletionCreateParamsBase.model': ROUTE}, chat_beside, chat_around, excused=CHAT_EXCUSED),
        Face('openai-responses', ('openai',), of_typed_dict(response_create_params.ResponseCreateParamsBase), 'input', '/v1/responses', 700, RESPONSES_VALUES, RESPONSES_NEEDS,
             {'ResponseCreateParamsBase.model': ROUTE}, responses_beside, responses_around, excused=RESPONSES_EXCUSED),
        Face('anthropic', ('anthropic',), anthropic_root(), 'messages', '/v1/messages', 700, ANTHROPIC_VALUES, {},
             {'MessageCreateParamsBase.model': ROUTE, 'user_profile_id': 'a header', 'workspace_id': 'a header'}, anthropic_beside, anthropic_around),
        Face('gemini', ('google-genai',), gemini.root(), 'contents', '/v1beta/models/to:generateContent', 200, gemini.VALUES, gemini.REQUIRED, gemini.OMIT, gemini.beside, gemini.around, gemini.seat, wire=gemini.wire),
        Face('bedrock', ('boto3', 'botocore'), of_aws(bedrock), 'messages', '/model/to/converse', 150, BEDROCK_VALUES, {'CitationsContentBlock': ('content',)}, {}, bedrock_beside, bedrock_around, bedrock_seat),
        Face('cohere', ('cohere',), of_signature(RawV2Client.chat, ('request_options',)), 'messages', '/v2/chat', 50, COHERE_VALUES, COHERE_NEEDS, {'RawV2Client.chat.model': ROUTE}, cohere_beside, cohere_around),
    )]


def versions(face):
    return ', '.join('%s %s' % (p, version(p)) for p in face.sdk)
