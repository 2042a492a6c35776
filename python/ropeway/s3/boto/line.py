"""One run's way to the store, and what is done before each attempt of a request."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from ropeway.aws.answers import asking
from ropeway.s3.answered import mark_deleted, mark_truncated
from ropeway.s3.boto.flow import Stop, check_current
from ropeway.s3.boto.slices import Slice
from ropeway.s3.engine import Sent, Terms
from ropeway.s3.guarded import check_guarded
from ropeway.s3.jobs.hands import Making

SMALL = 1 << 20
"""Bytes below which asking first ("Expect: 100-continue") costs more than it can save: a round trip an object."""

CRC32 = "x-amz-checksum-crc32"
"""With it, and TLS, botocore need not hash the body to sign it: it leaves that out where it knows that there is a checksum."""


@dataclass(frozen=True)
class Line:
    """`client` is a boto3 S3 client that `watch` has been called with; `checksums` says whether the store is given some."""

    client: Any
    terms: Terms
    checksums: bool
    sent: Sent
    stop: Stop

    def asking(self, doing: str, needed: tuple[str, ...], bucket: str) -> AbstractContextManager[None]:
        return asking_by(self.client, self.terms, doing, needed, bucket)

    def making(self, making: Making) -> AbstractContextManager[None]:
        return self.asking(making.doing, making.needed, making.work.bucket)


def asking_by(
    client: Any, terms: Terms, doing: str, needed: tuple[str, ...], bucket: str
) -> AbstractContextManager[None]:
    """What botocore raises inside becomes one of our errors. `needed` are the IAM actions."""
    region = client.meta.region_name
    return asking(doing, action=needed, bucket=bucket, bucket_owner=terms.bucket_owner, region=region)


def watch(client: Any) -> None:
    """Lets this engine see every attempt of the client's requests. Calling it again changes nothing."""
    client.meta.events.register("before-call.s3", _before_call, unique_id="ropeway-before-call")
    client.meta.events.register("before-send.s3", _before_send, unique_id="ropeway-before-send")
    if client.meta.config.request_checksum_calculation == "when_required":
        client.meta.events.register_last("before-call.s3.DeleteObjects", _prove_by_md5, unique_id="ropeway-md5")
    client.meta.events.register("after-call.s3.DeleteObjects", mark_deleted, unique_id="ropeway-after-delete")
    client.meta.events.register("after-call.s3.ListObjectsV2", mark_truncated, unique_id="ropeway-after-list")


def _before_call(params: Mapping[str, Any], **_: Any) -> None:
    body = params.get("body")
    if not isinstance(body, Slice):
        return
    if body.length < SMALL:
        params["headers"].pop("Expect", None)
    if CRC32 in params["headers"]:
        params["context"]["checksum"] = {"request_algorithm": {"algorithm": "crc32", "in": "header", "name": CRC32}}


def _prove_by_md5(params: dict[str, Any], **_: Any) -> None:
    """S3 deletes only by a list that is proved; stores that know no newer checksums take Content-MD5 (API reference, DeleteObjects)."""
    md5 = hashlib.md5(params["body"], usedforsecurity=False)
    params["headers"]["Content-MD5"] = base64.b64encode(md5.digest()).decode()
    params["context"].pop("checksum", None)


def _before_send(request: Any, **_: Any) -> None:
    """To sign it botocore reads a body, too: only from here on do its bytes go over the wire."""
    check_current()
    url = urlsplit(request.url)
    check_guarded(url.hostname or "", request.headers, tls=url.scheme == "https")
    if isinstance(request.body, Slice):
        request.body.on_the_wire()
