"""A bucket answers in its own region only; a request signed for another one is told which."""

from __future__ import annotations

import re

from moto.s3.responses import S3Response

from ropeway.local.patches.patch import Patch, Refused, bucket_of, creates_bucket, query_has, query_value

SCOPE = re.compile(r"Credential=[^/]+/\d{8}/([^/]+)/")


def _check(request: S3Response) -> None:
    """S3 API reference, "Error responses", PermanentRedirect. GetBucketLocation works from everywhere."""
    bucket, signed_for = bucket_of(request), _signed_for(request)
    if not bucket or not signed_for or creates_bucket(request) or query_has(request, "location"):
        return
    home = bucket.region_name
    if home == signed_for:
        return
    raise Refused(
        301,
        "PermanentRedirect",
        "The bucket you are attempting to access must be addressed using the specified endpoint. "
        "Please send all future requests to this endpoint.",
        headers={"x-amz-bucket-region": home},
        Endpoint=f"{request.bucket_name}.s3.{home}.amazonaws.com",
        Bucket=request.bucket_name,
    )


def _signed_for(request: S3Response) -> str:
    presigned = query_value(request, "X-Amz-Credential")
    found = SCOPE.search(request.headers.get("Authorization", "") or f"Credential={presigned}")
    return found[1] if found else ""


PATCH = Patch("A bucket is reached through its own region; elsewhere the answer is 301 and names it.", _check)
