"""Which engine moves the objects."""

from __future__ import annotations

from ropeway.aws.session import Aws
from ropeway.s3.engine import ObjectEngine, Terms
from ropeway.s3.inputs import S3Inputs


def engine_for(aws: Aws, given: S3Inputs) -> ObjectEngine:
    """The engine that these inputs ask for, with as many connections as transfers at once."""
    from ropeway.s3.boto import BotoEngine  # noqa: PLC0415 - imported once the inputs are known to be good: start-up counts

    client = aws.client("s3", max_pool_connections=given.max_concurrency)
    return BotoEngine(
        client,
        concurrency=given.max_concurrency,
        checksums=given.checksums == "whenSupported",
        on=Terms(given.expected_bucket_owner, given.requester_pays),
    )
