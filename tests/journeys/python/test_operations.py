"""What is no chat, by unmodified SDKs: vectors and rankings over foreign providers, the rest in its own dialect."""
import base64
import json

import anthropic
import boto3
import cohere
import openai
import pytest
from google import genai
from google.genai import types
from stage import Gateway
from upstream.operations import KEYS, SOUND, Upstream

EMBEDDERS = ['openai/text-embedding-3-small', 'google/gemini-embedding-001', 'cohere/embed-v4.0', 'amazon-bedrock/amazon.titan-embed-text-v2:0']
TEXTS = ['a', 'abc', 'ab']


def config(up):
    def at(path):
        return 'http://127.0.0.1:%d%s' % (up, path)

    def yaml(port):
        return '\n'.join([
            'server: { listen: "127.0.0.1:%d" }' % port,
            'providers:',
            '  openai: { base_url: "%s", api_key: "%s" }' % (at('/openai/v1'), KEYS['openai']),
            '  google: { base_url: "%s", api_key: "%s" }' % (at('/google/v1beta'), KEYS['google']),
            '  cohere: { base_url: "%s", api_key: "%s" }' % (at('/cohere'), KEYS['cohere']),
            '  amazon-bedrock: { base_url: "%s", api_key: "%s", region: us-east-1 }' % (at('/bedrock'), KEYS['bedrock']),
            '  anthropic: { base_url: "%s", api_key: "%s" }' % (at('/anthropic/v1'), KEYS['anthropic']),
            '',
        ])
    return yaml


@pytest.fixture(scope='module')
def host():
    upstream = Upstream()
    gateway = Gateway(config(upstream.port))
    yield gateway.url
    gateway.close()
    upstream.shutdown()


@pytest.fixture(scope='module')
def client(host):
    return openai.OpenAI(base_url=host + '/v1', api_key='any', max_retries=0)


@pytest.fixture(scope='module')
def claude(host):
    return anthropic.Anthropic(base_url=host, api_key='any', max_retries=0)


def lengths(vectors):
    return [round(v[0]) for v in vectors]


@pytest.mark.parametrize('model', EMBEDDERS)
@pytest.mark.parametrize('form', ['float', 'base64', None])
def test_openai_embeddings(client, model, form):
    """Without a form the SDK asks for base64 and unpacks it."""
    more = {'encoding_format': form} if form else {}
    answer = client.embeddings.create(model=model, input=TEXTS, **more)
    vectors = [d.embedding for d in answer.data]
    if form == 'base64':
        assert all(len(base64.b64decode(v)) == 12 for v in vectors)
    else:
        assert lengths(vectors) == [1, 3, 2]
    assert answer.usage.prompt_tokens == 3


@pytest.mark.parametrize('model', EMBEDDERS)
def test_cohere_embed(host, model):
    client = cohere.ClientV2(api_key='any', base_url=host)
    answer = client.embed(model=model, texts=TEXTS, input_type='search_query', embedding_types=['float'])
    assert lengths(answer.embeddings.float_) == [1, 3, 2]


@pytest.mark.parametrize('model', EMBEDDERS)
def test_google_genai_embed(host, model):
    client = genai.Client(api_key='any', http_options={'base_url': host})
    answer = client.models.embed_content(model=model, contents=TEXTS, config=types.EmbedContentConfig(task_type='RETRIEVAL_QUERY'))
    assert lengths([e.values for e in answer.embeddings]) == [1, 3, 2]


@pytest.mark.parametrize('model', EMBEDDERS)
def test_boto3_invoke_titan(host, model):
    client = boto3.client('bedrock-runtime', endpoint_url=host, region_name='us-east-1', aws_access_key_id='any', aws_secret_access_key='unused')
    answer = client.invoke_model(modelId=model, body=json.dumps({'inputText': 'abc'}))
    body = json.loads(answer['body'].read())
    assert lengths([body['embedding']]) == [3] and body['inputTextTokenCount'] == 1


def test_cohere_rerank(host):
    answer = cohere.ClientV2(api_key='any', base_url=host).rerank(model='cohere/rerank-v3.5', query='q', documents=TEXTS, top_n=2)
    assert [r.index for r in answer.results] == [1, 2]


def test_moderations(client):
    assert client.moderations.create(model='openai/omni-moderation-latest', input='harm').results[0].flagged
    assert not client.moderations.create(input='peace').results[0].flagged


