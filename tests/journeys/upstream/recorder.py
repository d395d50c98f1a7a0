"""A provider that takes everything and says the same each time: for asking thousands of times what would reach it."""
import asyncio
import json
import threading

from . import script
from .server import DIALECTS, ENDS, aws_frame, sse


class Recorder:
    """Keeps the bytes of each body under the request's `idempotency-key`, which gateways hand on."""

    def __init__(self):
        self.bodies, started = {}, threading.Event()
        self.replies = {(name, streamed): reply(name, streamed) for name in DIALECTS for streamed in (False, True)}
        self.loop = asyncio.new_event_loop()
        threading.Thread(target=self.run, args=(started,), daemon=True).start()
        started.wait(10)

    def run(self, started):
        server = self.loop.run_until_complete(self.loop.create_server(lambda: Connection(self), '127.0.0.1', 0))
        self.port = server.sockets[0].getsockname()[1]
        started.set()
        self.loop.run_forever()

    def take(self, key):
        return self.bodies.pop(key, None)

    def close(self):
        self.loop.call_soon_threadsafe(self.loop.stop)


def reply(name, streamed):
    dialect, answer = DIALECTS[name], script.Answer(text='Said.', ask=script.Ask(), id='one')
    if not streamed:
        kind, data = 'application/json', json.dumps(dialect.whole(answer, 'some-model')).encode()
    elif name == 'bedrock':
        kind, data = 'application/vnd.amazon.eventstream', b''.join(aws_frame(*e) for e in dialect.stream(answer, 'some-model', {}))
    else:
        kind, data = 'text/event-stream', b''.join(sse(*e) for e in dialect.stream(answer, 'some-model', {}))
    return b'HTTP/1.1 200 OK\r\ncontent-type: %s\r\ncontent-length: %d\r\n\r\n%s' % (kind.encode(), len(data), data)


class Connection(asyncio.Protocol):
    def __init__(self, recorder):
        self.recorder, self.held = recorder, b''

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.held += data
        while b'\r\n\r\n' in self.held:
            head, rest = self.held.split(b'\r\n\r\n', 1)
            first, *lines = head.decode('latin-1').split('\r\n')
            headers = {k.lower(): v.strip() for k, v in (line.split(':', 1) for line in lines)}
            length = int(headers.get('content-length', 0))
            if len(rest) < length:
                return
            body, self.held = rest[:length], rest[length:]
            self.recorder.bodies[headers.get('idempotency-key')] = body
            path = first.split(' ')[1].split('?')[0]
            streamed = b'"stream":true' in body or 'stream' in path.lower()
            self.transport.write(self.recorder.replies[ENDS.get(path) or ('gemini' if path.startswith('/v1beta/') else 'bedrock'), streamed])
