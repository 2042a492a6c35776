"""The `Aws` of plain keys. botocore is imported when a task asks for one of its clients, and for nothing else."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ropeway.aws.connection import AwsInputs, Connection, Network, Way
from ropeway.aws.guarding import Guarded
from ropeway.aws.plain import Plain
from ropeway.aws.proxies import Proxies
from ropeway.aws.session import S3Address
from ropeway.aws.trace import Tracing
from ropeway.aws.trust import authorities, usual_authorities

if TYPE_CHECKING:
    from ropeway.aws.clients import Clients


class PlainSession(Guarded):
    """Everything it hands out is what `clients` would hand out, too: a test holds that."""

    def __init__(
        self,
        plain: Plain,
        inputs: AwsInputs,
        connection: Connection | None,
        *,
        network: Network,
        debug: Callable[[str], None],
        clients: Callable[[], Clients],
    ) -> None:
        super().__init__(inputs, connection, debug)
        self.region = plain.region
        self._plain = plain
        self._proxies = Proxies(network, debug)
        self._authorities = authorities(plain.ca_bundle, network)
        self._make_clients = clients
        self._addresses: dict[str, S3Address] = {}
        self._tracing = Tracing(debug, inputs.log_request, inputs.log_response)

    def client(self, service: str, **config: Any) -> Any:
        with self._lock:
            return self._clients.client(service, **config)

    def origin(self) -> str:
        return self._plain.origin

    def way(self, url: str) -> Way:
        return Way(self._proxies.proxy_url_for(url) or "", self._authorities)

    def s3(self, bucket: str) -> S3Address:
        """Kept: a plan asks, an engine asks, and to read the rules takes 7 ms each time."""
        with self._lock:
            if bucket not in self._addresses:
                self._addresses[bucket] = self._address(bucket)
            return self._addresses[bucket]

    def _address(self, bucket: str) -> S3Address:
        endpoint = self._plain.bucket(bucket)
        proxy_url = self._proxies.proxy_url_for(endpoint.url) or ""
        trusted = usual_authorities() if self._authorities is None else self._authorities
        return S3Address(
            endpoint.url.rstrip("/"),
            endpoint.scheme,
            endpoint.service,
            endpoint.region,
            lambda: self._plain.credentials,
            Way(proxy_url, trusted),
            self._plain.attempts,
            self._tracing,
        )

    @cached_property
    def _clients(self) -> Clients:
        return self._make_clients()

    @property
    def _endpoint(self) -> str:
        return self._plain.s3_endpoint

    @property
    def _origin(self) -> str:
        return self._plain.origin

    def _sts_url(self) -> str:
        return self._plain.sts().url

    def _caller(self) -> tuple[str, str]:
        from ropeway.aws.sts import Asking, caller  # noqa: PLC0415 - a store has no STS to ask

        endpoint = self._plain.sts()
        doing = f"use the credentials of {self._plain.origin}"
        return caller(Asking(doing, endpoint, self.way(endpoint.url), lambda: self._plain.credentials, self._tracing))
