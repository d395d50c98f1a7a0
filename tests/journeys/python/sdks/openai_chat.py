import base64
import json

import openai

from . import Reply, Talk, once


class OpenAIChat(Talk):
    """A stock client: of a reply only `content` and `tool_calls` go back."""
    dialect = 'openai-chat'
    stops = {'stop': 'stop', 'calls': 'tool_calls', 'length': 'length'}
    errors = {429: openai.RateLimitError, 404: openai.NotFoundError, 401: openai.AuthenticationError}
    kept = ('role', 'content', 'tool_calls')

    @staticmethod
    @once
    def connect(url, key):
        return openai.OpenAI(base_url=url + '/v1', api_key=key, max_retries=0)

    def open(self):
        if self.system:
            self.history.append({'role': 'developer', 'content': self.system})

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
        options = {}
        if self.tools:
            options['tools'] = [{'type': 'function', 'function': t} for t in self.tools]
        if self.choice:
            plain = self.choice in ('auto', 'none', 'required')
            options['tool_choice'] = self.choice if plain else {'type': 'function', 'function': {'name': self.choice}}
        if self.schema:
            options['response_format'] = {'type': 'json_schema', 'json_schema': {'name': 'answer', 'schema': self.schema, 'strict': True}}
        if self.think:
            options['reasoning_effort'] = 'medium'
        if self.limit:
            options['max_completion_tokens'] = self.limit
        call = {'model': self.model, 'messages': self.history, **options}
        if self.stream:
            with self.client.chat.completions.stream(**call, stream_options={'include_usage': True}) as events:
                thought = ''.join((e.chunk.choices[0].delta.model_extra or {}).get('reasoning_content') or ''
                                  for e in events if e.type == 'chunk' and e.chunk.choices)
                done = events.current_completion_snapshot       # the final one is not given for an answer that was cut
        else:
            done = self.client.chat.completions.create(**call)
            thought = (done.choices[0].message.model_extra or {}).get('reasoning_content') or ''
        choice = done.choices[0]
        dumped = choice.message.model_dump(exclude_none=True)
        for c in dumped.get('tool_calls') or []:
            c.pop('index', None)
            c['function'].pop('parsed_arguments', None)
        self.history.append({k: v for k, v in dumped.items() if self.kept is None or k in self.kept})
        calls = [(c.id, c.function.name, json.loads(c.function.arguments)) for c in choice.message.tool_calls or []]
        return Reply(choice.message.content or '', thought, calls, choice.finish_reason, (done.usage.prompt_tokens, done.usage.completion_tokens))


class OpenAIChatEcho(OpenAIChat):
    """A client that sends the whole message back, with the fields that openai-python does not know."""
    kept = None
