"""`logRequest` and `logResponse`: a line for each, without bodies and without anything that opens a door."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit, urlunsplit

SECRET_HEADERS = {
    "authorization",
    "proxy-authorization",
    "x-amz-security-token",
    "x-amz-s3session-token",
    "x-amz-server-side-encryption-customer-key",
    "x-amz-server-side-encryption-customer-key-md5",
    "x-amz-copy-source-server-side-encryption-customer-key",
    "x-amz-copy-source-server-side-encryption-customer-key-md5",
}
SECRET_PARAMETERS = {"x-amz-signature", "x-amz-security-token", "x-amz-credential", "signature", "awsaccesskeyid"}

HIDDEN = "***"


def trace(client: Any, debug: Callable[[str], None], *, requests: bool, responses: bool) -> None:
    """From now on each request and each answer of a botocore client is told, retries too."""

    # What a handler of before-send returns, botocore takes for the answer: these return None.
    def on_request(request: Any, **_: Any) -> None:
        debug(request_line(request))

    def on_response(event_name: str, response_dict: Any, exception: Any, **_: Any) -> None:
        debug(response_line(event_name.partition(".")[2], response_dict, exception))

    if requests:
        client.meta.events.register_last("before-send", on_request)
    if responses:
        client.meta.events.register_last("response-received", on_response)


def request_line(request: Any) -> str:
    return f"> {request.method} {shown_url(request.url)} {shown_headers(request.headers)}"


def response_line(operation: str, response: Mapping[str, Any] | None, exception: BaseException | None) -> str:
    """`operation` is "s3.PutObject"."""
    if response is None:
        return f"< {operation} no answer: {type(exception).__name__}"
    return f"< {operation} {response['status_code']} {shown_headers(response['headers'])}"


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
