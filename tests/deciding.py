"""IAM of the embedded AWS, switched on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from moto import settings
from moto.core.authorization import ActionAuthenticatorMixin


@contextmanager
def iam_decides() -> Iterator[None]:
    """In this process, for as long as the block lasts."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(settings, "INITIAL_NO_AUTH_ACTION_COUNT", 0)
        patch.setattr(ActionAuthenticatorMixin, "request_count", 0)
        yield
