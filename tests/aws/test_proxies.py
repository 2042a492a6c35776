"""Which way each address is reached. (What is told when a proxy does not lead there is in test_networks.)"""

from __future__ import annotations

import base64
import os
import re
from typing import Any
from urllib.request import proxy_bypass

import pytest
from botocore.exceptions import ProxyConnectionError
from hypothesis import given
from hypothesis import strategies as st

from ropeway.aws.connection import Network
from ropeway.aws.proxies import METADATA, Proxies
from ropeway.aws.session import Aws, connect
from ropeway.azure.environment import AgentEnvironment
from ropeway.errors import CredentialsError, InputError
from tests.aws.asked import KEYS, ONCE, connection, inputs, list_bucket, signers
from tests.servers.misbehaving import Answer, Misbehaving
from tests.servers.proxy import forward_proxy

PROXY = "http://proxy.example:3128"


def ignored(_: str) -> None: ...


def way(url: str, network: Network | None = None) -> str | None:
    return Proxies(network or Network(), ignored).proxy_url_for(url)


# --- the agent's -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pattern", "url", "bypassed"),
    [
        # AgentWebProxy.cs: searched for in scheme, host and port, the usual port left out; case counts for nothing.
        (r"s3\.eu-west-1\.amazonaws\.com", "https://bucket.s3.eu-west-1.amazonaws.com/key", True),
        (r"S3\.EU-WEST-1", "https://bucket.s3.eu-west-1.amazonaws.com/key", True),
        (r"^https://bucket\.s3", "https://bucket.s3.eu-west-1.amazonaws.com/key", True),
        (r"\.com$", "https://s3.eu-west-1.amazonaws.com:443/key", True),
        (r":443$", "https://s3.eu-west-1.amazonaws.com:443/key", False),
        (r":9000$", "http://store.example:9000/bucket", True),
        (r"store\.example$", "http://store.example:9000/bucket", False),
        (r"bucket/key", "https://store.example/bucket/key", False),
        (r"user", "https://user@store.example/", False),
        (r"^http://\[fd00::1\]:9000$", "http://[fd00::1]:9000/", True),
        (r"  store\.example  ", "https://store.example/", True),
        (r"   ", "https://store.example/", False),
        # RegexOptions.ECMAScript: \d and \w are ASCII's.
        (r"store-\d", "https://store-٣.example/", False),
        # How the agent writes no_proxy=.corp.example,10.0.0.1 into its list.
        (r"\.corp\.example", "https://s3.corp.example/", True),
        (r"10\.0\.0\.1", "https://10.0.0.1:9000/", True),
        # What is no regular expression is passed over.
        ("*.corp.example", "https://s3.corp.example/", False),
    ],
)
def test_the_bypass_list_is_read_as_the_agent_reads_it(pattern: str, url: str, bypassed: bool) -> None:
    assert way(url, Network(proxy_url=PROXY, bypass=(pattern,))) == (None if bypassed else PROXY)


def test_what_is_no_pattern_is_told(misbehaving: Misbehaving) -> None:
    told: list[str] = []
    connect(inputs(), connection(**KEYS), network=Network(proxy_url=PROXY, bypass=("*.corp",)), debug=told.append)
    assert told == [
        "The proxy's bypass list holds '*.corp', which is no regular expression: nothing to repeat at position 0."
    ]


def test_the_agents_proxy_goes_before_the_environments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://other.example")
    monkeypatch.setenv("NO_PROXY", "*")
    assert way("https://store.example/", Network(proxy_url=PROXY)) == PROXY


def test_a_bucket_is_judged_by_its_own_host_and_not_by_its_endpoints() -> None:
    with forward_proxy() as proxy:
        network = Network(proxy_url=proxy.url, bypass=(r"^https://s3\.eu-west-1",))
        s3 = connect(inputs(), connection(**KEYS), network=network).client("s3", **ONCE)
        with pytest.raises(ProxyConnectionError):
            s3.head_object(Bucket="bucket", Key="key")
        assert proxy.asked == ["CONNECT bucket.s3.eu-west-1.amazonaws.com:443"]


# --- user and password -------------------------------------------------------------------------------------------------------


def through_the_agent(user: str, password: str) -> str | None:
    """What the proxy reads of a user and a password that the agent keeps."""
    variables = {
        "AGENT_PROXYURL": PROXY,
        "AGENT_PROXYUSERNAME": user,
        "SECRET_AGENT_PROXYPASSWORD": password,
    }
    proxies = Proxies(AgentEnvironment.take(variables).network, ignored)
    url = proxies.proxy_url_for("https://store.example/")
    assert url
    assert re.fullmatch(r"http://([^@/#?\[\]]+@)?proxy\.example:3128", url)
    header = proxies.proxy_headers_for(url).get("Proxy-Authorization")
    return base64.b64decode(header.removeprefix("Basic ")).decode() if header else None


@given(
    user=st.text(st.characters(exclude_categories=["Cs"], exclude_characters=":"), min_size=1),
    password=st.text(st.characters(exclude_categories=["Cs"])),
)
def test_any_user_and_password_reach_the_proxy_as_they_are(user: str, password: str) -> None:
    assert through_the_agent(user, password) == f"{user}:{password}"


def test_without_a_user_no_login_is_sent() -> None:
    assert through_the_agent("", "") is None


# --- the environment's -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy"])
def test_the_environments_proxy_counts_in_either_case(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, PROXY)
    assert way("https://store.example/") == PROXY
    assert way("http://store.example/") is None


