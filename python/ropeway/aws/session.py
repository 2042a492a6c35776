"""One session: an identity, a region, and the clients made from them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ropeway.aws.connection import AwsInputs, Connection, Network


@dataclass(frozen=True)
class Identity:
    """Who AWS says we are (STS GetCallerIdentity). `origin` says where the credentials came from."""

    account: str
    arn: str
    origin: str


class Aws:
    """What a task is given to reach AWS. Made by `connect`; clients are made once each, on first use."""

    region: str

    def client(self, service: str, **config: Any) -> Any:
        """A boto3 client. `config` are further arguments of botocore's Config (max_pool_connections, ...)."""
        raise NotImplementedError

    def identity(self) -> Identity:
        """Asked once. Raises CredentialsError."""
        raise NotImplementedError

    def guard(self) -> Identity | None:
        """Raises CredentialsError unless the identity may act here (`allowedAccountIds`). Called before the first write.

        None where there is no STS to ask (an S3-compatible store).
        """
        raise NotImplementedError


def connect(
    inputs: AwsInputs,
    connection: Connection | None,
    *,
    network: Network | None = None,
    default_region: str = "",
    environment: Mapping[str, str] | None = None,
) -> Aws:
    """A session from the inputs that all tasks share and the connection that the door found (None: the host's own chain).

    Raises CredentialsError for half an identity or none, and for a region that cannot be found.
    """
    raise NotImplementedError
