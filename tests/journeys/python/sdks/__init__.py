"""One adapter for each unmodified SDK: a conversation as its users write it, with the history that the SDK itself hands back."""
import functools
from dataclasses import dataclass, field

once = functools.cache      # clients are made once for each gateway and key: making one takes longer than a turn


@dataclass
class Reply:
    text: str = ''
    thought: str = ''
    calls: list = field(default_factory=list)       # [(id, name, args)]
    stop: str = ''                                  # the dialect's own word
    tokens: tuple = ()                              # (in, out)


class Talk:
    """`say` and `answer` send one turn each and keep the history.

    tools: [{name, description, parameters}]; choice: auto | none | required | a tool's name; image: PNG bytes.
    """
    dialect = ''            # the face
    stops = {}              # stop | calls | length → the dialect's word
    errors = {}             # status → the SDK's exception
    shows_thought = True

    def __init__(self, url, key, model, system=None, tools=(), choice=None, schema=None, think=False, stream=False, limit=None):
        self.model, self.system, self.tools, self.choice = model, system, tools, choice
        self.schema, self.think, self.stream, self.limit = schema, think, stream, limit
        self.history = []
        self.client = self.connect(url, key)
        self.open()

    def open(self):
        """What stands before the first turn."""

    @staticmethod
    def connect(url, key):
        """The SDK's client: without retries, so that every fault is seen."""
        raise NotImplementedError

    def say(self, text, image=None):
        raise NotImplementedError

    def answer(self, results):
        """results: id of a call → text"""
        raise NotImplementedError

    def retry_after(self, error):
        """As the SDK shows it."""
        return error.response.headers.get('retry-after')
