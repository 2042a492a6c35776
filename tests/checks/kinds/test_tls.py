"""The kind `tls`, asked of servers whose certificates are made for the test."""

from __future__ import annotations

import datetime as dt
import json
import re
import socket
import ssl
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import trustme

from ropeway.checks.asking import Asking, World
from ropeway.checks.finding import Finding
from ropeway.checks.kinds.tls import KIND
from ropeway.checks.net.certificates import Place, refuses
from ropeway.checks.net.dialling import NoAnswer
from ropeway.checks.nodes import Mistakes
from tests.checks.asking import ask, nowhere, settings_of
from tests.checks.kinds.conftest import WWW, behind
from tests.servers.proxy import forward_proxy
from tests.servers.web import Web, web_server

NOW = dt.datetime.now(dt.timezone.utc)


def lasting(authority: trustme.CA, *names: str, days: float, since: float = -30) -> trustme.LeafCert:
    begins, ends = (NOW + dt.timedelta(days=at) for at in (since, days))
    return authority.issue_cert(*names, not_before=begins, not_after=ends)


def asked(server: Web, authority: Path | str = "", **given: Any) -> Finding:
    settings = {"address": server.address, "name": WWW, "caFile": str(authority), **given}
    return ask(KIND, json.dumps(settings), timeout=20)


def test_a_certificate_that_lasts_passes(authority: trustme.CA, certificate_authority: Path, serve_tls: Any):
    server = serve_tls(lasting(authority, WWW, "example.com", days=40.5))
    finding = asked(server, certificate_authority, names=["example.com"], issuer="trustme")

    assert finding.verdict == "pass"
    assert (
        finding.expected
        == "a certificate for www.example.com, example.com; 14 days left; an issuer matching /trustme/; TLSv1.2 or newer"
    )
    until = f"{NOW + dt.timedelta(days=40.5):%Y-%m-%d %H:%M} UTC"
    assert finding.got.startswith("one for www.example.com, example.com, issued by trustme")
    assert f"40 days left ({until})" in finding.got
    assert finding.got.endswith("TLSv1.3")


@pytest.mark.parametrize(("days", "wanted", "verdict"), [(13.9, 14, "fail"), (14.1, 14, "pass"), (0.5, 0, "pass")])
def test_a_certificate_that_is_about_to_expire_fails(
    authority: trustme.CA, certificate_authority: Path, serve_tls: Any, days: float, wanted: int, verdict: str
):
    finding = asked(serve_tls(lasting(authority, WWW, days=days)), certificate_authority, daysLeft=wanted)
    assert finding.verdict == verdict
    assert f"{int(days)} days left (" in finding.got


def test_a_certificate_that_has_expired_fails_and_says_since_when(
    authority: trustme.CA, certificate_authority: Path, serve_tls: Any
):
    finding = asked(serve_tls(lasting(authority, WWW, days=-3.5)), certificate_authority)

    assert (finding.verdict, finding.expected) == ("fail", "14 days left")
    assert finding.got == f"one that expired 3 days ago ({NOW - dt.timedelta(days=3.5):%Y-%m-%d %H:%M} UTC)"
    assert finding.advice.startswith("Renew it; where it was renewed already")


def test_a_certificate_that_is_not_valid_yet_fails(authority: trustme.CA, certificate_authority: Path, serve_tls: Any):
    finding = asked(serve_tls(lasting(authority, WWW, since=2, days=90)), certificate_authority)

    assert (finding.verdict, finding.expected) == ("fail", "a certificate that is valid")
    assert finding.got == f"one from {NOW + dt.timedelta(days=2):%Y-%m-%d %H:%M} UTC on"


def test_a_certificate_of_other_names_fails_and_says_which(
    authority: trustme.CA, certificate_authority: Path, serve_tls: Any
):
    server = serve_tls(lasting(authority, "*.example.com", "10.0.0.5", days=60))

    assert asked(server, certificate_authority).verdict == "pass"
    finding = asked(server, certificate_authority, names=["shop.example.com", "example.com", "a.b.example.com"])
    assert (finding.verdict, finding.expected) == ("fail", "a certificate for example.com, a.b.example.com")
    assert finding.got.startswith("one for *.example.com, 10.0.0.5, issued by ")
    assert asked(server, certificate_authority, name="10.0.0.5").verdict == "pass"
    assert asked(server, certificate_authority, name="10.0.0.6").verdict == "fail"


