"""What meets a user at the edges: faults in the SDK's own exceptions, gateway keys, lost state."""
import uuid

import openai
import pytest
from botocore.exceptions import ClientError
from stage import DIALECTS, KEY
from test_conversations import SDKS, each, sdks, start


def raised(talk, status, act):
    """The SDK's exception for a status; boto3 and google-genai tell theirs apart by a code."""
    expected = talk.errors[status]
    with pytest.raises(ClientError if isinstance(expected, str) else expected) as caught:
        act()
    if isinstance(expected, str):
        assert caught.value.response['Error']['Code'] == expected
    elif hasattr(caught.value, 'code') and isinstance(caught.value.code, int):
        assert caught.value.code == status
    return caught.value


@each
@pytest.mark.parametrize('dialect', DIALECTS)
@sdks
def test_rate_limit(stage, sdk, dialect, stream):
    """TR28, TR29: a provider's 429 is the SDK's rate limit, with the time to wait."""
    talk = start(stage, sdk, dialect, stream=stream)
    # A model of its own: who says that it is busy is left alone for a while.
    talk.model = 'up-%s/busy-%s' % (dialect, uuid.uuid4().hex[:8])
    error = raised(talk, 429, lambda: talk.say('be busy'))
    assert talk.retry_after(error) == '7'


@each
@sdks
def test_unknown_model(stage, sdk, stream):
    talk = start(stage, sdk, 'nowhere', stream=stream)
    error = raised(talk, 404, lambda: talk.say('hello'))
    assert 'to-nowhere' in str(error)
    assert stage.seen() == []


@each
@sdks
def test_gateway_key(guarded, sdk, stream):
    """The SDK's own API key (for boto3 the access key id) is the gateway key; the provider gets the provider's."""
    talk = SDKS[sdk](guarded.url, KEY, 'to-anthropic', stream=stream)
    assert talk.say('hello').text == 'Turn 1 — you said: hello ✓'
    [seen] = guarded.seen()
    assert seen['refused'] is None and KEY not in str(seen)
    stranger = SDKS[sdk](guarded.url, 'tg-another-key', 'to-anthropic', stream=stream)
    raised(stranger, 401, lambda: stranger.say('hello'))
    assert guarded.seen() == []


def test_lost_response_state(stage):
    """TR32: an id that nobody knows is refused by name, and never an empty history."""
    talk = start(stage, 'openai-responses-stored', 'anthropic')
    talk.previous = 'resp_unknown'
    with pytest.raises(openai.BadRequestError) as caught:
        talk.say('hello')
    assert caught.value.code == 'previous_response_not_found' and 'resp_unknown' in str(caught.value)
    assert stage.seen() == []
