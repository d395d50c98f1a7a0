"""Instructor's own turns: an object of a schema from every one, and several objects at once as parallel calls."""
from typing import Literal

from pydantic import BaseModel

from . import SYSTEM


class Answer(BaseModel):
    """An answer."""
    name: str
    count: int
    tags: list[Literal['a', 'b']]


EXPECTED = Answer(name='Ærø ☀', count=7, tags=['a'])
FACES = {'instructor-openai': 'openai-chat', 'instructor-anthropic': 'anthropic'}


def talk(names, stream):
    """Three turns; what each gave, and how many partial objects came before it."""
    client, history, given = names['client'], [{'role': 'system', 'content': SYSTEM}], []
    for text in ('first', 'second', 'third'):
        history.append({'role': 'user', 'content': text})
        if stream:
            *partial, answer = client.create_partial(response_model=Answer, messages=history)
        else:
            partial, answer = [], client.create(response_model=Answer, messages=history)
        history.append({'role': 'assistant', 'content': answer.model_dump_json()})
        given.append((Answer(**answer.model_dump()), len(partial)))
    return given
