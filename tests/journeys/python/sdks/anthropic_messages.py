import base64

import anthropic

from . import Reply, Talk, once


def options(talk):
    """The body that Claude is asked with, by its own API and by Bedrock's InvokeModel."""
    body = {'max_tokens': talk.limit or 8192, 'messages': talk.history}
    if talk.system:
        body['system'] = talk.system
    if talk.tools:
        body['tools'] = [{'name': t['name'], 'description': t['description'], 'input_schema': t['parameters']} for t in talk.tools]
    if talk.choice:
        plain = {'auto': 'auto', 'none': 'none', 'required': 'any'}.get(talk.choice)
        body['tool_choice'] = {'type': plain} if plain else {'type': 'tool', 'name': talk.choice}
    if talk.schema:
        body['output_config'] = {'format': {'type': 'json_schema', 'schema': talk.schema}}
    if talk.think:
        body['thinking'] = {'type': 'enabled', 'budget_tokens': 2048}
    return body


def user(text, image):
    if not image:
        return {'role': 'user', 'content': text}
    source = {'type': 'base64', 'media_type': 'image/png', 'data': base64.b64encode(image).decode()}
    return {'role': 'user', 'content': [{'type': 'text', 'text': text}, {'type': 'image', 'source': source}]}


def tool_results(results):
    return {'role': 'user', 'content': [{'type': 'tool_result', 'tool_use_id': id, 'content': text} for id, text in results.items()]}


def reply(message):
    """`message` as a dictionary."""
    content = message['content']
    return Reply(''.join(b['text'] for b in content if b['type'] == 'text'), ''.join(b['thinking'] for b in content if b['type'] == 'thinking'),
                 [(b['id'], b['name'], b['input']) for b in content if b['type'] == 'tool_use'], message['stop_reason'],
                 (message['usage']['input_tokens'], message['usage']['output_tokens']))


class Anthropic(Talk):
    dialect = 'anthropic'
    stops = {'stop': 'end_turn', 'calls': 'tool_use', 'length': 'max_tokens'}
    errors = {429: anthropic.RateLimitError, 404: anthropic.NotFoundError, 401: anthropic.AuthenticationError}

    @staticmethod
    @once
    def connect(url, key):
        return anthropic.Anthropic(base_url=url, api_key=key, max_retries=0)

    def say(self, text, image=None):
        return self.send(user(text, image))

    def answer(self, results):
        return self.send(tool_results(results))

    def send(self, message):
        self.history.append(message)
        call = {'model': self.model, **options(self)}
        if self.stream:
            with self.client.messages.stream(**call) as events:
                done = events.get_final_message()
        else:
            done = self.client.messages.create(**call)
        self.history.append({'role': 'assistant', 'content': done.content})
        return reply(done.model_dump())
