"""Credentials against the vendors' own code and servers that others wrote: botocore signs what Tollgate signed, google-auth
reads its assertions, moto's IAM and STS (which check signatures) give roles, a certified OpenID provider gives, judges and
revokes tokens."""
import base64
import json
import os
import shutil
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import botocore.auth
import botocore.awsrequest
import botocore.credentials
import google.auth.crypt
import google.auth.jwt
import google.oauth2.service_account
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

import stage

CHAT = {'id': 'c1', 'object': 'chat.completion', 'created': 1, 'model': 'm', 'choices': [{'index': 0, 'message': {'role': 'assistant', 'content': 'Hello'}, 'finish_reason': 'stop'}], 'usage': {'prompt_tokens': 1, 'completion_tokens': 1, 'total_tokens': 2}}
CONVERSE = {'output': {'message': {'role': 'assistant', 'content': [{'text': 'Hello'}]}}, 'stopReason': 'end_turn', 'usage': {'inputTokens': 1, 'outputTokens': 1, 'totalTokens': 2}, 'metrics': {'latencyMs': 1}}
GEMINI = {'candidates': [{'content': {'role': 'model', 'parts': [{'text': 'Hello'}]}, 'finishReason': 'STOP', 'index': 0}], 'usageMetadata': {'promptTokenCount': 1, 'candidatesTokenCount': 1, 'totalTokenCount': 2}}
SCOPE = 'https://cognitiveservices.azure.com/.default'


class Server(ThreadingHTTPServer):
    """Answers by `answer(method, path, headers, body) -> (status, json)` and keeps what came."""
    daemon_threads = True

    def __init__(self, answer):
        super().__init__(('127.0.0.1', 0), Handler)
        self.answer, self.seen = answer, []
        self.url = 'http://127.0.0.1:%d' % self.server_port
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Handler(BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'

    def log_message(self, *_):
        pass

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get('content-length') or 0))
        headers = {k.lower(): v for k, v in self.headers.items()}
        self.server.seen.append((self.command, self.path, headers, body))
        status, reply = self.server.answer(self.command, self.path, headers, body)
        reply = json.dumps(reply).encode()
        self.send_response(status)
        self.send_header('content-type', 'application/json')
        self.send_header('content-length', str(len(reply)))
        self.end_headers()
        self.wfile.write(reply)


def gateway(providers, **env):
    return stage.Gateway(lambda port: 'server: { listen: "127.0.0.1:%d" }\nproviders:\n%s\n' % (port, providers), env=env)


def ask(gateway, model):
    body = json.dumps({'model': model, 'messages': [{'role': 'user', 'content': 'Grüße, 東京'}]}).encode()
    request = urllib.request.Request(gateway.url + '/v1/chat/completions', body, {'content-type': 'application/json'})
    try:
        with urllib.request.urlopen(request, timeout=60) as reply:
            return reply.status, reply.read().decode()
    except urllib.error.HTTPError as e:
        return e.code, e.read().decode()


@pytest.fixture
def bedrock():
    server = Server(lambda *_: (200, CONVERSE))
    yield server
    server.shutdown()


def signature_by_botocore(server, seen, access, secret, token):
    """What botocore's signer says of a request as it arrived."""
    method, path, headers, body = seen
    names = headers['authorization'].split('SignedHeaders=')[1].split(',')[0].split(';')
    request = botocore.awsrequest.AWSRequest(method=method, url=server.url + path, data=body, headers={n: headers[n] for n in names})
    request.context['timestamp'] = headers['x-amz-date']
    _, date, region, service, _ = headers['authorization'].split('Credential=')[1].split(',')[0].split('/')
    signer = botocore.auth.SigV4Auth(botocore.credentials.Credentials(access, secret, token), service, region)
    to_sign = signer.string_to_sign(request, signer.canonical_request(request))
    return service, region, signer.signature(to_sign, request)


