"""What headers a file of a site gets: the first rule that matches it, over defaults that are safe."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ropeway.s3.engine import Headers, Pairs
from ropeway.s3.globs import Globs
from ropeway.s3.media_types import content_type
from ropeway.s3.site.fingerprints import Naming, namings
from ropeway.s3.site.order import Group, group_of
from ropeway.s3.site.settings import HeaderSettings, SiteSettings

IMMUTABLE = "public, max-age=31536000, immutable"
"""A year (RFC 9111, section 5.2.2.1; RFC 8246)."""
ASK_FIRST = "no-cache"
"""Kept, but never shown without asking whether it is current (RFC 9111, section 5.2.2.4)."""

NOTHING = HeaderSettings()


@dataclass(frozen=True, slots=True)
class Fate:
    """What becomes of a file. `lasting`: old pages may name it, and no new file will have its name."""

    group: Group
    headers: Headers
    gzip: bool
    brotli: bool
    lasting: bool


class Fates:
    """Of all files of a site. Equal headers are one object."""

    def __init__(self, settings: SiteSettings, relatives: Iterable[str]) -> None:
        self._settings = settings
        self._fingerprinted, self._not = Globs(settings.fingerprinted), Globs(settings.not_fingerprinted)
        self._entries = Globs(settings.entry_points)
        self._gzip, self._brotli = Globs(settings.gzip), Globs(settings.brotli)
        self._namings = namings(relatives)
        self._known: dict[Headers, Headers] = {}

    def fate(self, relative: str) -> Fate:
        """`relative` is one of those that the site has."""
        naming = self._naming(relative)
        group = group_of(relative, naming, entry=self._entries.matches(relative))
        asked = self._asked(relative)
        headers = _headers(relative, asked, _caching(group, naming))
        return Fate(
            group,
            self._known.setdefault(headers, headers),
            gzip=asked.content_encoding is None and self._gzip.matches(relative),
            brotli=asked.content_encoding is None and self._brotli.matches(relative),
            lasting=group is Group.ASSETS,
        )

    def _naming(self, relative: str) -> Naming:
        if self._not.matches(relative):
            return Naming.PLAIN
        return Naming.CERTAIN if self._fingerprinted.matches(relative) else self._namings[relative]

    def _asked(self, relative: str) -> HeaderSettings:
        return next((rule.headers for rule in self._settings.headers if rule.glob.matches(relative)), NOTHING)


def _caching(group: Group, naming: Naming) -> str:
    if group is Group.ASSETS:
        return IMMUTABLE if naming is Naming.CERTAIN else ""
    return ASK_FIRST if group >= Group.PAGES else ""


def _headers(relative: str, asked: HeaderSettings, caching: str) -> Headers:
    return Headers(
        content_type=content_type(relative) if asked.content_type is None else asked.content_type,
        cache_control=caching if asked.cache_control is None else asked.cache_control,
        content_encoding=asked.content_encoding or "",
        content_disposition=asked.content_disposition or "",
        content_language=asked.content_language or "",
        storage_class=asked.storage_class or "",
        metadata=_pairs({name.lower(): value for name, value in asked.metadata.items()}),
        tags=_pairs(asked.tags),
    )


def _pairs(given: dict[str, str]) -> Pairs:
    return tuple(sorted(given.items()))
