"""Objects are encrypted unasked (SSE-S3); a customer's key is needed to read what it wrote; a KMS key has to exist.

The ETag of an object under KMS or a customer's key is not its MD5 (S3 API reference, Object).
"""

from __future__ import annotations

import base64
import hashlib
import uuid
from contextvars import ContextVar
from typing import Any

from moto.kms.models import kms_backends
from moto.s3.models import FakeKey, FakeMultipart, S3Backend
from moto.s3.responses import S3Response

from ropeway.local.patches.patch import (
    Patch,
    Refused,
    around,
    begins_multipart,
    bucket_of,
    key_of,
    query_has,
    query_value,
    reads_object,
    stores_object,
)

CUSTOMER = "x-amz-server-side-encryption-customer-"

_customer_md5: ContextVar[str] = ContextVar("customer_md5", default="")
"""MD5 of the customer's key, as the request that this thread serves gives it."""


def _check(request: S3Response) -> None:
    given = _given(request)
    _customer_md5.set(given)
    bucket = bucket_of(request)
    if not bucket:
        return
    if reads_object(request):
        _check_key(bucket, request, given)
    elif request.method == "PUT" and query_has(request, "uploadId"):
        _check_part(bucket, request, given)
    elif stores_object(request) or begins_multipart(request):
        kms_key = request.headers.get("x-amz-server-side-encryption-aws-kms-key-id")
        if kms_key:
            kms_arn(bucket, kms_key)


def _given(request: S3Response) -> str:
    """The MD5 of the customer's key, checked against the key; empty when none is given."""
    key, md5 = (request.headers.get(CUSTOMER + part, "") for part in ("key", "key-MD5"))
    if not key:
        return ""
    try:
        secret = base64.b64decode(key, validate=True)
    except ValueError:
        secret = b""
    if len(secret) != 32:
        raise Refused(400, "InvalidArgument", "The secret key was invalid for the specified algorithm.")
    if base64.b64encode(hashlib.md5(secret, usedforsecurity=False).digest()).decode() != md5:
        message = "The calculated MD5 hash of the key did not match the hash that was provided."
        raise Refused(400, "InvalidArgument", message)
    return str(md5)


def _check_key(bucket: Any, request: S3Response, given: str) -> None:
    stored = request.backend.get_object(bucket.name, key_of(request), query_value(request, "versionId"))
    if stored is None or stored.customer_md5 == given:
        return
    if stored.customer_md5 and given:
        raise Refused(403, "AccessDenied", "Access Denied")
    message = (
        "The object was stored using a form of Server Side Encryption. "
        "The correct parameters must be provided to retrieve the object."
        if stored.customer_md5
        else "The encryption parameters are not applicable to this object."
    )
    raise Refused(400, "InvalidRequest", message)


def _check_part(bucket: Any, request: S3Response, given: str) -> None:
    if bucket.multiparts[query_value(request, "uploadId")].customer_md5 != given:
        message = (
            "The multipart upload initiate requested encryption. "
            "Subsequent part requests must include the appropriate encryption parameters."
        )
        raise Refused(400, "InvalidRequest", message)


def kms_arn(bucket: Any, key_id: str) -> str:
    """The key's ARN, which is what S3 shows however the key was named. An empty id is the account's own aws/s3."""
    kms = kms_backends[bucket.account_id][bucket.region_name]
    name = kms.get_alias_name(key_id or "alias/aws/s3")
    found = kms.get_key_id_from_alias(name) if name.startswith("alias/") else kms.get_key_id(name)
    if found not in kms.keys:
        raise Refused(400, "KMS.NotFoundException", f"Key '{key_id}' does not exist")
    return str(kms.keys[found].arn)


def _mend() -> None:
    FakeKey.customer_md5 = FakeMultipart.customer_md5 = ""
    shown = FakeKey.response_dict.fget

    def with_customer_key(key: FakeKey) -> dict[str, Any]:
        named = {CUSTOMER + "algorithm": "AES256", CUSTOMER + "key-MD5": key.customer_md5}
        return {**shown(key), **(named if key.customer_md5 else {})}

    FakeKey.response_dict = property(with_customer_key)

    @around(S3Backend, "put_object")
    def encrypted(original: Any, backend: S3Backend, bucket_name: str, *args: Any, **options: Any) -> FakeKey:
        upload, etag = options.get("multipart"), options.get("etag")
        customer_md5 = upload.customer_md5 if upload and etag else _customer_md5.get()
        bucket = backend.get_bucket(bucket_name)
        if not customer_md5 and not bucket.encryption:
            options["encryption"] = options.get("encryption") or "AES256"
        key = original(backend, bucket_name, *args, **options)
        key.customer_md5 = customer_md5
        if under_kms(key.encryption):
            key.kms_key_id = kms_arn(bucket, key.kms_key_id or "")
        _hide_md5(key, etag, customer_md5, key.encryption)
        return key

    @around(S3Backend, "create_multipart_upload")
    def begun(original: Any, *args: Any, **kwargs: Any) -> FakeMultipart:
        upload = original(*args, **kwargs)
        upload.customer_md5 = _customer_md5.get()
        return upload

    @around(FakeMultipart, "set_part")
    def part(original: Any, upload: FakeMultipart, *args: Any) -> FakeKey:
        key = original(upload, *args)
        key.customer_md5 = upload.customer_md5
        _hide_md5(key, None, upload.customer_md5, upload.sse_encryption)
        return key


def under_kms(encryption: str | None) -> bool:
    return bool(encryption and encryption.startswith("aws:kms"))


def _hide_md5(key: FakeKey, etag: str | None, customer_md5: str, encryption: str | None) -> None:
    """An ETag that was given is that of a multipart upload: made of its parts' already."""
    if not etag and (customer_md5 or under_kms(encryption)):
        key._etag = uuid.uuid4().hex  # noqa: SLF001 - this is what we mend


PATCH = Patch(
    "Objects are encrypted unasked; an SSE-C object needs its key to be read; KMS keys must exist and are shown by ARN; "
    "the ETag of an object under KMS or SSE-C is not its MD5.",
    _check,
    _mend,
)