@pytest.mark.parametrize('token', [None, 'IQoJb3JpZ2luX2VjE/+=='])
@pytest.mark.parametrize('model', ['us.anthropic.claude-sonnet-4-5-20250929-v1:0', 'arn:aws:bedrock:eu-west-1:123456789012:inference-profile/eu.amazon.nova-lite-v1:0', 'amazon.nova-lite-v1:0'])
def test_signatures_are_botocores(bedrock, model, token):
    access, secret = 'AKIAIOSFODNN7EXAMPLE', 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY'
    env = {'AWS_ACCESS_KEY_ID': access, 'AWS_SECRET_ACCESS_KEY': secret, **({'AWS_SESSION_TOKEN': token} if token else {})}
    gate = gateway('  amazon-bedrock: { region: eu-west-1, base_url: "%s" }' % bedrock.url, **env)
    try:
        status, text = ask(gate, 'amazon-bedrock/' + model)
        assert status == 200, text
        (seen,) = bedrock.seen
        service, region, signature = signature_by_botocore(bedrock, seen, access, secret, token)
        assert (service, region) == ('bedrock', 'eu-west-1')
        assert seen[2]['authorization'].endswith('Signature=' + signature), (seen[1], seen[2]['authorization'], signature)
        assert seen[2].get('x-amz-security-token') == token
    finally:
        gate.close()


class Moto:
    """moto's server; IAM's first `free` actions go unchecked, all later ones must be signed by a user who may do them."""

    def __init__(self, free):
        port = stage.free_port()
        self.url = 'http://127.0.0.1:%d' % port
        env = {**os.environ, 'INITIAL_NO_AUTH_ACTION_COUNT': str(free)}
        self.process = subprocess.Popen([sys.executable, '-m', 'moto.server', '-H', '127.0.0.1', '-p', str(port)], env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 60
        while True:
            try:
                urllib.request.urlopen(self.url + '/moto-api/', timeout=5)
                return
            except urllib.error.HTTPError:
                return
            except OSError:
                assert self.process.poll() is None and time.monotonic() < deadline, 'moto did not start'
                time.sleep(0.1)

    def close(self):
        self.process.terminate()
        self.process.wait(20)


@pytest.fixture(scope='module')
def moto():
    import boto3
    server = Moto(free=4)
    iam = boto3.client('iam', endpoint_url=server.url, region_name='eu-west-1', aws_access_key_id='x', aws_secret_access_key='x')
    iam.create_user(UserName='gateway')
    key = iam.create_access_key(UserName='gateway')['AccessKey']
    policy = {'Version': '2012-10-17', 'Statement': [{'Effect': 'Allow', 'Action': 'sts:AssumeRole', 'Resource': '*'}]}
    iam.put_user_policy(UserName='gateway', PolicyName='assume', PolicyDocument=json.dumps(policy))
    trust = {'Version': '2012-10-17', 'Statement': [{'Effect': 'Allow', 'Principal': {'AWS': '*'}, 'Action': 'sts:AssumeRole'}]}
    server.role = iam.create_role(RoleName='llm', AssumeRolePolicyDocument=json.dumps(trust))['Role']['Arn']
    server.key, server.secret = key['AccessKeyId'], key['SecretAccessKey']
    yield server
    server.close()


def aws_folder(tmp_path, moto, secret):
    folder = tmp_path / '.aws'
    folder.mkdir()
    (folder / 'credentials').write_text('[base]\naws_access_key_id = %s\naws_secret_access_key = %s\n' % (moto.key, secret))
    (folder / 'config').write_text('[profile llm]\nrole_arn = %s\nsource_profile = base\nrole_session_name = journey\nregion = eu-west-1\n' % moto.role)
    return {'HOME': str(tmp_path), 'AWS_ENDPOINT_URL_STS': moto.url}


def test_a_role_is_assumed_where_signatures_are_checked(bedrock, moto, tmp_path):
    gate = gateway('  amazon-bedrock: { base_url: "%s", region: eu-west-1, auth: { aws: { profile: llm } } }\n'
                   '  direct: { dialect: bedrock, base_url: "%s", region: eu-west-1, auth: { aws: { profile: base, role_arn: "%s" } } }'
                   % (bedrock.url, bedrock.url, moto.role), **aws_folder(tmp_path, moto, moto.secret))
    try:
        for provider in ('amazon-bedrock', 'direct'):
            for _ in range(2):
                status, text = ask(gate, provider + '/amazon.nova-lite-v1:0')
                assert status == 200, text
            first, again = (headers for _, _, headers, _ in bedrock.seen[-2:])
            assert 'Credential=ASIA' in first['authorization'] and moto.key not in first['authorization']
            assert first['x-amz-security-token'] == again['x-amz-security-token'], 'one role for both calls'
    finally:
        gate.close()


def test_a_wrong_secret_is_refused_by_sts_and_told(bedrock, moto, tmp_path):
    gate = gateway('  amazon-bedrock: { base_url: "%s", region: eu-west-1, auth: { aws: { profile: llm } } }' % bedrock.url, **aws_folder(tmp_path, moto, 'wrong' * 8))
    try:
        status, text = ask(gate, 'amazon-bedrock/amazon.nova-lite-v1:0')
        assert status == 401 and 'the profile `llm`' in text and 'SignatureDoesNotMatch' in text, text
        assert not bedrock.seen and 'wrongwrong' not in text
    finally:
        gate.close()


def test_a_web_identity_becomes_a_role(bedrock, tmp_path):
    # moto that checks signatures knows no action that carries none.
    open_moto = Moto(free=10**6)
    role = 'arn:aws:iam::123456789012:role/llm'
    claims = base64.urlsafe_b64encode(json.dumps({'sub': 'system:serviceaccount:ns:llm'}).encode()).decode().rstrip('=')
    (tmp_path / 'token').write_text('eyJhbGciOiJub25lIn0.%s.' % claims)
    gate = gateway('  amazon-bedrock: { base_url: "%s", region: eu-west-1 }' % bedrock.url, AWS_ENDPOINT_URL_STS=open_moto.url, AWS_ROLE_ARN=role, AWS_WEB_IDENTITY_TOKEN_FILE=str(tmp_path / 'token'))
    try:
        status, text = ask(gate, 'amazon-bedrock/amazon.nova-lite-v1:0')
        assert status == 200, text
        assert 'Credential=ASIA' in bedrock.seen[0][2]['authorization'] and bedrock.seen[0][2]['x-amz-security-token']
    finally:
        gate.close()
        open_moto.close()


def rsa_key():
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()).decode()
    return key, pem


