"""A host of what is no chat: vectors, rankings, moderations, pictures, sound, files, batches, each in its provider's words.

It refuses what the real one would: a wrong key, a field of another provider, a form without its parts.
"""
import base64
import json
import re
import threading
from email.parser import BytesParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

KEYS = {'openai': 'sk-openai', 'google': 'sk-google', 'cohere': 'sk-cohere', 'bedrock': 'sk-bedrock', 'anthropic': 'sk-anthropic'}
SOUND = bytes(range(256)) * 64
PIXEL = 'iVBORw0KGgo='


class Refused(Exception):
    pass


def need(holds, words):
    if not holds:
        raise Refused(words)


def numbers(text):
    return [float(len(text)), 0.5, -0.25]


def vectors(body):
    need(set(body) <= {'model', 'input', 'dimensions', 'encoding_format', 'user'}, 'unknown parameter: %s' % sorted(body))
    texts = [body['input']] if isinstance(body['input'], str) else body['input']
    data = [{'object': 'embedding', 'index': i, 'embedding': numbers(t)} for i, t in enumerate(texts)]
    if body.get('encoding_format') == 'base64':
        import struct
        for d in data:
            d['embedding'] = base64.b64encode(struct.pack('<3f', *d['embedding'])).decode()
    return {'object': 'list', 'data': data, 'model': body['model'], 'usage': {'prompt_tokens': len(texts), 'total_tokens': len(texts)}}


def gemini(body):
    texts = [r['content']['parts'][0]['text'] for r in body['requests']]
    need(all(set(r) <= {'model', 'content', 'taskType', 'title', 'outputDimensionality'} for r in body['requests']), 'unknown name')
    return {'embeddings': [{'values': numbers(t)} for t in texts], 'usageMetadata': {'promptTokenCount': len(texts)}}


def cohere(body):
    need(body.get('input_type') in ('search_document', 'search_query', 'classification', 'clustering'), 'input_type is required')
    return {'id': 'e-1', 'texts': body['texts'], 'embeddings': {'float': [numbers(t) for t in body['texts']]}, 'response_type': 'embeddings_by_type',
            'meta': {'api_version': {'version': '2'}, 'billed_units': {'input_tokens': len(body['texts'])}}}


def rerank(body):
    best = sorted(range(len(body['documents'])), key=lambda i: -len(body['documents'][i]))[:body.get('top_n')]
    return {'id': 'r-1', 'results': [{'index': i, 'relevance_score': 1.0 / (n + 1)} for n, i in enumerate(best)], 'meta': {'billed_units': {'search_units': 1}}}


def claude(body):
    need(body['max_tokens'] > 0, 'max_tokens')
    said = 'after ' + body['messages'][-1]['content'] if isinstance(body['messages'][-1]['content'], str) else 'after ' + body['messages'][-1]['content'][0]['text']
    return {'id': 'msg_1', 'type': 'message', 'role': 'assistant', 'model': body['model'], 'content': [{'type': 'text', 'text': said}], 'stop_reason': 'end_turn',
            'stop_sequence': None, 'usage': {'input_tokens': 3, 'output_tokens': 2}}


def moderation(body):
    return {'id': 'modr-1', 'model': body.get('model', 'omni-moderation-latest'), 'results': [{'flagged': 'harm' in body['input'], 'categories': {}, 'category_scores': {}}]}


def completion(body):
    return {'id': 'cmpl-1', 'object': 'text_completion', 'created': 1, 'model': body['model'], 'usage': {'prompt_tokens': 1, 'completion_tokens': 1, 'total_tokens': 2},
            'choices': [{'text': ' after ' + body['prompt'], 'index': 0, 'logprobs': None, 'finish_reason': 'stop'}]}


def count(number, fields):
    """A counter that knows these fields of a chat alone; its number says how many it got."""
    def act(body):
        need(set(body) <= fields, 'unknown parameter: %s' % sorted(set(body) - fields))
        return {**number, next(reversed(number)): 1000 + len(body)}
    return act


def count_gemini(body):
    need(len(body) == 1 and set(body) <= {'contents', 'generateContentRequest'}, 'mutually exclusive: %s' % sorted(body))
    chat = body.get('generateContentRequest', body)
    need('generateContentRequest' not in body or chat['model'] == 'models/gemini-2.5-flash', 'model')
    return {'totalTokens': 2000 + len(chat), 'promptTokensDetails': []}


def count_bedrock(body):
    if 'invokeModel' in body['input']:
        chat = json.loads(base64.b64decode(body['input']['invokeModel']['body']))
        need(chat['max_tokens'] > 0 and chat['anthropic_version'] == 'bedrock-2023-05-31' and 'model' not in chat, 'no body for InvokeModel')
        return {'inputTokens': 3000 + len(chat)}
    chat = body['input']['converse']
    need(set(chat) <= {'messages', 'system', 'toolConfig', 'additionalModelRequestFields'}, 'unknown field: %s' % sorted(chat))
    return {'inputTokens': 3000 + len(chat)}


FILE = {'id': 'file-1', 'object': 'file', 'bytes': 3, 'created_at': 1, 'filename': 'a.jsonl', 'purpose': 'batch', 'status': 'processed'}
BATCH = {'id': 'batch_1', 'object': 'batch', 'endpoint': '/v1/chat/completions', 'input_file_id': 'file-1', 'completion_window': '24h', 'status': 'validating', 'created_at': 1}
CLAUDES = {'id': 'msgbatch_1', 'type': 'message_batch', 'processing_status': 'in_progress', 'created_at': '2026-01-01T00:00:00Z', 'expires_at': '2026-01-02T00:00:00Z',
           'request_counts': {'processing': 1, 'succeeded': 0, 'errored': 0, 'canceled': 0, 'expired': 0}}
