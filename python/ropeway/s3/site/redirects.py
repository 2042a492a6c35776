"""A `_redirects` file, as Netlify and Cloudflare Pages read it, as far as S3 can keep it: an empty object that leads elsewhere.

S3 user guide, "Configuring a webpage redirect": the website endpoint answers 301 for such an object; one object is one path. Wildcards,
conditions and other answers it cannot keep: each such line is an error, not a redirect that is missing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from ropeway.errors import InputError

FILE = "_redirects"
INDEX = "index.html"
MOST_TARGET = 2048
"""Bytes (S3 user guide, "Metadata": user-defined and system metadata of a PUT)."""
TARGET = re.compile(r"/[\x21-\x7e]*|https?://[\x21-\x7e]+")


@dataclass(frozen=True, slots=True)
class Redirect:
    """`key` is below the site's root; `line` counts from 1. `leads_to` is the key that is asked for then; empty where that is on another host."""

    key: str
    target: str
    line: int
    leads_to: str = field(default="", compare=False)


def read_redirects(text: str, index: str = INDEX) -> tuple[Redirect, ...]:
    """`index` is the name of what is shown for a folder. Raises InputError with every line that is no redirect, or that S3 cannot keep."""
    found: dict[str, Redirect] = {}
    problems: list[str] = []
    for number, words in _lines(text):
        try:
            redirect = _redirect(words, number, index)
        except ValueError as wrong:
            problems.append(f"{FILE}:{number}: {wrong}")
            continue
        first = found.setdefault(redirect.key, redirect)
        if first is not redirect:
            problems.append(f"{FILE}:{number}: redirects {words[0]} again: line {first.line} does so already.")
    problems += _loops(found)
    if problems:
        raise InputError(problems)
    return tuple(found.values())


def _loops(found: Mapping[str, Redirect]) -> Iterator[str]:
    """Browsers keep a 301, so that visitors of a loop stay in it. Each is told once, by its first line."""
    known: set[str] = set()
    for first in found.values():
        on_the_way: dict[str, Redirect] = {}
        at: Redirect | None = first
        while at and at.key not in known:
            known.add(at.key)
            on_the_way[at.key] = at
            at = found.get(at.leads_to)
        if at and at.key in on_the_way:
            *_, last = on_the_way.values()
            yield f"{FILE}:{at.line}: leads in a circle: line {last.line} leads back to /{at.key}."


def _lines(text: str) -> Iterator[tuple[int, list[str]]]:
    for number, line in enumerate(text.splitlines(), 1):
        words = re.split(r"(?:^|\s)#", line, maxsplit=1)[0].split()
        if words:
            yield number, words


def _redirect(words: list[str], line: int, index: str) -> Redirect:
    source, *rest = words
    if not rest:
        raise ValueError(f"{source} leads nowhere: write /from /to.")
    target, *terms = rest
    if "=" in target and not TARGET.fullmatch(target):
        raise ValueError(f"asks for the query {target}: S3 redirects a path whatever its query.")
    _check_terms(terms)
    key = _key(source, index)
    if not TARGET.fullmatch(target) or len(target) > MOST_TARGET:
        raise ValueError(f"leads to {target!r}: write /path or https://host/path, with %20 for a blank.")
    leads_to = _key_of_target(target, index)
    if leads_to == key:
        raise ValueError(f"leads from {source} to itself.")
    return Redirect(key, target, line, leads_to)


def _key(source: str, index: str) -> str:
    if not source.startswith("/"):
        raise ValueError(f"begins with {source}: write the path from the site's root on, /from.")
    if "*" in source or "/:" in source:
        raise ValueError(f"redirects many paths ({source}): an object of S3 is one path. Write a line for each.")
    if "?" in source:
        raise ValueError(f"asks for the query of {source}: S3 redirects a path whatever its query.")
    return _as_key(source, index)


def _as_key(path: str, index: str) -> str:
    """`/old/` is asked for as its index document (S3 user guide, "Configuring an index document")."""
    key = unquote(path).lstrip("/")
    return key + index if not key or key.endswith("/") else key


def _key_of_target(target: str, index: str) -> str:
    parts = urlsplit(target)
    return "" if parts.netloc else _as_key(parts.path, index)


def _check_terms(terms: list[str]) -> None:
    status = terms[0] if terms else "301"
    if not re.fullmatch(r"[0-9]{3}!?", status):
        raise ValueError(f"has the condition {status}: S3 redirects whoever asks.")
    if status not in {"301", "301!"}:
        raise ValueError(f"answers {status}: an object of S3 answers 301, moved permanently, and nothing else.")
    if len(terms) > 1:
        raise ValueError(f"has the condition {terms[1]}: S3 redirects whoever asks.")
