import base64
import json

import openai

from . import Reply, Talk
from .openai_chat import OpenAIChat


class OpenAIResponses(Talk):
    """Without state at the provider: every item of the output goes back as it came."""
    dialect = 'openai-responses'
    stops = {'stop': 'completed', 'calls': 'completed', 'length': 'max_output_tokens'}
    errors = {429: openai.RateLimitError, 404: openai.NotFoundError, 401: openai.AuthenticationError}

    connect = staticmethod(OpenAIChat.connect)

    def say(self, text, image=None):
        content = text
        if image:
            url = 'data:image/png;base64,' + base64.b64encode(image).decode()
            content = [{'type': 'input_text', 'text': text}, {'type': 'input_image', 'image_url': url}]
        return self.send({'role': 'user', 'content': content})

    def answer(self, results):
        return self.send(*[{'type': 'function_call_output', 'call_id': id, 'output': text} for id, text in results.items()])

    def state(self, items):
        self.history += items
        return {'input': self.history, 'store': False, 'include': ['reasoning.encrypted_content']}

    def keep(self, done):
        self.history += [item.model_dump(exclude_none=True) for item in done.output]

    def send(self, *items):
        call = {'model': self.model, **self.state(items)}
        if self.system:
            call['instructions'] = self.system
        if self.tools:
            call['tools'] = [{'type': 'function', 'strict': False, **t} for t in self.tools]
        if self.choice:
            call['tool_choice'] = self.choice if self.choice in ('auto', 'none', 'required') else {'type': 'function', 'name': self.choice}
        if self.schema:
            call['text'] = {'format': {'type': 'json_schema', 'name': 'answer', 'schema': self.schema, 'strict': True}}
        if self.think:
            call['reasoning'] = {'effort': 'medium', 'summary': 'auto'}
        if self.limit:
            call['max_output_tokens'] = self.limit
        if self.stream:
            events = list(self.client.responses.create(**call, stream=True))
            contract(events)
            done = events[-1].response
        else:
            done = self.client.responses.create(**call)
        self.keep(done)
        thought = ''.join(s.text for i in done.output if i.type == 'reasoning' for s in i.summary)
        calls = [(i.call_id, i.name, json.loads(i.arguments)) for i in done.output if i.type == 'function_call']
        stop = done.incomplete_details.reason if done.status == 'incomplete' else done.status
        return Reply(done.output_text, thought, calls, stop, (done.usage.input_tokens, done.usage.output_tokens))


class OpenAIResponsesStored(OpenAIResponses):
    """With the gateway's state: only what is new goes up, and `previous_response_id`."""
    previous = None

    def state(self, items):
        return {'input': list(items), **({'previous_response_id': self.previous} if self.previous else {})}

    def keep(self, done):
        self.previous = done.id


def contract(events):
    """The order that Responses promises: numbers count up, items open before they fill and close once, text adds up, one terminal event holds everything."""
    assert [e.sequence_number for e in events] == list(range(events[0].sequence_number, events[0].sequence_number + len(events)))
    assert events[0].type == 'response.created'
    terminal = [e.type for e in events if e.type in ('response.completed', 'response.incomplete', 'response.failed')]
    assert len(terminal) == 1 and events[-1].type == terminal[0]
    opened, closed, texts = {}, [], {}
    for e in events:
        if e.type == 'response.output_item.added':
            opened[e.item.id] = e.output_index
        elif e.type == 'response.output_item.done':
            assert opened[e.item.id] == e.output_index and e.output_index not in closed
            closed.append(e.output_index)
        elif e.type == 'response.output_text.delta':
            assert opened[e.item_id] == e.output_index and isinstance(e.delta, str)
            texts[e.item_id] = texts.get(e.item_id, '') + e.delta
        elif e.type == 'response.output_text.done':
            assert e.text == texts[e.item_id]
    output = events[-1].response.output
    assert [i.id for i in output] == list(opened) and closed == list(range(len(output)))
    assert events[-1].response.usage
