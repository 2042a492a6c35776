"""Which files a list of globs picks: Azure Pipelines' rules, for local paths and for keys alike.

The rules are those of azure-pipelines-task-lib's `match` with its defaults: one glob a line, `#` begins a comment, `!` takes files out that
lines above took in, `*`, `?`, `[ ]` and `@( ) ?( ) +( ) *( ) !( )` stay within one name, `**` crosses folders, `{ }` is plain
text, dotfiles match, a backslash escapes (on Windows it separates, and case is ignored).

tests/s3/test_globs.py asks task-lib about 8,000 generated cases, and names the three in which we differ on purpose.

The matcher is our own: in 127 of the 6,000 POSIX ones wcmatch 12 picks other files (it reads classes, escapes and what is not
closed by Bash's rules), and it backtracks: `**/a/**/a/**/a/**/a/**/a/**/a/b` against 60 folders takes it more than 5 s.
"""

from __future__ import annotations

import ntpath
import os
import posixpath
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from ropeway.errors import InputError
from ropeway.s3.glob_expression import DOTS, name_matcher

_BLANK = "\t\n\v\f\r \xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"
"""What JavaScript's trim takes off."""
_ANY_NAME = "any"
_WINDOWS = os.name == "nt"

_Name = Callable[[str], bool]


class Glob:
    """The glob of a rule (`glob=value`). Paths are relative to a root, with `/` between names.

    A glob that is absolute is held against the absolute path: give `root` where there is one. Raises InputError for
    a glob that can never work: one that begins with `!`, which has nothing to take out of.
    """

    def __init__(self, pattern: str, *, root: str = "", windows: bool = _WINDOWS) -> None:
        if pattern.startswith("!"):
            raise InputError(
                [
                    f"The glob {pattern!r} of a rule begins with !, but has no line above to take files out of; **/!( ) is a group."
                ]
            )
        self._pattern = _Pattern(pattern, root, windows)

    def matches(self, path: str) -> bool:
        return self._pattern.matches(_names(path))


class Globs:
    """A list of globs, in order: the last line that matches a path says whether it is in or out. Roots as for Glob. Raises InputError."""

    def __init__(self, lines: Sequence[str], *, root: str = "", windows: bool = _WINDOWS) -> None:
        self._last_first: list[tuple[bool, _Pattern]] = []
        for line in lines:
            takes, pattern = _signed(line)
            if pattern:
                self._last_first.insert(0, (takes, _Pattern(pattern, root, windows)))

    def matches(self, path: str) -> bool:
        names = _names(path)
        for takes_in, pattern in self._last_first:
            if pattern.matches(names):
                return takes_in
        return False

    def matches_key(self, key: str) -> bool:
        """As `matches`, but `.` and `..` are names like any others: such a key is picked and refused, and not passed over in silence."""
        names = _names(key)
        if DOTS.isdisjoint(names):
            return self.matches(key)
        plain = [_ANY_NAME if name in DOTS else name for name in names]
        return next(
            (yes for yes, pattern in self._last_first if pattern.matches(names) or pattern.matches(plain)), False
        )

    def may_pick_below(self, folder: str) -> bool:
        """False only when no path below this folder can match: it need not be looked into."""
        names = _names(folder)
        for takes_in, pattern in self._last_first:
            if takes_in and pattern.may_match_below(names):
                return True
            if not takes_in and pattern.matches_all_below(names):
                return False
        return False

    def pick(self, paths: Iterable[str]) -> Iterator[str]:
        """Those of the paths that match, in their order."""
        return filter(self.matches, paths)


def takes_in(line: str) -> bool:
    """Whether this line of a list takes files in: it is no comment, and takes none out."""
    takes, pattern = _signed(line)
    return takes and bool(pattern)


def idle(lines: Iterable[str], paths: Iterable[str], *, root: str = "") -> list[str]:
    """The lines that take files in, and match none of these paths: misspelt, or for what is not there this time."""
    every = list(paths)
    return [line for line in lines if takes_in(line) and not any(map(Globs([line], root=root).matches_key, every))]


