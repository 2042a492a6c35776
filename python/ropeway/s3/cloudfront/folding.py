"""Fewer paths that cover the same: of whole folders, the deepest first, and none that need not be."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from ropeway.s3.cloudfront.paths import EVERYTHING, is_wildcard

MOST_PATHS = 3_000
MOST_WILDCARDS = 15
"""In progress at a time, of a distribution (CloudFront developer guide, "Concurrent invalidation request maximum")."""


def fold(paths: Iterable[str], limit: int) -> tuple[str, ...]:
    """At most `limit` paths, 15 wildcards among them, that cover these; 0 means all or nothing.

    The same paths give the same answer, in whichever order. No folder is folded that could be spared.
    """
    kept = _uncovered(set(paths))
    if not kept or not limit:
        return (EVERYTHING,) if kept else ()
    folded: dict[str, set[str]] = {}
    for depth in range(max(path.count("/") for path in kept), 0, -1):
        for folder, inside in _crowded(kept, depth):
            if _fits(kept, limit):
                break
            folded[f"{folder}*"] = inside
            kept -= inside
            kept.add(f"{folder}*")
    return tuple(sorted(_spared(kept, folded, limit)))


def _fits(paths: set[str], limit: int) -> bool:
    return len(paths) <= limit and sum(map(is_wildcard, paths)) <= MOST_WILDCARDS


def _crowded(paths: set[str], depth: int) -> list[tuple[str, set[str]]]:
    """The folders at this depth with more than one path in or below them, the fullest first."""
    folders: dict[str, set[str]] = defaultdict(set)
    for path in paths:
        if path.count("/") >= depth:
            folders["/".join(path.split("/")[:depth]) + "/"].add(path)
    crowded = [(folder, inside) for folder, inside in folders.items() if len(inside) > 1]
    return sorted(crowded, key=lambda one: (-len(one[1]), one[0]))


def _spared(kept: set[str], folded: dict[str, set[str]], limit: int) -> set[str]:
    """What was folded before a larger folder was, and is not needed any more, is unfolded again."""
    for wildcard in reversed(folded):
        if wildcard in kept and _fits(unfolded := (kept - {wildcard}) | folded[wildcard], limit):
            kept = unfolded
    return kept


def _uncovered(paths: set[str]) -> set[str]:
    """Without those that a wildcard among them covers."""
    begins = {path[:-1] for path in paths if is_wildcard(path)}
    return {path for path in paths if not _is_within(path, begins)} if begins else paths


def _is_within(path: str, begins: set[str]) -> bool:
    """Of a wildcard, within another one."""
    stem = path.removesuffix("*")
    last = len(stem) - 1 if is_wildcard(path) else len(stem)
    return any(stem[:end] in begins for end in range(1, last + 1))
