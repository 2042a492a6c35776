"""Requests to servers that are not AWS's: they leave by the same way, and what is hopeless is tried once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import trustme

from ropeway.aws import web
from ropeway.aws.connection import Network, Reply, Web
from ropeway.aws.session import connect
from ropeway.errors import NetworkError, TlsError
from tests.aws.asked import ROLE, assumed, connection, inputs
from tests.aws.tls import tls_store
from tests.servers.misbehaving import Answer, Misbehaving

TOKEN = "e30.e30.e30"


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web, "PAUSES", (0, 0))


@pytest.fixture
def sts(store: Misbehaving) -> Misbehaving:
    answer = assumed("ASIAROLE000000000001")
    body = answer.body.replace(b"AssumeRoleRes", b"AssumeRoleWithWebIdentityRes")
    store.on(replace(answer, body=body), method="POST", target="^/$")
    return store


def post(url: str, network: Network | None = None) -> Reply:
    """What a token source sees that asks there."""
    seen: list[Reply] = []

    def source(there: Web) -> str:
        seen.append(there.post("ask for a token", url, {"Authorization": "Bearer hush"}, b"{}"))
        return TOKEN

    connect(inputs(), connection(role_arn=ROLE, identity_token=source), network=network or Network()).client("s3")
    return seen[0]


def test_what_was_asked_arrives_and_what_is_answered_comes_back(sts: Misbehaving) -> None:
    sts.on(Answer(403, {"X-Reason": "because"}, b"no"), target="/token")
    reply = post(f"{sts.url}/token?x=1&y=a%20b")
    assert (reply.status, reply.headers["x-reason"], reply.body) == (403, "because", b"no")
    [request] = [request for request in sts.requests if request.target != "/"]
    assert (request.method, request.target, request.body) == ("POST", "/token?x=1&y=a%20b", b"{}")
    assert request.headers["authorization"] == "Bearer hush"


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_server_that_is_busy_is_asked_again(status: int, sts: Misbehaving) -> None:
    sts.on(Answer(status, body=b"busy"), target="/token", times=2)
    sts.on(Answer(200, body=b"ok"), target="/token", times=1)
    assert post(f"{sts.url}/token").body == b"ok"


@pytest.mark.parametrize(
    ("status", "asked", "waited"),
    [
        (429, "7", 7),
        (503, "7", 7),
        (429, "3600", 30),
        (429, "9" * 400, 30),
        (429, "soon", 0),
        (429, "-5", 0),
        (429, "\xb2", 0),
    ],
)
def test_a_server_that_asks_to_wait_is_waited_for_within_reason(
    status: int, asked: str, waited: float, sts: Misbehaving, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(web.time, "sleep", pauses.append)
    sts.on(Answer(status, {"Retry-After": asked}, b"busy"), target="/token", times=1)
    sts.on(Answer(200, body=b"ok"), target="/token", times=1)
    assert post(f"{sts.url}/token").body == b"ok"
    assert max(pauses) == waited  # the server sleeps by the same clock


def test_a_redirect_is_not_followed(sts: Misbehaving) -> None:
    sts.on(Answer(307, {"Location": "/elsewhere"}), target="/token")
    assert post(f"{sts.url}/token").status == 307
    assert "/elsewhere" not in [request.target for request in sts.requests]


def test_the_agents_proxy_leads_there(sts: Misbehaving) -> None:
    sts.on(Answer(200, body=b"ok"), target="^http://devops.example/")
    proxy = sts.url.replace("http://", "http://user:p%40ss@")
    assert post("http://devops.example/token", Network(proxy_url=proxy)).body == b"ok"
    [request] = [request for request in sts.requests if "devops" in request.target]
    assert request.headers["proxy-authorization"] == "Basic dXNlcjpwQHNz"


def test_what_the_agent_reaches_without_its_proxy_is_reached_without_it(sts: Misbehaving) -> None:
    sts.on(Answer(200, body=b"ok"), target="/token")
    assert post(f"{sts.url}/token", Network(proxy_url="http://127.0.0.1:1")).body == b"ok"  # loopback always is


def test_a_dead_proxy_is_told_with_where_it_should_have_led(sts: Misbehaving) -> None:
    with pytest.raises(NetworkError, match=r"Could not ask for a token: .*127\.0\.0\.1:1"):
        post("http://devops.example/token", Network(proxy_url="http://127.0.0.1:1"))


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def test_the_agents_authority_is_trusted(sts: Misbehaving, authority: trustme.CA, tmp_path: Path) -> None:
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    with tls_store(authority.issue_cert("127.0.0.1")) as server:
        assert (
            post(f"{server.url}/token", Network(ca_file=str(tmp_path / "ca.pem"))).status == 501
        )  # it knows GET alone
        assert server.handshakes >= 1


def test_a_certificate_of_nobody_is_an_error_at_the_first_attempt(sts: Misbehaving, authority: trustme.CA) -> None:
    with tls_store(authority.issue_cert("127.0.0.1")) as server:
        with pytest.raises(TlsError, match=r"Could not ask for a token: the certificate of 127\.0\.0\.1"):
            post(f"{server.url}/token")
        assert server.handshakes == 1


def test_nobody_there_is_told_after_three_attempts(sts: Misbehaving, monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[Any] = []
    monkeypatch.setattr(web.time, "sleep", pauses.append)
    with pytest.raises(NetworkError, match=r"Could not ask for a token: 127\.0\.0\.1:1 cannot be reached"):
        post("http://127.0.0.1:1/token")
    assert len(pauses) == 2