def test_a_proxy_for_http_is_not_asked_for_https(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://proxy:8080")
    assert way("http://store.example") == "http://proxy:8080"
    assert way("https://s3.eu-west-1.amazonaws.com") is None


def test_a_proxy_without_a_scheme_is_an_http_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "me:p%40ss@proxy.example:3128")
    assert way("https://store.example/") == "http://me:p%40ss@proxy.example:3128"


@pytest.mark.parametrize("name", ["NO_PROXY", "no_proxy"])
@pytest.mark.parametrize(
    ("no_proxy", "url", "bypassed"),
    [
        ("store.example", "https://store.example/", True),
        ("store.example", "https://s3.store.example:9000/", True),
        (".store.example", "https://s3.store.example/", True),
        ("other, STORE.example ", "https://store.example/", True),
        ("store.example:9000", "https://store.example:9000/", True),
        ("store.example:9000", "https://store.example/", False),
        ("store.example", "https://mystore.example/", False),
        ("*", "https://store.example/", True),
        (".s3.eu-west-1.amazonaws.com", "https://bucket.s3.eu-west-1.amazonaws.com/key", True),
        ("10.1.2.3", "https://10.1.2.3:9000/", True),
        ("10.0.0.0/8", "https://10.1.2.3:9000/", True),
        ("10.1.2.3/8", "https://10.200.0.1/", True),
        ("10.0.0.0/8", "https://11.1.2.3/", False),
        ("10.0.0.0/8", "https://ten.example/", False),
        ("fd00::/8", "https://[fd00::1]:9000/", True),
        ("10.0.0.0/64, 10.0.0.0/8", "https://10.1.2.3/", True),
        ("", "https://10.1.2.3/", False),
    ],
)
def test_no_proxy_names_hosts_suffixes_and_networks(
    name: str, no_proxy: str, url: str, bypassed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", PROXY)
    monkeypatch.setenv(name, no_proxy)
    assert way(url) == (None if bypassed else PROXY)


def test_the_environments_proxy_is_used_and_what_no_proxy_names_is_kept_from_it(
    store: Misbehaving, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = store.url.rpartition(":")[2]
    with forward_proxy(hosts=("store.example",)) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        list_bucket(session(endpoint_url=f"http://store.example:{port}"))
        assert proxy.asked == [f"GET http://store.example:{port}/bucket?list-type=2&encoding-type=url"]
        monkeypatch.setenv("NO_PROXY", "0.0.0.0/31")
        list_bucket(session(endpoint_url=f"http://0.0.0.0:{port}"))
        assert len(proxy.asked) == 1
    assert len(signers(store)) == 2


def session(**given: Any) -> Aws:
    return connect(inputs(**given), connection(**KEYS))


# --- what no proxy is asked for ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "host", ["localhost", "store.localhost", "127.0.0.1", "127.1.2.3", "[::1]", *METADATA[:3], "[fd00:ec2::254]"]
)
@pytest.mark.parametrize("network", [Network(), Network(proxy_url=PROXY)], ids=["the environment's", "the agent's"])
def test_no_proxy_is_asked_for_this_machine_and_its_metadata(
    host: str, network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", PROXY)
    assert way(f"http://{host}:8080/", network) is None


@pytest.mark.parametrize("before", [{}, {"no_proxy": "corp.example"}, {"NO_PROXY": "corp.example"}])
def test_botocores_own_questions_to_the_metadata_take_no_proxy(
    before: dict[str, str], imds: Misbehaving, monkeypatch: pytest.MonkeyPatch
) -> None:
    imds.on(Answer(200, body=b""), target="security-credentials")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.setenv(name, before.get(name, ""))  # what is made of it is undone, too
        if name not in before:
            monkeypatch.delenv(name)
    with forward_proxy() as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        with pytest.raises(CredentialsError, match="There are no AWS credentials"):
            connect(inputs(endpoint_url="http://store.example"), None).client("s3")
        assert proxy.asked == []
        assert [request.method for request in imds.requests][:1] == ["PUT"]
    assert all(proxy_bypass(host if ":" not in host else f"[{host}]") for host in METADATA)
    assert not proxy_bypass("store.example")
    assert proxy_bypass("corp.example") == bool(before)


def test_an_environment_without_a_proxy_is_left_as_it_is() -> None:
    before = dict(os.environ)
    connect(inputs(), connection(**KEYS))
    assert os.environ == before


# --- what is no proxy --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "http://me:hu#sh@proxy.example:3128",
        "http://me:hu/sh@proxy.example:3128",
        "http://me:hu?sh@proxy.example:3128",
        "http://me:hu[sh@proxy.example:3128",
        "http://me:12#sh@proxy.example:3128",
        "http://me:12/sh@proxy.example:3128",
        "http://proxy.example:hush",
        "http://me:hush@",
        "http://proxy.example:0",
    ],
)
def test_what_is_no_address_is_told_without_being_shown(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", url)
    with pytest.raises(InputError) as refused:
        session().client("s3")
    assert str(refused.value).startswith("HTTPS_PROXY is no address of a proxy. Write http://user:password@host:port")
    assert not re.search("hu|sh@|proxy.example", str(refused.value))
    with pytest.raises(InputError, match="The agent's proxy is no address"):
        way("https://store.example/", Network(proxy_url=url))


def test_what_is_no_address_harms_nobody_who_does_not_take_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://me:hu#sh@proxy.example:3128")
    assert session().client("s3").meta.endpoint_url.startswith("https://")


def test_a_socks_proxy_is_told() -> None:
    with pytest.raises(InputError, match=r"The agent's proxy is a socks5 proxy\. Those of the kinds http and https"):
        way("https://store.example/", Network(proxy_url="socks5://proxy.example:1080"))
