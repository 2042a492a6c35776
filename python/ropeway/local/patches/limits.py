"""Names that are no names, keys and metadata that are too long, storage classes that do not exist."""

from __future__ import annotations

import re

from moto.s3.responses import S3Response
from moto.s3.utils import STORAGE_CLASS

from ropeway.local.patches.patch import Patch, Refused, begins_multipart, creates_bucket, key_of

BUCKET_NAME = re.compile(r"(?!.*\.\.)(?!\d+\.\d+\.\d+\.\d+$)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
LONGEST_KEY = 1024
"""Bytes of UTF-8 (S3 user guide, "Naming Amazon S3 objects")."""
LARGEST_METADATA = 2048
"""Bytes of names and values together (S3 user guide, "Working with object metadata")."""


def _check(request: S3Response) -> None:
    key = key_of(request)
    if creates_bucket(request) and not BUCKET_NAME.fullmatch(request.bucket_name or ""):
        raise Refused(400, "InvalidBucketName", "The specified bucket is not valid.", BucketName=request.bucket_name)
    if (size := len(key.encode())) > LONGEST_KEY:
        raise Refused(400, "KeyTooLongError", "Your key is too long", Size=size, MaxSizeAllowed=LONGEST_KEY)
    _check_metadata(request)
    storage_class = request.headers.get("x-amz-storage-class", "STANDARD")
    if begins_multipart(request) and storage_class not in STORAGE_CLASS:
        raise Refused(400, "InvalidStorageClass", "The storage class you specified is not valid")


def _check_metadata(request: S3Response) -> None:
    prefix = "x-amz-meta-"
    names = [name for name in request.headers.keys() if name.lower().startswith(prefix)]  # noqa: SIM118 - not a dict
    size = sum(len(name) - len(prefix) + len(request.headers[name].encode()) for name in names)
    if size > LARGEST_METADATA:
        raise Refused(
            400,
            "MetadataTooLarge",
            "Your metadata headers exceed the maximum allowed metadata size",
            Size=size,
            MaxSizeAllowed=LARGEST_METADATA,
        )


PATCH = Patch(
    "Bucket names, keys over 1,024 bytes, metadata over 2 KB and storage classes of multipart uploads are checked.",
    _check,
)
