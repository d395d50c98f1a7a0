import base64
import json

import litellm

from . import SYSTEM, Said, Talk, of

litellm.suppress_debug_info = True
TOOLS = [{'type': 'function', 'function': {'name': 'get_weather', 'description': 'The weather of a city',
                                           'parameters': {'type': 'object', 'properties': {'city': {'type': 'string'}}, 'required': ['city']}}}]

THINKING = {
    'openai-chat': {'reasoning_effort': 'medium', 'allowed_openai_params': ['reasoning_effort']},
    'anthropic': {'thinking': {'type': 'enabled', 'budget_tokens': 2048}, 'max_tokens': 8192},
}


class LiteLLM(Talk):
    def open(self, names):
        self.completion, self.tool = names['completion'], self.weather()
        self.history = [{'role': 'system', 'content': SYSTEM}]

    def say(self, text, image=None):
        content = text
        if image:
            url = 'data:image/png;base64,' + base64.b64encode(image).decode()
            content = [{'type': 'text', 'text': text}, {'type': 'image_url', 'image_url': {'url': url}}]
        self.history.append({'role': 'user', 'content': content})
        while True:
            call = {'messages': self.history, 'tools': TOOLS, 'stream': self.stream, **(THINKING[self.face] if self.think else {})}
            done, pieces = self.completion(**call), 0
            if self.stream:
                chunks = list(done)
                pieces = len([c for c in chunks if c.choices and c.choices[0].delta.content])
                done = litellm.stream_chunk_builder(chunks, messages=self.history)
            message = done.choices[0].message
            self.history.append(message.model_dump(exclude_none=True))
            if not message.tool_calls:
                return Said(message.content, pieces)
            for c in message.tool_calls:
                result = self.tool(**json.loads(c.function.arguments))
                self.history.append({'role': 'tool', 'tool_call_id': c.id, 'name': c.function.name, 'content': result})


CLIENTS = {'litellm-openai': of('openai-chat', LiteLLM), 'litellm-anthropic': of('anthropic', LiteLLM)}
