"""The IAM actions that something needs, and the policy that allows them and nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class IamAction:
    """An IAM action that a task or a check needs, on what, and when (empty: always).

    `resource` is an ARN with places for {partition}, {bucket} and {prefix}, or {kms_key}; "*" where IAM knows no narrower one.
    """

    action: str
    resource: str
    when: str = ""


def policy(actions: Iterable[IamAction], **places: str) -> dict[str, Any]:
    """The IAM policy that allows these actions on these places (bucket="b", prefix="site/", ...), and nothing else."""
    needed = [(action.action, action.resource.format(**places)) for action in actions]
    return {"Version": "2012-10-17", "Statement": list(_statements(needed))}


def _statements(needed: list[tuple[str, str]]) -> Iterator[Mapping[str, object]]:
    for resource in dict.fromkeys(resource for _, resource in needed):
        allowed = [action for action, on in needed if on == resource]
        yield {"Effect": "Allow", "Action": allowed, "Resource": resource}
