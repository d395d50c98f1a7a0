import base64
import json

import cohere
from cohere.core.api_error import ApiError

from . import Reply, Talk, once


class Cohere(Talk):
    dialect = 'cohere'
    stops = {'stop': 'COMPLETE', 'calls': 'TOOL_CALL', 'length': 'MAX_TOKENS'}
    errors = {429: cohere.TooManyRequestsError, 404: cohere.NotFoundError, 401: cohere.UnauthorizedError}

    @staticmethod
    @once
    def connect(url, key):
        return cohere.ClientV2(api_key=key, base_url=url)

    def open(self):
        if self.system:
            self.history.append({'role': 'system', 'content': self.system})

    def say(self, text, image=None):
        content = text
        if image:
            url = 'data:image/png;base64,' + base64.b64encode(image).decode()
            content = [{'type': 'text', 'text': text}, {'type': 'image_url', 'image_url': {'url': url}}]
        return self.send({'role': 'user', 'content': content})

    def answer(self, results):
        return self.send(*[{'role': 'tool', 'tool_call_id': id, 'content': text} for id, text in results.items()])

    def send(self, *messages):
        self.history += messages
        call = {'model': self.model, 'messages': self.history, 'request_options': {'max_retries': 0}}
        if self.tools:
            call['tools'] = [{'type': 'function', 'function': t} for t in self.tools]
        if self.choice in ('none', 'required'):
            call['tool_choice'] = self.choice.upper()
        if self.schema:
            call['response_format'] = {'type': 'json_object', 'schema': self.schema}
        if self.think:
            call['thinking'] = {'type': 'enabled', 'token_budget': 2048}
        if self.limit:
            call['max_tokens'] = self.limit
        if self.stream:
            message, stop, usage = gather(self.client.chat_stream(**call))
        else:
            done = self.client.chat(**call)
            message, stop, usage = done.message.model_dump(exclude_none=True), done.finish_reason, done.usage
        self.history.append({k: v for k, v in message.items() if k in ('role', 'content', 'tool_calls', 'tool_plan') and v})
        content = message.get('content') or []
        calls = [(c['id'], c['function']['name'], json.loads(c['function']['arguments'])) for c in message.get('tool_calls') or []]
        return Reply(''.join(b.get('text', '') for b in content), ''.join(b.get('thinking', '') for b in content), calls, stop,
                     (int(usage.tokens.input_tokens), int(usage.tokens.output_tokens)))

    def retry_after(self, error):
        return error.headers.get('retry-after') if isinstance(error, ApiError) else None


def gather(events):
    """The message of a stream."""
    content, calls, last = {}, {}, None
    for e in events:
        if e.type == 'content-start':
            content[e.index] = {'type': e.delta.message.content.type}
        elif e.type == 'content-delta':
            key = 'thinking' if e.delta.message.content.thinking else 'text'
            content[e.index][key] = content[e.index].get(key, '') + (getattr(e.delta.message.content, key) or '')
        elif e.type == 'tool-call-start':
            calls[e.index] = e.delta.message.tool_calls.model_dump(exclude_none=True)
            calls[e.index]['function'].setdefault('arguments', '')
        elif e.type == 'tool-call-delta':
            calls[e.index]['function']['arguments'] += e.delta.message.tool_calls.function.arguments
        elif e.type == 'message-end':
            last = e.delta
    return {'role': 'assistant', 'content': list(content.values()), 'tool_calls': list(calls.values())}, last.finish_reason, last.usage
