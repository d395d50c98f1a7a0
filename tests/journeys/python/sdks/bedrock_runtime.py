import json

import boto3
from botocore.config import Config

from . import Reply, Talk, anthropic_messages, once




class BedrockConverse(Talk):
    dialect = 'bedrock'
    stops = {'stop': 'end_turn', 'calls': 'tool_use', 'length': 'max_tokens'}
    errors = {429: 'ThrottlingException', 404: 'ResourceNotFoundException', 401: 'AccessDeniedException'}

    @staticmethod
    @once
    def connect(url, key):
        return boto3.client('bedrock-runtime', endpoint_url=url, region_name='us-east-1', aws_access_key_id=key, aws_secret_access_key='unused',
                            config=Config(retries={'total_max_attempts': 1}))

    def say(self, text, image=None):
        return self.send([{'text': text}] + ([{'image': {'format': 'png', 'source': {'bytes': image}}}] if image else []))

    def answer(self, results):
        return self.send([{'toolResult': {'toolUseId': id, 'content': [{'text': text}]}} for id, text in results.items()])

    def send(self, content):
        self.history.append({'role': 'user', 'content': content})
        call = {'modelId': self.model, 'messages': self.history, 'inferenceConfig': {'maxTokens': self.limit or 8192}}
        if self.system:
            call['system'] = [{'text': self.system}]
        if self.tools:
            call['toolConfig'] = {'tools': [{'toolSpec': {'name': t['name'], 'description': t['description'], 'inputSchema': {'json': t['parameters']}}} for t in self.tools]}
            if self.choice in ('auto', 'required'):
                call['toolConfig']['toolChoice'] = {'any' if self.choice == 'required' else 'auto': {}}
            elif self.choice:
                call['toolConfig']['toolChoice'] = {'tool': {'name': self.choice}}
        if self.schema:
            structure = {'jsonSchema': {'schema': json.dumps(self.schema), 'name': 'answer'}}
            call['outputConfig'] = {'textFormat': {'type': 'json_schema', 'structure': structure}}
        if self.think:
            call['additionalModelRequestFields'] = {'thinking': {'type': 'enabled', 'budget_tokens': 2048}}
        done = gather(self.client.converse_stream(**call)['stream']) if self.stream else self.client.converse(**call)
        message = done['output']['message']
        self.history.append(message)
        blocks = message['content']
        return Reply(''.join(b.get('text', '') for b in blocks), ''.join(b['reasoningContent']['reasoningText']['text'] for b in blocks if 'reasoningContent' in b),
                     [(b['toolUse']['toolUseId'], b['toolUse']['name'], b['toolUse']['input']) for b in blocks if 'toolUse' in b],
                     done['stopReason'], (done['usage']['inputTokens'], done['usage']['outputTokens']))

    def retry_after(self, error):
        return error.response['ResponseMetadata']['HTTPHeaders'].get('retry-after')


def gather(events):
    """The message of a stream, put together as AWS's examples do; one block is open at a time."""
    content, done, current = [], {}, None
    for event in events:
        (kind, e), = event.items()
        if kind == 'contentBlockStart':
            current = {'toolUse': {**e['start']['toolUse'], 'input': ''}}
        elif kind == 'contentBlockDelta':
            delta = e['delta']
            if 'text' in delta:
                current = current or {'text': ''}
                current['text'] += delta['text']
            elif 'toolUse' in delta:
                current['toolUse']['input'] += delta['toolUse']['input']
            else:
                current = current or {'reasoningContent': {'reasoningText': {'text': ''}}}
                for key, value in delta['reasoningContent'].items():
                    inner = current['reasoningContent']['reasoningText']
                    inner[key] = inner.get(key, '') + value
        elif kind == 'contentBlockStop':
            assert e['contentBlockIndex'] == len(content)
            if 'toolUse' in current:
                current['toolUse']['input'] = json.loads(current['toolUse']['input'] or '{}')
            content.append(current)
            current = None
        else:
            done |= e
    return {**done, 'output': {'message': {'role': 'assistant', 'content': content}}}


class BedrockInvoke(BedrockConverse):
    """Claude's own body by InvokeModel."""
    dialect = 'anthropic'

    def say(self, text, image=None):
        return self.send(anthropic_messages.user(text, image))

    def answer(self, results):
        return self.send(anthropic_messages.tool_results(results))

    def send(self, message):
        self.history.append(message)
        call = {'modelId': self.model, 'body': json.dumps({'anthropic_version': 'bedrock-2023-05-31', **anthropic_messages.options(self)})}
        if self.stream:
            events = self.client.invoke_model_with_response_stream(**call)['body']
            done = assemble(json.loads(e['chunk']['bytes']) for e in events)
        else:
            done = json.loads(self.client.invoke_model(**call)['body'].read())
        self.history.append({'role': 'assistant', 'content': done['content']})
        return anthropic_messages.reply(done)


def assemble(events):
    """Claude's message out of its events, without Anthropic's SDK."""
    message, partial = {}, {}
    for e in events:
        kind, at = e['type'], e.get('index')
        if kind == 'message_start':
            message = e['message']
        elif kind == 'content_block_start':
            assert at == len(message['content'])
            message['content'].append(e['content_block'])
        elif kind == 'content_block_delta':
            key = {'text_delta': 'text', 'thinking_delta': 'thinking', 'signature_delta': 'signature', 'input_json_delta': 'partial_json'}[e['delta']['type']]
            if key == 'partial_json':
                partial[at] = partial.get(at, '') + e['delta'][key]
            else:
                message['content'][at][key] = message['content'][at].get(key, '') + e['delta'][key]
        elif kind == 'content_block_stop' and at in partial:
            message['content'][at]['input'] = json.loads(partial[at])
        elif kind == 'message_delta':
            message |= e['delta']
            message['usage'] |= e['usage']
    return message
