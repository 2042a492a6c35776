"""What a release puts where nothing was. Until its manifest is there nobody else knows whose that is: neither the way back nor the next release.

Written before the first object, and true for as long as the release is half done by the history. A later one tells what was known before, too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

from ropeway.outcome import Cancellation
from ropeway.s3.engine import ObjectEngine
from ropeway.s3.state.documents import JSON, decode, encode
from ropeway.s3.state.place import StatePlace

VERSION = 1
MOST = 256 << 20
"""Bytes, as of a manifest."""


def staged_place(site: StatePlace, release: str) -> StatePlace:
    return site.below(f"staged/{quote(release, safe='')}.json")


def read_staged(engine: ObjectEngine, site: StatePlace, release: str, cancellation: Cancellation) -> frozenset[str]:
    """Keys below the site's prefix; none where nobody told. Raises IntegrityError."""
    place = staged_place(site, release)
    found = engine.read(place.bucket, place.key, most=MOST, cancellation=cancellation)
    return decode(found.body, VERSION, place, _keys) if found else frozenset()


def write_staged(
    engine: ObjectEngine, site: StatePlace, release: str, keys: Iterable[str], cancellation: Cancellation
) -> None:
    """Over what an earlier attempt has told, which `keys` hold as far as it still counts."""
    place = staged_place(site, release)
    body = encode(VERSION, {"keys": sorted(keys)})
    engine.write(place.bucket, place.key, body, JSON, cancellation=cancellation)


def _keys(told: Mapping[str, Any]) -> frozenset[str]:
    return frozenset(str(key) for key in told["keys"])