def _signed(line: str) -> tuple[bool, str]:
    """Whether it takes in, and its pattern, empty for a comment. A `!` more takes back the one before."""
    signed = line.strip(_BLANK)
    pattern = signed.lstrip("!")
    return (len(signed) - len(pattern)) % 2 == 0, "" if signed.startswith("#") else pattern.strip(_BLANK)


class _Pattern:
    def __init__(self, pattern: str, root: str, windows: bool) -> None:
        slashed = pattern.replace("\\", "/") if windows else pattern
        rooted = slashed.startswith("/") or (windows and slashed[1:2] == ":")
        self._above = _names(_absolute(root, windows=windows)) if rooted and root else []
        try:
            self._steps = _Steps.of(_names(slashed), ignore_case=windows)
        except ValueError as wrong:
            raise InputError([f"The glob {pattern!r} {wrong}."]) from None

    def matches(self, names: list[str]) -> bool:
        return self._steps.match(self._above + names)

    def may_match_below(self, folder: list[str]) -> bool:
        return self._steps.may_match_below(self._above + folder)

    def matches_all_below(self, folder: list[str]) -> bool:
        return self._steps.match_all_below(self._above + folder)


def _names(path: str) -> list[str]:
    return (re.sub("//+", "/", path) if "//" in path else path).split("/")


def _absolute(root: str, *, windows: bool) -> str:
    if windows:
        return ntpath.abspath(root).replace("\\", "/").rstrip("/")
    return posixpath.abspath(root).rstrip("/")


_Run = tuple[_Name, ...]
"""Matchers of names that follow each other."""


@dataclass(frozen=True)
class _Steps:
    """A pattern cut at its `**`s: the names before the first, those between two of them, and those after the last."""

    head: _Run
    between: tuple[_Run, ...]
    tail: _Run
    deep: bool

    @classmethod
    def of(cls, pattern: list[str], *, ignore_case: bool) -> _Steps:
        runs: list[list[_Name]] = [[]]
        for name in pattern:
            if name == "**":
                runs.append([])
            else:
                runs[-1].append(name_matcher(name, ignore_case=ignore_case) if name else _is_empty)
        head, *rest = map(tuple, runs)
        return cls(head, tuple(run for run in rest[:-1] if run), rest[-1] if rest else (), bool(rest))

    def match(self, names: list[str]) -> bool:
        return self._match(names) or (not names[-1] and self._match(names[:-1]))

    def may_match_below(self, names: list[str]) -> bool:
        begin = self.head[: len(names)]
        return (self.deep or len(self.head) > len(names)) and _at(begin, names, 0)

    def match_all_below(self, names: list[str]) -> bool:
        # A `**` at the end takes one name and any more, so one name tells about all.
        return self.deep and not self.tail and self.match([*names, _ANY_NAME])

    def _match(self, names: list[str]) -> bool:
        begin, end = len(self.head), len(names) - len(self.tail)
        if begin > end or (begin < end and not self.deep):
            return False
        if not (_at(self.tail, names, end) and _at(self.head, names, 0)):
            return False
        return not self.deep or self._crosses(names[begin:end])

    def _crosses(self, names: list[str]) -> bool:
        """Whether the `**`s and what is between them take these names. `**` takes no `.` and `..`, and at the very end not nothing."""
        if not self.between:
            return DOTS.isdisjoint(names) and bool(names or self.tail)
        places = {0}
        for run in self.between:
            reached = _across(places, names)
            places = {at + len(run) for at in reached if at + len(run) <= len(names) and _at(run, names, at)}
        return any(DOTS.isdisjoint(names[at:]) and (at < len(names) or self.tail) for at in places)


def _is_empty(name: str) -> bool:
    return not name


def _at(run: _Run, names: list[str], at: int) -> bool:
    for matches in run:
        if not matches(names[at]):
            return False
        at += 1
    return True


def _across(places: set[int], names: list[str]) -> set[int]:
    """Where `**` leads to from these places."""
    reached = set()
    for at in range(min(places, default=len(names) + 1), len(names) + 1):
        if at in places or (at - 1 in reached and names[at - 1] not in DOTS):
            reached.add(at)
    return reached
