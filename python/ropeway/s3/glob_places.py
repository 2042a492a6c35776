"""Runs the expressions that `s3.glob_expression` writes, without backtracking: no pattern takes long.

From the set of places in a name where something may end follows the set of places where it may begin, all places at once as the bits
of a number: bit i is the place before character i. A name matches when its beginning is among the places that its end leads to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

ENDS_OF_LINE = "\n\r\u2028\u2029"


class BrokenExpression(Exception):
    """JavaScript would refuse this expression."""


@dataclass(eq=False, slots=True)
class _Name:
    text: str
    everywhere: int
    known: dict[object, int] = field(default_factory=dict)


Begin = Callable[[int, _Name], int]
"""From the places where something may end to those where it may begin."""


def compiled(expression: str, *, ignore_case: bool = False) -> Callable[[str], bool]:
    """Tells whether a whole name matches. Raises BrokenExpression."""
    begin = _Reader(expression, ignore_case=ignore_case).read()

    def matches(text: str) -> bool:
        if ignore_case:
            text = upper(text)
        return bool(begin(1 << len(text), _Name(text, (2 << len(text)) - 1)) & 1)

    return matches


def upper(text: str) -> str:
    """For comparing without case as JavaScript does: upper case, where that is one character."""
    return text.upper() if text.isascii() else "".join(up if len(up := c.upper()) == 1 else c for c in text)


# --- running -------------------------------------------------------------------------------------------------------------


def _text(text: str) -> Begin:
    def begin(ends: int, name: _Name) -> int:
        places = 0
        if ends := ends >> len(text):
            at = name.text.find(text)
            while at >= 0:
                places |= 1 << at
                at = name.text.find(text, at + 1)
        return ends & places

    return begin


def _one_of(contains: Callable[[str], bool]) -> Begin:
    def begin(ends: int, name: _Name) -> int:
        if contains not in name.known:
            name.known[contains] = sum(1 << at for at, c in enumerate(name.text) if contains(c))
        return (ends >> 1) & name.known[contains]

    return begin


def _any(ends: int, _name: _Name) -> int:
    return ends >> 1


def _star(ends: int, _name: _Name) -> int:
    return (1 << ends.bit_length()) - 1


def _nothing(ends: int, _name: _Name) -> int:
    return ends


def _start(ends: int, _name: _Name) -> int:
    return ends & 1


def _end(ends: int, name: _Name) -> int:
    return ends & (1 << len(name.text))


def _in_order(parts: list[Begin]) -> Begin:
    backwards = tuple(reversed(parts))

    def begin(ends: int, name: _Name) -> int:
        for part in backwards:
            if not ends:
                break
            ends = part(ends, name)
        return ends

    return begin if len(parts) != 1 else parts[0]


def _either(branches: list[Begin]) -> Begin:
    def begin(ends: int, name: _Name) -> int:
        places = 0
        for branch in branches:
            places |= branch(ends, name)
        return places

    return begin if len(branches) != 1 else branches[0]


def _many(part: Begin) -> Begin:
    def begin(ends: int, name: _Name) -> int:
        places = fresh = ends
        while fresh:
            fresh = part(fresh, name) & ~places
            places |= fresh
        return places

    return begin


def _followed_by(part: Begin) -> Begin:
    return lambda ends, name: ends & part(name.everywhere, name)


def _not_followed_by(part: Begin) -> Begin:
    return lambda ends, name: ends & ~part(name.everywhere, name)


_OPENINGS: dict[str, Callable[[Begin], Begin]] = {
    "?:": lambda part: part,
    "?!": _not_followed_by,
    "?=": _followed_by,
}
_MARKS: dict[str, Begin] = {"^": _start, "$": _end, ".": _one_of(lambda c: c not in ENDS_OF_LINE)}


# --- reading -------------------------------------------------------------------------------------------------------------


class _Reader:
    """Reads as much of JavaScript's expressions as minimatch writes."""

    def __init__(self, expression: str, *, ignore_case: bool) -> None:
        self._expression = expression
        self._at = 0
        self._ignore_case = ignore_case

    def read(self) -> Begin:
        whole = self._alternatives()
        if self._at < len(self._expression):
            raise BrokenExpression
        return whole

    def _take(self, text: str) -> bool:
        taken = self._expression.startswith(text, self._at)
        self._at += len(text) * taken
        return taken

    def _next(self) -> str:
        if self._at == len(self._expression):
            raise BrokenExpression
        self._at += 1
        return self._expression[self._at - 1]

    def _alternatives(self) -> Begin:
        branches = [self._sequence()]
        while self._take("|"):
            branches.append(self._sequence())
        return _either(branches)

    def _sequence(self) -> Begin:
        parts: list[Begin] = []
        text = ""
        while self._at < len(self._expression) and self._expression[self._at] not in "|)":
            one = self._one()
            again = self._repetition()
            if isinstance(one, str) and not again:
                text += one
                continue
            if text:
                parts.append(_text(text))
            parts.append(_repeated(_text(one) if isinstance(one, str) else one, again))
            text = ""
        return _in_order([*parts, _text(text)] if text else parts)

    def _one(self) -> Begin | str:
        c = self._next()
        if c in "*+?":
            raise BrokenExpression
        if c == "[":
            return self._class()
        if c == "(":
            return self._group()
        if c in _MARKS:
            return _MARKS[c]
        c = self._next() if c == "\\" else c
        return upper(c) if self._ignore_case else c

    def _repetition(self) -> str:
        for sign in "*+?":
            if self._take(sign):
                self._take("?")  # as few as possible: the same places, tried in another order
                return sign
        return ""

    def _group(self) -> Begin:
        opening = next((sign for sign in _OPENINGS if self._take(sign)), "?:")
        part = self._alternatives()
        if not self._take(")"):
            raise BrokenExpression
        return _OPENINGS[opening](part)

    def _class(self) -> Begin:
        if self._take("^/]"):
            return _any
        negated = self._take("^")
        ranges = tuple(self._ranges())

        def contains(c: str) -> bool:
            cases = (c, c.lower()) if self._ignore_case else (c,)
            return any(low <= case <= high for case in cases for low, high in ranges) is not negated

        return _one_of(contains)

    def _ranges(self) -> Iterator[tuple[str, str]]:
        while not self._take("]"):
            low = self._member()
            if not self._expression.startswith("-", self._at) or self._expression.startswith("-]", self._at):
                yield low, low
                continue
            self._at += 1
            high = self._member()
            if low > high:
                raise BrokenExpression
            yield low, high

    def _member(self) -> str:
        c = self._next()
        return self._next() if c == "\\" else c


def _repeated(part: Begin, sign: str) -> Begin:
    if sign == "?":
        return _either([part, _nothing])
    if not sign:
        return part
    many = _star if part is _any else _many(part)
    return many if sign == "*" else _in_order([part, many])
