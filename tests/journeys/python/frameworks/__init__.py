"""One adapter for each framework: a conversation as its users write it, with the framework's own loop for tools and its own history.

The client comes from docs/clients.md (`names`: what the fragment defines). `say` is one turn, tools and all.
"""
import asyncio
import functools
import os
from dataclasses import dataclass

# Frameworks that would call home while they are imported or used.
os.environ.update(LITELLM_LOCAL_MODEL_COST_MAP='True', LANGSMITH_TRACING='false', HAYSTACK_TELEMETRY_ENABLED='False', OPENAI_AGENTS_DISABLE_TRACING='1')

SYSTEM = 'Be brief.'


@dataclass
class Said:
    text: str
    pieces: int = 0         # of the text, in a stream


class Talk:
    face = ''               # the dialect that the framework speaks
    thinks = sees = True    # whether the framework can ask for reasoning, and send an image
    keeps_ids = True        # whether it sends the ids of calls back

    def __init__(self, names, stream=False, think=False):
        self.stream, self.think, self.called = stream, think, []
        self.open(names)

    def open(self, names):
        raise NotImplementedError

    def say(self, text, image=None):
        raise NotImplementedError

    def weather(self):
        """The tool, as a function that frameworks look into; `called` is what they asked it."""
        def get_weather(city: str) -> str:
            """The weather of a city.

            Args:
                city: the city's name
            """
            self.called.append(city)
            return 'mild in ' + city
        return get_weather

    def close(self):
        pass


class AsyncTalk(Talk):
    """For frameworks whose own face is asynchronous: one loop for a whole talk, as in an application."""

    def __init__(self, *args, **options):
        self.loop = asyncio.Runner()
        super().__init__(*args, **options)

    def say(self, text, image=None):
        return self.loop.run(self.turn(text, image))

    async def turn(self, text, image):
        raise NotImplementedError

    def close(self):
        self.loop.close()


def of(face, base, **changes):
    """The same framework over another of its clients."""
    return functools.cache(lambda: type(base.__name__, (base,), {'face': face, **changes}))()
