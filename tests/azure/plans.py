"""Plans and outcomes to render."""

from __future__ import annotations

from typing import Any

from ropeway.errors import AccessDenied, RopewayError
from ropeway.outcome import Done, Outcome, Plan, Reason, Step

HOSTILE = "s3://bucket/a|`b` ##vso[task.complete result=Failed;]\nx.txt"


def upload(name: str = "s3://bucket/a.txt", size: int = 1536, reason: Reason = Reason.NEW) -> Step[Any]:
    return Step("upload", name, reason, size)


def skip(name: str = "s3://bucket/kept.txt", size: int = 10) -> Step[Any]:
    return Step("skip", name, Reason.UNCHANGED, size)


def denied(name: str) -> RopewayError:
    return AccessDenied(f"upload {name}", code="AccessDenied", answer="Access Denied.", request_id="R1")


def plan(*steps: Step[Any], warnings: tuple[str, ...] = ()) -> Plan[Any]:
    return Plan(title="Upload 2 files to s3://bucket", steps=steps, warnings=warnings)


def outcome(
    of: Plan[Any], *results: Done[Any], error: RopewayError | None = None, warnings: tuple[str, ...] = ()
) -> Outcome[Any]:
    return Outcome("Uploaded 2 files to s3://bucket", of, results, (), 192.4, "boto3", warnings, error)
