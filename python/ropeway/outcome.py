"""What travels from a task to its door: the plan, what is told on the way, and the outcome.

A plan is found by reading only; printing it and stopping is the dry run. An outcome says what was done. Three siblings render
both (for the agent, for a terminal, as JSON); a task never prints.
"""

from __future__ import annotations

import enum
import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Generic, Literal, Protocol, TypeVar

from ropeway.checked import CheckNow, CheckResult, PlannedCheck
from ropeway.errors import Cancelled, RopewayError
from ropeway.rolled import InstanceResult, PlannedInstance, PlannedScript


class Reason(str, enum.Enum):
    """Why a step is in the plan; the value is the word that is printed."""

    NEW = "new"
    CONTENT = "content"
    HEADERS = "headers"
    UNCHANGED = "unchanged"
    NOT_COMPARED = "not compared"
    GONE = "gone from source"
    CHANGED_BY_OTHERS = "changed by others"
    KEPT = "kept for open pages"
    PROTECTED = "protected"
    SETTINGS = "settings differ"
    STALE = "stale"

    def __str__(self) -> str:
        return self.value


SOON = 0.05
"""Seconds between two looks at a cancellation while somebody waits."""

Action = Literal["create", "configure", "upload", "download", "copy", "delete", "invalidate", "skip"]
SIZELESS: frozenset[Action] = frozenset({"create", "configure", "invalidate"})
"""What these are done to has no bytes, and lies in no folder."""

Work = TypeVar("Work")


@dataclass(frozen=True, slots=True)
class Step(Generic[Work]):
    """One thing that would be done. `name` is what the user knows it by: an s3:// address or a path below the target.

    `work` is what the engine is handed; None for a step that only says why nothing is done.
    """

    action: Action
    name: str
    reason: Reason
    size: int
    work: Work | None = None


@dataclass(frozen=True)
class Stage(Generic[Work]):
    """Steps that go together, some of the plan's. One stage ends before the next begins."""

    name: str
    steps: tuple[Step[Work], ...]


@dataclass(frozen=True)
class Plan(Generic[Work]):
    """Ordered steps. `title` says it in a sentence: "Upload 3 files (1.2 MB) from dist to s3://bucket/site".

    `checks` are what would be asked once they are done. `instances` are those that it is done on, `scripts` what they would run.
    `stages` hold the steps in groups, where their order matters.
    """

    title: str
    steps: tuple[Step[Work], ...]
    warnings: tuple[str, ...] = ()
    checks: tuple[PlannedCheck, ...] = ()
    instances: tuple[PlannedInstance, ...] = ()
    scripts: tuple[PlannedScript, ...] = ()
    stages: tuple[Stage[Work], ...] = ()

    @property
    def todo(self) -> tuple[Step[Work], ...]:
        return tuple(step for step in self.steps if step.action != "skip")

    @property
    def bytes_todo(self) -> int:
        return sum(step.size for step in self.steps if step.action != "skip")


@dataclass(frozen=True, slots=True)
class Done(Generic[Work]):
    """What became of a step. `error` is None when it was done, which took `seconds`.

    `version_id` is that of the object which was written or read, where its bucket keeps versions.
    """

    step: Step[Work]
    seconds: float = 0.0
    error: RopewayError | None = None
    version_id: str = ""


@dataclass(frozen=True, slots=True)
class Output:
    """An output variable of a task, as a pipeline reads it: `$(stepName.name)`."""

    name: str
    value: str


