"""Botocore's clients on their way: each request by the proxy that leads to its own address."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from botocore.exceptions import BotoCoreError

from ropeway.aws.proxies import Proxies


class Leading(Proxies):
    """Takes the place of botocore's own ProxyConfiguration, which judges a client once, by its endpoint."""

    settings: Mapping[str, Any] = {}
    """Botocore asks for those of a proxy's own TLS: there are none."""

    def lead(self, client: Any) -> None:
        """From now on a botocore client's requests go this way. Raises InputError for a proxy that is no address."""
        self.proxy_url_for(client.meta.endpoint_url)
        client._endpoint.http_session._proxy_config = self  # noqa: SLF001 - botocore has no other door to it
        client.meta.events.register_first("needs-retry", self._on_failure)

    def tell_the_way(self, error: BotoCoreError, url: str) -> None:
        """Botocore's errors tell either where the proxy is or where it should have led: now this one tells both.

        And no login. Botocore looks for it in the whole address, and finds the user p in http.
        """
        error.kwargs = {**error.kwargs, "endpoint_url": url, "proxy_url": _masked(self.proxy_url_for(url) or "")}
        error.args = (error.fmt.format(**error.kwargs),)

    def _on_failure(self, caught_exception: Exception | None, request_dict: Mapping[str, Any], **_: Any) -> None:
        if isinstance(caught_exception, BotoCoreError):
            self.tell_the_way(caught_exception, request_dict["url"])


def _masked(proxy_url: str) -> str:
    parts = urlsplit(proxy_url)
    login, at, address = parts.netloc.rpartition("@")
    return parts._replace(netloc=f"{'***' if login else ''}{at}{address}").geturl()
