"""Object Lock goes with uploads in parts, too, and is refused where S3 refuses it.

S3 API reference, PutObject and UploadPart; user guide, "Locking objects with Object Lock".
"""

from __future__ import annotations

from contextvars import ContextVar
from datetime import datetime, timezone
from typing import Any

from moto.s3.models import FakeBucket, FakeKey, FakeMultipart, S3Backend
from moto.s3.responses import S3Response

from ropeway.local.patches.copies import copies
from ropeway.local.patches.patch import (
    Patch,
    Refused,
    around,
    begins_multipart,
    bucket_of,
    query_has,
    query_value,
    stores_object,
)

HEADERS = {
    "x-amz-object-lock-mode": "lock_mode",
    "x-amz-object-lock-retain-until-date": "lock_until",
    "x-amz-object-lock-legal-hold": "lock_legal_status",
}
"""Header -> what moto calls it."""

_asked: ContextVar[dict[str, str]] = ContextVar("asked")
"""The locks that the request which this thread serves asks for."""


def _check(request: S3Response) -> None:
    asked = {ours: request.headers[name] for name, ours in HEADERS.items() if name in request.headers}
    _asked.set(asked)
    bucket = bucket_of(request)
    if not bucket:
        return
    if asked and (begins_multipart(request) or stores_object(request) or copies(request)):
        _check_terms(bucket, asked)
    if stores_object(request) and (asked or _locked_anyway(bucket, request)):
        _check_digest(request)


def _check_terms(bucket: FakeBucket, asked: dict[str, str]) -> None:
    if not bucket.object_lock_enabled:
        raise Refused(400, "InvalidRequest", "Bucket is missing Object Lock Configuration")
    if ("lock_mode" in asked) != ("lock_until" in asked):
        message = "x-amz-object-lock-retain-until-date and x-amz-object-lock-mode must both be supplied"
        raise Refused(400, "InvalidArgument", message)
    if "lock_until" in asked and datetime.fromisoformat(asked["lock_until"].replace("Z", "+00:00")) <= _now():
        raise Refused(400, "InvalidArgument", "The retain until date must be in the future!")


def _now() -> datetime:
    return datetime.now(timezone.utc)


def _locked_anyway(bucket: FakeBucket, request: S3Response) -> bool:
    """By the bucket's default, or by what the upload in parts was begun with."""
    upload = bucket.multiparts.get(query_value(request, "uploadId"))
    return bool(bucket.has_default_lock or (upload and upload.locks))


def _check_digest(request: S3Response) -> None:
    what = "Part" if query_has(request, "uploadId") else "Object"
    names = {name.lower() for name in request.headers.keys()} | set(request.trailers)  # noqa: SIM118 - not a dict
    if not any(name == "content-md5" or name.startswith("x-amz-checksum-") for name in names):
        message = f"Content-MD5 OR x-amz-checksum- HTTP header is required for Put {what} requests with Object Lock parameters"
        raise Refused(400, "InvalidRequest", message)


def _mend() -> None:
    FakeMultipart.locks = {}

    @around(S3Backend, "create_multipart_upload")
    def begun(original: Any, *args: Any, **kwargs: Any) -> FakeMultipart:
        upload = original(*args, **kwargs)
        upload.locks = _asked.get({})
        return upload

    @around(S3Backend, "put_object")
    def stored(original: Any, backend: S3Backend, bucket_name: str, *args: Any, **options: Any) -> FakeKey:
        upload = options.get("multipart")
        bucket = backend.get_bucket(bucket_name)
        if upload and bucket.has_default_lock:
            options |= {"lock_mode": bucket.default_lock_mode, "lock_until": bucket.default_retention()}
        return original(backend, bucket_name, *args, **options | (upload.locks if upload else {}))


PATCH = Patch(
    "Object Lock holds for uploads in parts, too; without a checksum, without a date or until a date that is past it is refused.",
    _check,
    _mend,
)
