"""`logRequest` and `logResponse`: a line for each, without bodies and without anything that opens a door."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit, urlunsplit

SECRET_HEADERS = {
    "authorization",
    "proxy-authorization",
    "x-amz-security-token",
    "x-amz-s3session-token",
    "x-amz-sso_bearer_token",
    "x-amz-server-side-encryption-customer-key",
    "x-amz-server-side-encryption-customer-key-md5",
    "x-amz-copy-source-server-side-encryption-customer-key",
    "x-amz-copy-source-server-side-encryption-customer-key-md5",
    "cookie",
    "set-cookie",
}
SECRET_PARAMETERS = {"x-amz-signature", "x-amz-security-token", "x-amz-credential", "signature", "awsaccesskeyid"}

HIDDEN = "***"


@dataclass(frozen=True)
class Tracing:
    """Who is told of requests and answers, and of which. An engine asks `requests` and `responses` first: making a line takes its time."""

    debug: Callable[[str], None]
    requests: bool
    responses: bool

    def request(self, method: str, url: str, headers: Mapping[str, Any]) -> None:
        if self.requests:
            self.debug(f"> {method} {shown_url(url)} {shown_headers(headers)}")

    def response(self, operation: str, status: int, headers: Mapping[str, Any]) -> None:
        """`operation` is "s3.PutObject"."""
        if self.responses:
            self.debug(f"< {operation} {status} {shown_headers(headers)}")

    def silence(self, operation: str, error: BaseException | None) -> None:
        if self.responses:
            self.debug(f"< {operation} no answer: {type(error).__name__}")


def trace(client: Any, tracing: Tracing) -> None:
    """From now on each request and each answer of a botocore client is told, retries too."""

    # What a handler of before-send returns, botocore takes for the answer: these return None.
    def on_request(request: Any, **_: Any) -> None:
        tracing.request(request.method, request.url, request.headers)

    def on_response(event_name: str, response_dict: Any, exception: Any, **_: Any) -> None:
        operation = event_name.partition(".")[2]
        if response_dict is None:
            tracing.silence(operation, exception)
        else:
            tracing.response(operation, response_dict["status_code"], response_dict["headers"])

    if tracing.requests:
        client.meta.events.register_last("before-send", on_request)
    if tracing.responses:
        client.meta.events.register_last("response-received", on_response)


def shown_headers(headers: Mapping[str, Any]) -> str:
    return "; ".join(f"{name}={_shown(name, value, SECRET_HEADERS)}" for name, value in headers.items())


def shown_url(url: str) -> str:
    parts = urlsplit(url)
    query = "&".join(
        f"{quote(name, safe='')}={_shown(name, quote(value, safe='/'), SECRET_PARAMETERS)}"
        for name, value in parse_qsl(parts.query, keep_blank_values=True)
    )
    return urlunsplit(parts._replace(query=query))


def _shown(name: str, value: Any, secrets: set[str]) -> str:
    if name.lower() in secrets:
        return HIDDEN
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)