def test_a_certificate_of_an_unknown_authority_fails_and_all_else_is_told_too(serve_tls: Any):
    server = serve_tls(lasting(trustme.CA(), "shop.example.com", days=5.5))
    finding = asked(server)

    assert finding.verdict == "fail"
    assert finding.expected == f"a certificate for {WWW}; 14 days left; a trusted certificate"
    assert finding.got.endswith("; one that is not: unable to get local issuer certificate")
    assert "For an authority of your own, name its file in caFile." in finding.advice
    assert asked(server, verify=False, name="shop.example.com", daysLeft=5).verdict == "pass"


def test_a_chain_whose_middle_is_missing_fails(
    certificate_authority: Path, authority: trustme.CA, serve_tls: Any, tmp_path: Path
):
    whole = authority.create_child_ca().issue_cert(WWW)
    assert asked(serve_tls(whole), certificate_authority).verdict == "pass"

    leaf = authority.create_child_ca().issue_cert(WWW)
    leaf.cert_chain_pems[0].write_to_path(tmp_path / "alone.pem")
    leaf.private_key_pem.write_to_path(tmp_path / "key.pem")
    alone = SimpleNamespace(
        configure_cert=lambda tls: tls.load_cert_chain(tmp_path / "alone.pem", tmp_path / "key.pem")
    )
    finding = asked(serve_tls(alone), certificate_authority)
    assert (finding.verdict, finding.expected) == ("fail", "a trusted certificate")
    assert "whether the intermediate ones are sent along" in finding.advice


def test_a_certificate_of_another_issuer_fails(authority: trustme.CA, certificate_authority: Path, serve_tls: Any):
    finding = asked(serve_tls(lasting(authority, WWW, days=60)), certificate_authority, issuer="Amazon")
    assert (finding.verdict, finding.expected) == ("fail", "an issuer matching /Amazon/")
    assert finding.got.startswith("issuer trustme")


# --- versions ----------------------------------------------------------------------------------------------------------------


@pytest.fixture
def serve_version(authority: trustme.CA) -> Iterator[Callable[[ssl.TLSVersion], Web]]:
    """One version of TLS and no other, the old ones too."""
    with ExitStack() as stack:

        def serve(version: ssl.TLSVersion) -> Web:
            tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            authority.issue_cert(WWW).configure_cert(tls)
            tls.set_ciphers("ALL:@SECLEVEL=0")
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)
                tls.minimum_version = tls.maximum_version = version
            return stack.enter_context(web_server(tls))

        yield serve


def test_a_version_that_is_too_old_fails(certificate_authority: Path, serve_version: Any):
    server = serve_version(ssl.TLSVersion.TLSv1_2)

    assert asked(server, certificate_authority).verdict == "pass"
    finding = asked(server, certificate_authority, protocol="TLSv1.3")
    assert (finding.verdict, finding.expected, finding.got) == ("fail", "TLSv1.3 or newer", "TLSv1.2")
    assert finding.advice.startswith("See the security policy of the listener")


def test_a_version_that_must_be_refused_is_tried(certificate_authority: Path, serve_version: Any, secure: Web):
    assert asked(secure, certificate_authority, refuses=["TLSv1", "TLSv1.1"]).verdict == "pass"

    finding = asked(serve_version(ssl.TLSVersion.TLSv1_2), certificate_authority, refuses=["TLSv1.1", "TLSv1.2"])
    assert (finding.verdict, finding.expected, finding.got) == ("fail", "no TLSv1.2", "a connection in TLSv1.2")


def test_a_server_that_wants_to_know_its_clients_refuses_no_version_by_that(
    authority: trustme.CA, certificate_authority: Path, serve_tls: Any
):
    """It ends the handshake, but in that very version; in TLSv1.3 it does so only when the handshake is over."""
    server = serve_tls(lasting(authority, WWW, days=90), require=authority)
    finding = asked(server, certificate_authority, name=WWW, refuses=["TLSv1.2"])

    assert (finding.verdict, finding.got) == ("fail", "a connection in TLSv1.2")


@pytest.mark.usefixtures("clock")  # the time of the socket is over first
def test_a_server_that_says_nothing_refuses_nothing():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        place = Place("127.0.0.1", silent.getsockname()[1], WWW)
        with pytest.raises(NoAnswer, match=re.escape("no whole answer within 0.3 s")):
            refuses(place, "TLSv1.2", Asking(world=World(aws=nowhere()), timeout=0.3))


