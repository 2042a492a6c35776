"""Where clients are made: botocore's, with the endpoint, the proxy, the trusted authorities and the retries that were asked for.

botocore's clients are boto3's without the transfer manager, of which Ropeway has its own: 45 ms of start-up less.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

from botocore.config import Config
from botocore.session import Session

from ropeway.aws import credentials
from ropeway.aws.answers import asking
from ropeway.aws.connection import AwsInputs, Connection, Network
from ropeway.aws.endpoint import is_aws, s3_endpoint
from ropeway.aws.proxies import Proxies, keep_metadata_near
from ropeway.aws.region import find_region
from ropeway.aws.session import Identity
from ropeway.aws.silence import is_hopeless
from ropeway.aws.trace import trace
from ropeway.aws.trust import authorities
from ropeway.errors import AwsError, CredentialsError, NetworkError
from ropeway.version import VERSION

CONNECT_TIMEOUT, READ_TIMEOUT = 10, 60
"""Seconds. S3 answers in well under one; what takes longer (CompleteMultipartUpload) sends blanks meanwhile."""

ATTEMPTS = 5
"""Of each request, the first included, with growing pauses of up to 20 seconds between."""


class Clients:
    """The `Aws` that `connect` makes."""

    def __init__(
        self,
        inputs: AwsInputs,
        connection: Connection | None,
        *,
        network: Network,
        default_region: str,
        profile: str,
        debug: Callable[[str], None],
        mask: Callable[[str], None],
    ) -> None:
        if connection:
            credentials.check(connection)
        self._inputs = inputs
        self._connection = connection
        self._debug = debug
        self._lock = threading.RLock()
        self._clients: dict[tuple[str, str], Any] = {}
        self._session = _Session(Proxies(network, self._debug), self._watch, profile)
        keep_metadata_near()
        with asking("read the AWS configuration of this machine"):
            self._endpoint = s3_endpoint(self._session, inputs.endpoint_url)
            self.region = find_region(self._session, inputs.region_name, default_region, self._endpoint)
            self._session.set_config_variable("region", self.region)
            self._session.set_config_variable("sts_regional_endpoints", "regional")
            self._session.set_config_variable("ca_bundle", authorities(self._session, network))
            self._session.set_default_client_config(_config(self._session, inputs))
            credentials.provide(self._session, connection, mask=mask, debug=debug)

    def client(self, service: str, **config: Any) -> Any:
        with self._lock:
            self._origin  # noqa: B018 - no client without credentials: botocore would find out at the first request
            made = (service, repr(sorted(config.items())))
            if made not in self._clients:
                self._clients[made] = self._make(service, config)
            return self._clients[made]

    def origin(self) -> str:
        with self._lock:
            return credentials.with_key(self._session, self._origin)

    def identity(self) -> Identity:
        with self._lock:
            return self._identity

    def guard(self) -> Identity | None:
        allowed = self._allowed_account_ids()
        if allowed:
            identity = self.identity()
            for ids, whose in allowed:
                _check_account(identity, ids, whose)
            return identity
        self._origin  # noqa: B018 - credentials that cannot be fetched are an error, and not a network without an STS
        return None if self._inputs.endpoint_url else self._identity_if_asked()

    @cached_property
    def _origin(self) -> str:
        return credentials.resolve(self._session)

    @cached_property
    def _identity(self) -> Identity:
        sts = self.client("sts", connect_timeout=5, retries={"total_max_attempts": 2})
        if self._foreign and is_aws(self._session, sts.meta.endpoint_url):
            raise CredentialsError(
                f"The account of {self._origin} cannot be asked for: {self._endpoint} is not AWS's, and AWS knows "
                "nothing of another store's keys.",
                advice="Empty allowedAccountIds, or name the store's STS in AWS_ENDPOINT_URL_STS.",
            )
        with asking(f"use the credentials of {self._origin}"):
            answer = sts.get_caller_identity()
        return Identity(answer["Account"], answer["Arn"], self._origin)

    @property
    def _foreign(self) -> bool:
        return bool(self._endpoint) and not is_aws(self._session, self._endpoint)

    def _identity_if_asked(self) -> Identity | None:
        """Nobody demanded an account here: a network with a way to S3 alone is no reason to stop, nor a store without an STS."""
        silences = (NetworkError, AwsError, CredentialsError) if self._foreign else NetworkError
        try:
            return self.identity()
        except silences as silent:
            self._debug(f"No account is known: {silent}")
            return None

    def _allowed_account_ids(self) -> list[tuple[tuple[str, ...], str]]:
        lists = [(self._inputs.allowed_account_ids, "the allowed accounts of this task")]
        if self._connection:
            lists.append((self._connection.allowed_account_ids, f"the allowed accounts of {self._connection.origin}"))
        return [(ids, whose) for ids, whose in lists if ids]

    def _make(self, service: str, config: Mapping[str, Any]) -> Any:
        endpoint = self._inputs.endpoint_url if service == "s3" else ""
        with asking(f"make a client for {service}"):
            return self._session.create_client(service, endpoint_url=endpoint or None, config=Config(**config))

    def _watch(self, client: Any) -> None:
        _no_hopeless_retries(client)
        _no_silent_redirects(client)
        trace(client, self._debug, requests=self._inputs.log_request, responses=self._inputs.log_response)


def _check_account(identity: Identity, allowed: tuple[str, ...], whose: str) -> None:
    if identity.account not in allowed:
        raise CredentialsError(
            f"The credentials of {identity.origin} belong to account {identity.account} ({identity.arn}), but {whose} "
            f"are {', '.join(allowed)}.",
            advice="Nothing was done. Choose another connection, or allow the account (allowedAccountIds).",
        )


# --- how a client behaves --------------------------------------------------------------------------------------------------


def _config(session: Session, inputs: AwsInputs) -> Config:
    """Adaptive retries: the standard ones (transient failures and throttling only), and after a SlowDown fewer requests a second.

    The regional endpoint of us-east-1 is asked, as everywhere else: the global one leads to whichever region a bucket is in.
    """
    checksums: Any = "when_supported" if inputs.checksums == "whenSupported" else "when_required"
    s3: Any = {"us_east_1_regional_endpoint": "regional"}
    if inputs.force_path_style_addressing:
        s3["addressing_style"] = "path"
    return Config(
        connect_timeout=CONNECT_TIMEOUT,
        read_timeout=READ_TIMEOUT,
        tcp_keepalive=True,
        retries={"mode": "adaptive", "total_max_attempts": session.get_config_variable("max_attempts") or ATTEMPTS},
        request_checksum_calculation=checksums,
        response_checksum_validation=checksums,
        # None leaves it to AWS_USE_FIPS_ENDPOINT, AWS_USE_DUALSTACK_ENDPOINT and the profile.
        use_fips_endpoint=inputs.use_fips_endpoint or None,
        use_dualstack_endpoint=inputs.use_dual_stack_endpoint or None,
        s3=s3,
        user_agent_extra=f"ropeway/{VERSION}",
    )


class _Session(Session):
    """Every client that it makes is watched and takes the right way out: botocore's own too, which fetch credentials."""

    def __init__(self, proxies: Proxies, watch: Callable[[Any], None], profile: str) -> None:
        super().__init__(profile=profile or None)
        self._proxies = proxies
        self._watch = watch

    def create_client(self, service_name: str, **kwargs: Any) -> Any:  # type: ignore[override] # all by name: nobody means api_version
        client = super().create_client(service_name, **kwargs)
        self._proxies.lead(client)
        self._watch(client)
        return client


def _no_hopeless_retries(client: Any) -> None:
    def stop(caught_exception: Exception | None, **_: Any) -> None:
        if caught_exception and is_hopeless(caught_exception):
            raise caught_exception

    client.meta.events.register_first("needs-retry", stop)


def _no_silent_redirects(client: Any) -> None:
    """Botocore follows a bucket into its region for each request anew; the user is told to name it instead.

    Its redirector leaves alone what it believes it has redirected already. This handler runs after the one that denies it.
    """

    def redirected(context: dict[str, Any], **_: Any) -> None:
        context.setdefault("s3_redirect", {})["redirected"] = True

    if client.meta.service_model.service_name == "s3":
        client.meta.events.register_last("before-parameter-build.s3", redirected)
