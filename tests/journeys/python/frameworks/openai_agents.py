import base64

from agents import Agent, ModelSettings, Runner, function_tool
from openai.types.shared import Reasoning

from . import SYSTEM, AsyncTalk, Said, of


class OpenAIAgents(AsyncTalk):
    def open(self, names):
        settings = ModelSettings(reasoning=Reasoning(effort='medium', summary='auto'), store=False, response_include=['reasoning.encrypted_content']) if self.think else ModelSettings()
        self.agent = Agent(name='journey', instructions=SYSTEM, model=names['model'], tools=[function_tool(self.weather())], model_settings=settings)
        self.history = []

    async def turn(self, text, image):
        content = text
        if image:
            url = 'data:image/png;base64,' + base64.b64encode(image).decode()
            content = [{'type': 'input_text', 'text': text}, {'type': 'input_image', 'image_url': url, 'detail': 'auto'}]
        turn = [*self.history, {'role': 'user', 'content': content}]
        pieces = 0
        if self.stream:
            done = Runner.run_streamed(self.agent, turn)
            async for event in done.stream_events():
                pieces += event.type == 'raw_response_event' and event.data.type == 'response.output_text.delta'
        else:
            done = await Runner.run(self.agent, turn)
        self.history = done.to_input_list()
        return Said(done.final_output, pieces)


CLIENTS = {'openai-agents': of('openai-responses', OpenAIAgents), 'openai-agents-chat': of('openai-chat', OpenAIAgents)}
