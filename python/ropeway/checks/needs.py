"""What all kinds of checks together need of AWS. They are imported when somebody asks for it, and no task does: start-up counts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from typing import Any, TypeVar

from ropeway.aws.policy import IamAction

T = TypeVar("T")


class OfKinds(Sequence[T]):
    """A sequence that is made when it is first looked at."""

    def __init__(self, make: Callable[[], Iterable[T]]) -> None:
        self._make = make

    @cached_property
    def _members(self) -> tuple[T, ...]:
        return tuple(self._make())

    def __getitem__(self, at: Any) -> Any:
        return self._members[at]

    def __len__(self) -> int:
        return len(self._members)


def actions_with_kinds(own: Iterable[IamAction]) -> Iterator[IamAction]:
    """A task's own, and those of the kinds, each once, with the kinds that need it."""
    by_name: dict[str, list[IamAction]] = {}
    for needed in (*actions_of_kinds(), *own):
        by_name.setdefault(needed.action, []).append(needed)
    for action, needs in by_name.items():
        resources = list(dict.fromkeys(need.resource for need in needs))
        yield IamAction(action, resources[0] if len(resources) == 1 else "*", "; ".join(need.when for need in needs))


def merged(actions: Iterable[IamAction]) -> Iterator[IamAction]:
    """Each action on each resource once, with every occasion; always, where one of them says so."""
    needs: dict[tuple[str, str], list[str]] = {}
    for one in actions:
        needs.setdefault((one.action, one.resource), []).append(one.when)
    for (action, resource), occasions in needs.items():
        yield IamAction(action, resource, "; ".join(dict.fromkeys(occasions)) if all(occasions) else "")


def actions_of_kinds() -> Iterator[IamAction]:
    from ropeway.checks.registry import all_kinds  # noqa: PLC0415 - as the module says

    for kind in all_kinds():
        for needed in kind.actions:
            when = f"a check of the kind {kind.name}{f', {needed.when}' if needed.when else ''}"
            yield IamAction(needed.action, needed.resource, when)


def services_with_kinds(*own: str) -> Iterable[str]:
    from ropeway.checks.registry import all_kinds  # noqa: PLC0415 - as the module says
    from ropeway.checks.suite import used_services  # noqa: PLC0415 - the same

    return sorted({*own, *used_services(all_kinds())})
