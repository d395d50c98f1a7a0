import os
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import stage as stages  # noqa: E402


@pytest.fixture(scope='session')
def stage():
    """The provider and the gateway, for callers without keys."""
    s = stages.Stage()
    yield s
    s.close()


@pytest.fixture(scope='session')
def guarded():
    """The same with a declared key."""
    s = stages.Stage(keys=True)
    yield s
    s.close()
