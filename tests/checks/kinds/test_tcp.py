"""The kind `tcp`, asked of real sockets. It is the model for the tests of a kind: a pass, a fail, an error, a mistake."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from ropeway.checks.kinds.tcp import KIND
from ropeway.checks.nodes import Mistakes
from ropeway.errors import Cancelled
from ropeway.outcome import Cancellation
from tests.checks.asking import ask, settings_of


@pytest.fixture
def listening() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


@pytest.fixture
def closed() -> Iterator[str]:
    """Held, so that nobody else listens there meanwhile."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{held.getsockname()[1]}"


@pytest.fixture
def full() -> Iterator[str]:
    """A machine that does not answer: nobody takes the connections of this port, and no further one finds room to wait."""
    with ExitStack() as held:
        server = held.enter_context(socket.socket())
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        for _ in range(4):
            waiting = held.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(server.getsockname())
        yield f"127.0.0.1:{server.getsockname()[1]}"


@pytest.fixture
def cancellation() -> Iterator[Cancellation]:
    """Asked for in a moment."""
    cancellation = Cancellation()
    timer = threading.Timer(0.3, cancellation.ask, ["SIGTERM"])
    timer.start()
    yield cancellation
    timer.join()


@pytest.fixture
def look_up(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, Callable[[], object]], None]:
    """Answers for one name; other threads look up others meanwhile."""
    usual = socket.getaddrinfo

    def answer(name: str, found: Callable[[], object]) -> None:
        def given(host: Any, *rest: Any, **more: Any) -> object:
            return found() if host == name else usual(host, *rest, **more)

        monkeypatch.setattr("socket.getaddrinfo", given)

    return answer


NOWHERE = "[fe80::1]:443"
"""A link-local address without its link: whatever there is of IPv6 here, nothing leaves this machine."""


def test_that_this_machine_has_no_way_there_does_not_prove_a_port_closed():
    finding = ask(KIND, f"{{address: '{NOWHERE}', open: false}}")

    assert (finding.verdict, finding.patient) == ("error", True)
    assert finding.advice.startswith("See the network of this machine")


def test_an_address_that_answers_says_more_than_one_that_there_is_no_way_to(closed, look_up):
    host, port = closed.split(":")
    usual = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, int(port)))]
    look_up("db.test", lambda: [*usual, (socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("fe80::1", int(port), 0, 0))])
    finding = ask(KIND, f"{{address: 'db.test:{port}', open: false}}")

    assert (finding.verdict, finding.got) == ("pass", f"no connection to db.test:{port}: connection refused")


def test_a_port_that_listens_passes(listening):
    finding = ask(KIND, f"address: {listening}")

    assert finding.verdict == "pass"
    assert (finding.expected, finding.got, finding.advice) == ("an open port", "a connection", "")


def test_a_port_that_nobody_listens_on_fails_and_says_what_to_look_at(closed):
    finding = ask(KIND, f"address: {closed}")

    assert finding.verdict == "fail"
    assert finding.got == f"no connection to {closed}: connection refused"
    assert "see whether the service runs and which address it is bound to" in finding.advice


def test_a_port_that_must_be_closed(listening, closed):
    assert ask(KIND, f"{{address: '{closed}', open: false}}").verdict == "pass"
    finding = ask(KIND, f"{{address: '{listening}', open: false}}")
    assert (finding.verdict, finding.expected, finding.got) == ("fail", "no open port", "a connection")


@pytest.mark.usefixtures("clock")
def test_a_host_that_drops_every_packet_fails_in_time(full):
    finding = ask(KIND, f"address: {full}", timeout=0.4)

    assert (finding.verdict, finding.got) == ("fail", f"no connection to {full} within 0.4 s")
    assert finding.advice.startswith("Nothing answers there: a security group")
    assert ask(KIND, f"{{address: '{full}', open: false}}", timeout=0.4).verdict == "pass"


def at(*addresses: str) -> Callable[[], object]:
    """What a look-up finds."""
    ports = [int(address.rpartition(":")[2]) for address in addresses]
    return lambda: [(socket.AF_INET, socket.SOCK_STREAM, 0, "", ("127.0.0.1", port)) for port in ports]


def test_the_silent_addresses_of_a_name_share_the_time_of_the_attempt(full, listening, look_up):
    look_up("shop.example", at(full, full, listening))
    # A third of it is left for the last one, which a slow machine may take for its own.
    assert ask(KIND, "address: shop.example:80", timeout=12).verdict == "pass"


@pytest.mark.usefixtures("clock")
def test_a_name_all_of_whose_addresses_are_silent_fails_in_time(full, look_up):
    look_up("shop.example", at(full, full, full))
    finding = ask(KIND, "address: shop.example:80", timeout=0.9)
    assert (finding.verdict, finding.got) == ("fail", "no connection to shop.example:80 within 0.9 s")


def test_a_cancelled_run_does_not_wait_for_who_does_not_answer(full, cancellation):
    with pytest.raises(Cancelled, match="SIGTERM"):
        ask(KIND, f"address: {full}", timeout=60, cancellation=cancellation)


def test_a_name_without_an_address_is_an_error_and_no_fail():
    finding = ask(KIND, "address: nowhere.invalid:80")

    assert finding.verdict == "error"
    assert finding.got.startswith("no address of nowhere.invalid (")
    assert finding.advice == "Check the name, and the DNS of this machine."
    assert ask(KIND, "{address: 'nowhere.invalid:80', open: false}").verdict == "error"


@pytest.mark.parametrize(("code", "patient"), [("EAI_NONAME", True), ("EAI_NODATA", True), ("EAI_AGAIN", False)])
def test_a_name_that_does_not_exist_yet_is_an_error_that_is_borne_in_time(look_up, code, patient):
    def unknown() -> object:
        raise socket.gaierror(getattr(socket, code), "Name or service not known")

    look_up("new.example", unknown)
    for address in ("address: new.example:80", "{address: 'new.example:80', open: false}"):
        finding = ask(KIND, address)
        assert (finding.verdict, finding.patient) == ("error", patient)
        assert finding.got == "no address of new.example (Name or service not known)"


def test_a_name_that_is_looked_up_for_ever_is_an_error_in_time_and_holds_up_no_cancellation(cancellation, look_up):
    found = threading.Event()
    look_up("slow.example", lambda: found.wait(60))
    finding = ask(KIND, "{address: 'slow.example:80', open: false}", timeout=0.2)
    assert (finding.verdict, finding.got) == ("error", "no address of slow.example within 0.2 s")

    with pytest.raises(Cancelled, match="SIGTERM"):
        ask(KIND, "address: slow.example:80", timeout=60, cancellation=cancellation)
    found.set()


def test_each_address_is_a_target_of_its_own():
    given = settings_of(KIND, "address: [db:5432, '[2001:db8::1]:443']")

    assert KIND.targets(given) == ("db:5432", "[2001:db8::1]:443")
    assert KIND.subject(given, "db:5432") == "db:5432 takes connections"


@pytest.mark.parametrize(
    "address", ["example.com", "example.com:0", "example.com:65536", "https://example.com:443", "a b:1"]
)
def test_what_is_no_address_is_a_mistake_of_the_suite(address):
    with pytest.raises(Mistakes, match=r"1:10: address is '.*'; write it as host:port"):
        settings_of(KIND, f"address: {address}")
