"""Proxies and TLS, row by row: a network, and what becomes of a request in it. Real sockets, real certificates, a real proxy.

`store.example` is a name that the proxies know and nobody else does. 0.0.0.0 leads here too, but is no loopback address to anybody:
what is asked for there could have taken the proxy.
"""

from __future__ import annotations

import datetime as dt
import re
import socket
import ssl
import traceback
from base64 import b64encode
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import trustme

from ropeway.aws.answers import asking
from ropeway.aws.connection import Network
from ropeway.aws.session import connect
from ropeway.errors import NetworkError, RopewayError, TlsError
from ropeway.s3.wire import WireEngine
from tests.aws.asked import KEYS, connection, inputs, lists_any_bucket
from tests.aws.tls import tls_store
from tests.secrecy import secret
from tests.servers.misbehaving import misbehaving_server
from tests.servers.proxy import ForwardProxy, forward_proxy

USER, PASSWORD = r"CORP\me", secret("password", "hush p@ss:w/rd#ü%")
NAMES = ("store.example", "127.0.0.1", "0.0.0.0")
LONG_AGO = dt.datetime(2020, 1, 1, tzinfo=dt.timezone.utc)

HTTPS, HTTP = "https://store.example:{secure}", "http://store.example:{plain}"
CA = "give their authority: the agent's --sslcacert, or a file in AWS_CA_BUNDLE."
LOGIN = "the agent's --proxyusername and --proxypassword, or HTTPS_PROXY."
WHERE = "Check its address where it is set: the agent's --proxyurl, or HTTPS_PROXY."
UNTRUSTED = "unable to get local issuer certificate"


@dataclass(frozen=True)
class Row:
    """A request to `url`, and what is told: nothing when the store answers, else the error and what to mend.

    `seen` is what the proxy was asked for; `hopeless` says that it was tried once only.
    """

    name: str
    url: str
    proxy: str = ""
    told: str = ""
    mend: str = ""
    kind: type[RopewayError] = NetworkError
    trusted: bool = True
    bypass: tuple[str, ...] = ()
    seen: tuple[str, ...] = ()
    hopeless: bool = False


