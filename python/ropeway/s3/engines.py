"""Which engine moves the objects."""

from __future__ import annotations

from ropeway.aws.session import Aws, S3Address
from ropeway.errors import InputError
from ropeway.s3.engine import ObjectEngine, Terms
from ropeway.s3.inputs import BucketInputs

BY_ITSELF = "wire"
"""What `auto` means where both apply."""

THREADS = 32
"""Requests of boto3 in flight at most: each has a thread, and Python runs one of them at a time."""

KINDS = {
    "sigv4-s3express": "a directory bucket (S3 Express), which hands out sessions of its own",
    "sigv4a": "a multi-region access point, which wants signatures for many regions (SigV4A)",
    "s3-object-lambda": "an access point of S3 Object Lambda",
    "s3-outposts": "an access point on an Outpost",
}
"""Where Ropeway's own engine does not apply, by the scheme or the service of the signature (docs/engine.md)."""


def engine_for(aws: Aws, given: BucketInputs) -> ObjectEngine:
    """The engine that these inputs ask for, with as many connections as transfers at once.

    Raises InputError where `wire` is asked for and does not apply, or where no endpoint serves the bucket.
    """
    asked = BY_ITSELF if given.transfer_engine == "auto" else given.transfer_engine
    if asked == "boto3":
        return _boto(aws, given)
    kind = _not_by_wire(aws.s3(given.bucket_name))
    if not kind:
        return _wire(aws, given)
    if given.transfer_engine == "wire":
        raise InputError(
            [f"transferEngine is wire, but {given.bucket_name} is {kind}: boto3 alone can do that."]
        ).advised("Set transferEngine to auto.")
    return _boto(aws, given)


def _not_by_wire(address: S3Address) -> str:
    return KINDS.get(address.scheme) or KINDS.get(address.service, "")


# Imported once the inputs are known to be good, and one of them alone: start-up counts.


def _wire(aws: Aws, given: BucketInputs) -> ObjectEngine:
    from ropeway.s3.wire import WireEngine  # noqa: PLC0415

    return WireEngine(
        aws.s3,
        concurrency=given.max_concurrency,
        checksums=given.checksums == "whenSupported",
        on=_terms(given),
    )


def _boto(aws: Aws, given: BucketInputs) -> ObjectEngine:
    from ropeway.s3.boto import BotoEngine  # noqa: PLC0415

    concurrency = min(given.max_concurrency, THREADS)
    return BotoEngine(
        aws.client("s3", max_pool_connections=concurrency),
        concurrency=concurrency,
        checksums=given.checksums == "whenSupported",
        on=_terms(given),
    )


def _terms(given: BucketInputs) -> Terms:
    return Terms(given.expected_bucket_owner, given.requester_pays)