@dataclass(frozen=True)
class Outcome(Generic[Work]):
    """What was done. Steps of the plan that are in no `results` entry were not begun, or stopped half-way.

    `title` says it in a sentence in the past tense; `seconds` is wall time of the apply; `engine` names what moved the bytes.
    """

    title: str
    plan: Plan[Work]
    results: tuple[Done[Work], ...]
    outputs: tuple[Output, ...]
    seconds: float
    engine: str = ""
    warnings: tuple[str, ...] = ()
    error: RopewayError | None = None
    checks: tuple[CheckResult, ...] = ()
    instances: tuple[InstanceResult, ...] = ()

    @property
    def status(self) -> Literal["succeeded", "warnings", "failed"]:
        if self.error:
            return "failed"
        return "warnings" if self.warnings else "succeeded"

    @property
    def failures(self) -> tuple[Done[Work], ...]:
        return tuple(result for result in self.results if result.error)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a long job is. Totals are 0 while they are not known. `checks` are all of them, while checks are asked."""

    doing: str
    items: int = 0
    items_total: int = 0
    bytes: int = 0
    bytes_total: int = 0
    checks: tuple[CheckNow, ...] = ()


class Teller(Protocol):
    """Where a task says what it is doing while it does it. Called from one thread at a time."""

    def note(self, message: str) -> None:
        """One line worth keeping in the log: the identity used, the bucket created."""
        ...

    def progress(self, progress: Progress) -> None:
        """Often; the door thins it out."""
        ...


class Cancellation:
    """Asked for by a signal or a closed pipe, seen by whoever works. Once asked for, it stays so."""

    def __init__(self) -> None:
        self.asked = False
        self.why = ""

    def ask(self, why: str) -> None:
        """`why` follows "Stopped: ". Safe in a signal handler: it takes no lock, which the interrupted thread may hold."""
        self.why = self.why or why
        self.asked = True

    def wait(self, seconds: float) -> bool:
        """Sleep, but wake soon and answer True when cancellation is asked for."""
        until = time.monotonic() + seconds
        while not self.asked and (left := until - time.monotonic()) > 0:
            time.sleep(min(left, SOON))
        return self.asked

    def check(self) -> None:
        """Raises Cancelled when it was asked for."""
        if self.asked:
            raise Cancelled(f"Stopped: {self.why}.")


class Silent:
    """A teller for whoever only wants the outcome."""

    def note(self, message: str) -> None: ...

    def progress(self, progress: Progress) -> None: ...


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable of the pipeline, or of the process. A secret one must not be told to anybody."""

    text: str = field(repr=False)
    secret: bool = False


def of_process(name: str) -> Variable | None:
    """The variable of this process's environment, under this name or as an agent writes it: Build.BuildId is BUILD_BUILDID."""
    for written in (name, name.replace(".", "_").upper()):
        if written in os.environ:
            return Variable(os.environ[written])
    return None


def _untold(_: str) -> None: ...


@dataclass(frozen=True)
class Run:
    """One run of a task: whom to tell, when to stop, and which variables there are where it runs.

    `pending` is told where it is written down what must be undone after this run, before it is done; and "" when nothing is any more. Where
    somebody comes after it (an agent's post-job step), he is sent there.
    """

    tell: Teller = field(default_factory=Silent)
    cancellation: Cancellation = field(default_factory=Cancellation)
    variable: Callable[[str], Variable | None] = of_process
    pending: Callable[[str], None] = _untold


def tally(steps: Sequence[Step[Work]]) -> Iterator[tuple[Action, Reason, int, int]]:
    """(action, reason, count, bytes) for each pair that occurs, in the order of first occurrence."""
    totals: dict[tuple[Action, Reason], list[int]] = {}
    for step in steps:
        entry = totals.setdefault((step.action, step.reason), [0, 0])
        entry[0] += 1
        entry[1] += step.size
    for (action, reason), (count, size) in totals.items():
        yield action, reason, count, size


def in_units(size: int) -> str:
    """1536 -> "1.5 KB" (powers of 1024, as S3's console counts)."""
    amount = float(size)
    for unit in ("bytes", "KB", "MB", "GB"):
        if amount < 1024:
            return f"{size} {'byte' if size == 1 else 'bytes'}" if unit == "bytes" else f"{amount:.1f} {unit}"
        amount /= 1024
    return f"{amount:.1f} TB"


def duration(seconds: float) -> str:
    """0.42 -> "0.4 s", 192 -> "3 min 12 s"."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s"


def counted(count: int, noun: str) -> str:
    """(1, "file") -> "1 file", (2, "file") -> "2 files"."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def checks_counted(checks: Iterable[PlannedCheck], noun: str = "check") -> str:
    """As "3 checks", or "2 checks with 3 targets" where one fans out."""
    all_of_them = tuple(checks)
    names = {check.name for check in all_of_them}
    targets = f" with {counted(len(all_of_them), 'target')}" if len(names) < len(all_of_them) else ""
    return f"{counted(len(names), noun)}{targets}"


def listing(names: Sequence[str], most: int = 10) -> str:
    """The first names, and how many more there are: "a, b, c and 4 more"."""
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
