"""The head of a request (RFC 9112, sections 3 and 5), in which nothing can hide that would end a line."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


def head_of(method: str, target: str, headers: Mapping[str, str]) -> bytes:
    """Raises ValueError where a target or a header holds what could be read as the end of it, and so as another request."""
    lines = "".join([f"{name}: {value}\r\n" for name, value in headers.items()])
    head = f"{method} {target} HTTP/1.1\r\n{lines}\r\n"
    breaks = len(headers) + 2
    if head.count("\r") != breaks or head.count("\n") != breaks or "\0" in head or " " in target:
        raise ValueError("A header or an address holds a line break, a NUL or a space: it cannot be sent.")
    if not _are_tokens(tuple(headers)):
        raise ValueError("A header has a name that is none: it cannot be sent.")
    return head.encode()


@lru_cache(maxsize=1024)
def _are_tokens(names: tuple[str, ...]) -> bool:
    """Asked of the same ones for thousands of requests."""
    return all(map(TOKEN.fullmatch, names))
