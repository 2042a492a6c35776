"""Where IAM policies decide, S3 asks for every action that AWS asks for, and names the one that is missing.

They decide once a test has asked moto for it (INITIAL_NO_AUTH_ACTION_COUNT). moto then asks for one action a request, found by
method and query alone. What is asked for here: S3 user guide, "Required permissions for Amazon S3 API operations", and the API
reference of the operation.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any
from urllib.parse import parse_qs

from moto import settings
from moto.core.authorization import ActionAuthenticatorMixin
from moto.core.exceptions import JsonRESTError
from moto.iam.access_control import PermissionResult, S3IAMRequest
from moto.kms.models import kms_backends
from moto.s3.exceptions import S3ClientError
from moto.s3.models import FakeBucket, FakeKey
from moto.s3.responses import S3Response
from moto.utilities.utils import get_partition

from ropeway.local.patches.copies import copies, source_of, stored_source
from ropeway.local.patches.encryption import kms_arn, under_kms
from ropeway.local.patches.patch import (
    Answer,
    Patch,
    Refused,
    around,
    begins_multipart,
    bucket_of,
    creates_bucket,
    key_of,
    query_has,
    query_value,
    reads_object,
    stores_object,
)
from ropeway.local.patches.public import is_open, is_open_object, is_signed

Need = tuple[str, str]
"""An action and the resource that it is asked for on."""

BY_HEADER = {
    "x-amz-acl": "s3:PutObjectAcl",
    "x-amz-tagging": "s3:PutObjectTagging",
    "x-amz-object-lock-mode": "s3:PutObjectRetention",
    "x-amz-object-lock-legal-hold": "s3:PutObjectLegalHold",
}
SHOWN_TO = {
    "x-amz-tagging-count": "s3:GetObjectTagging",
    "x-amz-object-lock-mode": "s3:GetObjectRetention",
    "x-amz-object-lock-retain-until-date": "s3:GetObjectRetention",
    "x-amz-object-lock-legal-hold": "s3:GetObjectLegalHold",
}
"""What an answer to GET and HEAD holds, and who is shown it."""

_deleting: ContextVar[Identity | None] = ContextVar("deleting", default=None)
"""Who deletes many objects at once: it is asked for each of them, and the answer tells of each."""


class Identity:
    """Who signed the request that is served, and what the policies allow them."""

    def __init__(self, request: S3Response) -> None:
        query = request.uri.partition("?")[2]
        presigned = _signer(query)
        self._asking = S3IAMRequest(
            account_id=request.current_account,
            method=request.method,
            path=request.raw_path + (f"?{query}" if query else ""),
            data=request.data,
            body=request.raw_body,
            headers={**request.headers, "Authorization": presigned} if presigned else request.headers,
            action="",
        )
        if not presigned:
            self._asking.check_signature()

    def may(self, need: Need) -> bool:
        self._asking._action, resource = need  # noqa: SLF001 - so that one signature is checked once
        try:
            self._asking.check_action_permitted(resource)
        except (S3ClientError, JsonRESTError):
            return False
        return True

    def demand(self, need: Need) -> None:
        if not self.may(need):
            who, (action, resource) = self._asking._access_key.arn, need  # noqa: SLF001
            message = (
                f'User: {who} is not authorized to perform: {action} on resource: "{resource}" '
                f"because no identity-based policy allows the {action} action"
            )
            raise Refused(403, "AccessDenied", message)


def _signer(query: str) -> str:
    """Who signed a presigned address, as a header says it; empty where nobody did. Its signature is not checked: moto cannot."""
    (credential,) = parse_qs(query).get("X-Amz-Credential", [""])
    return f"AWS4-HMAC-SHA256 Credential={credential}, Signature=," if credential else ""


def _needs(request: S3Response) -> Iterator[Need]:
    where = f"arn:{get_partition(request.region)}:s3:::{request.bucket_name}"
    bucket, key = bucket_of(request), key_of(request)
    if not key:
        yield from _on_bucket(request, where)
    elif reads_object(request):
        yield from _reading(request, bucket, f"{where}/{key}")
    elif bucket and copies(request):
        yield from _copying(request, bucket, f"{where}/{key}")
    elif bucket and (begins_multipart(request) or stores_object(request)):
        yield from _writing(request, bucket, f"{where}/{key}")
    else:
        yield f"s3:{request.data['Action']}", f"{where}/{key}"
        if request.method == "POST" and bucket and query_has(request, "uploadId"):
            yield from _of_parts(request, bucket)


def _on_bucket(request: S3Response, where: str) -> Iterator[Need]:
    if request.method == "POST" and query_has(request, "delete"):
        return
    yield f"s3:{_bucket_action(request)}", where
    if creates_bucket(request) and request.headers.get("x-amz-bucket-object-lock-enabled", "").lower() == "true":
        yield "s3:PutBucketObjectLockConfiguration", where
        yield "s3:PutBucketVersioning", where


def _bucket_action(request: S3Response) -> str:
    """Service Authorization Reference, Amazon S3: the names of some actions are not those of their operations."""
    if query_has(request, "publicAccessBlock"):
        return "GetBucketPublicAccessBlock" if request.method == "GET" else "PutBucketPublicAccessBlock"
    action = str(request.data["Action"])
    return "ListBucket" if action == "HeadBucket" else action


def _reading(request: S3Response, bucket: FakeBucket | None, what: str) -> Iterator[Need]:
    version = query_value(request, "versionId")
    yield "s3:GetObjectVersion" if version else "s3:GetObject", what
    stored = bucket and request.backend.get_object(bucket.name, key_of(request), version)
    if not stored:  # 404 is for who may list; others are told 403
        yield "s3:ListBucket", what.removesuffix(f"/{key_of(request)}")
    elif request.method == "GET" or request.headers.get("x-amz-checksum-mode") == "ENABLED":
        yield from _on_key("kms:Decrypt", bucket, stored)


def _copying(request: S3Response, bucket: FakeBucket, what: str) -> Iterator[Need]:
    """API reference, CopyObject and UploadPartCopy, "Permissions": the source's are those of reading it."""
    name, key, version = source_of(request)
    source = f"arn:{get_partition(request.region)}:s3:::{name}"
    yield "s3:GetObjectVersion" if version else "s3:GetObject", f"{source}/{key}"
    if stored := stored_source(request):
        yield from _on_key("kms:Decrypt", bucket, stored)
    else:
        yield "s3:ListBucket", source
    yield from _writing(request, bucket, what)


