"""The settings of a bucket that make it a website: how each is read and written, and which actions that takes."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from botocore.exceptions import ClientError

from ropeway.aws.answers import asking
from ropeway.s3.website.documents import Document

Kind = Literal["versioning", "website", "block", "policy"]


@dataclass(frozen=True)
class Setting:
    """`absent` is the code of the answer that says that there is none. `read` and `write` take a client and the arguments."""

    noun: str
    absent: str
    read_action: str
    write_action: str
    read: Callable[..., Document]
    write: Callable[..., object]


SETTINGS: dict[Kind, Setting] = {
    "versioning": Setting(
        "versioning",
        "",
        "s3:GetBucketVersioning",
        "s3:PutBucketVersioning",
        lambda s3, **on: {"Status": s3.get_bucket_versioning(**on).get("Status", "")},
        lambda s3, document, **on: s3.put_bucket_versioning(VersioningConfiguration=document, **on),
    ),
    "website": Setting(
        "website configuration",
        "NoSuchWebsiteConfiguration",
        "s3:GetBucketWebsite",
        "s3:PutBucketWebsite",
        lambda s3, **on: _bare(s3.get_bucket_website(**on)),
        lambda s3, document, **on: s3.put_bucket_website(WebsiteConfiguration=document, **on),
    ),
    "block": Setting(
        "public access block",
        "NoSuchPublicAccessBlockConfiguration",
        "s3:GetBucketPublicAccessBlock",
        "s3:PutBucketPublicAccessBlock",
        lambda s3, **on: s3.get_public_access_block(**on)["PublicAccessBlockConfiguration"],
        lambda s3, document, **on: s3.put_public_access_block(PublicAccessBlockConfiguration=document, **on),
    ),
    "policy": Setting(
        "policy",
        "NoSuchBucketPolicy",
        "s3:GetBucketPolicy",
        "s3:PutBucketPolicy",
        lambda s3, **on: json.loads(s3.get_bucket_policy(**on)["Policy"]),
        lambda s3, document, **on: s3.put_bucket_policy(Policy=json.dumps(document), **on),
    ),
}


AT_FIRST: dict[Kind, Document | None] = {
    "versioning": {"Status": ""},
    "website": None,
    "block": dict.fromkeys(("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True),
    "policy": None,
}
"""Of a bucket as S3 makes it (S3 user guide, "Default settings for new buckets")."""


@dataclass(frozen=True)
class Buckets:
    """`owner` is the account that the buckets must belong to; empty: anybody's. `new` is a bucket that is not there yet: it reads as S3 makes them."""

    client: Any
    region: str
    owner: str
    new: str = ""

    def read(self, kind: Kind, bucket: str) -> Document | None:
        if bucket == self.new:
            return AT_FIRST[kind]
        setting = SETTINGS[kind]
        with asking(
            f"read the {setting.noun} of the bucket {bucket}", action=setting.read_action, **self._where(bucket)
        ):
            try:
                return setting.read(self.client, **self._on(bucket))
            except ClientError as answer:
                if setting.absent and answer.response["Error"].get("Code") == setting.absent:
                    return None
                raise

    def write(self, kind: Kind, bucket: str, document: Document) -> None:
        setting = SETTINGS[kind]
        with asking(
            f"set the {setting.noun} of the bucket {bucket}", action=setting.write_action, **self._where(bucket)
        ):
            setting.write(self.client, document, **self._on(bucket))

    def _on(self, bucket: str) -> dict[str, str]:
        return {"Bucket": bucket, **({"ExpectedBucketOwner": self.owner} if self.owner else {})}

    def _where(self, bucket: str) -> dict[str, str]:
        return {"bucket": bucket, "bucket_owner": self.owner, "region": self.region}


def _bare(answer: dict[str, Any]) -> Document:
    return {name: value for name, value in answer.items() if name != "ResponseMetadata"}
