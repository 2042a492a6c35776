"""State as JSON with the version of its form. What a newer Ropeway wrote is refused: to guess at it would lose what it says."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from ropeway.errors import IntegrityError
from ropeway.s3.engine import Headers
from ropeway.s3.state.place import StatePlace

T = TypeVar("T")

JSON = Headers(content_type="application/json", cache_control="no-store")


def encode(version: int, told: Mapping[str, Any]) -> bytes:
    """Stable: the same document gives the same bytes."""
    return json.dumps({"version": version, **told}, ensure_ascii=False, separators=(",", ":")).encode()


def decode(body: bytes, version: int, place: StatePlace, read: Callable[[Any], T]) -> T:
    """Raises IntegrityError for what is newer, and for what no Ropeway has written."""
    try:
        told = json.loads(body)
        written = int(told["version"])
    except (ValueError, KeyError, TypeError, RecursionError) as wrong:
        raise _foreign(place, wrong) from wrong
    if written > version:
        raise IntegrityError(
            f"{place.address} has form {written}, and this Ropeway knows forms up to {version}.",
            advice="A newer Ropeway has worked here: use that one, or a newer one.",
        )
    try:
        return read(told)
    except (ValueError, KeyError, TypeError, IndexError, AttributeError) as wrong:
        raise _foreign(place, wrong) from wrong


def _foreign(place: StatePlace, wrong: Exception) -> IntegrityError:
    return IntegrityError(
        f"What lies at {place.address} is nothing that Ropeway left there ({type(wrong).__name__}: {wrong}).",
        advice="Look who wrote it. Ropeway changes nothing while it cannot read its state.",
    )
