"""An `Aws` that is connected when it is first asked: a task that may ask other servers alone needs no region and no identity."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from functools import cached_property
from typing import Any

from ropeway.aws.connection import Network, Way
from ropeway.aws.proxies import Proxies
from ropeway.aws.session import Aws, Identity, S3Address
from ropeway.aws.trust import authorities


class Later:
    """What `make` raises is raised by whoever asks AWS first."""

    def __init__(self, make: Callable[[], Aws], network: Network, debug: Callable[[str], None]) -> None:
        self._make = make
        self._lock = threading.RLock()
        self._proxies = Proxies(network, debug)
        self._network = network

    @property
    def _aws(self) -> Aws:
        with self._lock:
            return self._made

    @cached_property
    def _made(self) -> Aws:
        return self._make()

    @cached_property
    def _authorities(self) -> str | bool | None:
        return authorities(os.environ.get("AWS_CA_BUNDLE", ""), self._network)

    @property
    def region(self) -> str:
        return self._aws.region

    def client(self, service: str, **config: Any) -> Any:
        return self._aws.client(service, **config)

    def origin(self) -> str:
        return self._aws.origin()

    def identity(self) -> Identity:
        return self._aws.identity()

    def guard(self) -> Identity | None:
        return self._aws.guard()

    def way(self, url: str) -> Way:
        with self._lock:
            return Way(self._proxies.proxy_url_for(url) or "", self._authorities)

    def s3(self, bucket: str) -> S3Address:
        return self._aws.s3(bucket)
