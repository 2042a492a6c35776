"""One session: an identity, a region, and the clients made from them."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from ropeway.aws.connection import AwsInputs, Connection, Network, Way
from ropeway.aws.trace import Tracing
from ropeway.wire.sigv4 import Provider

if TYPE_CHECKING:
    from ropeway.aws.clients import Clients

ATTEMPTS = 5
"""Of each request, the first included, with growing pauses of up to 20 seconds between."""


@dataclass(frozen=True)
class Identity:
    """Who AWS says we are (STS GetCallerIdentity). `origin` says where the credentials came from."""

    account: str
    arn: str
    origin: str


@dataclass(frozen=True)
class S3Address:
    """Where and as whom the objects of a bucket are asked for: all that an engine needs which makes its own requests.

    `url` is scheme, host and path up to the slash that a key follows: `https://bucket.s3.eu-west-1.amazonaws.com`, or path-style
    `http://127.0.0.1:9000/bucket`. `scheme` says how requests are signed ("sigv4", "sigv4a", "sigv4-s3express"), `service` and
    `region` for whom. `way` names its file of authorities, or has False. `attempts` are those of each request, the first included.
    `renew` has sessions that AWS calls expired fetched anew when `credentials` is next asked, whatever they say of their end.
    """

    url: str
    scheme: str
    service: str
    region: str
    credentials: Provider = field(repr=False)
    way: Way
    attempts: int
    tracing: Tracing = field(repr=False)
    renew: Callable[[], object] = field(default=lambda: None, repr=False)


class Aws(Protocol):
    """What a task is given to reach AWS. Made by `connect`; clients are made once each, on first use."""

    @property
    def region(self) -> str: ...

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

    def way(self, url: str) -> Way:
        """How to reach an address that is not AWS's, by the way that requests to AWS take. Needs no credentials.

        Raises InputError for a proxy that is no address.
        """
        ...

    def s3(self, bucket: str) -> S3Address:
        """The address of a bucket (its name, or the ARN of an access point), as AWS's endpoint rules have it. Nobody is asked.

        Raises InputError for what no endpoint serves, CredentialsError where there are no credentials.
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
    network, debug, mask = network or Network(), debug or _not_told, mask or _not_told

    def clients() -> Clients:
        from ropeway.aws.clients import Clients  # noqa: PLC0415 - botocore costs half a second cold, which plain keys need not pay

        return Clients(
            inputs,
            connection,
            network=network,
            default_region=default_region,
            profile=profile,
            debug=debug,
            mask=mask,
        )

    from ropeway.aws.plain import read  # noqa: PLC0415 - help texts and bad inputs need none of it
    from ropeway.aws.plain_session import PlainSession  # noqa: PLC0415 - the same

    plain = read(inputs, connection, default_region, profile, os.environ)
    if plain is None:
        return clients()
    return PlainSession(plain, inputs, connection, network=network, debug=debug, clients=clients)


def connect_later(inputs: AwsInputs, connection: Connection | None, **rest: Any) -> Aws:
    """The same, but connected when AWS is first asked, and what `connect` raises is raised then."""
    from ropeway.aws.later import Later  # noqa: PLC0415 - most tasks ask AWS for sure

    network, debug = rest.get("network") or Network(), rest.get("debug") or _not_told
    return Later(lambda: connect(inputs, connection, **rest), network, debug)


def _not_told(_: str) -> None: ...
