"""Looking: listings, heads, tags; and making the bucket that is looked into."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from urllib.parse import unquote_plus

from ropeway.s3 import actions
from ropeway.s3.answered import (
    check_head,
    check_last,
    check_listed,
    check_no_web_page,
    check_page,
    check_truncated,
    not_s3,
    told,
)
from ropeway.s3.engine import CustomerKey, Head, Listed, Pairs
from ropeway.s3.versions import check_version, shown
from ropeway.s3.wire import xml
from ropeway.s3.wire.call import Call
from ropeway.s3.wire.headers import http_time, iso_time, of_customer_key, to_head
from ropeway.s3.wire.line import Line
from ropeway.wire.sigv4 import encoded_query

ABSENT = frozenset({404})
SIZE = re.compile("[0-9]{1,18}")


@dataclass(frozen=True)
class Page:
    """`more` asks for the next page; empty at the end."""

    found: list[Listed]
    more: str
    truncated: bool

    def check_last(self, bucket: str, prefix: str) -> None:
        check_last({"IsTruncated": self.truncated}, f"list s3://{bucket}/{prefix}")


async def page(line: Line, bucket: str, prefix: str, after: str = "", most: int = 0) -> Page:
    """S3 API reference, ListObjectsV2."""
    doing = f"list s3://{bucket}/{prefix}"
    asked = {"list-type": "2", "prefix": prefix, "encoding-type": "url"}
    asked |= {"continuation-token": after} if after else {}
    asked |= {"max-keys": str(most)} if most else {}
    answer = await line.ask(Call("ListObjectsV2", "GET", bucket, "", doing, actions.LIST, query=encoded_query(asked)))
    document = xml.read(answer.body, "Contents")
    top = document.of("ListBucketResult")
    check_page(top | ({"Contents": "some"} if document.entries else {}), doing)
    truncated = check_truncated(top.get("IsTruncated", "false"), doing)
    decode = unquote_plus if top.get("EncodingType") == "url" else str
    found = [
        _listed(entry, check_listed(decode(entry.get("Key", "")), prefix, doing), doing) for entry in document.entries
    ]
    return Page(found, top.get("NextContinuationToken", "") if truncated else "", truncated)


def _listed(entry: dict[str, str], key: str, doing: str) -> Listed:
    size, modified = told(entry, "Size", doing), told(entry, "LastModified", doing)
    if not SIZE.fullmatch(size):
        raise not_s3(doing, f"a size is {size!r}")
    return Listed(
        key=key,
        size=int(size),
        etag=entry.get("ETag", "").strip('"'),
        storage_class=entry.get("StorageClass", ""),
        modified=_time(modified, doing),
    )


def _time(text: str, doing: str) -> float:
    """As S3 writes it, or as HTTP does: some stores know that alone."""
    try:
        return iso_time(text).timestamp()
    except ValueError:
        if stored := http_time(text):
            return stored
        raise not_s3(doing, f"a time is {text!r}") from None


async def head(
    line: Line, bucket: str, key: str, customer_key: CustomerKey | None, version_id: str
) -> tuple[str, Head | None]:
    call = Call(
        "HeadObject", "HEAD", bucket, key, f"look at {shown(bucket, key, version_id)}", actions.of_head(version_id)
    )
    mode = {"x-amz-checksum-mode": "ENABLED"} if line.checksums else {}
    call.headers = {**of_customer_key(customer_key), **mode}
    call.query = encoded_query({"versionId": version_id}) if version_id else ""
    call.accepted = ABSENT
    answer = await line.ask(call)
    check_head(answer.status, answer.headers, call.doing)
    if answer.status == 404:
        return key, None
    check_version({"VersionId": answer.headers.get("x-amz-version-id", "")}, version_id, call.doing)
    try:
        return key, to_head(answer.headers, customer_key)
    except ValueError as wrong:  # a time or a count
        raise not_s3(call.doing, str(wrong)) from wrong


async def tags(line: Line, bucket: str, key: str) -> tuple[str, Pairs]:
    doing = f"read the tags of s3://{bucket}/{key}"
    answer = await line.ask(Call("GetObjectTagging", "GET", bucket, key, doing, actions.TAGS, query="tagging="))
    document = xml.read(answer.body, "Tag")
    told({"TagSet": document.root == "Tagging"}, "TagSet", doing)
    return key, tuple(sorted((tag.get("Key", ""), tag.get("Value", "")) for tag in document.entries))


async def create_bucket(line: Line, bucket: str, region: str, *, object_lock: bool) -> None:
    """us-east-1 is the one region that may not be named (API reference, CreateBucket)."""
    where = "" if region == "us-east-1" else xml.element("LocationConstraint", region)
    body = (
        f'<CreateBucketConfiguration xmlns="{xml.NAMESPACE}">{where}</CreateBucketConfiguration>'.encode()
        if where
        else b""
    )
    needed = actions.of_create_bucket(object_lock=object_lock)
    call = Call("CreateBucket", "PUT", bucket, "", f"create the bucket {bucket} in {region} (CreateBucket)", needed)
    call.body, call.hash = body, hashlib.sha256(body).hexdigest()
    call.headers = {"x-amz-bucket-object-lock-enabled": "true"} if object_lock else {}
    check_no_web_page((await line.ask(call)).headers, call.doing)
