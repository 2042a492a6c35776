"""The credentials of a connection, or of the host. They are fetched on first use and renew themselves for as long as a task runs.

A connection that is set and does not work is an error, never a fall-through to another source.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any, cast

from botocore.credentials import Credentials, RefreshableCredentials
from botocore.exceptions import ClientError, UnknownRegionError
from botocore.session import Session

from ropeway.aws import identity_token, roles
from ropeway.aws.advice import NO_CREDENTIALS
from ropeway.aws.answers import asking
from ropeway.aws.connection import Connection, TokenSource
from ropeway.aws.keys import shown
from ropeway.aws.web import SessionWeb
from ropeway.errors import CredentialsError
from ropeway.wire.sigv4 import Credentials as Frozen
from ropeway.wire.sigv4 import Provider

Told = Callable[[str], None]


def provide(session: Session, connection: Connection | None, *, mask: Told, debug: Told) -> None:
    """From now on the clients of this session act under the connection. None leaves them the host's own chain.

    `mask` takes every secret that comes into being while the task runs, `debug` what the identity tokens say of themselves.
    """
    provider: Any = HostCredentials(session.get_component("credential_provider"))
    if connection:
        _check_partition(session, connection)
        provider = ConnectionCredentials(session, connection, provider, mask, debug)
    session.register_component("credential_provider", provider)


def resolve(session: Session) -> str:
    """Fetches the credentials, once, and says where they came from. Raises CredentialsError."""
    with asking("find AWS credentials"):
        credentials = session.get_credentials()
        if credentials is None:
            raise CredentialsError("There are no AWS credentials.", advice=NO_CREDENTIALS)
        credentials.get_frozen_credentials()
    return origin_of(credentials, session)


def provider_of(session: Session) -> Provider:
    """The credentials of the session for a signer of ours. They renew themselves by botocore's rules; errors are RopewayErrors."""
    kept: list[tuple[Any, Frozen]] = []  # the last ones: whoever asks is given the same as long as they are the same

    def provide() -> Frozen:
        with asking("renew the AWS credentials"):
            now: Any = cast("Any", session.get_credentials()).get_frozen_credentials()
        if not kept or kept[0][0] != now:
            kept[:] = [(now, Frozen(now.access_key, now.secret_key, now.token or ""))]
        return kept[0][1]

    return provide


def renew(session: Session) -> None:
    """AWS says that they have expired: they are fetched anew at the next use, if they are such that can be. botocore goes by this machine's clock,
    and by the end that was told when they were made.
    """
    credentials = session.get_credentials()
    if isinstance(credentials, RefreshableCredentials):
        credentials._expiry_time = dt.datetime.now(dt.timezone.utc)  # type: ignore[attr-defined] # noqa: SLF001 - botocore has no other door to it


class HostCredentials:
    """botocore's chain of providers. What it lets through of a configuration that it cannot read becomes an error of ours.

    A process that prints no JSON is one, a container's address that may not be another.
    """

    def __init__(self, chain: Any) -> None:
        self._chain = chain

    def load_credentials(self) -> Credentials | None:
        try:
            found: Credentials | None = self._chain.load_credentials()
        except (ValueError, LookupError) as wrong:
            raise CredentialsError(
                f"Could not find the AWS credentials of this machine: {type(wrong).__name__}: {wrong}.",
                advice="Mend its AWS configuration (files, process, container); a pipeline may give a service connection instead.",
            ) from wrong
        return found