def _writing(request: S3Response, bucket: FakeBucket, what: str) -> Iterator[Need]:
    yield "s3:PutObject", what
    if query_has(request, "uploadId"):
        yield from _of_parts(request, bucket)
        return
    yield from ((action, what) for header, action in BY_HEADER.items() if request.headers.get(header))
    default = (bucket.encryption or {}).get("Rule", {}).get("ApplyServerSideEncryptionByDefault", {})
    algorithm = request.headers.get("x-amz-server-side-encryption") or default.get("SSEAlgorithm", "")
    if under_kms(algorithm):
        named = request.headers.get("x-amz-server-side-encryption-aws-kms-key-id") or default.get("KMSMasterKeyID", "")
        yield from _customers("kms:GenerateDataKey", bucket, kms_arn(bucket, named))


def _of_parts(request: S3Response, bucket: FakeBucket) -> Iterator[Need]:
    upload = bucket.multiparts.get(query_value(request, "uploadId"))
    if upload and under_kms(upload.sse_encryption):
        yield from _customers("kms:Decrypt", bucket, kms_arn(bucket, upload.kms_key_id or ""))


def _on_key(action: str, bucket: FakeBucket, stored: FakeKey) -> Iterator[Need]:
    if under_kms(stored.encryption):
        yield from _customers(action, bucket, stored.kms_key_id)


def _customers(action: str, bucket: FakeBucket, arn: str) -> Iterator[Need]:
    """The account's own aws/s3 key lets in whoever S3 lets in."""
    key = kms_backends[bucket.account_id][bucket.region_name].keys[arn.rpartition("/")[2]]
    if not any(alias.startswith("alias/aws/") for alias in key.aliases):
        yield action, arn


def _demand_openness(request: S3Response) -> None:
    """Nobody signed it: the bucket must be open to everybody."""
    bucket, key = bucket_of(request), key_of(request)
    stored = bucket and key and reads_object(request) and request.backend.get_object(bucket.name, key)
    if bucket and not is_open_object(bucket, stored) and not all(is_open(bucket, *need) for need in _needs(request)):
        raise Refused(403, "AccessDenied", "Access Denied")


def _hide(request: S3Response, headers: dict[str, str]) -> None:
    what = f"arn:{get_partition(request.region)}:s3:::{request.bucket_name}/{key_of(request)}"
    for name, action in SHOWN_TO.items():
        if name in headers and not request.identity.may((action, what)):
            del headers[name]


def _mend_deletes() -> None:
    @around(S3Response, "_bucket_response_delete_keys")
    def deleted(original: Any, request: S3Response, *args: Any, **kwargs: Any) -> Answer:
        token = _deleting.set(request.identity)
        try:
            answer: Answer = original(request, *args, **kwargs)
        finally:
            _deleting.reset(token)
        return answer

    @around(FakeBucket, "get_permission")
    def permitted(original: Any, bucket: FakeBucket, action: str, resource: str) -> Any:
        who = _deleting.get()
        if who and not who.may((action, resource)):
            return PermissionResult.DENIED
        return original(bucket, action, resource)


def _mend() -> None:
    S3Response.identity = None
    _mend_deletes()

    @around(S3Response, "_authenticate_and_authorize_s3_action")
    def authorized(original: Any, request: S3Response, *args: Any, **kwargs: Any) -> None:
        if ActionAuthenticatorMixin.request_count < settings.INITIAL_NO_AUTH_ACTION_COUNT:
            original(request, *args, **kwargs)  # moto counts
            return
        if not is_signed(request):
            _demand_openness(request)
            return
        request.identity = Identity(request)
        for need in _needs(request):
            request.identity.demand(need)

    for name in ("get_object", "head_object"):

        @around(S3Response, name)
        def shown(original: Any, request: S3Response, *args: Any, **kwargs: Any) -> Answer:
            status, headers, body = original(request, *args, **kwargs)
            if request.identity:
                _hide(request, headers)
            return status, headers, body


PATCH = Patch(
    "Where IAM policies decide, S3 asks for every action that AWS asks for (tags, ACLs, locks, versions, KMS keys) and names the one "
    "that is missing; it hides what may not be seen, and answers 403 instead of 404 to who may not list.",
    mend=_mend,
)
