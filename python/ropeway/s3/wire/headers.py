"""Headers and heads in HTTP's words (S3 API reference: PutObject, HeadObject, "Common request headers")."""

from __future__ import annotations

import hashlib
import re
from base64 import b64encode
from calendar import timegm
from collections.abc import Mapping
from datetime import datetime, timezone
from operator import attrgetter
from typing import Any
from urllib.parse import quote, urlencode

from ropeway.s3 import modified
from ropeway.s3.checksums import checksums_in
from ropeway.s3.engine import CustomerKey, Head, Headers, Put
from ropeway.s3.metadata import from_ascii, in_ascii

META = "x-amz-meta-"
CUSTOMER_KEY = "server-side-encryption-customer-"
BOTH_WAYS = {
    "content-type": "content_type",
    "cache-control": "cache_control",
    "content-encoding": "content_encoding",
    "content-disposition": "content_disposition",
    "content-language": "content_language",
    "expires": "expires",
    "x-amz-storage-class": "storage_class",
    "x-amz-server-side-encryption": "sse",
    "x-amz-server-side-encryption-aws-kms-key-id": "kms_key_id",
    "x-amz-object-lock-mode": "lock_mode",
    "x-amz-website-redirect-location": "website_redirect",
}
"""What PUT takes and HEAD gives, under the same names."""
SENT = {**BOTH_WAYS, "x-amz-acl": "acl", "x-amz-object-lock-retain-until-date": "lock_until"}
VALUES = attrgetter(*SENT.values())

NAMES = {
    "etag": "ETag",
    "content-range": "ContentRange",
    "x-amz-version-id": "VersionId",
    "x-amz-checksum-type": "ChecksumType",
    "x-amz-server-side-encryption": "ServerSideEncryption",
    "x-amz-server-side-encryption-customer-algorithm": "SSECustomerAlgorithm",
    "x-amz-storage-class": "StorageClass",
    "x-amz-mp-parts-count": "PartsCount",
}
"""AWS's own names for what answers prove things with: those that `s3.checksums` and its like read."""
CHECKSUM = "x-amz-checksum-"


def of_headers(headers: Headers) -> dict[str, str]:
    sent = {name: value for name, value in zip(SENT, VALUES(headers), strict=True) if value}
    if headers.legal_hold:
        sent["x-amz-object-lock-legal-hold"] = "ON"
    if headers.tags:
        sent["x-amz-tagging"] = urlencode(headers.tags, quote_via=quote)
    for name, value in headers.metadata:
        sent[f"{META}{name.lower()}"] = in_ascii(value)
    return sent | of_customer_key(headers.customer_key) if headers.customer_key else sent


def of_time(put: Put) -> dict[str, str]:
    return {f"{META}{modified.NAME}": modified.to_text(put.mtime_ns)} if put.keep_modified else {}


def of_customer_key(key: CustomerKey | None, prefix: str = "x-amz-") -> dict[str, str]:
    """For every request that reads or writes bytes, and for HEAD (S3 user guide, "SSE-C")."""
    if key is None:
        return {}
    md5 = hashlib.md5(key.key, usedforsecurity=False).digest()
    return {
        f"{prefix}{CUSTOMER_KEY}algorithm": "AES256",
        f"{prefix}{CUSTOMER_KEY}key": b64encode(key.key).decode(),
        f"{prefix}{CUSTOMER_KEY}key-md5": b64encode(md5).decode(),
    }


def named(headers: Mapping[str, str]) -> dict[str, Any]:
    """An answer's headers under AWS's own names."""
    found: dict[str, Any] = {NAMES[name]: value for name, value in headers.items() if name in NAMES}
    for name, value in headers.items():
        if name.startswith(CHECKSUM) and name not in NAMES:
            found[f"Checksum{name[len(CHECKSUM) :].upper()}"] = value
    if "content-length" in headers:
        found["ContentLength"] = int(headers["content-length"])
    return found


def to_head(headers: Mapping[str, str], customer_key: CustomerKey | None) -> Head:
    """`customer_key` is the one that HEAD was asked with: an object is answered for only by the key it is encrypted with."""
    answer = named(headers)
    return Head(
        size=answer.get("ContentLength", 0),
        etag=answer.get("ETag", "").strip('"'),
        headers=_headers_in(headers, customer_key),
        tag_count=int(headers.get("x-amz-tagging-count", 0)),
        checksums=checksums_in(answer),
        checksum_type=answer.get("ChecksumType", ""),
        restore=headers.get("x-amz-restore", ""),
        modified=http_time(headers.get("last-modified", "")),
        version_id=answer.get("VersionId", ""),
    )


def _headers_in(headers: Mapping[str, str], customer_key: CustomerKey | None) -> Headers:
    until = headers.get("x-amz-object-lock-retain-until-date", "")
    metadata = [(name[len(META) :], from_ascii(text)) for name, text in headers.items() if name.startswith(META)]
    plain: dict[str, Any] = {ours: headers.get(theirs, "") for theirs, ours in BOTH_WAYS.items()}
    return Headers(
        metadata=tuple(sorted(metadata)),
        lock_until=f"{iso_time(until):%Y-%m-%dT%H:%M:%SZ}" if until else "",
        legal_hold=headers.get("x-amz-object-lock-legal-hold") == "ON",
        customer_key=customer_key,
        **plain,
    )


def modified_in(headers: Mapping[str, str]) -> int | None:
    """When the file that was uploaded had been written to, else when the object was; in nanoseconds, None when nothing is told."""
    mtime = modified.from_text(headers.get(f"{META}{modified.NAME}", ""))
    if mtime is None and (stored := http_time(headers.get("last-modified", ""))):
        return int(stored) * 10**9
    return mtime


# --- times -------------------------------------------------------------------------------------------------------------------

MONTHS = {
    name: number
    for number, name in enumerate(
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"], 1
    )
}
FIXDATE = re.compile(r"[A-Z][a-z]{2}, (\d\d) ([A-Z][a-z]{2}) (\d{4}) (\d\d):(\d\d):(\d\d) GMT")


def http_time(text: str) -> float:
    """Seconds since the epoch of an IMF-fixdate (RFC 9110, section 5.6.7); 0 for anything else."""
    found = FIXDATE.fullmatch(text)
    if not found or found[2] not in MONTHS:
        return 0.0
    day, year, hour, minute, second = (int(found[number]) for number in (1, 3, 4, 5, 6))
    return float(timegm((year, MONTHS[found[2]], day, hour, minute, second))) if year else 0.0


def iso_time(text: str) -> datetime:
    """2027-01-31T00:00:00.000Z. Raises ValueError."""
    zoned = text[:-1] + "+00:00" if text.endswith("Z") else text
    return datetime.fromisoformat(zoned).astimezone(timezone.utc)
