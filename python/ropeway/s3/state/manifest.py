"""The manifest of a release: every object of it, with what it takes to see it changed and to bring it back. Written once all of them are there."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any
from urllib.parse import quote

from ropeway.errors import InputError
from ropeway.outcome import Cancellation
from ropeway.s3.engine import Condition, Headers, ObjectEngine, Pairs
from ropeway.s3.state.documents import JSON, decode, encode
from ropeway.s3.state.place import StatePlace

VERSION = 1
MOST = 256 << 20
"""Bytes of a manifest: about a million objects."""
PAIRS = frozenset({"metadata", "tags"})
KEPT = tuple(field.name for field in fields(Headers) if field.type == "str" or field.name in PAIRS)
"""A manifest tells no customer key, nor locks, which no release sets."""
UNSEEN = frozenset({"sse", "kms_key_id"})
"""What changes nothing of what a release shows."""


@dataclass(frozen=True, slots=True)
class Entry:
    """An object of a release. `key` is below the site's prefix; sizes in bytes; digests in hex.

    `sha256` is of the bytes in S3, `source_sha256` of those in the source, before compressing. `etag` and `modified` (seconds since the epoch)
    are what a listing showed once it was written; another one by then means that somebody else wrote. `lasting` assets that are gone
    from the source are kept for a while: `gone_at` is when the first release without it was made (0: it is in the source), `gone_for`
    how many releases have been made without it.
    """

    key: str
    size: int
    sha256: str
    source_sha256: str
    etag: str
    modified: float
    version_id: str
    headers: Headers
    group: int
    lasting: bool = False
    gone_at: float = 0.0
    gone_for: int = 0


@dataclass(frozen=True, slots=True)
class Manifest:
    """`when` is the server's clock, seconds since the epoch; `previous` the release that was live before, if any.

    `protected` are globs: objects that are none of the release's, and stay when it is taken back. `fingerprinted` are globs, too: of assets
    that pages may miss, which a rollback must know without the settings. `website` is the website configuration that the release goes with, as
    JSON; empty where no release has set one.
    """

    id: str
    build: str
    commit: str
    who: str
    when: float
    previous: str
    entries: tuple[Entry, ...]
    protected: tuple[str, ...] = ()
    fingerprinted: tuple[str, ...] = ()
    website: str = ""

    @property
    def content(self) -> str:
        """Tells two releases apart by what they show: keys, bytes and headers of the source."""
        return content_of((one.key, one.source_sha256, one.headers) for one in self.entries if not one.gone_at)

    @property
    def by_key(self) -> dict[str, Entry]:
        return {entry.key: entry for entry in self.entries}


def content_of(objects: Iterable[tuple[str, str, Headers]]) -> str:
    """A digest (hex) of keys, digests of the source, and headers: of those that show."""
    digest = hashlib.sha256()
    for key, source_sha256, headers in sorted(objects, key=lambda one: one[0]):
        shown = {name: value for name, value in _told(headers).items() if name not in UNSEEN}
        digest.update(json.dumps([key, source_sha256, shown], sort_keys=True).encode() + b"\n")
    return digest.hexdigest()


def manifest_place(site: StatePlace, release: str) -> StatePlace:
    return site.below(f"releases/{quote(release, safe='')}.json")


def read_manifest(
    engine: ObjectEngine, site: StatePlace, release: str, cancellation: Cancellation
) -> tuple[Manifest, str] | None:
    """The manifest and its ETag; None where there is none. Raises IntegrityError."""
    place = manifest_place(site, release)
    found = engine.read(place.bucket, place.key, most=MOST, cancellation=cancellation)
    return (from_bytes(found.body, place), found.etag) if found else None


def write_manifest(
    engine: ObjectEngine, site: StatePlace, manifest: Manifest, over: str, cancellation: Cancellation, *, public: bool
) -> str:
    """`over` is the ETag of the manifest that was read (the release is made again), empty where there was none. Returns the new ETag.

    A `public` place is told neither who nor which commit. Raises ConditionFailed where another one was written meanwhile.
    """
    place = manifest_place(site, manifest.id)
    condition = Condition(etag=over) if over else Condition(absent=True)
    body = to_bytes(manifest, public=public)
    return engine.write(place.bucket, place.key, body, JSON, condition, cancellation=cancellation).etag


def check_id(release: str) -> None:
    """Raises InputError for what can be no id of a release."""
    if not release or len(release) > 100 or not release.isprintable() or release != release.strip():
        raise InputError(
            [f"The release id is {release!r}: 1 to 100 characters that can be printed, no blanks around them."]
        )


# --- to and from JSON ---------------------------------------------------------------------------------------------------------


def to_bytes(manifest: Manifest, *, public: bool) -> bytes:
    return encode(VERSION, _document(manifest, public=public))


def from_bytes(body: bytes, place: StatePlace) -> Manifest:
    """`place` for messages. Raises IntegrityError."""
    return decode(body, VERSION, place, _manifest)


def _document(manifest: Manifest, *, public: bool) -> dict[str, Any]:
    tables = _Tables()
    entries = [tables.told(entry) for entry in manifest.entries]
    return {
        "id": manifest.id,
        "build": manifest.build,
        "commit": "" if public else manifest.commit,
        "who": "" if public else manifest.who,
        "when": manifest.when,
        "previous": manifest.previous,
        "protected": list(manifest.protected),
        "fingerprinted": list(manifest.fingerprinted),
        "website": manifest.website,
        "headers": tables.headers,
        "entries": entries,
    }


class _Tables:
    """A tree of 10,000 files holds a handful of different headers: each is told once."""

    def __init__(self) -> None:
        self._known: dict[Headers, int] = {}

    @property
    def headers(self) -> list[dict[str, Any]]:
        return [_told(headers) for headers in self._known]

    def told(self, entry: Entry) -> dict[str, Any]:
        told = {field.name: getattr(entry, field.name) for field in fields(entry)}
        if entry.source_sha256 == entry.sha256:
            del told["source_sha256"]
        told["headers"] = self._known.setdefault(entry.headers, len(self._known))
        return {name: value for name, value in told.items() if value != "" and value is not False}


def _told(headers: Headers) -> dict[str, Any]:
    return {name: _plain(getattr(headers, name)) for name in KEPT if getattr(headers, name)}


def _plain(value: str | Pairs) -> str | list[list[str]]:
    return value if isinstance(value, str) else [[name, text] for name, text in value]


def _manifest(told: Mapping[str, Any]) -> Manifest:
    headers = [_headers(one) for one in told["headers"]]
    return Manifest(
        id=str(told["id"]),
        build=str(told["build"]),
        commit=str(told["commit"]),
        who=str(told["who"]),
        when=float(told["when"]),
        previous=str(told["previous"]),
        entries=tuple(_entries(told["entries"], headers)),
        protected=tuple(str(glob) for glob in told.get("protected", ())),
        fingerprinted=tuple(str(glob) for glob in told.get("fingerprinted", ())),
        website=str(told.get("website", "")),
    )


def _entries(told: Iterable[Mapping[str, Any]], headers: list[Headers]) -> Iterator[Entry]:
    for one in told:
        yield Entry(
            key=str(one["key"]),
            size=int(one["size"]),
            sha256=str(one.get("sha256", "")),
            source_sha256=str(one.get("source_sha256", one.get("sha256", ""))),
            etag=str(one.get("etag", "")),
            modified=float(one.get("modified", 0)),
            version_id=str(one.get("version_id", "")),
            headers=headers[int(one["headers"])],
            group=int(one["group"]),
            lasting=bool(one.get("lasting", False)),
            gone_at=float(one.get("gone_at", 0)),
            gone_for=int(one.get("gone_for", 0)),
        )


def _headers(told: Mapping[str, Any]) -> Headers:
    given: dict[str, Any] = {name: str(told[name]) for name in KEPT if name in told and name not in PAIRS}
    given |= {name: tuple((str(a), str(b)) for a, b in told[name]) for name in PAIRS if name in told}
    return Headers(**given)
