"""A bucket is closed to strangers without a policy: to other accounts, to unsigned requests, and to who expects another owner.

A new one takes no ACLs.
"""

from __future__ import annotations

import re
from typing import Any

from moto.s3.models import FakeBucket, PublicAccessBlock
from moto.s3.responses import S3Response

from ropeway.local.patches.patch import (
    Patch,
    Refused,
    around,
    begins_multipart,
    bucket_of,
    creates_bucket,
    query_has,
    reads_object,
    stores_object,
)
from ropeway.local.patches.public import is_signed


def _check(request: S3Response) -> None:
    bucket = bucket_of(request)
    if not bucket or creates_bucket(request):
        return
    _check_owner(bucket, request)
    if _strange(request, bucket.account_id) and not bucket.policy:
        raise Refused(403, "AccessDenied", "Access Denied")
    if stores_object(request) or begins_multipart(request) or query_has(request, "acl"):
        _check_acl(bucket, request.headers.get("x-amz-acl", ""))


def _check_owner(bucket: FakeBucket, request: S3Response) -> None:
    """S3 user guide, "Verifying bucket ownership with bucket owner condition"."""
    expected = request.headers.get("x-amz-expected-bucket-owner", bucket.account_id)
    if not re.fullmatch(r"\d{12}", expected):
        message = "The value of the expected bucket owner parameter must be an AWS account ID"
        raise Refused(400, "InvalidBucketOwnerAWSAccountID", message)
    if expected != bucket.account_id:
        raise Refused(403, "AccessDenied", "Access Denied")


def _strange(request: S3Response, owner: str) -> bool:
    """Another account, or nobody; moto itself asks the object's ACL when nobody reads it, and a form is signed inside."""
    if not is_signed(request):
        return not reads_object(request) and request.method not in {"OPTIONS", "POST"}
    return bool(owner != request.current_account)


def _check_acl(bucket: FakeBucket, acl: str) -> None:
    """S3 user guide, "Controlling ownership of objects" and "Blocking public access"."""
    if bucket.ownership_rule == "BucketOwnerEnforced" and acl not in {"", "bucket-owner-full-control"}:
        raise Refused(400, "AccessControlListNotSupported", "The bucket does not allow ACLs")
    block = bucket.public_access_block
    if block and block.block_public_acls and acl.startswith(("public-", "authenticated-")):
        raise Refused(403, "AccessDenied", "Access Denied")


def _mend() -> None:
    @around(FakeBucket, "__init__")
    def made(original: Any, bucket: FakeBucket, *args: Any, **kwargs: Any) -> None:
        """As S3 makes buckets since April 2023."""
        original(bucket, *args, **kwargs)
        bucket.ownership_rule = "BucketOwnerEnforced"
        bucket.public_access_block = PublicAccessBlock(True, True, True, True)


PATCH = Patch(
    "A bucket is closed to other accounts and to unsigned requests unless its policy opens it, and to requests that expect another "
    "owner; a new one takes no ACLs and blocks public access.",
    _check,
    _mend,
)