@pytest.mark.parametrize('model', ['openai/gpt-3.5-turbo-instruct', 'anthropic/claude-sonnet-4-5'])
def test_completions(client, model):
    answer = client.completions.create(model=model, prompt='this', max_tokens=9)
    assert answer.choices[0].text.strip() == 'after this' and answer.usage.total_tokens > 0


def test_completions_of_several_prompts_over_chat(client):
    answer = client.completions.create(model='anthropic/claude-sonnet-4-5', prompt=['this', 'that'], max_tokens=9, echo=True)
    assert [c.text for c in answer.choices] == ['thisafter this', 'thatafter that']


def test_images(client):
    assert client.images.generate(model='openai/gpt-image-1', prompt='a cat').data[0].b64_json
    edited = client.images.edit(model='openai/gpt-image-1', image=('a.png', b'\x89PNG', 'image/png'), prompt='a hat')
    assert edited.data[0].revised_prompt == 'gpt-image-1'


def test_speech_and_transcription(client):
    with client.audio.speech.with_streaming_response.create(model='openai/gpt-4o-mini-tts', voice='alloy', input='hi') as answer:
        assert answer.read() == SOUND
    heard = client.audio.transcriptions.create(model='openai/gpt-4o-mini-transcribe', file=('a.wav', SOUND * 20, 'audio/wav'))
    assert heard.text == 'gpt-4o-mini-transcribe of %d bytes' % (len(SOUND) * 20)


def test_files_and_batches(client):
    made = client.files.create(file=('a.jsonl', b'{}\n'), purpose='batch')
    assert made.bytes == 3
    assert [f.id for f in client.files.list()] == ['file-1']
    assert client.files.content('file-1').read() == b'{}\n'
    batch = client.batches.create(input_file_id=made.id, endpoint='/v1/chat/completions', completion_window='24h')
    assert client.batches.retrieve(batch.id).status == 'validating'
    assert client.files.delete('file-1').deleted


def test_anthropic_batches_and_files(claude):
    asked = {'model': 'claude-sonnet-4-5', 'max_tokens': 9, 'messages': [{'role': 'user', 'content': 'hi'}]}
    made = claude.messages.batches.create(requests=[{'custom_id': 'a', 'params': asked}])
    assert claude.messages.batches.retrieve(made.id).processing_status == 'in_progress'
    assert claude.beta.files.upload(file=('a.txt', b'abc', 'text/plain')).size_bytes == 3


COUNTED = [
    ('anthropic/claude-sonnet-4-5', range(1000, 1010)),
    ('openai/gpt-5.5', range(1000, 1010)),
    ('google/gemini-2.5-flash', range(2000, 2010)),
    ('amazon-bedrock/us.anthropic.claude-sonnet-4-5:0', range(3000, 3010)),
    ('cohere/command-a-03-2025', range(8, 30)),
]


@pytest.mark.parametrize('model, expected', COUNTED)
def test_anthropic_count_tokens(claude, model, expected):
    answer = claude.messages.with_raw_response.count_tokens(model=model, system='Be brief', messages=[{'role': 'user', 'content': 'How warm is it?'}])
    assert answer.parse().input_tokens in expected
    assert answer.headers['x-tollgate-count'] == ('estimate' if 'cohere' in model else 'provider')


@pytest.mark.parametrize('model, expected', COUNTED)
def test_openai_input_tokens(client, model, expected):
    assert client.responses.input_tokens.count(model=model, instructions='Be brief', input='How warm is it?').input_tokens in expected


@pytest.mark.parametrize('model, expected', COUNTED)
def test_google_genai_count_tokens(host, model, expected):
    """The SDK sends contents alone outside of Vertex."""
    client = genai.Client(api_key='any', http_options={'base_url': host})
    number = client.models.count_tokens(model=model, contents='How warm is it today?').total_tokens
    assert number in expected or 'cohere' in model and 3 < number < 30


@pytest.mark.parametrize('model, expected', COUNTED)
def test_boto3_count_tokens(host, model, expected):
    client = boto3.client('bedrock-runtime', endpoint_url=host, region_name='us-east-1', aws_access_key_id='any', aws_secret_access_key='unused')
    chat = {'system': [{'text': 'Be brief'}], 'messages': [{'role': 'user', 'content': [{'text': 'How warm is it?'}]}]}
    assert client.count_tokens(modelId=model, input={'converse': chat})['inputTokens'] in expected


def test_a_provider_that_cannot_is_said(client):
    with pytest.raises(openai.APIStatusError) as caught:
        client.embeddings.create(model='anthropic/claude-sonnet-4-5', input='a', encoding_format='float')
    assert caught.value.status_code == 501