CLAUDES_FILE = {'id': 'file_c1', 'type': 'file', 'filename': 'a.txt', 'mime_type': 'text/plain', 'size_bytes': 3, 'created_at': '2026-01-01T00:00:00Z', 'downloadable': False}

JSON = [
    ('POST', '/openai/v1/embeddings', vectors),
    ('POST', '/openai/v1/moderations', moderation),
    ('POST', '/openai/v1/completions', completion),
    ('POST', '/openai/v1/images/generations', lambda body: {'created': 1, 'data': [{'b64_json': PIXEL}], 'usage': {'input_tokens': 3, 'output_tokens': 4, 'total_tokens': 7}}),
    ('POST', '/openai/v1/batches', lambda body: {**BATCH, 'input_file_id': body['input_file_id']}),
    ('GET', '/openai/v1/batches/batch_1', lambda _: BATCH),
    ('GET', '/openai/v1/files', lambda _: {'object': 'list', 'data': [FILE], 'has_more': False}),
    ('DELETE', '/openai/v1/files/file-1', lambda _: {'id': 'file-1', 'object': 'file', 'deleted': True}),
    ('POST', '/google/v1beta/models/[^/]+:batchEmbedContents', gemini),
    ('POST', '/cohere/v2/embed', cohere),
    ('POST', '/cohere/v2/rerank', rerank),
    ('POST', '/bedrock/model/amazon.titan-embed-text-v2:0/invoke', lambda body: {'embedding': numbers(body['inputText']), 'inputTextTokenCount': 1}),
    ('POST', '/anthropic/v1/messages', claude),
    ('POST', '/anthropic/v1/messages/count_tokens', count({'input_tokens': 0}, {'model', 'messages', 'system', 'tools', 'tool_choice'})),
    ('POST', '/openai/v1/responses/input_tokens', count({'object': 'response.input_tokens', 'input_tokens': 0}, {'model', 'input', 'instructions', 'tools', 'tool_choice'})),
    ('POST', '/google/v1beta/models/gemini-2.5-flash:countTokens', count_gemini),
    ('POST', '/bedrock/model/anthropic.claude-sonnet-4-5:0/count-tokens', count_bedrock),
    ('POST', '/anthropic/v1/messages/batches', lambda body: {**CLAUDES, 'request_counts': {**CLAUDES['request_counts'], 'processing': len(body['requests'])}}),
    ('GET', '/anthropic/v1/messages/batches/msgbatch_1', lambda _: CLAUDES),
]


def form(content_type, raw):
    """A form's fields; files as bytes."""
    message = BytesParser().parsebytes(b'content-type: ' + content_type.encode() + b'\r\n\r\n' + raw)
    need(message.is_multipart(), 'no form')
    return {p.get_param('name', header='content-disposition'): p.get_payload(decode=True) for p in message.get_payload()}


FORMS = [
    ('/openai/v1/audio/transcriptions', lambda f: {'text': '%s of %d bytes' % (f['model'].decode(), len(f['file'])), 'usage': {'type': 'tokens', 'input_tokens': 5, 'output_tokens': 2, 'total_tokens': 7}}),
    ('/openai/v1/images/edits', lambda f: {'created': 1, 'data': [{'b64_json': PIXEL, 'revised_prompt': f['model'].decode()}]}),
    ('/openai/v1/files', lambda f: {**FILE, 'bytes': len(f['file'])}),
    ('/anthropic/v1/files', lambda f: {**CLAUDES_FILE, 'size_bytes': len(f['file'])}),
]


class Upstream(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self):
        super().__init__(('127.0.0.1', 0), Handler)
        self.seen, self.port = [], self.server_port
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Handler(BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    disable_nagle_algorithm = True

    def log_message(self, *_):
        pass

    def serve(self):
        path = unquote(urlsplit(self.path).path)
        raw = self.read()
        self.server.seen.append((self.command, path))
        try:
            who = path.split('/')[1]
            name = {'anthropic': 'x-api-key', 'google': 'x-goog-api-key'}.get(who, 'authorization')
            need((self.headers.get(name) or '').removeprefix('Bearer ') == KEYS.get(who), 'wrong key for ' + path)
            kind, body = self.answer(path, raw)
        except (Refused, KeyError, TypeError, ValueError) as e:
            return self.send(400, 'application/json', json.dumps({'error': {'message': repr(e)}, 'message': repr(e)}).encode())
        self.send(200, kind, body)

    do_GET = do_POST = do_DELETE = serve

    def read(self):
        if 'chunked' not in (self.headers.get('transfer-encoding') or ''):
            return self.rfile.read(int(self.headers.get('content-length') or 0))
        out = b''
        while size := int(self.rfile.readline(), 16):
            out += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return out

    def answer(self, path, raw):
        if path == '/openai/v1/audio/speech':
            need(json.loads(raw)['voice'], 'voice')
            return 'audio/mpeg', SOUND
        if path == '/openai/v1/files/file-1/content':
            return 'application/octet-stream', b'{}\n'
        content_type = self.headers.get('content-type') or ''
        if content_type.startswith('multipart/'):
            for at, act in FORMS:
                if at == path:
                    return 'application/json', json.dumps(act(form(content_type, raw))).encode()
        for method, pattern, act in JSON:
            if method == self.command and re.fullmatch(pattern, path):
                return 'application/json', json.dumps(act(json.loads(raw) if raw else {})).encode()
        raise Refused('no such path: %s %s' % (self.command, path))

    def send(self, status, kind, body):
        self.send_response(status)
        self.send_header('content-type', kind)
        self.send_header('content-length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)
