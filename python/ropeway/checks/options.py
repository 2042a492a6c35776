"""The settings of a suite that are no kind's: how its checks are asked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ropeway.checks import settings
from ropeway.checks.cases import Pace, Terms
from ropeway.checks.settings import Settings
from ropeway.checks.words import lasting

SEVERITIES = ("critical", "warning", "info")


def _default(what: object) -> str:
    if isinstance(what, float):
        return f"`{lasting(what) or '0'}`"
    return f"`{what}`"


_PACE = Pace()
_TERMS = Terms()


@dataclass(frozen=True, kw_only=True)
class Options(Settings):
    """Of one check, or in `defaults` of all. None: not said."""

    severity: str | None = settings.choice(
        "What comes of it when it does not pass: the run fails (`critical`), it ends with issues (`warning`), or it is only told (`info`). Default: `critical`.",
        choices=SEVERITIES,
        default=None,  # type: ignore[arg-type]  # not said
    )
    timeout: float | None = settings.duration(
        f"The time that one answer may take. Default: {_default(_PACE.timeout)}.", at_least=0.1
    )
    within: float | None = settings.duration(
        "The time within which it has to turn green, from its first question, or from when it lost its green. "
        f"Default: {_default(_PACE.within)}."
    )
    every: float | None = settings.duration(
        f"The pause after an answer. Default: {_default(_PACE.every)}.", at_least=0.1
    )
    back_off: float | None = settings.number(
        f"The factor by which the pause grows with each answer that is no pass. Default: {_default(str(_PACE.back_off))}.",
        at_least=1,
    )
    at_most: float | None = settings.duration(
        f"The longest pause that it grows to. Default: {_default(_PACE.at_most)}."
    )
    jitter: float | None = settings.number(
        f"The share by which a pause is longer or shorter by chance, so that many checks do not ask at once. Default: {_default(str(_PACE.jitter))}."
    )
    delay: float | None = settings.duration("The pause before its first question. Default: none.")
    successes: int | None = settings.whole(
        f"How many passes in a row make it green. Default: {_default(_PACE.successes)}.", at_least=1, at_most=1000
    )
    failures: int | None = settings.whole(
        "How many fails are borne before it ends, though there is time left. Default: any number within the time.",
        at_most=1_000_000,
    )
    errors: int | None = settings.whole(
        f"How many errors in a row are borne: answers that say that it could not be asked. Default: {_default(_PACE.errors)}. "
        "A name that DNS does not know yet is borne as long as there is time (`within`), unless this is 0, or it is watched (`soak`).",
        at_most=1_000_000,
    )
    soak_failures: int | None = settings.whole(
        f"How many fails are borne while it is watched (`soak`). Default: {_default(_PACE.soak_failures)}.",
        at_most=1_000_000,
    )

    def problems(self) -> Iterator[str]:
        if self.jitter is not None and self.jitter > 1:
            yield f"jitter is {self.jitter:g}; it is a share, from 0 to 1."


@dataclass(frozen=True, kw_only=True)
class SuiteSettings(Settings):
    """How all checks of a suite are asked."""

    delay: float = settings.duration("The pause before the first question.", default=_TERMS.delay)
    within: float = settings.duration(
        "The time for all of it, after the delay. What is not green by then has not passed. The soak comes on top.",
        default=_TERMS.within,
        at_least=0.1,
    )
    steady: float = settings.duration(
        "How long all checks have to be green together, without a break. In this time each is asked 20 times at least, though no more than "
        "twice a second; `0`: each check is done as soon as it is green.",
        default=_TERMS.steady,
    )
    soak: float = settings.duration("How long they are watched after that.", default=_TERMS.soak)
    parallel: int = settings.whole(
        "How many questions may be on their way at a time.", default=_TERMS.parallel, at_least=1, at_most=100
    )
    defaults: Options | None = settings.record(Options, "What holds for every check that does not say otherwise.")

    def problems(self) -> Iterator[str]:
        if self.steady >= self.within:
            yield f"steady is {lasting(self.steady)}, but all of it may take {lasting(self.within)} (within): no run could pass."

    @property
    def terms(self) -> Terms:
        return Terms(delay=self.delay, within=self.within, steady=self.steady, soak=self.soak, parallel=self.parallel)