ROWS = (
    # --- what works
    Row("https, through a proxy with a password", HTTPS, "{locked}", seen=("CONNECT store.example:{secure}",)),
    Row("http, through a proxy with a password", HTTP, "{locked}", seen=("GET " + HTTP,)),
    Row("https, through a proxy spoken to by TLS", HTTPS, "{over TLS}", seen=("CONNECT store.example:{secure}",)),
    Row("an address of this machine", "https://127.0.0.1:{secure}", "{open}"),
    Row("the bypass list has the host", "https://0.0.0.0:{secure}", "{open}", bypass=(r"^https://0\.0\.0\.0:",)),
    Row("the bypass list has another", "https://0.0.0.0:{secure}", "{open}", bypass=("never",), seen=("CONNECT 0.0.0.0:{secure}",)),
    # --- the proxy does not want
    Row("no password, https", HTTPS, "{locked, no key}",
        "the proxy {locked address} wants a user and a password (Tunnel connection failed: 407 Proxy Authentication Required).", LOGIN,
        hopeless=True),
    Row("a wrong password, https", HTTPS, "{locked, wrong key}",
        "the proxy {locked address} does not take the user and password (Tunnel connection failed: 407 Proxy Authentication Required).",
        LOGIN, hopeless=True),
    Row("a wrong password, http", HTTP, "{locked, wrong key}",
        "the proxy wants a user and a password, or others than it got.", LOGIN, hopeless=True),
    Row("the proxy forbids it, https", HTTPS, "{forbidding}",
        "the proxy {forbidding address} does not let store.example:{secure} through (Tunnel connection failed: 403 Forbidden).",
        "Have store.example:{secure} let through there, or reach it without the proxy: by the agent's .proxybypass, or NO_PROXY.",
        hopeless=True),
    Row("the proxy forbids it, http", HTTP, "{forbidding}",
        "what came back (403) is a web page, no answer of AWS.", "and the proxies between.", hopeless=True),
    # --- the proxy cannot
    Row("the proxy does not know the name, https", "https://nobody.example", "{open}",
        "the proxy {open address} did not reach nobody.example (Tunnel connection failed: 503 Service Unavailable).",
        "that the proxy knows this name", seen=("CONNECT nobody.example:443",) * 2),
    Row("the proxy does not know the name, http", "http://nobody.example", "{open}",
        "what came back (503) is a web page, no answer of AWS.", "and the proxies between.",
        seen=("GET http://nobody.example",) * 2),
    Row("the proxy hangs up, https", HTTPS, "{rude}",
        "store.example:{secure} (through the proxy {rude address}) closed the connection before it had answered.",
        "look at the proxies and firewalls between."),
    Row("the proxy hangs up, http", HTTP, "{rude}",
        "store.example:{plain} (through the proxy {rude address}) closed the connection before it had answered.",
        "look at the proxies and firewalls between."),
    # --- there is no proxy
    Row("a dead proxy, https", HTTPS, "{dead}", "the proxy {dead address} cannot be reached (Connection refused).", WHERE),
    Row("a dead proxy, http", HTTP, "{dead}", "the proxy {dead address} cannot be reached (Connection refused).", WHERE),
    Row("a dead proxy, whose login is found in its address twice", HTTPS, "{dead, with an odd key}",
        "the proxy {dead address} cannot be reached (Connection refused).", WHERE),
    Row("the proxy speaks no TLS", HTTPS, "{open, by TLS}", "the proxy {open address} speaks no TLS.",
        "Should its address begin with http://?", TlsError, hopeless=True),
    Row("the proxy's certificate is not trusted", HTTPS, "{over TLS}",
        f"the certificate of the proxy {{over TLS address}} is not trusted ({UNTRUSTED}).", CA, TlsError, trusted=False, hopeless=True),
    # --- certificates
    *(
        row
        for way, host, proxy in (("directly", "127.0.0.1", ""), ("through a proxy", "store.example", "{open}"))
        for row in (
            Row(f"an untrusted authority, {way}", f"https://{host}:{{secure}}", proxy,
                f"the certificate of {host}:{{secure}} is not trusted ({UNTRUSTED}).", CA, TlsError, trusted=False,
                seen=(f"CONNECT {host}:{{secure}}",) if proxy else (), hopeless=True),
            Row(f"an expired certificate, {way}", f"https://{host}:{{expired}}", proxy,
                f"the certificate of {host}:{{expired}} is not trusted (certificate has expired).",
                "Renew it there; if it ought to be good, set this machine's clock (NTP).", TlsError,
                seen=(f"CONNECT {host}:{{expired}}",) if proxy else (), hopeless=True),
            Row(f"a wrong host name, {way}", f"https://{host}:{{misnamed}}", proxy,
                f"the certificate of {host}:{{misnamed}} is another's (hostname '{host}' doesn't match 'other.example').",
                "Write the endpoint URL with a name that the certificate has", TlsError,
                seen=(f"CONNECT {host}:{{misnamed}}",) if proxy else (), hopeless=True),
            Row(f"https where http is spoken, {way}", f"https://{host}:{{plain}}", proxy,
                f"{host}:{{plain}} speaks no TLS.", "Should the endpoint URL begin with http://?", TlsError,
                seen=(f"CONNECT {host}:{{plain}}",) if proxy else (), hopeless=True),
            Row(f"http where TLS is spoken, {way}", f"http://{host}:{{secure}}", proxy,
                f"{host}:{{secure}}{' (through the proxy {open address})' if proxy else ''} closed the connection before it had answered.",
                "If it speaks TLS, the endpoint URL must begin with https://.",
                seen=(f"GET http://{host}:{{secure}}",) * 2 if proxy else ()),
        )
    ),
)  # fmt: skip


