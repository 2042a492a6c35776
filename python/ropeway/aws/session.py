"""One session: an identity, a region, and the clients made from them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from ropeway.aws.connection import AwsInputs, Connection, Network


@dataclass(frozen=True)
class Identity:
    """Who AWS says we are (STS GetCallerIdentity). `origin` says where the credentials came from."""

    account: str
    arn: str
    origin: str


class Aws(Protocol):
    """What a task is given to reach AWS. Made by `connect`; clients are made once each, on first use."""

    region: str

    def client(self, service: str, **config: Any) -> Any:
        """A botocore client. `config` are further arguments of botocore's Config (max_pool_connections, ...).

        The first one fetches the credentials. Raises CredentialsError.
        """
        ...

    def origin(self) -> str:
        """Where the credentials come from, and which key they are: what this machine knows by itself. Raises CredentialsError."""
        ...

    def identity(self) -> Identity:
        """Asked once. Raises CredentialsError, and NetworkError where STS does not answer."""
        ...

    def guard(self) -> Identity | None:
        """Raises CredentialsError unless the identity may act here (`allowedAccountIds`). Called before the first write.

        None where there is no STS to ask (an S3-compatible store, a network without a way to it) and nobody demanded it.
        """
        ...


def connect(
    inputs: AwsInputs,
    connection: Connection | None,
    *,
    network: Network | None = None,
    default_region: str = "",
    profile: str = "",
    debug: Callable[[str], None] | None = None,
    mask: Callable[[str], None] | None = None,
) -> Aws:
    """A session from the inputs that all tasks share and the connection that the door found (None: the host's own chain).

    `profile` (of the AWS configuration files) outdoes whatever identity the environment holds, as it does in the AWS CLI.
    `debug` takes the lines of `logRequest` and `logResponse`, `mask` every secret that comes into being while the task runs
    (identity tokens, the keys of a role's session) before it is used; both from any thread.

    Raises CredentialsError for half an identity, InputError for a region that is malformed or cannot be found. That there are
    no credentials at all is found out by the first client.
    """
    from ropeway.aws.clients import Clients  # noqa: PLC0415 - botocore costs 150 ms, which help texts and bad inputs need not pay

    return Clients(
        inputs,
        connection,
        network=network or Network(),
        default_region=default_region,
        profile=profile,
        debug=debug or _not_told,
        mask=mask or _not_told,
    )


def _not_told(_: str) -> None: ...