def test_assertions_are_google_auths(tmp_path):
    key, pem = rsa_key()
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()
    assertions = []

    def endpoint(method, path, headers, body):
        form = dict(urllib.parse.parse_qsl(body.decode()))
        assert form['grant_type'] == 'urn:ietf:params:oauth:grant-type:jwt-bearer'
        assertions.append(form['assertion'])
        return 200, {'access_token': 'ya29.journey', 'expires_in': 3599, 'token_type': 'Bearer'}

    tokens, vertex = Server(endpoint), Server(lambda *_: (200, GEMINI))
    info = {'type': 'service_account', 'project_id': 'p-1', 'private_key_id': 'kid-1', 'private_key': pem, 'client_email': 'llm@p-1.iam.gserviceaccount.com', 'token_uri': tokens.url + '/token'}
    (tmp_path / 'sa.json').write_text(json.dumps(info))
    gate = gateway('  google-vertex: { base_url: "%s/v1/projects/p-1/locations/global/publishers/google" }' % vertex.url, GOOGLE_APPLICATION_CREDENTIALS=str(tmp_path / 'sa.json'))
    try:
        status, text = ask(gate, 'google-vertex/gemini-2.5-flash')
        assert status == 200, text
        assert vertex.seen[0][1] == '/v1/projects/p-1/locations/global/publishers/google/models/gemini-2.5-flash:generateContent'
        assert vertex.seen[0][2]['authorization'] == 'Bearer ya29.journey'
        (ours,) = assertions
        # google-auth verifies signature, times and audience.
        claims = google.auth.jwt.decode(ours, certs={'kid-1': public}, audience=info['token_uri'])
        theirs = google.oauth2.service_account.Credentials.from_service_account_info(info, scopes=['https://www.googleapis.com/auth/cloud-platform'])
        expected = google.auth.jwt.decode(theirs._make_authorization_grant_assertion(), verify=False)
        assert claims['iss'] == expected['iss'] and claims['scope'] == expected['scope']
        assert claims['exp'] - claims['iat'] == expected['exp'] - expected['iat']
        header = json.loads(base64.urlsafe_b64decode(ours.split('.')[0] + '=='))
        assert header == {'alg': 'RS256', 'typ': 'JWT', 'kid': 'kid-1'}
    finally:
        gate.close()