def test_a_server_of_old_versions_alone_has_no_tls_to_speak_of(certificate_authority: Path, serve_version: Any):
    finding = asked(serve_version(ssl.TLSVersion.TLSv1_1), certificate_authority)
    assert finding.verdict == "fail"
    assert finding.got.startswith("no TLS connection: ")


# --- through a proxy -----------------------------------------------------------------------------------------------------------


def test_the_agents_proxy_leads_there(secure: Web, certificate_authority: Path):
    given = json.dumps({"address": f"{WWW}:{secure.port}", "caFile": str(certificate_authority), "refuses": "TLSv1.1"})
    with forward_proxy(login="user:p@ss/word", hosts=(WWW,)) as proxy:
        finding = ask(KIND, given, behind(proxy.url))
        assert proxy.asked == [f"CONNECT {WWW}:{secure.port}"] * 2

    assert finding.verdict == "pass"


def test_a_proxy_that_lets_nobody_through_is_an_error(secure: Web):
    with forward_proxy(login="user:right", hosts=(WWW,)) as proxy:
        wrong = proxy.url.replace("right", "wrong-password")
        finding = ask(KIND, f"address: {WWW}:{secure.port}", behind(wrong))

    assert finding.verdict == "error"
    assert finding.got.startswith("no way through the proxy: 407 ")
    assert "wrong-password" not in repr(finding)


@pytest.mark.parametrize("first", ["clock", "goes_once_connected"])
def test_a_proxy_that_says_nothing_is_left_in_time(request: pytest.FixtureRequest, first: str):
    request.getfixturevalue(first)  # whose time is over first, the socket's or the line's, is chance
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        url = f"http://127.0.0.1:{proxy.getsockname()[1]}"
        finding = ask(KIND, f"address: {WWW}", behind(url), timeout=0.3)
    assert (finding.verdict, finding.got) == ("fail", "no whole answer within 0.3 s")


def test_a_proxy_that_hangs_up_is_an_error():
    with forward_proxy(hangs_up=True) as proxy:
        finding = ask(KIND, f"address: {WWW}", behind(proxy.url))
    assert finding.verdict == "error"
    assert finding.got == "no way through the proxy: it hung up"


# --- no answer ---------------------------------------------------------------------------------------------------------------


def test_a_port_that_does_not_speak_tls_fails(web: Web):
    finding = asked(web)
    assert (finding.verdict, finding.expected) == ("fail", f"a certificate for {WWW}")
    assert finding.got.startswith("no TLS connection: ")
    assert finding.advice.startswith("See whether this port speaks TLS")


@pytest.mark.parametrize("first", ["clock", "goes_once_connected"])
def test_a_port_that_says_nothing_fails_in_time(request: pytest.FixtureRequest, first: str):
    request.getfixturevalue(first)  # whose time is over first, the socket's or the line's, is chance
    with socket.create_server(("127.0.0.1", 0)) as server:
        finding = ask(KIND, f"address: 127.0.0.1:{server.getsockname()[1]}", timeout=0.3)
    assert (finding.verdict, finding.got) == ("fail", "no whole answer within 0.3 s")


def test_a_name_without_an_address_is_an_error():
    finding = ask(KIND, "address: nowhere.invalid")
    assert finding.verdict == "error"
    assert finding.got.startswith("no address of nowhere.invalid")


def test_a_ca_file_without_a_certificate_is_an_error_that_names_it(secure: Web, tmp_path: Path):
    (tmp_path / "ca.pem").write_text("nothing")
    finding = asked(secure, tmp_path / "ca.pem")
    assert finding.verdict == "error"
    assert finding.got.startswith(f"The CA file {tmp_path / 'ca.pem'} holds no certificate in PEM form")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("address: 'https://example.com'", "address is 'https://example.com'; write an address"),
        ("{address: a, refuses: SSLv3}", "refuses is 'SSLv3'; it takes TLSv1, TLSv1.1, TLSv1.2"),
        ("{address: a, protocol: TLSv1}", "protocol is 'TLSv1'; it takes TLSv1.2, TLSv1.3"),
        ("{address: a, name: .example.com}", "name is '.example.com', which is no name of a host"),
    ],
)
def test_mistakes_of_the_suite(given: str, words: str):
    with pytest.raises(Mistakes, match=words):
        settings_of(KIND, given)


def test_each_address_is_a_target_of_its_own():
    given = settings_of(KIND, "address: [www.example.com, 'db.internal:5432']")
    assert KIND.targets(given) == ("www.example.com", "db.internal:5432")
    assert KIND.subject(given, "db.internal:5432") == "db.internal:5432 shows a certificate with 14 days left"