@dataclass(frozen=True)
class World:
    """The stores and proxies of all rows. `words` are what the rows write in braces."""

    proxies: dict[str, ForwardProxy]
    words: dict[str, Any]
    ca_file: Path

    def filled(self, text: str) -> str:
        return text.format_map(self.words)

    def asked(self) -> list[str]:
        """What the proxies were asked for since the last time; of addresses, without path and query."""
        found = [what for proxy in self.proxies.values() for what in proxy.asked]
        for proxy in self.proxies.values():
            proxy.asked.clear()
        return [what.partition("/shop")[0] for what in found]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    authority = trustme.CA()
    ca_file = tmp_path_factory.mktemp("authority") / "ca.pem"
    authority.cert_pem.write_to_path(ca_file)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(tls)
    with ExitStack() as stack:
        secure, expired, misnamed = (
            stack.enter_context(tls_store(certificate)).port
            for certificate in (
                authority.issue_cert(*NAMES),
                authority.issue_cert(*NAMES, not_after=LONG_AGO),
                authority.issue_cert("other.example"),
            )
        )
        plain = stack.enter_context(misbehaving_server())
        lists_any_bucket(plain)
        known = {"hosts": NAMES}
        proxies = {
            "locked": stack.enter_context(forward_proxy(login=f"{USER}:{PASSWORD}", **known)),
            "open": stack.enter_context(forward_proxy(**known)),
            "over TLS": stack.enter_context(forward_proxy(login=f"{USER}:{PASSWORD}", tls=tls, **known)),
            "forbidding": stack.enter_context(forward_proxy(refuse=403, **known)),
            "rude": stack.enter_context(forward_proxy(hangs_up=True, **known)),
        }
        dead = _nobody()
        words = {"secure": secure, "expired": expired, "misnamed": misnamed, "plain": plain.url.rpartition(":")[2]}
        words |= {name: proxy.url for name, proxy in proxies.items()}
        words |= {f"{name} address": proxy.address for name, proxy in proxies.items()}
        words |= {
            "locked, no key": f"http://{proxies['locked'].address}",
            "locked, wrong key": f"http://{quote(USER)}:wrong@{proxies['locked'].address}",
            "open, by TLS": f"https://{proxies['open'].address}",
            "dead": f"http://{quote(USER)}:{quote(PASSWORD, safe='')}@{dead}",
            "dead, with an odd key": f"http://p:http@{dead}",
            "dead address": dead,
        }
        yield World(proxies, words, ca_file)


def _nobody() -> str:
    """An address at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return f"127.0.0.1:{server.getsockname()[1]}"


@pytest.mark.parametrize("engine", ["boto3", "wire"])
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_request_ends_in_success_or_in_words_that_name_what_to_mend(
    row: Row, engine: str, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _: None)
    monkeypatch.setattr("ropeway.s3.wire.line.pause", lambda *_: 0.0)
    network = Network(
        proxy_url=world.filled(row.proxy), bypass=row.bypass, ca_file=str(world.ca_file) if row.trusted else ""
    )
    debug: list[str] = []
    error = ASKED[engine](world.filled(row.url), network, debug)
    if row.told:
        assert type(error) is row.kind
        assert error.message == f"Could not list s3://shop/: {_words(world.filled(row.told), engine)}"
        assert world.filled(row.mend) in error.advice
    else:
        assert error is None, error
    assert world.asked() == [world.filled(what) for what in row.seen]
    attempts = [line for line in debug if line.startswith("> GET")]
    assert len(attempts) == (2 if row.told and not row.hopeless else 1)
    _assert_no_password_in("\n".join(debug) + "".join(traceback.format_exception(error) if error else ""))


def _words(told: str, engine: str) -> str:
    """What stands in parentheses is http.client's and urllib3's, where boto3 asks, and OpenSSL's own, where nobody is between."""
    if engine == "boto3":
        return told
    told = told.replace("Tunnel connection failed: ", "")
    return re.sub(
        r"hostname '(.*)' doesn't match '.*'",
        lambda found: (
            f"{'IP address' if found[1][0].isdigit() else 'Hostname'} mismatch, certificate is not valid for '{found[1]}'"
        ),
        told,
    )


def _by_boto3(url: str, network: Network, debug: list[str]) -> RopewayError | None:
    """Lists a bucket, with two attempts. The error, if there was one."""
    given = inputs(endpoint_url=url, log_request=True, log_response=True)
    aws = connect(given, connection(**KEYS), network=network, debug=debug.append)
    try:
        with asking("list s3://shop/"):
            aws.client("s3", retries={"total_max_attempts": 2}).list_objects_v2(Bucket="shop")
    except RopewayError as error:
        return error
    return None


def _by_wire(url: str, network: Network, debug: list[str]) -> RopewayError | None:
    given = inputs(endpoint_url=url, log_request=True, log_response=True)
    aws = connect(given, connection(**KEYS), network=network, debug=debug.append)
    try:
        list(WireEngine(lambda bucket: replace(aws.s3(bucket), attempts=2), concurrency=2).list("shop", ""))
    except RopewayError as error:
        return error
    return None


ASKED = {"boto3": _by_boto3, "wire": _by_wire}


def _assert_no_password_in(text: str) -> None:
    login = b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    for form in (PASSWORD, quote(PASSWORD, safe=""), quote(PASSWORD), login):
        assert form not in text
    assert not re.search(r"[^*]@127\.0\.0\.1", text)