class ConnectionCredentials:
    """Takes the place of the session's own chain of providers; botocore asks it once, for the first client."""

    def __init__(
        self, session: Session, connection: Connection, host: HostCredentials, mask: Told, debug: Told
    ) -> None:
        self._session = session
        self._connection = connection
        self._host = host
        self._mask = mask
        self._debug = debug

    def load_credentials(self) -> Credentials:
        if self._connection.identity_token:
            return self._federated(self._connection.identity_token)
        source = self._keys() if self._connection.access_key_id else self._hosts_own()
        return self._assumed(source) if self._connection.role_arn else source

    def _keys(self) -> Credentials:
        given = self._connection
        origin = f"{given.origin} (access key {shown(given.access_key_id)})"
        return Credentials(given.access_key_id, given.secret_access_key, given.session_token or None, method=origin)

    def _hosts_own(self) -> Credentials:
        with asking(f"find the credentials of this machine that {self._connection.origin} assumes its role with"):
            found = self._host.load_credentials()
        if found is None:
            raise CredentialsError(
                f"Could not assume the role of {self._connection.origin}: it holds no access key, and this machine has no AWS "
                "credentials.",
                advice="Add an access key to it, or run on a machine with an AWS role.",
            )
        return found

    def _assumed(self, source: Credentials) -> Credentials:
        given = self._connection
        with_whom = origin_of(source, self._session)
        role = f"role {given.role_arn}" + ("" if given.access_key_id else f" of {given.origin}")

        def ask() -> Mapping[str, Any]:
            with asking(f"assume {role} with {with_whom}"):
                return roles.by_keys(self._session, given, source)

        return roles.lasting(ask, given, f"{role}, assumed with {with_whom}", self._mask)

    def _federated(self, fetch: TokenSource) -> Credentials:
        given, web = self._connection, SessionWeb(self._session)
        role, with_what = f"role {given.role_arn}", f"with an identity token of {given.origin}"
        doing = f"assume {role} {with_what}"

        def ask() -> Mapping[str, Any]:
            token = fetch(web)
            self._mask(token)
            claims = identity_token.read(token, given.origin)
            self._debug(f"The identity token of {given.origin}: {claims}.")
            with asking(doing):
                try:
                    return roles.by_token(self._session, given, token)
                except ClientError as error:
                    raise identity_token.refused(error, doing, claims, given) from error

        return roles.lasting(ask, given, f"{role}, assumed {with_what}", self._mask)


def _check_partition(session: Session, given: Connection) -> None:
    """A role is known to the STS of its own partition alone. A store's own region lies in none."""
    region = session.get_config_variable("region")
    try:
        partition = session.get_partition_for_region(region)
    except UnknownRegionError:
        return
    if given.role_arn and (roles_own := given.role_arn.split(":")[1]) != partition:
        raise CredentialsError(
            f"Could not use {given.origin}: its role is of the partition {roles_own} ({given.role_arn}), and the region {region} "
            f"lies in {partition}.",
            advice="Choose a region of the role's partition (regionName), or another role.",
        )


# --- where they came from --------------------------------------------------------------------------------------------------

HOST = {
    "env": "environment variables",
    "shared-credentials-file": "shared credentials file, profile {profile}",
    "config-file": "AWS config file, profile {profile}",
    "assume-role": "a role that profile {profile} assumes",
    "assume-role-with-web-identity": "a role assumed with a web identity token",
    "sso": "IAM Identity Center, profile {profile}",
    "login": "aws login, profile {profile}",
    "custom-process": "credential process of profile {profile}",
    "container-role": "container role",
    "iam-role": "EC2 instance role",
    "ec2-credentials-file": "EC2 credentials file",
    "boto-config": "boto config file",
}
"""botocore's providers (`Credentials.method`) in words."""


def origin_of(credentials: Credentials, session: Session) -> str:
    """Reads on from "Acting as ...:" and from "the credentials of"."""
    method = str(credentials.method)
    if method not in HOST:
        return method
    where = HOST[method].format(profile=session.get_config_variable("profile") or "default")
    # Keys of a role change while a task runs: the id of one says nothing later.
    key = "" if isinstance(credentials, RefreshableCredentials) else f" (access key {shown(credentials.access_key)})"
    return f"the host: {where}{key}"


def with_key(session: Session, origin: str) -> str:
    """The origin with the key that signs now, where that is not in it already."""
    credentials: Any = session.get_credentials()
    key = shown(credentials.get_frozen_credentials().access_key)
    return origin if origin.endswith(f"(access key {key})") else f"{origin}, access key {key}"
