"""Whether it was S3 that said yes. A proxy or a web server on the way may answer 200 to anything, and has stored or listed nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ropeway.errors import AwsError, NetworkError

LISTING = ("Contents", "IsTruncated", "KeyCount", "Name")
"""An answer to ListObjectsV2 has at least one of them."""


def told(answer: Mapping[str, Any], name: str, doing: str) -> str:
    """What S3 tells in every answer of this kind. `doing` reads on from "Could not". Raises NetworkError where it is missing."""
    if value := answer.get(name):
        return str(value)
    raise _not_s3(doing, f"it tells no {name}")


def check_page(page: Mapping[str, Any], doing: str) -> None:
    """Raises NetworkError for a page of a listing that is none."""
    if not any(name in page for name in LISTING):
        raise _not_s3(doing, "it is no listing")


def check_last(page: Mapping[str, Any], doing: str) -> None:
    """Raises AwsError when more pages should follow: botocore takes one without a token for the last."""
    if page.get("IsTruncated"):
        raise AwsError(
            doing,
            code="IsTruncated",
            answer="there are more objects than it listed, and nothing to ask for them by",
            advice="The store does not list as S3 does (ListObjectsV2), so that nobody can tell what is missing.",
        )


def _not_s3(doing: str, why: str) -> NetworkError:
    return NetworkError(
        f"Could not {doing}: an answer came that says yes, but not from S3 ({why}).",
        advice="Check the endpoint URL (it must be the store's API, not its web page), and the proxies between.",
    )
