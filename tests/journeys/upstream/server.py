"""The provider on a socket: which dialect a path is, what came, and the framing of each dialect's streams."""
import dataclasses
import json
import struct
import threading
import zlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

from . import anthropic, bedrock, chat, cohere, gemini, responses, script

DIALECTS = {'openai-chat': chat, 'openai-responses': responses, 'anthropic': anthropic, 'gemini': gemini, 'bedrock': bedrock, 'cohere': cohere}
ENDS = {'/v1/chat/completions': 'openai-chat', '/v1/responses': 'openai-responses', '/v1/messages': 'anthropic', '/v2/chat': 'cohere'}


def key_of(dialect):
    """The provider's own key: an upstream that sees the client's refuses it."""
    return 'sk-up-' + dialect


class Upstream(ThreadingHTTPServer):
    """Records what came in `seen`: [{dialect, path, headers, body, ask, refused}]."""
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

    def do_GET(self):
        """`/_seen` hands over what came since it was last asked. Clients of Gemini ask for a model's limits."""
        if self.path.startswith(('/v1beta/models/', '/v1/models/')):
            name = 'models/' + unquote(urlsplit(self.path).path).split('/models/')[1].removeprefix('models/')
            return self.whole(200, {'name': name, 'inputTokenLimit': 1048576, 'outputTokenLimit': 65536}, {})
        seen, self.server.seen[:] = list(self.server.seen), []
        self.whole(200 if self.path == '/_seen' else 404, seen, {})

    def do_POST(self):
        path = unquote(urlsplit(self.path).path)
        dialect = ENDS.get(path) or ('gemini' if path.startswith(('/v1beta/models/', '/v1/models/')) else 'bedrock' if path.startswith('/model/') else None)
        raw = self.rfile.read(int(self.headers.get('content-length') or 0))
        if dialect is None:
            return self.whole(404, {'error': {'message': 'no such path: ' + path}}, {})
        spoken, body = DIALECTS[dialect], json.loads(raw)
        entry = {'dialect': dialect, 'path': self.path, 'headers': {k.lower(): v for k, v in self.headers.items()}, 'body': body, 'ask': None, 'refused': None}
        self.server.seen.append(entry)
        try:
            self.admit(dialect)
            ask, streamed = spoken.read(body, path)
            entry['ask'] = dataclasses.asdict(ask)
            reply = script.answer(ask, spoken.ISSUER, spoken.make_id)
        except (script.Refused, KeyError, TypeError, ValueError) as e:
            refusal = e if isinstance(e, script.Refused) else script.Refused('malformed: %r' % e)
            entry['refused'] = str(refusal)
            more = {'retry-after': str(refusal.retry_after)} if refusal.retry_after else {}
            if dialect == 'bedrock':
                more['x-amzn-errortype'] = 'ThrottlingException' if refusal.status == 429 else 'ValidationException'
            return self.whole(refusal.status, spoken.fault(refusal.status, str(refusal)), more)
        model = body.get('model') or path.split('/')[-1 if dialect == 'gemini' else 2].split(':')[0]
        if not streamed:
            return self.whole(200, spoken.whole(reply, model), {})
        self.stream(dialect, spoken.stream(reply, model, body))

    def admit(self, dialect):
        """The provider's key where this dialect has it, and the headers that it demands."""
        name = {'anthropic': 'x-api-key', 'gemini': 'x-goog-api-key'}.get(dialect, 'authorization')
        if dialect == 'anthropic' and not self.headers.get(name):
            name = 'authorization'      # its SDKs since 2.0
        key = (self.headers.get(name) or '').removeprefix('Bearer ')
        if key != key_of(dialect):
            raise script.Refused('wrong credential in %s' % name, 401)
        script.need(dialect != 'anthropic' or self.headers.get('anthropic-version'), 'anthropic-version: header is required')

    def whole(self, status, body, headers):
        data = json.dumps(body, ensure_ascii=False).encode()
        self.head(status, {'content-type': 'application/json', 'content-length': str(len(data)), **headers})
        self.wfile.write(data)

    def stream(self, dialect, events):
        aws = dialect == 'bedrock'
        self.head(200, {'content-type': 'application/vnd.amazon.eventstream' if aws else 'text/event-stream', 'transfer-encoding': 'chunked'})
        for name, event in events:
            frame = aws_frame(name, event) if aws else sse(name, event)
            self.wfile.write(b'%x\r\n%s\r\n' % (len(frame), frame))
        self.wfile.write(b'0\r\n\r\n')

    def head(self, status, headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()


def sse(name, event):
    data = event if isinstance(event, str) else json.dumps(event, ensure_ascii=False)
    return (('event: %s\n' % name if name else '') + 'data: %s\n\n' % data).encode()


def aws_frame(name, event):
    """A frame of AWS's event stream: lengths and headers, each part under its checksum."""
    fields = {':event-type': name, ':content-type': 'application/json', ':message-type': 'event'}
    headers = b''.join(struct.pack('>B%dsBH%ds' % (len(k), len(v)), len(k), k.encode(), 7, len(v), v.encode()) for k, v in fields.items())
    payload = json.dumps(event, ensure_ascii=False).encode()
    start = struct.pack('>II', 16 + len(headers) + len(payload), len(headers))
    start += struct.pack('>I', zlib.crc32(start))
    message = start + headers + payload
    return message + struct.pack('>I', zlib.crc32(message))
