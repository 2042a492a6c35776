"""How the globs of a site are spelt: they are held against paths below it, so that some spellings can never match anything."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from ropeway.errors import InputError
from ropeway.s3.globs import Globs


def glob_problem(pattern: str) -> str:
    """What is wrong with a line of globs, worded to follow its name; empty where nothing is."""
    try:
        Globs([pattern])
    except InputError as wrong:
        return f"is no glob. {wrong.message}"
    right = _right(pattern)
    return f"is {pattern!r}, which matches no path below the site: write {right}." if right != pattern.strip() else ""


def _right(pattern: str) -> str:
    """`/uploads`, `./uploads/**` and `uploads/` as they are meant. Comments stay what they are."""
    signed = pattern.strip()
    if signed.startswith("#"):
        return signed
    bare = signed.lstrip("!")
    sign, begun = signed[: len(signed) - len(bare)], re.sub(r"^(\.?/)+", "", bare)
    return sign + (f"{begun}**" if begun.endswith("/") or not begun else begun) if bare else signed


def globs_problems(lines: Iterable[str]) -> Iterator[str]:
    yield from filter(None, map(glob_problem, lines))
