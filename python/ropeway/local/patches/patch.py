"""What a patch is, and how one refuses a request as S3 does."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from xml.sax.saxutils import escape

from moto.s3.models import s3_backends
from moto.s3.responses import S3Response

Answer = tuple[int, dict[str, str], bytes]
"""Status, headers and content, as moto's methods return them."""


@dataclass(frozen=True)
class Patch:
    """One thing that AWS does and moto 5.2 only pretends. `aws` says it in a sentence; docs/embedded-aws.md lists it.

    `check` looks at each S3 request after it is parsed and before it is done, and raises Refused. `mend` changes moto, once.
    """

    aws: str
    check: Callable[[S3Response], None] | None = None
    mend: Callable[[], None] | None = None


class Refused(Exception):
    """An error answer of S3: `status`, `code` and `message` as S3 words them, further elements, further headers."""

    def __init__(
        self, status: int, code: str, message: str, *, headers: dict[str, str] | None = None, **elements: object
    ) -> None:
        super().__init__(message)
        self.status = status
        self.headers = headers or {}
        self._elements = {"Code": code, "Message": message, **elements}

    def answer(self) -> Answer:
        inner = "".join(f"<{name}>{escape(str(value))}</{name}>" for name, value in self._elements.items())
        body = f'<?xml version="1.0" encoding="UTF-8"?>\n<Error>{inner}<RequestId></RequestId></Error>'
        return self.status, {**self.headers, "Content-Type": "application/xml"}, body.encode()


def around(owner: type, name: str) -> Callable[[Callable[..., Any]], None]:
    """Decorator: put this function in place of a method of moto's. It is given the original, then the method's arguments."""

    def replace(function: Callable[..., Any]) -> None:
        original = getattr(owner, name)

        @functools.wraps(original)
        def method(*args: Any, **kwargs: Any) -> Any:
            return function(original, *args, **kwargs)

        setattr(owner, name, method)

    return replace


def key_of(request: S3Response) -> str:
    """The key that a request is about; empty when it is about the bucket."""
    key: str = request.parse_key_name()
    return key


def bucket_of(request: S3Response) -> Any:
    """Moto's bucket, of whichever account; None when there is no such bucket."""
    if request.bucket_name not in s3_backends.bucket_accounts:
        return None
    partition, owner = s3_backends.bucket_accounts[request.bucket_name]
    return s3_backends[owner][partition].get_bucket(request.bucket_name)


def query_value(request: S3Response, name: str) -> str | None:
    value: str | None = request.normalized_request.args.get(name)
    return value


def query_has(request: S3Response, name: str) -> bool:
    """Whether the query names this; moto's own `querystring` holds the headers when there is no query."""
    return name in request.normalized_request.args


def creates_bucket(request: S3Response) -> bool:
    return request.method == "PUT" and not key_of(request) and not request.normalized_request.args


def stores_object(request: S3Response) -> bool:
    """PutObject or UploadPart."""
    if request.method != "PUT" or not key_of(request) or "x-amz-copy-source" in request.headers:
        return False
    return query_has(request, "uploadId") or not any(
        query_has(request, part) for part in ("acl", "tagging", "retention", "legal-hold")
    )


def reads_object(request: S3Response) -> bool:
    """GetObject or HeadObject, not what is kept beside an object."""
    aside = ("acl", "tagging", "uploadId", "retention", "legal-hold")
    return request.method in {"GET", "HEAD"} and bool(key_of(request)) and not any(query_has(request, p) for p in aside)


def begins_multipart(request: S3Response) -> bool:
    return request.method == "POST" and query_has(request, "uploads")
