"""Bytes that are not those of their checksum are refused: Content-MD5, the signed SHA-256, and CRC32, SHA-1 and SHA-256.

CRC32C and CRC64NVME would need native code: they are kept and handed back as they came. S3 computes a CRC64NVME for an object
that came without any checksum; here it has none.
"""

from __future__ import annotations

import base64
import hashlib
import zlib
from collections.abc import Callable
from typing import Any

from moto.s3.models import FakeKey
from moto.s3.responses import S3Response

from ropeway.local.patches.patch import Answer, Patch, Refused, around, key_of, query_has, query_value

Digest = Callable[[bytes], bytes]

DIGESTS: dict[str, Digest] = {
    "crc32": lambda body: zlib.crc32(body).to_bytes(4, "big"),
    "sha1": lambda body: hashlib.sha1(body, usedforsecurity=False).digest(),
    "sha256": lambda body: hashlib.sha256(body).digest(),
}
LENGTHS = {"crc32": 4, "crc32c": 4, "crc64nvme": 8, "sha1": 20, "sha256": 32}
PREFIX = "x-amz-checksum-"


def encoded(digest: bytes) -> str:
    return base64.b64encode(digest).decode()


def sent(request: S3Response) -> tuple[str, str]:
    """Algorithm (lower case) and value of the checksum that came in a header or a trailer; empty when none did."""
    headers = {name.lower(): value for name, value in request.headers.items()} | request.trailers
    values = {name: headers[PREFIX + name] for name in LENGTHS if PREFIX + name in headers}
    if len(values) > 1:
        raise _invalid("Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.")
    _check_announced(headers, values)
    return next(iter(values.items()), ("", ""))


def _check_announced(headers: dict[str, str], values: dict[str, str]) -> None:
    if (trailer := headers.get("x-amz-trailer", "").lower()) and trailer not in headers:
        message = (
            "The request contained trailing data that was not well-formed or did not conform to our published schema."
        )
        raise Refused(400, "MalformedTrailerError", message)
    if "x-amz-sdk-checksum-algorithm" in headers and not values:
        raise _invalid(
            "x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer headers were found."
        )


def check_value(algorithm: str, value: str, expected: Callable[[], bytes] | None) -> None:
    """Refuse a value that cannot be one, and one that is not the expected one (None: it cannot be computed here)."""
    try:
        given = base64.b64decode(value, validate=True)
    except ValueError:
        given = b""
    if len(given) != LENGTHS[algorithm]:
        raise _invalid(f"Value for {PREFIX}{algorithm} header is invalid.")
    if expected and expected() != given:
        message = f"The {algorithm.upper()} you specified did not match the calculated checksum."
        raise Refused(400, "BadDigest", message)


def _check(request: S3Response) -> None:
    completes = request.method == "POST" and query_has(request, "uploadId")
    if completes or request.method not in {"PUT", "POST"}:
        return  # the checksum of CompleteMultipartUpload is the object's, not the request's: see multipart
    body = request.body or b""
    _check_signed(request.headers.get("x-amz-content-sha256", ""), body)
    _check_md5(request.headers.get("Content-MD5", ""), body)
    algorithm, value = sent(request)
    if algorithm:
        digest = DIGESTS.get(algorithm)
        check_value(algorithm, value, digest and (lambda: digest(body)))


def _check_signed(value: str, body: bytes) -> None:
    if len(value) == 64 and value != (computed := hashlib.sha256(body).hexdigest()):
        raise Refused(
            400,
            "XAmzContentSHA256Mismatch",
            "The provided 'x-amz-content-sha256' header does not match what was computed.",
            ClientComputedContentSHA256=value,
            S3ComputedContentSHA256=computed,
        )


def _check_md5(value: str, body: bytes) -> None:
    if not value:
        return
    try:
        given = base64.b64decode(value, validate=True)
    except ValueError:
        given = b""
    if len(given) != 16:
        raise Refused(400, "InvalidDigest", "The Content-MD5 you specified was invalid.")
    computed = hashlib.md5(body, usedforsecurity=False).digest()
    if given != computed:
        message = "The Content-MD5 you specified did not match what we received."
        raise Refused(400, "BadDigest", message, ExpectedDigest=value, CalculatedDigest=encoded(computed))


def _invalid(message: str) -> Refused:
    return Refused(400, "InvalidRequest", message)


def _headers_of(key: FakeKey) -> dict[str, str]:
    """The checksum of an object as GET and HEAD show it."""
    if not key.checksum_algorithm or not key.checksum_value:
        return {}
    kind = key.checksum_type or "FULL_OBJECT"
    value = f"{key.checksum_value}-{key.checksum_parts}" if kind == "COMPOSITE" else key.checksum_value
    return {PREFIX + key.checksum_algorithm.lower(): value, PREFIX + "type": kind}


def _mend() -> None:
    @around(S3Response, "_get_checksum")
    def remembered(_: Any, request: S3Response, headers: dict[str, str]) -> tuple[str, str | None]:
        algorithm, value = sent(request)
        if algorithm:
            headers[PREFIX + algorithm] = value
        return algorithm.upper(), value or None

    for name in ("get_object", "head_object"):

        @around(S3Response, name)
        def shown(original: Any, request: S3Response, *args: Any, **kwargs: Any) -> Answer:
            status, headers, body = original(request, *args, **kwargs)
            if status in {200, 206} and request.headers.get("x-amz-checksum-mode") == "ENABLED":
                version = query_value(request, "versionId")
                headers |= _headers_of(request.backend.get_object(request.bucket_name, key_of(request), version))
            return status, headers, body


PATCH = Patch(
    "Wrong checksums are refused: Content-MD5, x-amz-content-sha256, CRC32, SHA-1 and SHA-256, in headers and trailers.",
    _check,
    _mend,
)
