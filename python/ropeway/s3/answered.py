"""Whether it was S3 that answered. A proxy or a web server on the way may say yes to anything, and has stored or listed nothing; or no."""

from __future__ import annotations

import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from ropeway.errors import AwsError, NetworkError

LISTING = ("Contents", "IsTruncated", "KeyCount", "Name")
"""An answer to ListObjectsV2 has at least one of them."""

TRUNCATED = re.compile(rb"<IsTruncated>([^<]*)<")
DELETED, HEAD = "IsDeleteResult", 1000


def told(answer: Mapping[str, Any], name: str, doing: str, called: str = "") -> str:
    """What S3 tells in every answer of this kind. `doing` reads on from "Could not". Raises NetworkError where it is missing.

    `called` is AWS's own word for it, where the answer has another.
    """
    if value := answer.get(name):
        return str(value)
    raise not_s3(doing, f"it tells no {called or name}")


def check_no_web_page(headers: Mapping[str, str], doing: str, *, yes: bool = True) -> None:
    """For answers that say all by their status. Raises NetworkError where it is that of a web page. Names are in lower case."""
    if not headers.get("x-amz-request-id") and headers.get("content-type", "").startswith("text/html"):
        raise not_s3(doing, "it is a web page", yes=yes)


def check_head(status: int, headers: Mapping[str, str], doing: str) -> None:
    """Raises NetworkError for an answer to HeadObject that is none, yes or no (404). Names are in lower case."""
    if status == HTTPStatus.NOT_FOUND:
        return check_no_web_page(headers, doing, yes=False)
    told(headers, "etag", doing, "ETag")
    told(headers, "content-length", doing, "Content-Length")
    return None


def check_page(page: Mapping[str, Any], doing: str) -> None:
    """Raises NetworkError for a page of a listing that is none."""
    if not any(name in page for name in LISTING):
        raise not_s3(doing, "it is no listing")


def check_listed(key: str, prefix: str, doing: str) -> str:
    """The key. Raises NetworkError for one that was not asked for: it would be named, or even deleted, as another one."""
    if key and key.startswith(prefix):
        return key
    raise not_s3(doing, f"it lists {key!r}")


def check_deleted(answer: Mapping[str, Any], doing: str) -> None:
    """Raises NetworkError for an answer to DeleteObjects that is none: one that names no errors means that all is deleted."""
    if not answer["ResponseMetadata"].get(DELETED):
        raise not_s3(doing, "it is no DeleteResult")


def check_gone(answer: Mapping[str, Any], doing: str) -> None:
    """Raises NetworkError for an answer to DeleteObject that is none: S3's has no content, and says so by its status."""
    if answer["ResponseMetadata"]["HTTPStatusCode"] != HTTPStatus.NO_CONTENT:
        raise not_s3(doing, "it does not say that there is no content any more")


def mark_deleted(http_response: Any, parsed: dict[str, Any], **_: Any) -> None:
    """For botocore's event after DeleteObjects: what it parsed does not tell an empty DeleteResult from any other document."""
    parsed["ResponseMetadata"][DELETED] = b"<DeleteResult" in http_response.content[:HEAD]


def mark_truncated(http_response: Any, parsed: dict[str, Any], **_: Any) -> None:
    """For botocore's event after ListObjectsV2: whatever it does not know as `true` it parses as no."""
    found = TRUNCATED.search(http_response.content)
    parsed["ResponseMetadata"]["IsTruncated"] = found[1].decode(errors="replace") if found else "false"


def check_truncated(said: str, doing: str) -> bool:
    """Whether more pages follow. Raises NetworkError for what S3 does not say: nobody can tell then."""
    if said not in {"true", "false"}:
        raise not_s3(doing, f"IsTruncated is {said!r}")
    return said == "true"


def check_last(page: Mapping[str, Any], doing: str) -> None:
    """Raises AwsError when more pages should follow, and cannot be asked for: botocore takes one without a token for the last."""
    if page.get("IsTruncated"):
        raise AwsError(
            doing,
            code="IsTruncated",
            answer="there are more objects than it listed, and nothing to ask for them by",
            advice="The store does not list as S3 does (ListObjectsV2), so that nobody can tell what is missing.",
        )


def not_s3(doing: str, why: str, *, yes: bool = True) -> NetworkError:
    """`why` says what of the answer S3 would not say."""
    return NetworkError(
        f"Could not {doing}: an answer came that says {'yes' if yes else 'no'}, but not from S3 ({why}).",
        advice="Check the endpoint URL (it must be the store's API, not its web page), and the proxies between.",
    )
