"""Where clients are made: botocore's, with the endpoint, the proxy, the trusted authorities and the retries that were asked for.

botocore's clients are boto3's without the transfer manager, of which Ropeway has its own: 45 ms of start-up less.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cached_property, partial
from typing import Any

import urllib3
from botocore.config import Config
from botocore.session import Session

from ropeway.aws import credentials
from ropeway.aws.answers import asking
from ropeway.aws.configured import bucket_endpoint, configured_endpoint, s3_endpoint
from ropeway.aws.connection import AwsInputs, Connection, Network, Way
from ropeway.aws.guarding import Guarded
from ropeway.aws.keys import check
from ropeway.aws.leading import Leading
from ropeway.aws.proxies import keep_metadata_near
from ropeway.aws.region import find_region
from ropeway.aws.session import ATTEMPTS, S3Address
from ropeway.aws.silence import is_hopeless
from ropeway.aws.trace import Tracing, trace
from ropeway.aws.trust import authorities, usual_authorities
from ropeway.version import VERSION

CONNECT_TIMEOUT, READ_TIMEOUT = 10, 60
"""Seconds. S3 answers in well under one; what takes longer (CompleteMultipartUpload) sends blanks meanwhile."""


class Clients(Guarded):
    """The `Aws` on botocore: whatever says who signs, and every service."""

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
        super().__init__(inputs, connection, debug)
        if connection:
            check(connection)
        self._tracing = Tracing(debug, inputs.log_request, inputs.log_response)
        self._clients: dict[tuple[str, str], Any] = {}
        self._proxies = Leading(network, self._debug)
        self._session = _Session(self._proxies, self._watch, profile)
        keep_metadata_near()
        with asking("read the AWS configuration of this machine"):
            self._s3_endpoint = s3_endpoint(self._session, inputs.endpoint_url)
            self.region = find_region(self._session, inputs.region_name, default_region, self._s3_endpoint)
            self._session.set_config_variable("region", self.region)
            self._session.set_config_variable("sts_regional_endpoints", "regional")
            self._authorities = authorities(self._session.get_config_variable("ca_bundle"), network)
            self._session.set_config_variable("ca_bundle", self._authorities)
            self._session.set_default_client_config(_config(self._session, inputs))
            credentials.provide(self._session, connection, mask=mask, debug=debug)
        if not network.verify:  # the door has told it, once and in its own words
            urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)

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

    def way(self, url: str) -> Way:
        return Way(self._proxies.proxy_url_for(url) or "", self._authorities)

    def s3(self, bucket: str) -> S3Address:
        client = self.client("s3")
        with asking(f"find the endpoint of {bucket}"):
            endpoint = bucket_endpoint(client, bucket)
        way = self.way(endpoint.url)
        trusting = way if way.ca_file is not None else replace(way, ca_file=usual_authorities())
        return S3Address(
            endpoint.url.rstrip("/"),
            endpoint.scheme,
            endpoint.service,
            endpoint.region,
            credentials.provider_of(self._session),
            trusting,
            attempts_of(self._session),
            self._tracing,
            partial(credentials.renew, self._session),
        )

    @property
    def _endpoint(self) -> str:
        return self._s3_endpoint

    @cached_property
    def _origin(self) -> str:
        return credentials.resolve(self._session)

    @property
    def _sts(self) -> Any:
        return self.client("sts", connect_timeout=5, retries={"total_max_attempts": 2})

    def _sts_url(self) -> str:
        return str(self._sts.meta.endpoint_url)

    def _caller(self) -> tuple[str, str]:
        with asking(f"use the credentials of {self._origin}"):
            answer = self._sts.get_caller_identity()
        return answer["Account"], answer["Arn"]

    def _make(self, service: str, config: Mapping[str, Any]) -> Any:
        endpoint = self._inputs.endpoint_url if service == "s3" else ""
        with asking(f"make a client for {service}"):
            return self._session.create_client(service, endpoint_url=endpoint or None, config=Config(**config))

    def _watch(self, client: Any) -> None:
        _no_hopeless_retries(client)
        _no_silent_redirects(client)
        trace(client, self._tracing)


# --- how a client behaves --------------------------------------------------------------------------------------------------


def attempts_of(session: Session) -> int:
    """AWS_MAX_ATTEMPTS or the profile's, the first attempt included."""
    return session.get_config_variable("max_attempts") or ATTEMPTS


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
        retries={"mode": "adaptive", "total_max_attempts": attempts_of(session)},
        request_checksum_calculation=checksums,
        response_checksum_validation=checksums,
        # None leaves it to AWS_USE_FIPS_ENDPOINT, AWS_USE_DUALSTACK_ENDPOINT and the profile.
        use_fips_endpoint=inputs.use_fips_endpoint or None,
        use_dualstack_endpoint=inputs.use_dual_stack_endpoint or None,
        s3=s3,
        user_agent_extra=f"ropeway/{VERSION}",
    )


class _Session(Session):
    """Every client that it makes is watched, takes the right way out, and asks at what is an address: botocore's own too, which fetch
    credentials.
    """

    def __init__(self, proxies: Leading, watch: Callable[[Any], None], profile: str) -> None:
        super().__init__(profile=profile or None)
        self._proxies = proxies
        self._watch = watch

    def create_client(self, service_name: str, **kwargs: Any) -> Any:  # type: ignore[override] # all by name: nobody means api_version
        if not kwargs.get("endpoint_url"):
            configured_endpoint(self, service_name)
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
