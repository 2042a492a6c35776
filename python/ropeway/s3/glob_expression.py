r"""One folder or file name of a glob, as minimatch 3 writes it: as the text of a JavaScript expression.

Some of minimatch's answers can only be had from that text: `!(a)` looks ahead over whatever is written after it, a group that is
never closed becomes plain characters again, an expression that comes out broken matches nothing. So the text is written here
as minimatch writes it. `s3.glob_places` reads it and runs it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from ropeway.s3.glob_places import ENDS_OF_LINE, BrokenExpression, compiled, upper

DOTS = frozenset({".", ".."})
MOST = {"!(": 5, "(": 40, "[": 100}
"""Of each, in one name. The text may double with each `!( )`, and the others are read one in another."""


def name_matcher(glob: str, *, ignore_case: bool = False) -> Callable[[str], bool]:
    """Tells whether a name matches; neither holds a `/`. Raises ValueError for more than MOST allows."""
    for sign, most in MOST.items():
        if glob.count(sign) > most:
            raise ValueError(f"has more than {most} {sign} in one name")
    if frame := _ONE_STAR.fullmatch(glob):
        return _between(frame[1], frame[2], upper if ignore_case else str)
    writer = _Writer(glob)
    expression = writer.write()
    if not writer.magic:
        return _equals(re.sub(r"\\(.)", r"\1", glob), ignore_case=ignore_case)
    try:
        return compiled(expression, ignore_case=ignore_case)
    except BrokenExpression:
        return lambda _name: False


_ONE_STAR = re.compile(r"([^?*|()\[\]\\]*)\*+([^?*|()\[\]\\]*)")
"""`*.js`, `main*`: most globs are no more than this, and need no expression."""


def _between(begin: str, end: str, fold: Callable[[str], str]) -> Callable[[str], bool]:
    begin, end = fold(begin), fold(end)
    shortest = max(1, len(begin) + len(end))

    def matches(name: str) -> bool:
        name = fold(name)
        fits = len(name) >= shortest and name.startswith(begin) and name.endswith(end)
        return fits and name[0] not in ENDS_OF_LINE and (name not in DOTS or begin[:1] == ".")

    return matches


def _equals(text: str, *, ignore_case: bool) -> Callable[[str], bool]:
    if not ignore_case:
        return text.__eq__
    text = upper(text)
    return lambda name: upper(name) == text


def _is_class(inside: str) -> bool:
    """`[z-a]` is none: ranges run upwards."""
    try:
        compiled(f"[{inside}]")
    except BrokenExpression:
        return False
    return True


_SPECIAL = frozenset("().*{}+?[]^$\\!")
_ALONE = {"*": "[^/]*?", "?": "[^/]", "+": r"\+", "@": r"\@", "!": r"\!"}
_OPENS = {"!": "(?:(?!(?:", "?": "(?:", "+": "(?:", "*": "(?:", "@": "(?:"}
_CLOSES = {"!": "))[^/]*?)", "?": ")?", "+": ")+", "*": ")*", "@": ")"}
_NOT_DOTS = r"(?!(?:^|/)\.\.?(?:$|/))"
_NOT_EMPTY = "(?=.)"


@dataclass
class _Group:
    """`kind` is one of `!?+*@`; `start` and `end` are places in the text."""

    kind: str
    start: int
    end: int = 0


class _Writer:
    """`magic` is whether the name is more than plain text; `part` that it is the rest of another one."""

    def __init__(self, glob: str, *, part: bool = False) -> None:
        self.magic = False
        self._glob = glob
        self._is_part = part
        self._text = ""
        self._pending = ""  # one of !?+*@: the next character says whether it begins a group
        self._escaping = False
        self._open: list[_Group] = []
        self._negations: list[_Group] = []
        self._class_at = -1  # where the open class begins in the glob; -1: there is none
        self._class_start = 0  # ... and in the text
        self._writes: dict[str, Callable[[int], None]] = {
            "\\": self._write_backslash,
            "(": self._write_opening,
            ")": self._write_closing,
            "|": self._write_bar,
            "[": self._write_class_opening,
            "]": self._write_class_closing,
        }

    def write(self) -> str:
        for at, c in enumerate(self._glob):
            self._write_one(at, c)
        if self._in_class:
            self._write_plain_class(self._glob[self._class_at + 1 :])
        while self._open:
            self._reopen(self._open.pop())
        self._settle()
        self._text += r"\\" if self._escaping else ""
        guards = (_NOT_DOTS if self._may_begin_with_dot else "") + (_NOT_EMPTY if self.magic else "")
        for group in reversed(self._negations):
            self._look_ahead(group)
        return guards + self._text

    @property
    def _in_class(self) -> bool:
        return self._class_at >= 0

    @property
    def _may_begin_with_dot(self) -> bool:
        return self._text.startswith(("[", "(")) and not self._glob.startswith(".")

    def _write_one(self, at: int, c: str) -> None:
        if self._escaping and c in _SPECIAL:
            self._text += "\\" + c
            self._escaping = False
        elif c in _ALONE:
            self._write_sign(at, c)
        elif c in self._writes:
            self._writes[c](at)
        else:
            self._write_plain(c)

    def _settle(self) -> None:
        """The sign that was pending begins no group."""
        if self._pending:
            self._text += _ALONE[self._pending]
            self.magic |= self._pending in "*?"
            self._pending = ""

    def _write_plain(self, c: str) -> None:
        self._settle()
        if not self._escaping and c in _SPECIAL and not (c == "^" and self._in_class):
            self._text += "\\"
        self._text += c
        self._escaping = False

    def _write_sign(self, at: int, c: str) -> None:
        if self._in_class:
            self._text += "^" if c == "!" and at == self._class_at + 1 else c
        elif not c == self._pending == "*":
            self._settle()
            self._pending = c

    def _write_backslash(self, _at: int) -> None:
        self._settle()
        self._escaping = True

    def _write_opening(self, _at: int) -> None:
        if self._in_class:
            self._text += "("
        elif not self._pending:
            self._text += r"\("
        else:
            self._open.append(_Group(self._pending, len(self._text)))
            self._text += _OPENS[self._pending]
            self._pending = ""

    def _write_closing(self, _at: int) -> None:
        if self._in_class or not self._open:
            self._text += r"\)"
            return
        self._settle()
        self.magic = True
        group = self._open.pop()
        self._text += _CLOSES[group.kind]
        group.end = len(self._text)
        if group.kind == "!":
            self._negations.append(group)

    def _write_bar(self, _at: int) -> None:
        if self._in_class or not self._open or self._escaping:
            self._text += r"\|"
            self._escaping = False
        else:
            self._settle()
            self._text += "|"

    def _write_class_opening(self, at: int) -> None:
        self._settle()
        if self._in_class:
            self._text += r"\["
        else:
            self._class_at, self._class_start = at, len(self._text)
            self._text += "["

    def _write_class_closing(self, at: int) -> None:
        if not self._in_class or at == self._class_at + 1:
            self._text += r"\]"
            self._escaping = False
            return
        inside = self._glob[self._class_at + 1 : at]
        if _is_class(inside):
            self._text += "]"
            self.magic = True
        else:
            self._write_plain_class(inside)
            self._text += r"\]"
        self._class_at = -1

    def _write_plain_class(self, inside: str) -> None:
        """The `[` was a character like any other: what came after it is read again."""
        rest = _Writer(inside, part=True)
        # Where there is nothing to read again, minimatch writes JavaScript's word for nothing.
        text = "undefined" if inside in {"", "**"} else rest.write()
        self._text = self._text[: self._class_start] + r"\[" + text
        self.magic |= rest.magic

    def _reopen(self, group: _Group) -> None:
        """The group is never closed: its beginning and its bars were characters like any others."""
        tail = self._text[group.start + len(_OPENS[group.kind]) :]
        tail = re.sub(r"((?:\\\\){0,64})\\?\|", r"\1\1\\|", tail)
        self._text = self._text[: group.start] + _ALONE[group.kind] + r"\(" + tail
        self.magic = True

    def _look_ahead(self, group: _Group) -> None:
        """`!(a)b` is what does not begin with `ab`, then `b`: what follows goes into the look-ahead, less the ends of groups around."""
        cut = group.end - len(_CLOSES["!"]) + 1
        before, after = self._text[: group.start], self._text[group.end :]
        around = before.count("(")
        ahead = re.sub(r"\)[+*?]?", "", after, count=around) if around else after
        end = "" if ahead or self._is_part else "$"
        self._text = before + self._text[group.start : cut] + ahead + end + self._text[cut : group.end] + after
