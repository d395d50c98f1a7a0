import base64

from langchain.agents import create_agent

from . import SYSTEM, Said, Talk, of

THINKING = {
    'openai-chat': {'reasoning_effort': 'medium'},
    'openai-responses': {'reasoning': {'effort': 'medium', 'summary': 'auto'}, 'use_responses_api': True, 'store': False, 'include': ['reasoning.encrypted_content']},
    'anthropic': {'thinking': {'type': 'enabled', 'budget_tokens': 2048}, 'max_tokens': 8192},
    'gemini': {'thinking_budget': 2048, 'include_thoughts': True},
}


class LangChain(Talk):
    more = {}

    def open(self, names):
        model = names['model']
        model = model.model_copy(update={**self.more, **(THINKING[self.face] if self.think else {})})
        self.agent = create_agent(model, tools=[self.weather()], system_prompt=SYSTEM)
        self.history = []

    def say(self, text, image=None):
        content = text
        if image:
            content = [{'type': 'text', 'text': text}, {'type': 'image', 'base64': base64.b64encode(image).decode(), 'mime_type': 'image/png'}]
        turn = {'messages': [*self.history, {'role': 'user', 'content': content}]}
        pieces = 0
        if self.stream:
            for mode, value in self.agent.stream(turn, stream_mode=['messages', 'values']):
                if mode == 'messages':
                    pieces += bool(value[0].text) and value[0].type == 'AIMessageChunk'
                else:
                    state = value
        else:
            state = self.agent.invoke(turn)
        self.history = state['messages']
        return Said(self.history[-1].text, pieces)


CLIENTS = {
    'langchain-openai': of('openai-chat', LangChain),
    'langchain-openai as responses': of('openai-responses', LangChain, more={'use_responses_api': True}),
    'langchain-anthropic': of('anthropic', LangChain),
    'langchain-google-genai': of('gemini', LangChain, keeps_ids=False),
}
