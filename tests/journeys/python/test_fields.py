"""TR19: no field is lost silently. The fields come from the installed SDKs' own types, every one of them goes through every cell of the grid."""
import http.client
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import stage as stages
from fields.faces import faces, versions
from fields.judge import Outcome, canonical, losses_of, verdict
from stage import DIALECTS, MODELS
from upstream.recorder import Recorder

FACES = faces()
AT_ONCE = 8


class Line:
    """The gateway before a provider that takes everything."""

    def __init__(self):
        self.recorder = Recorder()
        self.gateway = stages.Gateway(lambda port: stages.config(port, self.recorder.port, False))
        self.own, self.pool, self.count, self.lock = threading.local(), ThreadPoolExecutor(AT_ONCE), 0, threading.Lock()

    def ask(self, face, provider, body):
        if getattr(self.own, 'connection', None) is None:
            self.own.connection = http.client.HTTPConnection('127.0.0.1', self.gateway.port, timeout=60)
        with self.lock:
            self.count += 1
            key = str(self.count)
        path = face.path.replace('/to', '/to-' + provider)
        self.own.connection.request('POST', path, body, {'content-type': 'application/json', 'idempotency-key': key})
        reply = self.own.connection.getresponse()
        text = reply.read().decode()
        return Outcome(reply.status, reply.getheader('x-tollgate-fault'), text, losses_of(reply.getheader('x-tollgate-dropped')), self.recorder.take(key))

    def close(self):
        self.pool.shutdown()
        self.gateway.close()
        self.recorder.close()


@pytest.fixture(scope='module')
def line():
    line = Line()
    yield line
    line.close()


def addressed(body, model):
    return canonical({**body, 'model': model} if 'model' in body else body)


def usage_asked(body):
    """The one thing that a relay adds: a chat stream is always asked for its usage."""
    options = body.get('stream_options')
    return {**body, 'stream_options': {**{k: v for k, v in options.items() if k != 'include_usage'}, 'include_usage': True}} if 'messages' in body and options is not None else body


def outcomes(line, face, provider):
    """Every body of the face at one provider, each asked once."""
    bodies = {addressed(b, 'to-' + provider) for c in face.cases for pair in c.bodies for b in pair}
    return dict(zip(bodies, line.pool.map(lambda b: line.ask(face, provider, b), bodies)))


def losses(line, face, provider):
    seen, found = outcomes(line, face, provider), []
    for case in face.cases:
        verdicts = []
        for without, body in case.bodies:
            asked, before = addressed(body, 'to-' + provider), seen[addressed(without, 'to-' + provider)]
            relayed = addressed(usage_asked(body), MODELS[provider][0]) if provider == face.dialect else None
            verdicts.append((verdict(case.path, before, seen[asked], relayed), asked))
        if provider != face.dialect and case.name in face.excused:
            continue
        bad = [v for v in verdicts if v[0] not in ('mapped', 'passed', 'refused', 'reported')]
        if case.excusable and [v for v, _ in bad] == ['silent'] and len(verdicts) > 1:
            continue                # the default: it says what its absence says
        found += ['%s: %s (%s)\n    %s' % (case.name, v, case.path, asked.decode()) for v, asked in bad]
    return found


@pytest.mark.parametrize('provider', DIALECTS)
@pytest.mark.parametrize('face', FACES, ids=lambda f: f.dialect)
def test_tr19_no_field_is_lost_silently(line, face, provider):
    start = time.monotonic()
    found = losses(line, face, provider)
    print('%s → %s: %d fields of %s, %.1f s' % (face.dialect, provider, len(face.cases), versions(face), time.monotonic() - start))
    assert len(face.cases) >= face.least
    assert not found, '%d fields lost:\n' % len(found) + '\n'.join(found)
