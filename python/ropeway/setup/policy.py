"""The least IAM policy for the tasks that somebody uses, with the inputs that they use, on the places that they use."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ropeway.aws.policy import IamAction, policy
from ropeway.checks.registry import kind_names
from ropeway.errors import InputError
from ropeway.inputs import declared
from ropeway.outcome import listing
from ropeway.s3.keys import folder_prefix, normal_prefix
from ropeway.tasks.task import Task

ALL = "all"
WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*")
KMS = "{kms_key}"
MOST = 6144
"""Characters of a managed policy, white space not counted (IAM user guide, "IAM and STS quotas")."""


@dataclass(frozen=True)
class Places:
    """Where the tasks work. `prefix` ends in a slash unless it is empty; `kms_key` is an ARN, empty where there is no key of one's own."""

    bucket: str
    prefix: str = ""
    kms_key: str = ""
    partition: str = "aws"


def prefix_for(folder: str, tasks: Sequence[Task[Any, Any]]) -> str:
    r"""As the tasks spell it: what writes takes `\site//v1` for `site/v1`, and a download takes it at its word. Of both, what is written."""
    reads = bool(tasks) and all(task.name == "S3Download" for task in tasks)
    return folder_prefix(folder if reads else normal_prefix(folder))


@dataclass(frozen=True)
class Need:
    """An action that a task needs, on which resource, and under which condition, in words."""

    task: str
    action: IamAction


@dataclass(frozen=True)
class Wanted:
    """The tasks, and the inputs (for Check: the kinds of checks, too) in use beside those that every run needs. `using` may hold "all"."""

    tasks: Sequence[Task[Any, Any]]
    places: Places
    using: tuple[str, ...] = ()

    @cached_property
    def taken(self) -> tuple[Need, ...]:
        return tuple(need for need in self._needs() if self._is_wanted(need))

    @cached_property
    def left(self) -> tuple[Need, ...]:
        """What was left out, since nobody said that it is used."""
        return tuple(need for need in self._needs() if not self._is_wanted(need))

    def document(self) -> dict[str, Any]:
        """The policy. Raises InputError when no input of that name exists, or when it is longer than IAM takes."""
        self._check()
        made = policy(_once(need.action for need in self.taken), **vars(self.places))
        if (size := len(json.dumps(made, separators=(",", ":")))) > MOST:
            raise InputError(
                [f"The policy has {size:,} characters, and IAM takes {MOST:,}: make one for fewer tasks at a time."]
            )
        return made

    def _needs(self) -> Iterator[Need]:
        return (Need(task.name, action) for task in self.tasks for action in task.actions)

    def _is_wanted(self, need: Need) -> bool:
        if need.action.resource == KMS:
            return bool(self.places.kms_key)
        return ALL in self.using or any(map(self._is_used, _alternatives(need.action.when)))

    def _is_used(self, condition: str) -> bool:
        """A condition that names no input holds in any run (a file may be large)."""
        return {word for word in WORD.findall(condition) if word in self._vocabulary} <= set(self.using)

    @cached_property
    def _vocabulary(self) -> frozenset[str]:
        inputs = {item.name for task in self.tasks for item in declared(task.inputs)}
        return frozenset(inputs | (set(kind_names()) if any(task.name == "Check" for task in self.tasks) else set()))

    def _check(self) -> None:
        unknown = [word for word in self.using if word != ALL and word not in self._vocabulary]
        if unknown:
            matter = sorted(
                {word for need in self._needs() for word in WORD.findall(need.action.when)} & self._vocabulary
            )
            raise InputError(
                [
                    f"{word} is no input of {_names(self.tasks)}. Those that matter here: {listing(matter, 40)}."
                    for word in unknown
                ]
            )


def _alternatives(when: str) -> list[str]:
    return re.split(r";|\bor\b", when)


def _once(actions: Iterable[IamAction]) -> list[IamAction]:
    return list({(action.action, action.resource): action for action in actions}.values())


def _names(tasks: Iterable[Task[Any, Any]]) -> str:
    return ", ".join(task.name for task in tasks)
