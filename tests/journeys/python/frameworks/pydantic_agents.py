from pydantic_ai import Agent, BinaryContent

from . import SYSTEM, AsyncTalk, Said, of

THINKING = {
    'openai-chat': {'openai_reasoning_effort': 'medium'},
    'openai-responses': {'openai_reasoning_effort': 'medium', 'openai_reasoning_summary': 'auto'},
    'anthropic': {'anthropic_thinking': {'type': 'enabled', 'budget_tokens': 2048}, 'max_tokens': 8192},
    'gemini': {'google_thinking_config': {'include_thoughts': True, 'thinking_budget': 2048}},
}


class PydanticAI(AsyncTalk):
    def open(self, names):
        self.agent = Agent(names['model'], tools=[self.weather()], system_prompt=SYSTEM, model_settings=THINKING[self.face] if self.think else None)
        self.history = []

    async def turn(self, text, image):
        said = [text, BinaryContent(data=image, media_type='image/png')] if image else text
        if not self.stream:
            done = await self.agent.run(said, message_history=self.history)
            self.history = done.all_messages()
            return Said(done.output)
        async with self.agent.run_stream(said, message_history=self.history) as done:
            pieces = [p async for p in done.stream_text(delta=True, debounce_by=None)]
        self.history = done.all_messages()
        return Said(''.join(pieces), len(pieces))


CLIENTS = {
    'pydantic-ai-openai': of('openai-chat', PydanticAI),
    'pydantic-ai-responses': of('openai-responses', PydanticAI),
    'pydantic-ai-anthropic': of('anthropic', PydanticAI),
    'pydantic-ai-google': of('gemini', PydanticAI),
}
