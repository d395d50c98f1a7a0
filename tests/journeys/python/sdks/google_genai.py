from google import genai
from google.genai import errors, types

from . import Reply, Talk, once


class GoogleGenai(Talk):
    """The SDK's chat keeps the history; ids of calls are the gateway's, where it sends any."""
    dialect = 'gemini'
    stops = {'stop': 'STOP', 'calls': 'STOP', 'length': 'MAX_TOKENS'}
    errors = dict.fromkeys((429, 404, 401), errors.ClientError)
    chat = None

    @staticmethod
    @once
    def connect(url, key):
        return genai.Client(api_key=key, http_options={'base_url': url})

    def say(self, text, image=None):
        return self.send([types.Part(text=text)] + ([types.Part.from_bytes(data=image, mime_type='image/png')] if image else []))

    def answer(self, results):
        return self.send([types.Part(function_response=types.FunctionResponse(id=None if id.startswith('no id') else id, name=self.names[id], response={'output': text}))
                          for id, text in results.items()])

    def options(self):
        more = {}
        if self.tools:
            more['tools'] = [{'function_declarations': [{'name': t['name'], 'description': t['description'], 'parameters_json_schema': t['parameters']} for t in self.tools]}]
        if self.choice:
            mode = {'auto': 'AUTO', 'none': 'NONE'}.get(self.choice, 'ANY')
            named = {'allowed_function_names': [self.choice]} if self.choice not in ('auto', 'none', 'required') else {}
            more['tool_config'] = {'function_calling_config': {'mode': mode, **named}}
        if self.schema:
            more |= {'response_mime_type': 'application/json', 'response_json_schema': self.schema}
        if self.think:
            more['thinking_config'] = {'include_thoughts': True, 'thinking_budget': 2048}
        return types.GenerateContentConfig(system_instruction=self.system, max_output_tokens=self.limit, **more)

    def send(self, parts):
        history = self.chat.get_history() if self.chat else []
        self.chat = self.client.chats.create(model=self.model, config=self.options(), history=history)
        if self.stream:
            chunks = list(self.chat.send_message_stream(parts))
        else:
            chunks = [self.chat.send_message(parts)]
        got = [p for c in chunks if c.candidates and c.candidates[0].content for p in c.candidates[0].content.parts or []]
        calls = [(p.function_call.id or 'no id %d' % i, p.function_call.name, p.function_call.args) for i, p in enumerate(got) if p.function_call]
        self.names = {id: name for id, name, _ in calls}
        usage = chunks[-1].usage_metadata
        return Reply(''.join(p.text for p in got if p.text and not p.thought), ''.join(p.text for p in got if p.text and p.thought), calls,
                     chunks[-1].candidates[0].finish_reason.value, (usage.prompt_token_count, usage.candidates_token_count))
