"""A bucket's policy may refuse what is not encrypted as it demands: `Deny` of s3:PutObject by a condition on the headers.

S3 user guide, "Protecting data with server-side encryption": the condition keys are as the request says it, not as the bucket would fill in.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from moto.iam.access_control import IAMPolicyStatement, PermissionResult
from moto.s3.responses import S3Response
from moto.utilities.utils import get_partition

from ropeway.local.patches.copies import copies
from ropeway.local.patches.patch import (
    Patch,
    Refused,
    around,
    begins_multipart,
    bucket_of,
    key_of,
    query_has,
    stores_object,
)

KEYS = {
    "s3:x-amz-server-side-encryption": "x-amz-server-side-encryption",
    "s3:x-amz-server-side-encryption-aws-kms-key-id": "x-amz-server-side-encryption-aws-kms-key-id",
}
HOLDS: dict[str, Callable[[str | None, list[str]], bool]] = {
    "StringEquals": lambda given, told: given in told,
    "StringNotEquals": lambda given, told: given not in told,
    "StringNotEqualsIfExists": lambda given, told: given is not None and given not in told,
    "Null": lambda given, told: str(given is None).lower() in told,
}
"""IAM user guide, "IAM JSON policy elements: Condition operators"."""


def _demands(statement: Mapping[str, Any]) -> bool:
    """Whether it is one of those that are weighed here: of others, moto says what it says."""
    conditions = statement.get("Condition", {})
    known = all(name in HOLDS and set(keys) <= set(KEYS) for name, keys in conditions.items())
    return bool(statement["Effect"] == "Deny" and conditions and known)


def _check(request: S3Response) -> None:
    """A part is of an upload that was weighed when it began."""
    bucket, key = bucket_of(request), key_of(request)
    writes = copies(request) or begins_multipart(request) or stores_object(request)
    if not bucket or not bucket.policy or not writes or query_has(request, "uploadId"):
        return
    what = f"arn:{get_partition(request.region)}:s3:::{bucket.name}/{key}"
    for statement in _statements(bucket.policy):
        if _demands(statement) and _holds(statement["Condition"], request) and _is_about(statement, what):
            raise Refused(
                403,
                "AccessDenied",
                f'User is not authorized to perform: s3:PutObject on resource: "{what}" with an explicit deny in a resource-based policy',
            )


def _statements(policy: bytes) -> Iterator[Mapping[str, Any]]:
    told = json.loads(policy)["Statement"]
    yield from told if isinstance(told, list) else [told]


def _holds(conditions: Mapping[str, Mapping[str, Any]], request: S3Response) -> bool:
    return all(
        HOLDS[name](request.headers.get(KEYS[key]), [str(one) for one in (told if isinstance(told, list) else [told])])
        for name, keys in conditions.items()
        for key, told in keys.items()
    )


def _is_about(statement: Mapping[str, Any], what: str) -> bool:
    allowed = {name: value for name, value in statement.items() if name not in {"Condition", "Principal"}}
    found = IAMPolicyStatement({**allowed, "Effect": "Allow"}).is_action_permitted("s3:PutObject", what)
    return bool(found == PermissionResult.PERMITTED)


def _mend() -> None:
    @around(IAMPolicyStatement, "is_action_permitted")
    def permitted(original: Any, statement: IAMPolicyStatement, *args: Any, **kwargs: Any) -> PermissionResult:
        """Moto takes a Deny whose condition it cannot weigh for one that always holds."""
        if _demands(statement._statement):  # noqa: SLF001 - moto's own way to know
            return PermissionResult.NEUTRAL
        return original(statement, *args, **kwargs)


PATCH = Patch(
    "A bucket's policy that denies writes by their encryption headers is weighed: `StringEquals`, `StringNotEquals`, `StringNotEqualsIfExists`, `Null`.",
    _check,
    _mend,
)
