"""What became of a field: mapped, passed, refused or reported. Anything else is a silent loss."""
import json
import re
from dataclasses import dataclass
from urllib.parse import unquote

# What is refused as a field that only OpenAI itself serves, or as an item that nobody knows.
ELSEWHERE = re.compile('is served by OpenAI only|Item with id .* not found')
# Refusals of what a provider cannot have. One of a body that cannot be read (TG1001, TG1002) is none of these: it would say that the body of the case is wrong.
REFUSALS = {'TG1007', 'TG1010', 'TG1011'}


@dataclass
class Outcome:
    status: int
    fault: str | None
    text: str               # the reply's body
    losses: dict            # path → reason
    upstream: bytes | None  # what reached the provider


def losses_of(header):
    entries = [e.split(';') for e in (header or '').split(', ') if ';' in e]
    return {spelled(unquote(path)): reason for path, reason in entries}


# What a relay puts on a call without signature, where Gemini 3 wants one (documented by Google).
PLACEHOLDER = rb'"thoughtSignature": ?"skip_thought_signature_validator",?|,"thoughtSignature": ?"skip_thought_signature_validator"'


def spelled(path):
    """A path with every name in one spelling: google's SDK sends some fields as camelCase and some as snake_case, and the API takes both."""
    return re.sub('_([a-z0-9])', lambda m: m[1].upper(), path)


def covers(outer, inner):
    return inner == outer or inner.startswith(outer + '.') or inner.startswith(outer + '[')


def verdict(path, before, after, relayed=None):
    """`before` without the field, `after` with it; `relayed` is what a provider of the face's own dialect must get, byte by byte."""
    if relayed is not None:
        if after.upstream is not None and re.sub(PLACEHOLDER, b'', after.upstream) == relayed:
            return 'passed'
        # What the model's class refuses is taken out of a relay too, and listed.
        if after.status == 200 and reported(spelled(path), before.losses, after.losses):
            return 'reported'
        return 'not relayed as it came: %d %s %s' % (after.status, after.text[:300], after.upstream)
    if after.upstream is None:
        named = after.status == 400 and (after.fault in REFUSALS or re.search(ELSEWHERE, after.text)) and names(path, after.text)
        return 'refused' if named else 'failed: %d %s %s' % (after.status, after.fault, after.text[:300])
    if after.status != 200:
        return 'failed: %d %s' % (after.status, after.text[:300])
    if reported(spelled(path), before.losses, after.losses):
        return 'reported'
    return 'silent' if before.upstream == after.upstream else 'mapped'


def reported(path, before, after):
    """The field itself or a part of it is listed; or what holds it is gone, and listed as that. A block that is adjusted, with the field and without it, says nothing of the field."""
    return any(covers(path, p) or covers(p, path) and (reason == 'dropped' or before.get(p) != reason or not p.endswith(']')) for p, reason in after.items())


def names(path, text):
    """The refusal speaks of the field, or of the block that holds it."""
    steps = re.findall(r'[^.\[\]]+|\[\d+\]', path)
    holders = [''.join(s if s[0] == '[' else '.' + s for s in steps[:n]).lstrip('.') for n in range(1, len(steps) + 1)]
    text = spelled(text)
    return any('`%s`' % spelled(h) in text or '"%s"' % spelled(h) in text for h in holders) or spelled(steps[-1]) in re.findall('[A-Za-z0-9]+', text)


def canonical(body):
    return json.dumps(body, ensure_ascii=False, separators=(',', ':')).encode()
