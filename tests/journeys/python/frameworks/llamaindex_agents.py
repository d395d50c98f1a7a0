from llama_index.core.agent.workflow import AgentStream, FunctionAgent
from llama_index.core.llms import ChatMessage, ImageBlock, TextBlock
from llama_index.core.memory import ChatMemoryBuffer

from . import SYSTEM, AsyncTalk, Said, of


class LlamaIndex(AsyncTalk):
    def open(self, names):
        model = names['model']
        if self.think:
            model.additional_kwargs['reasoning_effort'] = 'medium'
        self.agent = FunctionAgent(tools=[self.weather()], llm=model, system_prompt=SYSTEM, streaming=self.stream)
        self.memory = ChatMemoryBuffer.from_defaults(token_limit=8000)

    async def turn(self, text, image):
        said = ChatMessage(role='user', blocks=[TextBlock(text=text), ImageBlock(image=image, image_mimetype='image/png')]) if image else text
        running = self.agent.run(said, memory=self.memory)
        pieces = 0
        async for event in running.stream_events():
            pieces += isinstance(event, AgentStream) and bool(event.delta)
        done = await running
        return Said(str(done.response.content or ''), pieces)


CLIENTS = {'llamaindex-openai-like': of('openai-chat', LlamaIndex), 'llamaindex-google-genai': of('gemini', LlamaIndex, thinks=False)}
