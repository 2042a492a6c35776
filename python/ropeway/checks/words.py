"""One text of a suite, read as what its declaration says. Errors are ValueErrors, worded to follow the name of the setting."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable


def unknown(given: str, known: Iterable[str], what: str) -> str:
    """What is wrong with a name, and which one was meant: 'tmieout' is not a setting of tcp. Did you mean timeout?"""
    offered = sorted(known)
    near = difflib.get_close_matches(given.casefold(), {word.casefold(): word for word in offered}, n=1)
    spelled = {word.casefold(): word for word in offered}
    hint = f"Did you mean {spelled[near[0]]}?" if near else f"There are {', '.join(offered)}."
    return f"{given!r} is not {what}. {hint}"


UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
PARTS = r"([0-9]+(\.[0-9]+)?(ms|s|m|h|d))"


def lasting(seconds: float) -> str:
    """As `duration` reads it: 90.0 -> "1m30s", 0.5 -> "500ms"."""
    if seconds < 1 or seconds % 1:
        return f"{round(seconds * 1000)}ms" if seconds < 1 else f"{seconds:.1f}s"
    parts, rest = [], round(seconds)
    for unit in ("d", "h", "m", "s"):
        count, rest = divmod(rest, round(UNITS[unit]))
        parts += [f"{count}{unit}"] if count else []
    return "".join(parts)


def duration_of(given: str, at_least: float) -> float:
    if given != "0" and not re.fullmatch(f"{PARTS}+", given):
        hint = f" Did you mean {given}s?" if re.fullmatch(r"[0-9.]+", given) else ""
        raise ValueError(f"is {given!r}, which is no duration: write 500ms, 30s, 5m, 1h30m or 14d.{hint}")
    seconds = sum(float(part[1]) * UNITS[part[2]] for part in re.finditer(r"([0-9.]+)(ms|s|m|h|d)", given))
    if seconds < at_least:
        raise ValueError(f"is {given}; it must be {at_least:g}s at least.")
    return seconds


def whole_of(given: str, at_least: int, at_most: int | None) -> int:
    if not re.fullmatch(r"[-+]?[0-9]{1,18}", given):
        raise ValueError(f"is {given!r}, which is not a whole number.")
    result = int(given)
    if result < at_least or (at_most is not None and result > at_most):
        upper = "" if at_most is None else f" and {at_most} at most"
        raise ValueError(f"is {result}; it must be {at_least} at least{upper}.")
    return result


def number_of(given: str, at_least: float) -> float:
    if not re.fullmatch(r"[-+]?[0-9]{1,18}(\.[0-9]{1,18})?", given):
        raise ValueError(f"is {given!r}, which is not a number.")
    if (result := float(given)) < at_least:
        raise ValueError(f"is {given}; it must be {at_least:g} at least.")
    return result


_SIZES = {"": 1, "bytes": 1, "KB": 1024, "MB": 1024**2, "GB": 1024**3}


def size_of(given: str) -> int:
    found = re.fullmatch(r"([0-9]{1,15}) ?(bytes|KB|MB|GB)?", given)
    if not found:
        raise ValueError(f"is {given!r}, which is no size: write 512, 64 KB, 10 MB or 1 GB.")
    return int(found[1]) * _SIZES[found[2] or ""]


_TRUTH = {"true": True, "false": False}
_TRAPS = {"yes": "true", "on": "true", "y": "true", "no": "false", "off": "false", "n": "false"}


def truth_of(given: str) -> bool:
    if (word := given.lower()) in _TRUTH:
        return _TRUTH[word]
    hint = f" Did you mean {_TRAPS[word]}?" if word in _TRAPS else ""
    raise ValueError(f"is {given!r}, which is neither true nor false.{hint}")


def one_of(given: str, choices: tuple[str, ...]) -> str:
    by_fold = {word.casefold(): word for word in choices}
    if given.casefold() in by_fold:
        return by_fold[given.casefold()]
    near = difflib.get_close_matches(given.casefold(), by_fold, n=1)
    hint = f" Did you mean {by_fold[near[0]]}?" if near else ""
    raise ValueError(f"is {given!r}; it takes {', '.join(choices)}.{hint}")


def some_text(given: str) -> str:
    """Nothing, which an empty variable leaves, is expected of no answer: an error page would pass."""
    if not given:
        raise ValueError("is empty, which any answer would pass: see whether its variable has a value.")
    return given


def pattern_of(given: str) -> re.Pattern[str]:
    some_text(given)
    try:
        return re.compile(given)
    except re.error as wrong:
        raise ValueError(f"is {given!r}, which is no regular expression: {wrong}.") from None
