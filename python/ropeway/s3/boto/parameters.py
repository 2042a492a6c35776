"""Headers and heads in boto3's words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timezone
from typing import Any
from urllib.parse import quote, urlencode

from ropeway.s3 import modified
from ropeway.s3.checksums import checksums_in, plain_etag
from ropeway.s3.engine import CustomerKey, Head, Headers, Put
from ropeway.s3.jobs.hands import Begun
from ropeway.s3.metadata import from_ascii, in_ascii
from ropeway.s3.versions import version_in

PLAIN = (
    ("ContentType", "content_type"),
    ("CacheControl", "cache_control"),
    ("ContentEncoding", "content_encoding"),
    ("ContentDisposition", "content_disposition"),
    ("ContentLanguage", "content_language"),
    ("StorageClass", "storage_class"),
    ("ServerSideEncryption", "sse"),
    ("SSEKMSKeyId", "kms_key_id"),
    ("ObjectLockMode", "lock_mode"),
    ("WebsiteRedirectLocation", "website_redirect"),
)
"""What PUT takes and HEAD gives, under the same names."""


def of_put(put: Put) -> dict[str, Any]:
    """For PutObject and CreateMultipartUpload."""
    if not put.keep_modified:
        return of_headers(put.headers)
    mtime = (modified.NAME, modified.to_text(put.mtime_ns))
    return of_headers(replace(put.headers, metadata=(*put.headers.metadata, mtime)))


def of_headers(headers: Headers) -> dict[str, Any]:
    given = {theirs: getattr(headers, ours) for theirs, ours in (*PLAIN, ("ACL", "acl"))}
    given["ObjectLockRetainUntilDate"] = headers.lock_until
    given["ObjectLockLegalHoldStatus"] = "ON" if headers.legal_hold else ""
    given["Expires"] = headers.expires
    given["Metadata"] = {name: in_ascii(value) for name, value in headers.metadata}
    given["Tagging"] = urlencode(headers.tags, quote_via=quote)
    return {name: value for name, value in given.items() if value} | of_customer_key(headers.customer_key)


def of_customer_key(key: CustomerKey | None) -> dict[str, Any]:
    """For every request that reads or writes bytes, and for HEAD. botocore adds the key's MD5."""
    return {} if key is None else {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": key.key}


def of_location(bucket: str, key: str) -> dict[str, str]:
    return {"Bucket": bucket, "Key": key}


def of_begun(begun: Begun) -> dict[str, Any]:
    """For the parts of an upload, and for its end."""
    work = begun.making.work
    return of_location(work.bucket, work.key) | {"UploadId": begun.id} | of_customer_key(work.headers.customer_key)


def to_head(answer: Mapping[str, Any], customer_key: CustomerKey | None = None) -> Head:
    """`customer_key` is the one that HEAD was asked with: an object is answered for only by the key it is encrypted with."""
    return Head(
        size=answer["ContentLength"],
        etag=plain_etag(answer),
        headers=replace(_to_headers(answer), customer_key=customer_key),
        tag_count=answer.get("TagCount", 0),
        checksums=checksums_in(answer),
        checksum_type=answer.get("ChecksumType", ""),
        restore=answer.get("Restore", ""),
        modified=answer["LastModified"].timestamp() if "LastModified" in answer else 0.0,
        version_id=version_in(answer),
    )


def modified_in(answer: Mapping[str, Any]) -> int | None:
    """When the file that was uploaded had been written to, else when the object was; in nanoseconds, None when nothing is told."""
    mtime = modified.from_text(answer.get("Metadata", {}).get(modified.NAME, ""))
    if mtime is None and "LastModified" in answer:
        return int(answer["LastModified"].timestamp()) * 10**9
    return mtime


def _to_headers(answer: Mapping[str, Any]) -> Headers:
    # S3's names are lower case; other stores spell headers as their HTTP library does.
    metadata = sorted((name.lower(), from_ascii(value)) for name, value in answer.get("Metadata", {}).items())
    return Headers(
        metadata=tuple(metadata),
        lock_until=_in_utc(answer["ObjectLockRetainUntilDate"]) if "ObjectLockRetainUntilDate" in answer else "",
        legal_hold=answer.get("ObjectLockLegalHoldStatus") == "ON",
        expires=answer.get("ExpiresString", ""),  # as it was sent: nobody checks that it is a time
        **{ours: answer.get(theirs, "") for theirs, ours in PLAIN},
    )


def _in_utc(time: datetime) -> str:
    return f"{time.astimezone(timezone.utc):%Y-%m-%dT%H:%M:%SZ}"
