"""What a link of the chain is, and the way through them: whatever hangs on a broken one is not tried."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from ropeway.errors import AccessDenied, AwsError, Cancelled, RopewayError

if TYPE_CHECKING:
    from ropeway.setup.doctor.case import Case

TROUBLES = "Look for it in docs/troubleshooting.md."

Verdict = Literal["holds", "broken", "unknown", "not asked"]
"""`unknown`: who asks may not look. `not asked`: nobody said what to look at, or it hangs on one that does not hold."""


@dataclass(frozen=True)
class Found:
    """What was found, and the way to mend it where it does not hold. `hangs` where it could not be tried, since another one is broken."""

    verdict: Verdict
    what: str
    mend: str = ""
    hangs: bool = False


@dataclass(frozen=True)
class Link:
    """`asks` says in words what holds when it holds. `needs` are links without which it cannot be tried, `after` such as may be left out, but not broken."""

    name: str
    asks: str
    look: Callable[[Case], Found]
    needs: tuple[str, ...] = ()
    after: tuple[str, ...] = ()


@dataclass(frozen=True)
class Tried:
    link: Link
    found: Found


def holds(what: str) -> Found:
    return Found("holds", what)


def broken(what: str, mend: str) -> Found:
    return Found("broken", what, mend)


def not_asked(why: str) -> Found:
    return Found("not asked", why)


def unknown(error: AwsError, what: str) -> Found:
    """Who asks may not look: that says nothing about who deploys."""
    return Found("unknown", f"{what}: {error.message}", error.advice or "Run the doctor as somebody who may look.")


def try_all(links: Iterable[Link], case: Case) -> Iterator[Tried]:
    """Each as soon as it is tried. Raises Cancelled when it is stopped."""
    found: dict[str, Found] = {}
    for link in links:
        case.run.cancellation.check()
        found[link.name] = _hanging(link, found) or _tried(link, case)
        yield Tried(link, found[link.name])


def _hanging(link: Link, found: dict[str, Found]) -> Found | None:
    for name in (*link.needs, *link.after):
        if found[name].verdict == "broken":
            return Found("not asked", f"It depends on {name}.", hangs=True)
        if found[name].hangs:
            return found[name]
    for name in link.needs:
        if found[name].verdict == "unknown":
            return not_asked(f"It depends on {name}.")
        if found[name].verdict == "not asked":
            return found[name]
    return None


def _tried(link: Link, case: Case) -> Found:
    try:
        return link.look(case)
    except Cancelled:
        raise
    except AccessDenied as error:
        if case.asks_for_another:
            return unknown(error, "Who asks here may not look")
        return broken(error.message, error.advice or TROUBLES)
    except RopewayError as error:
        return broken(error.message, error.advice or TROUBLES)
