"""What is open to anybody on the internet: what a policy opens to everyone without a condition, as far as it is not blocked."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from moto.iam.access_control import IAMPolicy, IAMPolicyStatement, PermissionResult
from moto.s3.models import FakeBucket
from moto.s3.responses import S3Response
from moto.utilities.utils import get_partition

from ropeway.local.patches.patch import Patch, Refused, around, bucket_of, key_of, query_has

ALL = ("*", ["*"])


def is_open(bucket: FakeBucket, action: str, resource: str) -> bool:
    """Whether the bucket's policy lets anybody do this."""
    if not bucket.policy or (bucket.public_access_block and bucket.public_access_block.restrict_public_buckets):
        return False
    statements = list(_for_all(bucket.policy))
    if not statements:
        return False
    policy = IAMPolicy(json.dumps({"Version": "2012-10-17", "Statement": statements}))
    return bool(policy.is_action_permitted(action, resource) == PermissionResult.PERMITTED)


def is_open_object(bucket: FakeBucket, key: Any) -> bool:
    """Whether the object's own ACL lets anybody read it."""
    blocked = bucket.public_access_block and bucket.public_access_block.ignore_public_acls
    return bool(key and key.acl and key.acl.public_read and not blocked)


def is_signed(request: S3Response) -> bool:
    return any(word in request.headers.get("Authorization", request.uri) for word in ("Credential", "Signature"))


def _for_all(policy: bytes) -> Iterator[Mapping[str, Any]]:
    """The statements about everybody; what is denied to anybody may be denied to all."""
    told = json.loads(policy)["Statement"]
    for statement in told if isinstance(told, list) else [told]:
        principal = statement.get("Principal")
        everyone = principal == "*" or (isinstance(principal, dict) and principal.get("AWS") in ALL)
        if everyone and (statement["Effect"] == "Deny" or not statement.get("Condition")):
            yield {name: value for name, value in statement.items() if name != "Principal"}


def _check(request: S3Response) -> None:
    """S3 user guide, "Blocking public access": BlockPublicPolicy."""
    bucket = bucket_of(request)
    if not bucket or request.method != "PUT" or key_of(request) or not query_has(request, "policy"):
        return
    block, where = bucket.public_access_block, f"arn:{get_partition(request.region)}:s3:::{bucket.name}"
    if block and block.block_public_policy and _opens(request.body):
        raise Refused(
            403,
            "AccessDenied",
            f'User is not authorized to perform: s3:PutBucketPolicy on resource: "{where}" because public policies '
            "are prevented by the BlockPublicPolicy setting in S3 Block Public Access.",
        )


def _opens(policy: bytes) -> bool:
    try:
        return any(statement["Effect"] == "Allow" for statement in _for_all(policy))
    except (ValueError, KeyError, TypeError):
        return False  # moto says what is wrong with it


def _mend() -> None:
    @around(IAMPolicyStatement, "is_action_permitted")
    def permitted(
        original: Any, statement: IAMPolicyStatement, action: str, resource: str = "*", *args: Any, **kwargs: Any
    ) -> PermissionResult:
        """IAM user guide, "IAM JSON policy elements: NotResource"."""
        told = statement._statement  # noqa: SLF001 - moto's own way to know
        if "NotResource" not in told:
            return original(statement, action, resource, *args, **kwargs)
        if statement._check_element_matches("NotResource", resource):  # noqa: SLF001 - as above
            return PermissionResult.NEUTRAL
        others = {name: value for name, value in told.items() if name != "NotResource"}
        return original(IAMPolicyStatement({**others, "Resource": "*"}), action, resource, *args, **kwargs)


PATCH = Patch(
    "A policy that opens a bucket to everybody is refused as long as public policies are blocked; its `NotResource` counts.",
    _check,
    _mend,
)
