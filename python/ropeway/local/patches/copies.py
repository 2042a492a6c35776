"""A copy asks for its source: that it is the one that was meant, whose it is, and its customer key; a part that is copied tells its checksum.

S3 API reference, CopyObject and UploadPartCopy.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from moto.s3.models import FakeKey, s3_backends
from moto.s3.responses import S3Response

from ropeway.local.patches.checksums import DIGESTS, encoded
from ropeway.local.patches.patch import Answer, Patch, Refused, around, bucket_of, query_value

SOURCE = "x-amz-copy-source"
CUSTOMER = f"{SOURCE}-server-side-encryption-customer-key-MD5"


def copies(request: S3Response) -> bool:
    return request.method == "PUT" and SOURCE in request.headers


def source_of(request: S3Response) -> tuple[str, str, str | None]:
    """Bucket, key and version id (None: the current one)."""
    parsed = urlsplit(request.headers[SOURCE])
    bucket, _, key = unquote(parsed.path).lstrip("/").partition("/")
    return bucket, key, parse_qs(parsed.query).get("versionId", [None])[0]


def stored_source(request: S3Response) -> FakeKey | None:
    bucket, key, version = source_of(request)
    return request.backend.get_object(bucket, key, version) if bucket in s3_backends.bucket_accounts else None


def _check(request: S3Response) -> None:
    if not copies(request):
        return
    _check_owner(request)
    if stored := stored_source(request):
        _check_key(stored, request.headers.get(CUSTOMER, ""))
        wanted = request.headers.get(f"{SOURCE}-if-match", "")
        if wanted and wanted.strip('"') != stored.etag.strip('"'):
            message = "At least one of the pre-conditions you specified did not hold"
            raise Refused(412, "PreconditionFailed", message, Condition=f"{SOURCE}-If-Match")


def _check_owner(request: S3Response) -> None:
    expected = request.headers.get("x-amz-source-expected-bucket-owner", "")
    _, owner = s3_backends.bucket_accounts.get(source_of(request)[0], ("", expected))
    if expected and expected != owner:
        raise Refused(403, "AccessDenied", "Access Denied")


def _check_key(stored: FakeKey, given: str) -> None:
    if stored.customer_md5 and given and stored.customer_md5 != given:
        raise Refused(403, "AccessDenied", "Access Denied")
    if stored.customer_md5 != given:
        message = (
            "The object was stored using a form of Server Side Encryption. "
            "The correct parameters must be provided to retrieve the object."
        )
        raise Refused(400, "InvalidRequest", message)


def _mend() -> None:
    @around(S3Response, "_key_response_put")
    def put(original: Any, request: S3Response, query: dict[str, Any], key_name: str) -> Answer:
        """As moto does, but that it asks locked copies for a checksum: they have no body."""
        if not copies(request):
            answer: Answer = original(request, query, key_name)
            return answer
        request._set_action("KEY", "PUT", query)  # noqa: SLF001 - this is what we mend
        request._authenticate_and_authorize_s3_action(bucket_name=request.bucket_name, key_name=key_name)  # noqa: SLF001
        made: Answer = request.upload_part_copy() if query.get("uploadId") else request.copy_object()
        return made

    @around(S3Response, "upload_part_copy")
    def told(original: Any, request: S3Response, *args: Any, **kwargs: Any) -> Answer:
        status, headers, body = original(request, *args, **kwargs)
        upload = bucket_of(request).multiparts.get(query_value(request, "uploadId"))
        algorithm = str(upload.metadata.get("x-amz-checksum-algorithm", "")) if upload else ""
        if status != 200 or algorithm.lower() not in DIGESTS:
            return status, headers, body
        part = upload.parts[int(query_value(request, "partNumber") or 0)]
        digest = encoded(DIGESTS[algorithm.lower()](part.value))
        text = body.decode() if isinstance(body, bytes) else body
        text = re.sub(
            "(</(?:[a-z0-9]+:)?CopyPartResult>)", rf"<Checksum{algorithm}>{digest}</Checksum{algorithm}>\1", text
        )
        headers["content-length"] = str(len(text.encode()))
        return status, headers, text.encode()


PATCH = Patch(
    "A copy is refused when its source is not the one that was meant (`x-amz-copy-source-if-match`), belongs to another account than was "
    "expected, or needs a customer key; one that is locked has no body to prove; a part that is copied tells its checksum.",
    _check,
    _mend,
)
