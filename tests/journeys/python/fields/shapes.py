"""What a field may hold, whichever way an SDK declares it: TypedDicts (openai, anthropic), pydantic models (cohere, google-genai), AWS's service models."""
import collections.abc
import datetime
import typing
from dataclasses import dataclass, field

import pydantic
import typing_extensions


@dataclass(frozen=True)
class Text:
    pass


@dataclass(frozen=True)
class Bytes:
    """Base64 on the wire."""


@dataclass(frozen=True)
class Number:
    whole: bool


@dataclass(frozen=True)
class Choice:
    """One of a closed set: words, or true and false."""
    members: tuple


@dataclass(frozen=True)
class Free:
    """Any JSON."""


@dataclass(frozen=True)
class Sequence:
    item: object


@dataclass(frozen=True)
class Map:
    value: object


@dataclass(frozen=True)
class OneOf:
    options: tuple


@dataclass(eq=False)
class Struct:
    name: str
    fields: dict = field(default_factory=dict)      # name on the wire → (shape, required)


FLAG = Choice((True, False))
SEQUENCES = (list, collections.abc.Iterable, collections.abc.Sequence)
# Where requests are TypedDicts, models are what an answer holds: a request may repeat them, in the same form on the wire.
RESPONSES = ('openai.', 'anthropic.')
known, unread = {}, {}


def of_hint(hint):
    """The shape of a Python annotation; None for what is no JSON (files, response models, the SDK's own machinery)."""
    hint = getattr(hint, '__value__', hint)
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Annotated, typing_extensions.Required, typing_extensions.NotRequired, typing.Required, typing.NotRequired):
        return of_hint(args[0])
    if origin is typing.Literal:
        return Choice(args)
    if origin is typing.Union or type(hint).__name__ == 'UnionType':
        return of_union(args)
    if origin in SEQUENCES:
        item = of_hint(args[0])
        return item and Sequence(item)
    if origin in (dict, collections.abc.Mapping):
        value = of_hint(args[1])
        return value and Map(value)
    if hint in (str, datetime.datetime):
        return Text()
    if hint is bytes:
        return Bytes()
    if hint in (int, float):
        return Number(hint is int)
    if hint is bool:
        return FLAG
    if hint in (object, typing.Any):
        return Free()
    if hint is dict:
        return Map(Free())
    if hint is list:
        return Sequence(Free())
    if isinstance(hint, type) and typing_extensions.is_typeddict(hint):
        return of_typed_dict(hint)
    if isinstance(hint, type) and issubclass(hint, pydantic.BaseModel):
        return None if hint.__module__.startswith(RESPONSES) else of_model(hint)
    if isinstance(hint, type) and issubclass(hint, str) and hasattr(hint, '__members__'):
        return Choice(tuple(m.value for m in hint if not m.value.endswith('_UNSPECIFIED')))
    return None


def of_union(args):
    """Words beside free text are free text."""
    shapes, flat = [of_hint(a) for a in args], []
    for s in shapes:
        for option in s.options if isinstance(s, OneOf) else [s]:
            if option is not None and not any(option is o or option == o for o in flat):
                flat.append(option)
    if Text() in flat or any(isinstance(o, Choice) for o in flat) and Free() in flat:
        flat = [o for o in flat if not (isinstance(o, Choice) and Text() in flat) and o != Free()]
    if Number(False) in flat:
        flat = [o for o in flat if o != Number(True)]
    return OneOf(tuple(flat)) if len(flat) > 1 else flat[0] if flat else None


def of_typed_dict(cls):
    if cls not in known:
        struct = known[cls] = Struct(cls.__name__)
        for name, hint in typing_extensions.get_type_hints(cls, include_extras=True).items():
            shape = of_hint(hint)
            if shape is None:
                unread['%s.%s' % (cls.__name__, name)] = hint
            else:
                struct.fields[name] = (shape, typing.get_origin(hint) in (typing.Required, typing_extensions.Required))
    return known[cls]


def of_model(cls):
    """A pydantic model by its Python names; a default that stands in the wire form (a tag) counts as required."""
    if cls not in known:
        struct = known[cls] = Struct(cls.__name__)
        for name, info in cls.model_fields.items():
            shape = of_hint(info.annotation)
            if shape is None:
                unread['%s.%s' % (cls.__name__, name)] = info.annotation
            else:
                alias = next((getattr(m, 'alias') for m in info.metadata if hasattr(m, 'alias')), None)
                struct.fields[alias or name] = (shape, info.is_required() or info.default is not None)
    return known[cls]


def of_signature(function, leave_out):
    """The arguments of an SDK's method as a struct; OMIT as the default means optional."""
    struct = Struct(function.__qualname__)
    defaults = function.__kwdefaults__ or {}
    for name, hint in typing_extensions.get_type_hints(function, include_extras=True).items():
        shape = None if name in leave_out or name == 'return' else of_hint(hint)
        if shape is not None:
            struct.fields[name] = (shape, name not in defaults)
    return struct


def of_aws(shape):
    """A shape of botocore; a union is one of its members. Members of the head or the path are no part of the body."""
    if shape.name in known:
        return known[shape.name]
    kind = shape.type_name
    if kind == 'structure' and not getattr(shape, 'is_document_type', False):
        members = {k: v for k, v in shape.members.items() if v.serialization.get('location') is None}
        if getattr(shape, 'is_tagged_union', False):
            known[shape.name] = union = OneOf(())
            options = tuple(Struct('%s.%s' % (shape.name, k), {k: (of_aws(v), True)}) for k, v in members.items())
            object.__setattr__(union, 'options', options)
            return union
        struct = known[shape.name] = Struct(shape.name)
        struct.fields.update({v.serialization.get('name', k): (of_aws(v), k in shape.required_members) for k, v in members.items()})
        return struct
    if kind == 'list':
        return Sequence(of_aws(shape.member))
    if kind == 'map':
        return Map(of_aws(shape.value))
    if kind == 'string':
        return Choice(tuple(shape.enum)) if shape.enum else Text()
    if kind == 'boolean':
        return FLAG
    if kind in ('integer', 'long', 'float', 'double'):
        return Number(kind in ('integer', 'long'))
    return Bytes() if kind == 'blob' else Free()
