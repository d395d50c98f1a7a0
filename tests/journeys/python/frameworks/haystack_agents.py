from haystack.components.agents import Agent
from haystack.dataclasses import ChatMessage, ImageContent
from haystack.tools import create_tool_from_function

from . import SYSTEM, Said, Talk, of

THINKING = {'openai-chat': {'reasoning_effort': 'medium'}, 'openai-responses': {'reasoning': {'effort': 'medium', 'summary': 'auto'}}}


class Haystack(Talk):
    def open(self, names):
        model = names['model']
        if self.think:
            model.generation_kwargs.update(THINKING[self.face])
        self.agent = Agent(chat_generator=model, tools=[create_tool_from_function(self.weather())], system_prompt=SYSTEM)
        self.history = []

    def say(self, text, image=None):
        pieces = []
        parts = [text]
        if image:
            import base64
            parts.append(ImageContent(base64_image=base64.b64encode(image).decode(), mime_type='image/png'))
        more = {'streaming_callback': lambda chunk: pieces.append(chunk.content)} if self.stream else {}
        done = self.agent.run(messages=[*self.history, ChatMessage.from_user(content_parts=parts)], **more)
        self.history = [m for m in done['messages'] if m.role != 'system']
        return Said(done['last_message'].text, len([p for p in pieces if p]))


CLIENTS = {'haystack-openai': of('openai-chat', Haystack), 'haystack-responses': of('openai-responses', Haystack)}
