"""The kind `dns`, asked of a resolver on the loopback interface."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from ropeway.checks.finding import Finding
from ropeway.checks.kinds.dns import KIND
from ropeway.checks.nodes import Mistakes
from tests.checks.asking import ask, settings_of
from tests.servers.resolver import Resolver, resolver_server


@pytest.fixture
def resolver() -> Iterator[Resolver]:
    with resolver_server() as running:
        running.zone |= {
            ("www.example.com", "A"): ["300 A 10.0.0.2", "300 A 10.0.0.1"],
            ("www.example.com", "AAAA"): ["300 AAAA 2001:db8::1"],
            ("www.example.com", "TXT"): ['60 TXT "v=1; " "a=b"', '60 TXT "other"'],
            ("www.example.com", "MX"): ["60 MX 10 Mail.Example.com."],
            ("www.example.com", "CAA"): ['60 CAA 0 issue "amazon.com"'],
            ("shop.example.com", "A"): ["60 CNAME www.example.com.", "www.example.com. 300 A 10.0.0.1"],
            ("shop.example.com", "CNAME"): ["60 CNAME www.example.com."],
            ("alias.example.com", "A"): ["60 A 10.0.0.1", "60 A 10.0.0.9"],
            ("old.example.com", "A"): ["60 A 10.9.9.9"],
        }
        yield running


def asked(resolver: Resolver, name: str = "www.example.com", timeout: float = 20, **given: Any) -> Finding:
    return ask(KIND, json.dumps({"name": name, "resolver": resolver.address, **given}), timeout=timeout)


def test_a_record_that_is_there_passes(resolver: Resolver):
    finding = asked(resolver)

    assert (finding.verdict, finding.expected) == ("pass", "a record of type A")
    assert finding.got == "A 10.0.0.1, 10.0.0.2 (TTL 300 s)"
    assert resolver.asked == [("www.example.com", "A", "udp")]


@pytest.mark.parametrize(
    "given",
    [
        {"records": ["10.0.0.1", "10.0.0.2"]},
        {"contains": "10.0.0.2"},
        {"type": "AAAA", "records": "2001:0db8:0:0::1"},
        {"type": "TXT", "records": ["other", "v=1; a=b"]},
        {"type": "mx", "records": "10 mail.example.com."},
        {"type": "CAA", "contains": '0 issue "amazon.com"'},
        {"type": "SRV", "absent": True},
        {"name": "nowhere.example.com", "absent": True},
        {"name": "shop.example.com", "type": "CNAME", "records": "WWW.example.com"},
        {"name": "shop.example.com", "aliasOf": "www.example.com"},
        {"name": "shop.example.com", "aliasOf": "www.example.com.", "type": "CNAME"},
        {"name": "alias.example.com", "aliasOf": "www.example.com"},
        {"minTtl": "5m", "maxTtl": "1h"},
    ],
    ids=str,
)
def test_what_is_expected_of_a_name_passes(resolver: Resolver, given: dict[str, Any]):
    assert asked(resolver, **given).verdict == "pass"


@pytest.mark.parametrize(
    ("given", "expected", "got"),
    [
        ({"records": ["10.0.0.1"]}, "A 10.0.0.1", "A 10.0.0.1, 10.0.0.2 (TTL 300 s)"),
        ({"contains": "10.0.0.3"}, "A with 10.0.0.3", "A 10.0.0.1, 10.0.0.2 (TTL 300 s)"),
        ({"type": "TXT", "contains": "V=1; a=b"}, "TXT with V=1; a=b", "TXT other, v=1; a=b (TTL 60 s)"),
        ({"type": "SRV"}, "a record of type SRV", "no record of type SRV"),
        ({"name": "nowhere.example.com"}, "a record of type A", "no such name (NXDOMAIN)"),
        ({"absent": True}, "no record of type A", "A 10.0.0.1, 10.0.0.2 (TTL 300 s)"),
        ({"name": "shop.example.com", "records": "10.0.0.2"}, "A 10.0.0.2", "A 10.0.0.1 by www.example.com. (TTL 60 s)"),
        ({"name": "old.example.com", "aliasOf": "www.example.com"}, "what www.example.com leads to", "10.9.9.9, while www.example.com has 10.0.0.1, 10.0.0.2"),
        ({"aliasOf": "d1.cloudfront.example"}, "what d1.cloudfront.example leads to", "10.0.0.1, 10.0.0.2, while d1.cloudfront.example has no such name (NXDOMAIN)"),
        ({"maxTtl": "1m"}, "a TTL of 60 s or less", "300 s"),
        ({"name": "shop.example.com", "maxTtl": "1m"}, "a TTL of 60 s or less", "300 s"),
        ({"name": "shop.example.com", "minTtl": "5m"}, "a TTL of 300 s or more", "60 s"),
        ({"minTtl": "1h"}, "a TTL of 3600 s or more", "300 s"),
    ],
    ids=str,
)  # fmt: skip
def test_what_is_not_as_expected_fails_and_says_what_it_is_instead(
    resolver: Resolver, given: dict[str, Any], expected: str, got: str
):
    finding = asked(resolver, **given)
    assert (finding.verdict, finding.expected, finding.got) == ("fail", expected, got)


def test_a_name_that_is_missing_fails_and_says_what_to_look_at(resolver: Resolver):
    assert asked(resolver, "nowhere.example.com").advice.startswith("See whether the record is in the zone")


def test_an_answer_that_is_too_long_for_udp_is_asked_for_by_tcp(resolver: Resolver):
    resolver.too_long_for_udp = True

    assert asked(resolver).verdict == "pass"
    assert [way for _, _, way in resolver.asked] == ["udp", "tcp"]


def test_a_resolver_that_refuses_is_an_error(resolver: Resolver):
    resolver.refuse = "REFUSED"
    finding = asked(resolver)

    assert (finding.verdict, finding.got) == ("error", "no answer of 127.0.0.1 (REFUSED)")
    assert finding.advice.startswith("REFUSED: it does not answer for this name")


@pytest.mark.usefixtures("clock")
def test_a_resolver_that_is_silent_is_an_error_in_time(resolver: Resolver):
    resolver.silent = True
    finding = asked(resolver, timeout=0.4)

    assert (finding.verdict, finding.got) == ("error", "no answer of 127.0.0.1 within 0.4 s")
    assert finding.advice == "See whether port 53 is open to it, by UDP and TCP, or name another resolver."


def test_a_resolver_without_an_address_is_an_error():
    finding = ask(KIND, "{name: a.example, resolver: nowhere.invalid}")
    assert finding.verdict == "error"
    assert finding.got.startswith("no address of nowhere.invalid")


@pytest.mark.usefixtures("clock")
def test_nobody_listening_at_the_resolver_is_an_error():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    finding = ask(KIND, f"{{name: a.example, resolver: '127.0.0.1:{port}'}}", timeout=0.5)
    assert finding.verdict == "error"
    assert finding.got.startswith("no answer of 127.0.0.1")


def test_each_name_is_a_target_at_each_resolver(resolver: Resolver):
    given = f"{{name: [www.example.com, nowhere.example.com], resolver: ['{resolver.address}', 192.0.2.1]}}"
    names = KIND.targets(settings_of(KIND, given))

    assert names == (
        f"www.example.com at {resolver.address}",
        "www.example.com at 192.0.2.1",
        f"nowhere.example.com at {resolver.address}",
        "nowhere.example.com at 192.0.2.1",
    )
    assert ask(KIND, given, target=names[0]).verdict == "pass"
    assert ask(KIND, given, target=names[2]).verdict == "fail"


def test_without_a_resolver_the_one_of_this_machine_is_asked(resolver: Resolver, monkeypatch: pytest.MonkeyPatch):
    def of_this_machine(self: Any, _: object = None) -> None:
        self.nameservers, self.port = ["127.0.0.1"], resolver.port

    monkeypatch.setattr("dns.resolver.Resolver.read_resolv_conf", of_this_machine)
    monkeypatch.setattr("dns.resolver.Resolver.read_registry", of_this_machine)
    assert ask(KIND, "name: www.example.com").verdict == "pass"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("name: a..b", "name is 'a..b', which is no name of DNS"),
        ("{name: a, resolver: 'h:0'}", "resolver is 'h:0'; write an address"),
        ("{name: a, type: AA}", "type is 'AA'; it takes A, AAAA, "),
        ("{name: a, absent: true, records: b}", "absent stands alone"),
        ("{name: a, type: TXT, aliasOf: b}", "aliasOf is about addresses"),
    ],
)
def test_mistakes_of_the_suite(given: str, words: str):
    with pytest.raises(Mistakes, match=words):
        settings_of(KIND, given)


@pytest.mark.parametrize(
    ("given", "subject"),
    [
        ("{name: a.example, records: 10.0.0.1}", "a.example has A 10.0.0.1"),
        ("{name: a.example, aliasOf: b.example}", "a.example leads to b.example"),
        (
            "{name: a.example, type: TXT, absent: true, resolver: 9.9.9.9}",
            "a.example at 9.9.9.9 has no record of type TXT",
        ),
    ],
)
def test_the_plan_says_what_is_asked(given: str, subject: str):
    told = settings_of(KIND, given)
    assert [KIND.subject(told, target) for target in KIND.targets(told)] == [subject]
