"""Every documented field of a request, each in a valid body that hardly holds anything else.

The walk goes down the shapes of a face. A place knows its body: `put(value)` is the whole body with that value there. Each
field of a struct makes one case: pairs of a body without it and one with it, for each kind of value that it may hold. A
field that must be there is compared with another value of its own.
"""
from dataclasses import dataclass

from .shapes import Bytes, Choice, Free, Map, Number, OneOf, Sequence, Struct, Text


@dataclass
class Case:
    name: str           # the field with the variants that lead to it: messages[user].content[image_url].image_url.detail
    path: str           # where it stands in the body
    bodies: list        # without it and with it, for each kind of value
    excusable: bool     # one of the values may be what its absence means


# Images of one pixel, which is what bytes mostly are.
PNG = ('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGNgAAACAAAB4iG8MwAAAABJRU5ErkJggg==',
       'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGP4z8DwHwAFAAH/iZk9HQAAAABJRU5ErkJggg==')


class Walk:
    """What no type tells: `values(struct, field, shape)`, two values of a field or None; `needs`, the fields that a struct must have all the same, of which it has
    but one at a time where it is in `one_of`; `omit`, the fields that are no part of the body."""

    def __init__(self, values, needs, one_of, omit):
        self.values, self.needs, self.one_of, self.omit, self.cases, self.used = values, needs, one_of, omit, [], set()

    def left_out(self, struct, name):
        hit = next((o for o in ('%s.%s' % (struct.name, name), name) if o in self.omit), None)
        self.used.add(hit)
        return hit

    def minimal(self, shape, at=(None, ''), n=0, stack=()):
        return self.candidates(shape, at, n, stack)[0]

    def candidates(self, shape, at=(None, ''), n=0, stack=()):
        """One value of each kind; `n` = 1 gives others of free kinds."""
        known = at[0] and self.values(at[0].name, at[1], shape)
        if known:
            return [known[n]]
        if isinstance(shape, Text):
            return ['mark_%s' % 'ab'[n]]
        if isinstance(shape, Bytes):
            return [PNG[n]]
        if isinstance(shape, Number):
            return [7 + n if shape.whole else 0.25 + n / 4]
        if isinstance(shape, Choice):
            return list(shape.members)
        if isinstance(shape, Free):
            return [{'mark': 'ab'[n]}]
        if isinstance(shape, Sequence):
            return [[c] for c in self.candidates(shape.item, at, n, stack)]
        if isinstance(shape, Map):
            return [{'mark': c} for c in self.candidates(shape.value, at, n, stack)]
        if isinstance(shape, OneOf):
            return [c for o in shape.options if not (isinstance(o, Struct) and o.name in stack) for c in self.candidates(o, at, n, stack)]
        return [self.base(shape, n, stack)]

    def base(self, struct, n=0, stack=()):
        """A struct with what it must have, and the first of what it has one of."""
        must = {k for k, (_, required) in struct.fields.items() if required} | set(self.needs.get(struct.name, ())[:1] if struct.name in self.one_of else self.needs.get(struct.name, ()))
        return {k: self.minimal(s, (struct, k), n, stack + (struct.name,)) for k, (s, _) in struct.fields.items() if k in must and not self.left_out(struct, k)}

    def into(self, shape, put, name, path, stack=()):
        """The cases of all fields within."""
        if isinstance(shape, Sequence):
            self.into(shape.item, lambda v: put([v]), name + '[]', path + '[0]', stack)
        elif isinstance(shape, Map):
            self.into(shape.value, lambda v: put({'mark': v}), name + '{}', path + '.mark', stack)
        elif isinstance(shape, OneOf):
            for option in shape.options:
                self.into(option, put, name, path, stack)
        elif isinstance(shape, Struct) and shape.name not in stack:
            base = self.base(shape)
            for field, (inner, required) in shape.fields.items():
                if not self.left_out(shape, field):
                    self.field(shape, base, field, inner, required, put, (name + self.variant(shape), path), stack + (shape.name,))

    def field(self, struct, base, field, shape, required, put, place, stack):
        name, path = place[0] + '.' + field, (place[1] + '.' + field).lstrip('.')
        others = self.needs[struct.name] if struct.name in self.one_of and field in self.needs[struct.name] else ()
        rest = {k: v for k, v in base.items() if k != field and k not in others}
        at = (struct, field)
        values, pairs = self.candidates(shape, at, stack=stack), []
        for value, other in zip(values, self.candidates(shape, at, 1, stack)):
            if required and value != other:
                pairs.append(({**rest, field: value}, {**rest, field: other}))
            elif required and not isinstance(shape, Sequence):
                pairs += [({**rest, field: o}, {**rest, field: value}) for o in values if o != value][:1]
            else:
                pairs.append((rest if not required else {**rest, field: []}, {**rest, field: value}))
        # An empty object says nothing, and neither does a tag that has one word only.
        pairs = [(a, b) for a, b in pairs if a != b and b[field] not in ({}, [{}]) and not (isinstance(shape, Choice) and len(values) == 1)]
        if pairs:
            scalar = shape.item if isinstance(shape, Sequence) else shape
            of_blocks = isinstance(shape, Sequence) and not isinstance(scalar, (Choice, Text))
            self.cases.append(Case(name, path, [(put(a), put(b)) for a, b in pairs], len(pairs) > 1 and not of_blocks))
        if not self.values(struct.name, field, shape) or isinstance(shape, (Struct, OneOf, Sequence)):
            self.into(shape, lambda v: put({**rest, field: v}), name, path, stack)

    def variant(self, struct):
        """What tells this struct from its siblings: its tag."""
        tags = [s.members[0] for k, (s, _) in struct.fields.items() if k in ('type', 'role', 'kind') and isinstance(s, Choice) and len(s.members) == 1]
        return '<%s>' % (tags[0] if tags else struct.name)
