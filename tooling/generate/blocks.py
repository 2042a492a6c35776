"""Generated blocks in hand-written pages: what stands between the lines `name:begin` and `name:end`, in the page's comments."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping

from tooling.generate import GenerateError

_COMMENT = {".md": "<!-- {} -->", ".yml": "# {}"}
_SPACE = {".md": "\n", ".yml": ""}
"""Markdown wants a blank line between a comment and a table."""


def fill(path: str, page: str, blocks: Mapping[str, str]) -> str:
    """The page with each block in its place, indented as its markers are.

    Raises GenerateError for a page without the place.
    """
    for name, body in blocks.items():
        page = _filled(path, page, name, body)
    return page


def _filled(path: str, page: str, name: str, body: str) -> str:
    kind = path[path.rindex(".") :]
    begin, end = (_COMMENT[kind].format(f"{name}:{edge}") for edge in ("begin", "end"))
    block = f"{begin}\n{_SPACE[kind]}{body}\n{_SPACE[kind]}{end}"
    place = re.compile(rf"^(?P<indent> *){re.escape(begin)}\n.*?^ *{re.escape(end)}$", re.DOTALL | re.MULTILINE)
    filled, places = place.subn(lambda found: textwrap.indent(block, found["indent"]), page)
    if places != 1:
        raise GenerateError(
            f"{path} needs one place for a generated block, the lines {begin} and {end}; it has {places}."
        )
    return filled
