"""Which headers a file gets: what holds for all of them, then the `glob=value` rules."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from ropeway.errors import InputError
from ropeway.inputs import NamedRule, Rule
from ropeway.s3.engine import Headers, Pairs
from ropeway.s3.globs import Glob
from ropeway.s3.media_types import content_type

MOST_TAGS = 10
"""S3 user guide, "Categorizing your storage using tags"."""
BY_FILE = ("content_type", "content_encoding", "cache_control", "metadata", "tags")
IN_TAGS = "+-=._:/@"
"""Beside letters, digits and blanks (S3 user guide, "Categorizing your storage using tags")."""
MOST_METADATA = 2048
"""Bytes of names and values together (S3 user guide, "User-defined object metadata")."""


@dataclass(frozen=True)
class HeaderRules:
    """`common` is what every object gets; the rest is by file. A rule's glob is matched against the path below the source folder."""

    common: Headers
    charset: str = ""
    content_types: tuple[Rule, ...] = ()
    content_encodings: tuple[Rule, ...] = ()
    cache_control: tuple[Rule, ...] = ()
    metadata: tuple[NamedRule, ...] = ()
    tags: tuple[NamedRule, ...] = ()


class HeaderMaker:
    """The headers of each file. Equal headers are one object: a tree of 100,000 files holds a handful."""

    def __init__(self, rules: HeaderRules, root: str = "") -> None:
        """`root` is the absolute source folder, for globs that are absolute themselves."""
        self._rules = rules
        self._types = _compiled(rules.content_types, root)
        self._encodings = _compiled(rules.content_encodings, root)
        self._caching = _compiled(rules.cache_control, root)
        # S3 keeps the names of metadata in lower case ("User-defined object metadata").
        self._metadata = [
            (Glob(rule.pattern, root=root), replace(rule, name=rule.name.lower())) for rule in rules.metadata
        ]
        self._tags = [(Glob(rule.pattern, root=root), rule) for rule in rules.tags]
        self._known: dict[tuple[Any, ...], Headers] = {}

    def headers(self, relative: str) -> Headers:
        """Raises InputError when the rules give this file more metadata or tags than S3 keeps."""
        own = self._own(relative)
        if (known := self._known.get(own)) is None:
            made = replace(self._rules.common, **dict(zip(BY_FILE, own, strict=True)))
            _check(relative, made)
            known = self._known[own] = made
        return known

    def _own(self, relative: str) -> tuple[Any, ...]:
        """What the file gets by its name: the fields BY_FILE."""
        common = self._rules.common
        return (
            common.content_type or _first(self._types, relative) or content_type(relative, self._rules.charset),
            common.content_encoding or _first(self._encodings, relative),
            _first(self._caching, relative),
            _all(self._metadata, relative),
            _all(self._tags, relative),
        )


def check_metadata(name: str, value: str) -> None:
    """Raises ValueError for what can be no metadata of any object."""
    if not name.isascii() or not all(c.isalnum() or c in "!#$%&'*+-.^_`|~" for c in name):
        raise ValueError(
            f"{name!r} cannot be the name of a metadata entry: it becomes an HTTP header (x-amz-meta-{name})."
        )
    if any(unicodedata.category(c) in {"Cc", "Cs", "Zl", "Zp"} for c in value):
        raise ValueError(
            f"the value of {name!r} holds a control character, a line break, or what is no character: {value!r}."
        )
    if value != value.strip():
        raise ValueError(f"the value of {name!r} begins or ends with a blank, which HTTP takes off: {value!r}.")


def check_tag(name: str, value: str) -> None:
    """Raises ValueError for what can be no tag of any object."""
    if len(name) > 128 or len(value) > 256:
        raise ValueError(f"the tag {name!r} is too long: a name has at most 128 characters, a value 256.")
    if bad := next((c for c in name + value if unicodedata.category(c)[0] not in "LNZ" and c not in IN_TAGS), ""):
        raise ValueError(f"the tag {name!r} holds {bad!r}: S3 takes letters, digits, blanks and {' '.join(IN_TAGS)}.")


def _compiled(rules: Iterable[Rule], root: str) -> list[tuple[Glob, str]]:
    return [(Glob(rule.pattern, root=root), rule.value) for rule in rules]


def _first(rules: Sequence[tuple[Glob, str]], relative: str) -> str:
    return next((value for glob, value in rules if glob.matches(relative)), "") if rules else ""


def _all(rules: Sequence[tuple[Glob, NamedRule]], relative: str) -> Pairs:
    return (
        tuple(sorted({rule.name: rule.value for glob, rule in rules if glob.matches(relative)}.items()))
        if rules
        else ()
    )


def _check(relative: str, headers: Headers) -> None:
    if len(headers.tags) > MOST_TAGS:
        raise InputError(
            [f"The tag rules give {relative} {len(headers.tags)} tags; an object has at most {MOST_TAGS}."]
        )
    size = sum(len(name) + len(value.encode()) for name, value in headers.metadata)
    if size > MOST_METADATA:
        raise InputError(
            [f"The metadata rules give {relative} {size:,} bytes of metadata; S3 keeps at most {MOST_METADATA:,}."]
        )
    for name, value in _plain(headers):
        if not re.fullmatch(r"[\t\x20-\x7e]*", value):
            raise InputError(
                [f"The {name} of {relative} would be {value!r}: an HTTP header carries printable ASCII only."]
            )


def _plain(headers: Headers) -> Iterator[tuple[str, str]]:
    """What is sent as it is written; metadata and tags are encoded."""
    for field in fields(headers):
        value = getattr(headers, field.name)
        if isinstance(value, str):
            yield field.name.replace("_", " "), value
