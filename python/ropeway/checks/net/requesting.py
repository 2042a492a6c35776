"""The settings of whatever asks an HTTP server: how it is reached, and as whom."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ropeway.checks import settings
from ropeway.checks.asking import Asking
from ropeway.checks.net.messages import Request, basic, is_web_address, split_address
from ropeway.checks.settings import Settings

TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
"""RFC 9110, 5.6.2: methods, and names of headers."""

TELLING = re.compile(r"auth|token|key|secret|cookie|passw|session|signature", re.IGNORECASE)
"""In the name of a header whose value is nobody's business."""


def web_address(url: str) -> str:
    """Raises ValueError, worded to follow the name of a setting."""
    if "@" in url.partition("://")[2].partition("/")[0]:
        raise ValueError("holds a user or a password (it is not shown here); write them into basic.")
    if not is_web_address(url):
        raise ValueError(f"is {url!r}, which is no http address; write it as https://www.example.com/page.")
    return url


def address(given: str) -> str:
    split_address(given, 0)
    return given


def method(given: str) -> str:
    if not TOKEN.fullmatch(given) or given.upper() == "CONNECT":
        raise ValueError(f"is {given!r}, which is no method of HTTP: GET, HEAD, POST, ...")
    return given.upper()


@dataclass(frozen=True, kw_only=True)
class Basic(Settings):
    user: str = settings.text("The name of the user.", required=True)
    password: str = settings.text("The password.", secret=True)


@dataclass(frozen=True, kw_only=True)
class Certificate(Settings):
    """A client certificate (mutual TLS)."""

    file: str = settings.text(
        "A file in PEM form: the certificate, with those between it and its authority.", required=True
    )
    key: str = settings.text("A file with its private key in PEM form. Empty: it stands in `file`.")
    password: str = settings.text("The password of the key.", secret=True)


@dataclass(frozen=True, kw_only=True)
class WebSettings(Settings):
    """Not a kind: what kinds that ask an HTTP server share."""

    url: tuple[str, ...] = settings.texts(
        "The address of the page, or several; each is a test of its own.", required=True, check=web_address
    )
    resolve: tuple[str, ...] = settings.texts(
        "Addresses to ask instead of those that DNS names, each for itself: `10.0.0.5`, or `10.0.0.5:8080`. The Host header and the "
        "name in TLS stay those of the URL, so that each machine behind a balancer can be asked. No proxy is asked for them.",
        check=address,
    )
    request_headers: dict[str, str] = settings.mapping(
        "Headers to send. They go to this server only, not along with redirects to another one."
    )
    basic: Basic | None = settings.record(Basic, "User and password (HTTP basic authentication).")
    bearer: str = settings.text("A token to send as the bearer (RFC 6750).", secret=True)
    certificate: Certificate | None = settings.record(Certificate, "A client certificate to show.")
    ca_file: str = settings.text("A file with certificates in PEM form of authorities to trust beside the usual ones.")
    verify: bool = settings.flag(
        "Whether the server's certificate must be trusted. `false`: any is taken.", default=True
    )
    body_limit: int = settings.size("How much of a body is read at most.", default=10 << 20)

    def problems(self) -> Iterator[str]:
        yield from header_problems(self.request_headers)
        authorised = [name for name in self.request_headers if name.lower() == "authorization"]
        if sum(map(bool, (self.basic, self.bearer, authorised))) > 1:
            yield "There is more than one of basic, bearer and a header Authorization: keep one of them."
        if re.search(r"[^\x21-\x7e]", self.bearer):
            yield "bearer holds a blank or another character that no token has."


def header_problems(headers: dict[str, str]) -> Iterator[str]:
    for name, value in headers.items():
        if not TOKEN.fullmatch(name):
            yield f"requestHeaders holds {name!r}, which is no name of a header."
        elif re.search(r"[\x00-\x08\x0a-\x1f\x7f]|[^\x00-\xff]", value):
            yield f"requestHeaders.{name} holds a character that no header can carry."


def request_of(given: WebSettings, asking: Asking, url: str, resolve: str = "", **more: Any) -> Request:
    """`more` are further fields of the request; `headers` among them give way to those of the settings."""
    authorisation = {}
    if given.basic:
        authorisation = {"authorization": basic(given.basic.user, given.basic.password)}
    elif given.bearer:
        authorisation = {"authorization": f"Bearer {given.bearer}"}
    for value in (*authorisation.values(), *_secret_values(given)):
        asking.secret(value.removeprefix("Basic ").removeprefix("Bearer "))
    ours = given.certificate or Certificate(file="")
    return Request(
        url=url,
        resolve=resolve,
        headers={**more.pop("headers", {}), **given.request_headers, **authorisation},
        ca_file=asking.path(given.ca_file),
        verify=given.verify,
        certificate=asking.path(ours.file),
        key=asking.path(ours.key),
        key_password=ours.password,
        most_bytes=given.body_limit,
        **more,
    )


def json_body(value: Any) -> tuple[bytes, dict[str, str]]:
    """The body, and the header that says what it is."""
    return json.dumps(value).encode(), {"Content-Type": "application/json"}


def _secret_values(given: WebSettings) -> Iterator[str]:
    for name, value in given.request_headers.items():
        if TELLING.search(name):
            yield value


def targets(given: WebSettings) -> dict[str, tuple[str, str]]:
    """Each with the URL and the address (empty: the one that DNS names) that is asked."""
    if not given.resolve:
        return {url: (url, "") for url in given.url}
    return {f"{url} at {address}": (url, address) for url in given.url for address in given.resolve}
