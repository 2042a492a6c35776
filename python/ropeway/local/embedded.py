"""What is known of an embedded AWS from outside. moto is not needed to know it."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass

from ropeway.aws.connection import Connection
from ropeway.errors import RopewayError
from ropeway.local.instances.api import Instances

REGION = "us-east-1"


@dataclass(frozen=True)
class EmbeddedAws:
    """Where an embedded AWS listens, and the credentials that go with it (it takes any)."""

    endpoint_url: str
    region: str = REGION

    @property
    def connection(self) -> Connection:
        secret = "any-secret-will-do"  # noqa: S105
        return Connection("the embedded AWS", access_key_id="AKIAROPEWAYEMBEDDED0", secret_access_key=secret)

    @property
    def instances(self) -> Instances:
        """Its machines: to add some, to cut them off, to see where they are."""
        return Instances(self.endpoint_url)

    def website(self, bucket: str) -> str:
        """Where the website of a bucket is, at a port of its own. It need not have one yet.

        At `endpoint_url` it is found by the Host header, as at AWS: bucket.s3-website-region.amazonaws.com, and .localhost for browsers.
        """
        return self.instances.website(bucket)


@dataclass(frozen=True)
class BucketHeld:
    """A bucket of the embedded AWS: how many objects, how many bytes (current versions)."""

    name: str
    objects: int
    bytes: int


def require() -> None:
    """Raises RopewayError when the parts that it is made of are not installed."""
    if importlib.util.find_spec("moto") is None:
        raise RopewayError(
            "The embedded AWS is not installed.", advice="Install it, in a checkout of Ropeway: pip install '.[local]'."
        )