class Oidc:
    """The OpenID provider."""

    def __init__(self, key):
        numbers = key.public_key().public_numbers()
        text = lambda n: base64.urlsafe_b64encode(n.to_bytes((n.bit_length() + 7) // 8, 'big')).decode().rstrip('=')
        jwks = {'keys': [{'kty': 'RSA', 'kid': 'k', 'alg': 'RS256', 'use': 'sig', 'n': text(numbers.n), 'e': text(numbers.e)}]}
        folder = os.path.join(stage.ROOT, 'tests', 'journeys', 'oidc')
        self.process = subprocess.Popen([shutil.which('node'), 'server.mjs', json.dumps({'jwks': jwks, 'scope': SCOPE})], cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.issuer = json.loads(self.process.stdout.readline())['issuer']

    def ask(self, path, token):
        basic = base64.b64encode(b'app:app+secret%2F1').decode()
        request = urllib.request.Request(self.issuer + path, urllib.parse.urlencode({'token': token}).encode(), {'authorization': 'Basic ' + basic})
        with urllib.request.urlopen(request, timeout=30) as reply:
            return reply.read()

    def client_of(self, token):
        """Whose token it is, if it is good."""
        told = json.loads(self.ask('/token/introspection', token))
        return told['client_id'] if told['active'] else None

    def close(self):
        self.process.stdin.close()
        self.process.wait(20)


def test_tokens_of_a_certified_provider(tmp_path):
    key, pem = rsa_key()
    oidc = Oidc(key)
    clients = []

    def answer(method, path, headers, body):
        client = oidc.client_of(headers['authorization'].removeprefix('Bearer '))
        clients.append(client)
        return (200, CHAT) if client else (401, {'error': {'message': 'Access token has expired', 'code': '401'}})

    up = Server(answer)
    signer = google.auth.crypt.RSASigner.from_string(pem, 'k')
    now = int(time.time())
    assertion = google.auth.jwt.encode(signer, {'iss': 'fed', 'sub': 'fed', 'aud': oidc.issuer, 'jti': 'j1', 'iat': now, 'exp': now + 300})
    (tmp_path / 'assertion').write_bytes(assertion + b'\n')
    token_url = oidc.issuer + '/tenant-1/oauth2/v2.0/token'
    provider = '  %s: { dialect: openai-chat, base_url: "' + up.url + '/v1", auth: { %s } }'
    gate = gateway('\n'.join([
        provider % ('entra', 'azure: { tenant_id: tenant-1, client_id: post, client_secret: "post secret/1", authority: "%s" }' % oidc.issuer),
        provider % ('federated', 'azure: { tenant_id: tenant-1, client_id: fed, federated_token_file: "%s", authority: "%s" }' % (tmp_path / 'assertion', oidc.issuer)),
        provider % ('basic', 'oauth2: { token_url: "%s", client_id: app, client_secret: "app secret/1", scope: "%s" }' % (token_url, SCOPE)),
        provider % ('wrong', 'oauth2: { token_url: "%s", client_id: app, client_secret: nonsense }' % token_url),
    ]))
    try:
        for name, client in (('entra', 'post'), ('federated', 'fed'), ('basic', 'app')):
            status, text = ask(gate, name + '/m')
            assert (status, clients[-1]) == (200, client), (name, text)
        status, text = ask(gate, 'wrong/m')
        assert status == 401 and 'refused with 401 invalid_client' in text and 'nonsense' not in text, text
        # Revoked before its end: the provider's refusal is answered with a new token, unseen by the client.
        _, _, headers, _ = up.seen[2]
        old = headers['authorization'].removeprefix('Bearer ')
        oidc.ask('/token/revocation', old)
        clients.clear()
        status, text = ask(gate, 'basic/m')
        assert (status, clients) == (200, [None, 'app']), text
    finally:
        gate.close()
        oidc.close()
