"""The kind `http`, asked of real servers on the loopback interface."""

from __future__ import annotations

import base64
import datetime as dt
import gzip
import hashlib
import json
import random
import socket
import threading
import time
import tracemalloc
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import trustme

from ropeway.aws.session import Aws
from ropeway.checks.finding import Finding
from ropeway.checks.kinds import http
from ropeway.checks.kinds.http import KIND
from ropeway.checks.nodes import Mistakes
from ropeway.errors import Cancelled
from ropeway.outcome import Cancellation
from tests.checks.asking import ask, settings_of
from tests.checks.kinds.conftest import WWW, behind
from tests.servers.proxy import forward_proxy
from tests.servers.web import Page, Web, moved

HTML = {"content-type": "text/html; charset=utf-8"}
IN_JSON = {"content-type": "application/json"}


def asked(url: str, aws: Aws | None = None, timeout: float = 20, deployed: str = "", **given: Any) -> Finding:
    """`deployed` is the release that was; `given` are settings."""
    return ask(KIND, json.dumps({"url": url, **given}), aws, timeout=timeout, release=deployed)


# --- status ------------------------------------------------------------------------------------------------------------------


def test_a_server_that_answers_passes(web: Web):
    web.answers["/"] = Page(b"hello")
    finding = asked(web.url())

    assert (finding.verdict, finding.expected, finding.got) == ("pass", "status 2xx", "status 200 (OK)")
    assert finding.details == ()


def test_the_wrong_status_fails_and_says_what_to_look_at_and_how_the_answer_begins(web: Web):
    web.answers["/"] = Page(b"<h1>No healthy\nupstream</h1>", 503, {**HTML, "x-amzn-requestid": "id-1"})
    finding = asked(web.url(), status=[200, "301-308"])

    assert finding.verdict == "fail"
    assert (finding.expected, finding.got) == ("status 200 or 301-308", "status 503 (Service Unavailable)")
    assert finding.advice.startswith("The balancer has no healthy target")
    assert finding.details == (f"503 {web.url()} (text/html; charset=utf-8, 28 bytes)", "<h1>No healthy upstream</h1>")
    assert finding.request_ids == ("id-1",)


@pytest.mark.parametrize(
    ("given", "status", "verdict"),
    [
        ("204", 204, "pass"),
        ("2xx", 299, "pass"),
        ("2XX", 300, "fail"),
        ("200-204", 205, "fail"),
        ("404", 404, "pass"),
        ("1xx", 200, "fail"),
    ],
)
def test_statuses_are_one_a_hundred_or_a_range(web: Web, given: str, status: int, verdict: str):
    web.answers["/"] = Page(status=status)
    assert asked(web.url(), status=given).verdict == verdict


# --- no answer ---------------------------------------------------------------------------------------------------------------


def test_nobody_listening_fails_and_says_what_to_look_at():
    with socket.socket() as held:  # so that nobody else listens there meanwhile
        held.bind(("127.0.0.1", 0))
        port = held.getsockname()[1]
        finding = asked(f"http://127.0.0.1:{port}/")

    assert (finding.verdict, finding.got) == ("fail", f"no connection to 127.0.0.1:{port}: connection refused")
    assert "see whether the service runs and which address it is bound to" in finding.advice


def test_a_name_without_an_address_is_an_error():
    finding = asked("http://nowhere.invalid/")

    assert finding.verdict == "error"
    assert finding.got.startswith("no address of nowhere.invalid (")
    assert finding.advice == "Check the name, and the DNS of this machine."


def test_a_name_that_is_looked_up_for_ever_is_an_error_in_time(monkeypatch: pytest.MonkeyPatch):
    found = threading.Event()
    monkeypatch.setattr("socket.getaddrinfo", lambda *_, **__: found.wait(60))
    finding = asked("http://slow.example/", timeout=0.3)
    found.set()

    assert (finding.verdict, finding.got) == ("error", "no address of slow.example within 0.3 s")


def drip(text: bytes) -> Callable[[Any], None]:
    """A byte every few milliseconds: no read of it ever times out."""

    def write(handler: Any) -> None:
        for byte in text:
            if handler.server.stopped.wait(0.02):
                return
            handler.wfile.write(bytes([byte]))

    return write


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(b"HTTP/1.1 200 OK\r\n" + b"x-slow: loris\r\n" * 500, id="headers"),
        pytest.param(b"HTTP/1.1 200 OK\r\ncontent-length: 9000\r\n\r\n" + b"." * 9000, id="a body"),
        pytest.param(b"HTTP/1.1 200 OK\r\n\r\n" + b"." * 9000, id="a body without a length"),
    ],
)
@pytest.mark.usefixtures("goes_once_connected")
def test_a_server_that_drips_is_cut_when_the_attempt_is_over(web: Web, text: bytes):
    web.answers["/"] = drip(text)
    finding = asked(web.url(), timeout=0.6)

    assert (finding.verdict, finding.got) == ("fail", "no whole answer within 0.6 s")
    assert "give it more time (timeout)" in finding.advice


@pytest.mark.usefixtures("goes_once_connected")
def test_a_server_that_says_nothing_in_tls_is_cut_too():
    with socket.create_server(("127.0.0.1", 0)) as server:
        finding = asked(f"https://127.0.0.1:{server.getsockname()[1]}/", timeout=0.3)

    assert (finding.verdict, finding.got) == ("fail", "no whole answer within 0.3 s")


def test_a_cancelled_task_does_not_wait_for_an_answer(web: Web):
    cancellation = Cancellation()
    web.answers["/"] = lambda handler: (cancellation.ask("somebody pressed Cancel"), handler.server.stopped.wait(30))
    began = time.monotonic()

    with pytest.raises(Cancelled, match="somebody pressed Cancel"):
        ask(KIND, f"url: {web.url()}", timeout=60, cancellation=cancellation)
    assert time.monotonic() - began < 30


@pytest.mark.parametrize(
    ("raw", "got"),
    [
        (b"", "no whole answer: Remote end closed connection without response"),
        (b"ceci n'est pas HTTP\r\n\r\n", "no whole answer: ceci n'est pas HTTP"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nshort", "no whole answer: IncompleteRead(5 bytes read, 5 more expected)"),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n", "no whole answer:"),
        (b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 200, "no whole answer: got more than 100 headers"),
        (b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\n\r\nno gzip", "a body that is not encoded as the header content-encoding says"),
    ],
)  # fmt: skip
def test_what_is_no_answer_of_http_fails_in_words(web: Web, raw: bytes, got: str):
    web.answers["/"] = lambda handler: handler.wfile.write(raw)
    finding = asked(web.url())

    assert finding.verdict == "fail"
    assert finding.got.startswith(got)
    assert finding.advice


def test_a_long_line_of_nonsense_is_told_in_part(web: Web):
    web.answers["/"] = lambda handler: handler.wfile.write(b"x" * 5000 + b"\r\n\r\n")
    finding = asked(web.url())
    assert finding.got == f"no whole answer: {'x' * 200} ... (5,000 characters)"


# --- what is asked -----------------------------------------------------------------------------------------------------------


def test_method_headers_and_a_body_in_json_are_sent(web: Web):
    web.answers["/api"] = Page(status=201)
    finding = asked(web.url("/api"), method="post", requestHeaders={"X-Trace": "7"}, requestJson={"a": [1, True, None]})

    assert finding.verdict == "pass"
    (sent,) = web.asked
    assert (sent.method, sent.body) == ("POST", b'{"a": [1, true, null]}')
    assert (sent.headers["x-trace"], sent.headers["content-type"]) == ("7", "application/json")
    assert sent.headers["user-agent"].startswith("ropeway/")


@pytest.mark.parametrize(("hidden", "charset"), [("grüße", "latin-1"), ("zehn €uro", "utf-8")])
def test_a_password_of_any_language_is_sent(web: Web, hidden: str, charset: str):
    web.answers["/"] = Page()
    assert asked(web.url(), basic={"user": "shop", "password": hidden}).verdict == "pass"
    (sent,) = web.asked
    assert base64.b64decode(sent.headers["authorization"].removeprefix("Basic ")).decode(charset) == f"shop:{hidden}"


def test_a_body_as_text_is_sent_as_it_is(web: Web):
    web.answers["/"] = Page()
    asked(web.url(), method="PUT", requestBody="grüße", requestHeaders={"content-type": "text/plain; charset=utf-8"})

    assert web.asked[0].body == "grüße".encode()
    assert web.asked[0].headers["content-type"] == "text/plain; charset=utf-8"


def echo(handler: Any) -> None:
    handler._send(Page(json.dumps(dict(handler.headers.items())).encode(), 401, IN_JSON))


@pytest.mark.parametrize(
    ("given", "header", "secret"),
    [
        ({"basic": {"user": "ann", "password": "p@ss:wörd"}}, "Basic YW5uOnBAc3M6d/ZyZA==", "YW5uOnBAc3M6d/ZyZA=="),
        ({"bearer": "tok.en-123"}, "Bearer tok.en-123", "tok.en-123"),
        ({"requestHeaders": {"Authorization": "Custom abc-def"}}, "Custom abc-def", "abc-def"),
    ],
)
def test_who_asks_is_sent_and_never_told_even_when_the_server_repeats_it(
    web: Web, given: Any, header: str, secret: str
):
    web.answers["/"] = echo
    finding = asked(web.url(), **given)

    assert web.asked[0].headers["authorization"] == header
    assert finding.verdict == "fail"
    assert secret not in repr(finding)
    assert "***" in repr(finding)


def test_a_key_in_a_header_is_never_told(web: Web):
    web.answers["/"] = echo
    finding = asked(web.url(), requestHeaders={"X-Shop-Key": "open-sesame", "X-Color": "green"})

    assert "open-sesame" not in repr(finding)
    assert "green" in repr(finding)


def test_the_settings_do_not_show_their_secrets():
    given = settings_of(KIND, "{url: http://a, basic: {user: ann, password: hunter22}}")
    assert "hunter22" not in repr(given)


# --- headers, cookies, bodies ------------------------------------------------------------------------------------------------


@pytest.fixture
def page(web: Web) -> str:
    body = json.dumps({"status": "ok", "version": 2.5, "ready": True, "items": [{"id": 1}, {"id": 2}], "none": None})
    headers = {
        **IN_JSON,
        "cache-control": "max-age=60, public",
        "set-cookie": ["session=s3cr3t-1; Path=/; HttpOnly", "theme=dark"],
    }
    web.answers["/"] = Page(body.encode(), headers=headers)
    return web.url()


PASSES = [
    {"headers": {"Cache-Control": "max-age=60, public"}},
    {
        "headers": {
            "cache-control": {"contains": ["public", "max-age"], "excludes": "private", "matches": r"max-age=\d+"}
        }
    },
    {"headers": {"server-secret": {"absent": True}}},
    {"cookies": {"theme": "dark", "session": {"matches": "^s3"}, "tracking": {"absent": True}}},
    {"body": "version"},
    {"body": ["version", "ready"]},
    {"body": {"excludes": ["Exception", "Error"], "matches": '"status": *"ok"'}},
    {"json": {"status": "ok", "version": 2.5, "ready": True, "none": None, "nowhere": None}},
    {"json": {"length(items)": {">=": 2, "<": 3, "!=": 5}, "items[0].id": {"in": [1, 7], "type": "number"}}},
    {
        "json": {
            "items[*].id": [1, 2],
            "status": {"matches": "^ok$", ">": "oj"},
            "@": {"type": "object"},
            "items[0]": {"==": {"id": 1}},
        }
    },
]


@pytest.mark.parametrize("expected", PASSES, ids=str)
def test_what_is_expected_of_an_answer_passes(page: str, expected: Any):
    finding = asked(page, **expected)
    assert finding.verdict == "pass", finding


FAILS = [
    (
        {"headers": {"cache-control": "no-store"}},
        'header cache-control "no-store"',
        'header cache-control "max-age=60, public"',
    ),
    ({"headers": {"x-frame-options": "DENY"}}, 'header x-frame-options "DENY"', "no header x-frame-options"),
    (
        {"headers": {"cache-control": {"absent": True}}},
        "no header cache-control",
        'header cache-control "max-age=60, public"',
    ),
    ({"cookies": {"session": "other"}}, 'cookie session "other"', "cookie session (what it says is not shown)"),
    ({"cookies": {"tracking": {"matches": "."}}}, "cookie tracking matching /./", "no cookie tracking"),
    ({"body": ["status", "Welcome"]}, 'body with "Welcome"', 'body "{"status": "ok"'),
    ({"body": {"excludes": "ready"}}, 'body without "ready"', 'body "{"status"'),
    ({"json": {"status": "OK"}}, 'status == "OK"', 'status is "ok"'),
    ({"json": {"ready": 1}}, "ready == 1", "ready is true"),
    ({"json": {"version": {">": "2"}}}, 'version > "2"', "version is 2.5"),
    ({"json": {"version": {"matches": "2"}}}, "version matches 2", "version is 2.5"),
    ({"json": {"nowhere": {"<": 1}}}, "nowhere < 1", "nowhere is null, or not there"),
    ({"json": {"length(version)": 3}}, "length(version) == 3", "what length(version) cannot be taken of: "),
    ({"json": {"status": "ok", "items[0].id": {"in": [3, True]}}}, "items[0].id in [3, true]", "items[0].id is 1"),
]


@pytest.mark.parametrize(("expectation", "expected", "got"), FAILS, ids=[str(row[0]) for row in FAILS])
def test_what_is_not_as_expected_fails_and_says_what_it_is_instead(
    page: str, expectation: Any, expected: str, got: str
):
    finding = asked(page, **expectation)

    assert (finding.verdict, finding.expected) == ("fail", expected)
    assert finding.got.startswith(got)


def test_an_empty_body_is_none_unless_it_is_asked_for(web: Web, page: str):
    web.answers["/empty"] = Page(b"")
    assert asked(web.url("/empty"), body={"equals": ""}).verdict == "pass"
    assert asked(web.url("/empty"), body={"absent": True}).verdict == "pass"
    assert asked(web.url("/empty"), body={"excludes": "Error"}).got == "no body"

    finding = asked(page, body={"equals": ""})
    assert (finding.verdict, finding.expected) == ("fail", 'body ""')


def test_everything_that_is_wrong_is_told_at_once(page: str):
    finding = asked(page, headers={"x-a": "1"}, json={"status": "no", "ready": True})
    assert (finding.expected, finding.got) == ('header x-a "1"; status == "no"', 'no header x-a; status is "ok"')


def test_what_a_cookie_holds_is_not_told(page: str):
    finding = asked(page, status=500, cookies={"session": "other"}, headers={"set-cookie": "none"})
    assert "s3cr3t" not in repr(finding)
    finding = asked(page, headers={"set-cookie": "none"})
    assert "s3cr3t" not in repr(finding)


def test_a_function_that_jmespath_does_not_know_is_an_error(page: str):
    finding = asked(page, json={"items[?size(@) > `1`]": []})

    assert (finding.verdict, finding.got) == ("error", "Unknown function: size()")
    assert finding.advice == "See jmespath.org for the functions that there are."


@pytest.mark.parametrize(
    ("expression", "document"),
    [
        ("length(items[?price > `10`])", {"items": [{"price": 11}, {"price": "on request"}]}),
        ("contains(items, `7`)", {"items": "seven"}),
        ("max_by(items, &price)", {"items": [{"price": 1}, {"price": "2"}]}),
        ("items[::0]", {"items": []}),
        ("floor(items)", {"items": float("inf")}),
    ],
)
@pytest.mark.parametrize("where", ["json", "release"])
def test_an_expression_that_the_answer_does_not_fit_fails_and_ends_no_run(
    web: Web, expression: str, document: Any, where: str
):
    web.answers["/"] = Page(json.dumps(document).encode(), headers=IN_JSON)
    given: Any = {"json": {expression: True}} if where == "json" else {"release": {"json": expression}}
    finding = asked(web.url(), deployed="42", **given)

    assert finding.verdict == "fail"
    assert expression in f"{finding.expected} {finding.got}"


@pytest.mark.parametrize("body", [b"<html>", b"", b"[" * 100_000])
def test_a_body_that_is_no_json_fails(web: Web, body: bytes):
    web.answers["/"] = Page(body)
    finding = asked(web.url(), json={"a": 1})

    assert (finding.verdict, finding.expected) == ("fail", "a body in JSON")
    assert finding.got.startswith("no JSON (")


ENDLESS = "(a+)+$"
"""Of 27 letters and a sign that does not fit it tries 2 to the 27: half a minute, in which nothing else of the process runs."""


@pytest.mark.parametrize(
    "given",
    [
        {"body": {"matches": ENDLESS}},
        {"headers": {"x-long": {"matches": ENDLESS}}},
        {"json": {"long": {"matches": ENDLESS}}},
        {"release": {"body": ENDLESS}},
    ],
    ids=["body", "header", "JSON", "release"],
)
def test_a_regular_expression_that_takes_too_long_is_stopped_in_time_and_holds_up_nobody(
    web: Web, given: dict[str, Any]
):
    text = "a" * 27 + "!"
    web.answers["/"] = Page(json.dumps({"long": text}).encode(), headers={**IN_JSON, "x-long": text})
    ticks: list[float] = []
    over = threading.Event()
    clock = threading.Thread(
        target=lambda: [ticks.append(time.monotonic()) for _ in iter(lambda: over.wait(0.05), True)]
    )
    clock.start()
    began = time.monotonic()
    finding = asked(web.url(), timeout=1, deployed="41", **given)
    took = time.monotonic() - began
    over.set()
    clock.join()

    assert finding.verdict == "error"
    assert finding.got.startswith(f"The regular expression /{ENDLESS}/ was stopped after ")
    assert "it was not through with " in finding.got
    assert finding.advice.startswith("Repeats within repeats, as in (a+)+,")
    assert took < 5
    assert len(ticks) > 5, "another thread ran meanwhile"


def test_what_is_searched_elsewhere_is_found_as_here(web: Web):
    web.answers["/"] = Page("<b>Größe 4</b>\nrelease: 41 \U0001f6a1".encode(), headers=HTML)
    assert (
        asked(
            web.url(), body={"matches": r"(?i)GRÖSSE|größe \d+"}, release={"body": r"release: (\d+) \W"}, deployed="41"
        ).verdict
        == "pass"
    )
    finding = asked(
        web.url(), body={"matches": r"^release: \d+"}, release={"body": r"release: (4\d)|(x)"}, deployed="42"
    )
    assert (finding.verdict, finding.got.count("; ")) == ("fail", 1)
    assert 'release "41"' in finding.got


def test_the_digest_is_of_what_was_packed(web: Web):
    text = b"release notes\n" * 1000
    web.answers["/"] = Page(gzip.compress(text), headers={"content-encoding": "gzip"})
    digest = hashlib.sha256(text).hexdigest()

    assert asked(web.url(), body={"sha256": digest.upper()}).verdict == "pass"
    finding = asked(web.url(), body={"sha256": "0" * 64})
    assert (finding.verdict, finding.got) == ("fail", f"body of SHA-256 {digest} (13.7 KB)")


def raw_deflate(text: bytes) -> bytes:
    packing = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packing.compress(text) + packing.flush()


TEXT = b"<title>Home</title>" + random.Random(1).randbytes(200_000).hex().encode()
PACKED = {
    "gzip": gzip.compress(TEXT),
    "x-gzip": gzip.compress(TEXT[:9]) + gzip.compress(TEXT[9:]),
    "deflate": zlib.compress(TEXT),
    "Deflate": raw_deflate(TEXT),
    "gzip, identity, gzip": gzip.compress(gzip.compress(TEXT)),
}


@pytest.mark.parametrize("encoding", PACKED)
@pytest.mark.parametrize("lost", [1, 9, 100_000])
def test_a_packed_body_that_breaks_off_fails_though_its_beginning_is_right(web: Web, encoding: str, lost: int):
    whole = {"sha256": hashlib.sha256(TEXT).hexdigest(), "contains": "<title>Home"}
    web.answers["/"] = Page(PACKED[encoding], headers={"content-encoding": encoding})
    assert asked(web.url(), body=whole).verdict == "pass"

    web.answers["/"] = Page(PACKED[encoding][:-lost], headers={"content-encoding": encoding})
    finding = asked(web.url(), body="<title>Home</title>")
    assert finding.verdict == "fail"
    assert finding.got.startswith("a body that is cut off: its ")
    assert finding.advice.startswith("See whether the file was uploaded whole")


@pytest.mark.parametrize("behind", [bytes(512), b"\x1f", b"garbage"])
def test_what_stands_behind_a_packed_body_is_passed_over_as_browsers_do(web: Web, behind: bytes):
    web.answers["/"] = Page(gzip.compress(b"hello") + behind, headers={"content-encoding": "gzip"})
    assert asked(web.url(), body={"equals": "hello"}).verdict == "pass"


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_an_answer_without_a_body_may_name_an_encoding(web: Web, method: str):
    web.answers["/"] = Page(b"", headers={"content-encoding": "gzip"})
    assert asked(web.url(), method=method).verdict == "pass"


def test_a_body_is_read_in_its_own_charset(web: Web):
    web.answers["/latin"] = Page("Grüße".encode("latin-1"), headers={"content-type": "text/plain; charset=ISO-8859-1"})
    web.answers["/odd"] = Page("Grüße".encode(), headers={"content-type": 'text/plain; charset="klingon"'})

    assert asked(web.url("/latin"), body="Grüße").verdict == "pass"
    assert asked(web.url("/odd"), body="Grüße").verdict == "pass"


@pytest.mark.parametrize("charset", ["undefined", "idna", "punycode", "unicode_internal"])
def test_a_charset_that_python_alone_knows_ends_no_run(web: Web, charset: str):
    """`charset=undefined` is what JavaScript writes of a setting that is not there."""
    web.answers["/"] = Page("Grüße".encode(), headers={"content-type": f"text/html; charset={charset}"})
    assert asked(web.url(), body="Grüße").verdict == "pass"


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_byte_order_mark_is_no_part_of_what_is_read(web: Web, encoding: str):
    """PowerShell writes one before `version.json`, and browsers read on behind it."""
    web.answers["/version.json"] = Page('{"version": "42"}'.encode(encoding), headers=IN_JSON)
    web.answers["/version.txt"] = Page("42\r\n".encode(encoding), headers={"content-type": "text/plain"})

    assert (
        asked(web.url("/version.json"), deployed="42", json={"version": "42"}, release={"json": "version"}).verdict
        == "pass"
    )
    assert asked(web.url("/version.txt"), deployed="42", release={"body": "^.*"}).verdict == "pass"
    assert asked(web.url("/version.txt"), deployed="43", release={"body": "^.*"}).got == 'release "42"'


def test_a_body_in_an_encoding_that_cannot_be_undone_is_an_error_only_where_it_is_asked_for(web: Web):
    web.answers["/"] = Page(b"\x8b\x02\x80hello\x03", headers={"content-encoding": "br"})

    assert asked(web.url()).verdict == "pass"
    finding = asked(web.url(), body="hello")
    assert (finding.verdict, finding.got) == ("error", "one that is encoded as br")


# --- memory ------------------------------------------------------------------------------------------------------------------


def peak_of(question: Callable[[], Finding]) -> tuple[Finding, int]:
    tracemalloc.start()
    try:
        finding = question()
        return finding, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def endless(handler: Any) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
    while not handler.server.stopped.is_set():
        handler.wfile.write(b"x" * 65536)


@pytest.mark.parametrize("kind", ["bomb", "bomb of bombs", "endless"])
def test_of_a_body_without_end_only_a_part_is_held(web: Web, kind: str):
    bomb = gzip.compress(bytes(64 << 20), 6)
    web.answers["/"] = {
        "bomb": Page(bomb, headers={"content-encoding": "gzip"}),
        "bomb of bombs": Page(gzip.compress(bomb * 50), headers={"content-encoding": "gzip, gzip"}),
        "endless": endless,
    }[kind]
    finding, peak = peak_of(lambda: asked(web.url(), body="y", bodyLimit="1 MB", timeout=30))

    assert (finding.verdict, finding.expected, finding.got) == ("error", "a whole body", "more than 1.0 MB")
    assert finding.advice == "Raise bodyLimit."
    assert peak < 24 << 20


# --- redirects ---------------------------------------------------------------------------------------------------------------


def test_redirects_are_followed_and_told(web: Web):
    web.answers |= {"/": moved("/a"), "/a": moved("b?x=1#part", 302), "/b": Page(b"here")}
    finding = asked(web.url(), finalUrl=web.url("/b?x=1"), redirects=[web.url("/a"), web.url("/b?x=1")], body="here")
    assert finding.verdict == "pass"

    finding = asked(web.url(), finalUrl=web.url("/home"), redirects=[web.url("/home")])
    assert finding.verdict == "fail"
    assert finding.got == f"the end at {web.url('/b?x=1')}; redirects to {web.url('/a')}, {web.url('/b?x=1')}"
    assert finding.details[:2] == (f"301 {web.url()} -> {web.url('/a')}", f"302 {web.url('/a')} -> {web.url('/b?x=1')}")


def test_where_a_redirect_has_led_is_told_of_a_pass_and_of_a_fail(web: Web):
    elsewhere = web.url("/login", host="localhost")
    web.answers |= {"/": moved(elsewhere), "/login": Page(b"Log in")}

    finding = asked(web.url())
    assert (finding.verdict, finding.got) == ("pass", f"status 200 (OK); redirected to {elsewhere}")
    finding = asked(web.url(), body="Welcome")
    assert finding.verdict == "fail"
    assert finding.got.endswith(f"; redirected to {elsewhere}")


def test_a_redirect_can_be_what_is_expected(web: Web):
    web.answers["/"] = moved("https://www.example.com/", 308)
    finding = asked(web.url(), follow=False, status=308, headers={"location": "https://www.example.com/"})

    assert (finding.verdict, len(web.asked)) == ("pass", 1)


def test_a_redirect_that_is_missing_fails(web: Web):
    web.answers["/"] = Page()
    finding = asked(web.url(), redirects="https://www.example.com/")
    assert (finding.verdict, finding.got) == ("fail", "redirects to nowhere")


@pytest.mark.parametrize(
    ("to", "got"),
    [
        ("/", "more than 3 redirects, the last one to"),
        ("ftp://files.example/", "a redirect from {url} to 'ftp://files.example/', which is no http address"),
        ("http://[half", "a redirect from {url} to"),
        ("http://h:99999/", "a redirect from {url} to 'http://h:99999/', which is no http address"),
    ],
)
def test_a_redirect_that_leads_nowhere_fails(web: Web, to: str, got: str):
    web.answers["/"] = moved(to)
    finding = asked(web.url(), maxRedirects=3)

    assert finding.verdict == "fail"
    assert finding.got.startswith(got.format(url=web.url()))


def test_a_redirect_to_a_server_that_is_not_there_says_where_it_came_from(web: Web):
    web.answers["/"] = moved("http://nowhere.invalid/")
    finding = asked(web.url())
    assert finding.got.endswith(f", after a redirect from {web.url()}")


@pytest.mark.parametrize(("status", "method"), [(301, "GET"), (302, "GET"), (303, "GET"), (307, "POST"), (308, "POST")])
def test_what_a_redirect_makes_of_a_post(web: Web, status: int, method: str):
    web.answers |= {"/": moved("/next", status), "/next": Page()}
    asked(web.url(), method="POST", requestBody="text")

    assert [(sent.method, sent.body) for sent in web.asked] == [
        ("POST", b"text"),
        (method, b"text" if method == "POST" else b""),
    ]


def test_what_was_meant_for_one_server_does_not_go_to_another_one(web: Web):
    elsewhere = web.url("/there", host="localhost")
    web.answers |= {"/": moved("/here"), "/here": moved(elsewhere), "/there": Page()}
    headers = {"X-Api-Key": "key-1", "Accept": "text/html"}
    finding = asked(web.url(), bearer="token-1", requestHeaders=headers, finalUrl=elsewhere)

    assert finding.verdict == "pass"
    here, there = web.asked[1].headers, web.asked[2].headers
    assert (here["authorization"], here["x-api-key"]) == ("Bearer token-1", "key-1")
    assert {"authorization", "x-api-key"} & set(there) == set()
    assert there["accept"] == "text/html"


def test_cookies_that_are_set_on_the_way_are_sent_along(web: Web):
    web.answers |= {"/": Page(b"", 302, {"location": "/in", "set-cookie": "seen=1"}), "/in": Page()}
    finding = asked(web.url(), requestHeaders={"Cookie": "mine=2"}, cookies={"seen": "1"})

    assert finding.verdict == "pass"
    assert web.asked[1].headers["cookie"] == "mine=2; seen=1"


# --- of which release --------------------------------------------------------------------------------------------------------

RULES = [{"header": "X-Release"}, {"json": "build.id"}, {"body": r'"id": "([^"]*)"'}]


def page_of(release: str) -> Page:
    return Page(json.dumps({"build": {"id": release}}).encode(), headers={**IN_JSON, "x-release": release})


@pytest.mark.parametrize("rule", RULES, ids=str)
def test_this_release_passes(web: Web, rule: Any):
    web.answers["/"] = page_of("20261122.1")
    finding = asked(web.url(), deployed="20261122.1", release=rule)

    assert finding.verdict == "pass"
    assert finding.got == 'status 200 (OK); release "20261122.1"'


@pytest.mark.parametrize("rule", RULES, ids=str)
@pytest.mark.parametrize("answering", ["20261121.9", "20261122.10", "20261122", "", "v20261122.1"])
def test_an_old_release_that_answers_never_passes(web: Web, rule: Any, answering: str):
    web.answers["/"] = page_of(answering)
    finding = asked(web.url(), deployed="20261122.1", release=rule)

    assert finding.verdict == "fail"
    assert finding.expected.startswith('release "20261122.1" in ')
    assert finding.got == f'release "{answering}"'
    assert "see whether the deploy reached this machine" in finding.advice


@pytest.mark.parametrize("rule", RULES, ids=str)
def test_an_answer_that_does_not_say_of_which_release_it_is_fails(web: Web, rule: Any):
    web.answers["/"] = Page(b"welcome")
    finding = asked(web.url(), deployed="42", release=rule)

    assert finding.verdict == "fail"
    assert finding.got.startswith("no release in ")
    assert finding.advice.startswith("Without it nobody knows which release answers")


def test_one_old_answer_among_many_fails(web: Web):
    web.answers["/"] = [page_of("42")] * 7 + [page_of("41"), page_of("42")]
    finding = asked(web.url(), deployed="42", release={"header": "x-release"}, requests=20)

    assert (finding.verdict, finding.got) == ("fail", 'release "41" (answer 8 of 20)')


def test_a_release_that_nobody_named_is_an_error_and_nothing_is_asked(web: Web):
    web.answers["/"] = page_of("42")
    finding = asked(web.url(), release={"header": "x-release"})

    assert (finding.verdict, finding.got) == ("error", "no word of which release it is")
    assert finding.advice == "Say which release was deployed (releaseId), or which one must answer (is, in release)."
    assert web.asked == []


def test_another_release_than_the_deployed_one_can_be_named(web: Web):
    web.answers["/"] = page_of("canary-7")
    assert asked(web.url(), deployed="42", release={"header": "x-release", "is": "canary-7"}).verdict == "pass"


def test_a_number_in_json_is_a_release_too(web: Web):
    web.answers["/"] = Page(b'{"build": 42}')
    assert asked(web.url(), deployed="42", release={"json": "build"}).verdict == "pass"
    web.answers["/"] = Page(b'{"build": [42]}')
    assert asked(web.url(), deployed="42", release={"json": "build"}).verdict == "fail"


# --- time --------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def taking(web: Web, monkeypatch: pytest.MonkeyPatch) -> Callable[[list[float]], str]:
    """Each answer says that it took so long, in seconds."""
    web.answers["/"] = Page()

    def take(seconds: list[float]) -> str:
        left = iter(seconds)
        fetch = http.fetch
        monkeypatch.setattr(http, "fetch", lambda *given: replace(fetch(*given), seconds=next(left)))
        return web.url()

    return take


def test_an_answer_that_took_too_long_fails(taking: Any):
    url = taking([0.5, 0.501])
    assert asked(url, latency="500ms").got == "status 200 (OK); one after 500 ms"
    finding = asked(url, latency="500ms")

    assert (finding.verdict, finding.expected, finding.got) == ("fail", "an answer within 500 ms", "one after 501 ms")
    assert finding.advice.startswith("See what the application waits for")


def test_how_long_an_answer_takes_is_measured(web: Web):
    def slow(handler: Any) -> None:
        handler.server.stopped.wait(0.2)
        handler._send(Page())

    web.answers["/"] = slow
    assert asked(web.url(), latency="150ms").verdict == "fail"


def test_of_twenty_answers_one_may_be_slow(taking: Any, web: Web):
    finding = asked(taking([0.1] * 19 + [3.0]), p95="200ms")

    assert finding.verdict == "pass"
    assert finding.got.endswith("100 ms (median 100 ms, slowest 3,000 ms, 20 answers)")
    assert len(web.asked) == 20


def test_of_twenty_answers_two_may_not(taking: Any):
    finding = asked(taking([0.3, 0.1] + [0.1] * 17 + [3.0]), p95="200ms")

    assert (finding.verdict, finding.expected) == ("fail", "95 in 100 answers within 200 ms")
    assert finding.got == "300 ms (median 100 ms, slowest 3,000 ms, 20 answers)"


# --- one machine behind the balancer -------------------------------------------------------------------------------------------


def test_one_address_is_asked_under_the_name_that_everybody_uses(secure: Web, certificate_authority: Path):
    secure.answers["/"] = Page(b"hello")
    finding = asked(f"https://{WWW}/", resolve=secure.address, caFile=str(certificate_authority))

    assert finding.verdict == "pass"
    assert (secure.asked[0].headers["host"], secure.asked[0].sni) == (WWW, WWW)


def test_each_address_is_a_target_of_its_own(web: Web):
    web.answers["/"] = Page()
    with socket.create_server(("127.0.0.1", 0)) as server:
        closed = f"127.0.0.1:{server.getsockname()[1]}"
    given = f"{{url: http://{WWW}/, resolve: ['{web.address}', '{closed}']}}"
    up, down = KIND.targets(settings_of(KIND, given))

    assert (up, down) == (f"http://{WWW}/ at {web.address}", f"http://{WWW}/ at {closed}")
    assert ask(KIND, given, target=up).verdict == "pass"
    assert ask(KIND, given, target=down).verdict == "fail"


def test_a_redirect_to_the_same_name_stays_at_the_address(web: Web):
    web.answers |= {"/": moved("/next"), "/next": Page(b"here")}
    assert asked(f"http://{WWW}/", resolve=web.address, body="here").verdict == "pass"


def test_an_address_of_ipv6_is_asked(web: Web):
    given = settings_of(KIND, "{url: http://a/, resolve: ['[2001:db8::1]:8080', '2001:db8::1', 10.0.0.5]}")
    assert given.resolve == ("[2001:db8::1]:8080", "2001:db8::1", "10.0.0.5")


# --- trust -------------------------------------------------------------------------------------------------------------------


def certificate(authority: trustme.CA, *names: str, days: float = 30) -> trustme.LeafCert:
    now = dt.datetime.now(dt.timezone.utc)
    return authority.issue_cert(*names, not_before=now - dt.timedelta(90), not_after=now + dt.timedelta(days))


def tls_asked(server: Web, authority: Path | str = "", **given: Any) -> Finding:
    server.answers["/"] = Page()
    return asked(f"https://{WWW}/", resolve=server.address, caFile=str(authority), **given)


def test_a_certificate_of_an_unknown_authority_fails(secure: Web):
    finding = tls_asked(secure)

    assert finding.verdict == "fail"
    assert finding.got == "a certificate that is not trusted: unable to get local issuer certificate"
    assert finding.advice.endswith("For an authority of your own, name its file in caFile.")


def test_a_certificate_of_another_name_fails(authority: trustme.CA, certificate_authority: Path, serve_tls: Any):
    finding = tls_asked(serve_tls(authority.issue_cert("shop.example.com")), certificate_authority)

    assert finding.verdict == "fail"
    assert finding.got == f"a certificate that is not trusted: Hostname mismatch, certificate is not valid for '{WWW}'"


def test_a_certificate_that_has_expired_fails(authority: trustme.CA, certificate_authority: Path, serve_tls: Any):
    finding = tls_asked(serve_tls(certificate(authority, WWW, days=-1)), certificate_authority)
    assert (finding.verdict, finding.got) == ("fail", "a certificate that is not trusted: certificate has expired")


def test_any_certificate_is_taken_where_that_is_asked_for(serve_tls: Any):
    stranger = serve_tls(certificate(trustme.CA(), "shop.example.com", days=-1))
    assert tls_asked(stranger, verify=False).verdict == "pass"


def test_a_port_that_does_not_speak_tls_fails(web: Web):
    finding = tls_asked(web)

    assert finding.verdict == "fail"
    assert finding.got.startswith("no TLS connection: ")


def test_a_ca_file_that_is_not_there_is_an_error(secure: Web, tmp_path: Path):
    finding = tls_asked(secure, tmp_path / "none.pem")
    assert (finding.verdict, finding.got) == (
        "error",
        f"Could not read the CA file {tmp_path / 'none.pem'}: No such file or directory.",
    )


def test_a_client_certificate_is_shown(
    authority: trustme.CA, certificate_authority: Path, serve_tls: Any, tmp_path: Path
):
    clients = trustme.CA()
    server = serve_tls(authority.issue_cert(WWW), require=clients)
    ours = clients.issue_cert("deploy@example.com")
    ours.private_key_and_cert_chain_pem.write_to_path(tmp_path / "client.pem")

    assert tls_asked(server, certificate_authority).verdict == "fail"
    assert (
        tls_asked(server, certificate_authority, certificate={"file": str(tmp_path / "client.pem")}).verdict == "pass"
    )


def test_a_client_certificate_that_cannot_be_used_is_an_error(secure: Web, tmp_path: Path):
    (tmp_path / "client.pem").write_text("no certificate")
    finding = tls_asked(secure, certificate={"file": str(tmp_path / "client.pem"), "password": "hunter22"})

    assert finding.verdict == "error"
    assert finding.got.startswith(f"The client certificate {tmp_path / 'client.pem'} cannot be used: ")
    assert finding.advice.startswith("It takes a certificate and its key in PEM form")


# --- through a proxy -----------------------------------------------------------------------------------------------------------


def test_the_agents_proxy_leads_there(web: Web):
    web.answers["/"] = Page(b"hello")
    with forward_proxy(login="user:p@ss/word", hosts=("store.example",)) as proxy:
        finding = asked(web.url(host="store.example"), behind(proxy.url), body="hello")
        assert proxy.asked == [f"GET {web.url(host='store.example')}"]

    assert finding.verdict == "pass"


def test_the_agents_proxy_leads_there_by_https_too(secure: Web, certificate_authority: Path):
    secure.answers["/"] = Page(b"hello")
    with forward_proxy(login="user:p@ss/word", hosts=(WWW,)) as proxy:
        finding = asked(secure.url(host=WWW), behind(proxy.url, str(certificate_authority)), body="hello")
        assert proxy.asked == [f"CONNECT {WWW}:{secure.port}"]

    assert finding.verdict == "pass"


def test_a_proxy_that_lets_nobody_through_is_an_error(secure: Web, certificate_authority: Path):
    with forward_proxy(login="user:right", hosts=(WWW,)) as proxy:
        wrong = proxy.url.replace("right", "wrong-password")
        finding = asked(secure.url(host=WWW), behind(wrong, str(certificate_authority)))

    assert finding.verdict == "error"
    assert finding.got.startswith("no way through the proxy: Tunnel connection failed: 407")
    assert "wrong-password" not in repr(finding)


def test_a_proxy_that_is_down_is_an_error(web: Web):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    finding = asked(web.url(host="store.example"), behind(f"http://127.0.0.1:{port}"))

    assert (finding.verdict, finding.got) == (
        "error",
        f"no connection to 127.0.0.1:{port}: connection refused, the proxy",
    )


def test_one_address_is_asked_without_the_proxy(web: Web):
    web.answers["/"] = Page()
    with forward_proxy() as proxy:
        assert asked(f"http://{WWW}/", behind(proxy.url), resolve=web.address).verdict == "pass"
        assert proxy.asked == []


# --- mistakes ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("url: www.example.com", "url is 'www.example.com', which is no http address; write it as https://"),
        ("url: ftp://example.com/", "url is 'ftp://example.com/', which is no http address"),
        (
            "url: https://ann:hunter22@example.com/",
            r"url holds a user or a password \(it is not shown here\); write them into basic",
        ),
        ("{url: http://a, status: 99}", "status is '99'; write a status as 200, 2xx or 200-204"),
        ("{url: http://a, status: 300-200}", "status is '300-200'"),
        ("{url: http://a, method: CONNECT}", "method is 'CONNECT', which is no method of HTTP"),
        ("{url: http://a, method: HEAD, body: x}", "An answer to HEAD has no body: take the method GET"),
        ("{url: http://a, requestBody: x, requestJson: 1}", "requestBody and requestJson are both set"),
        (
            "{url: http://a, bearer: hush, basic: {user: u}}",
            "There is more than one of basic, bearer and a header Authorization",
        ),
        ("{url: http://a, bearer: 'hush hush'}", "bearer holds a blank"),
        ("{url: http://a, requestHeaders: {'a b': c}}", "requestHeaders holds 'a b', which is no name of a header"),
        (
            '{url: http://a, requestHeaders: {a: "b\\nc: d"}}',
            "requestHeaders.a holds a character that no header can carry",
        ),
        ("{url: http://a, resolve: 'h:0'}", "resolve is 'h:0'; write an address, with a port if it is not the URL's"),
        ("{url: http://a, json: {'a[': 1}}", r"A path of json is 'a\[', which is no JMESPath expression"),
        ("{url: http://a, json: {a: {'=': 1}}}", "'=' is not a comparison of json.a. Did you mean"),
        ("{url: http://a, json: {a: {}}}", "json.a compares with nothing"),
        ("{url: http://a, json: {a: {in: 1}}}", "json.a in takes a list"),
        ("{url: http://a, json: {a: {'<': true}}}", "json.a < takes a number or a text"),
        ("{url: http://a, json: {a: {type: int}}}", "json.a type takes one of string, number, boolean"),
        ("{url: http://a, json: {a: {matches: '['}}}", r"json.a matches is '\[', which is no regular expression"),
        ("{url: http://a, json: {a: {matches: 7}}}", "json.a matches takes a regular expression; write it in quotes"),
        ("{url: http://a, headers: {a: {}}}", "There is nothing to compare with"),
        ("{url: http://a, headers: {a: {absent: true, equals: b}}}", "absent stands alone"),
        ("{url: http://a, body: {sha256: abc}}", "sha256 is 'abc', which is not 64 hexadecimal digits"),
        ("{url: http://a, release: {}}", "release takes one of header, json and body"),
        ("{url: http://a, p95: 1s, requests: 5}", "p95 needs 20 requests at least"),
        (
            "{url: http://a, follow: false, finalUrl: http://b}",
            "redirects and finalUrl are expected, but follow is false",
        ),
        (
            "{url: http://a, bodyLimit: 5 apples}",
            "bodyLimit is '5 apples', which is no size: write 512, 64 KB, 10 MB or 1 GB",
        ),
    ],
)
def test_mistakes_of_the_suite(given: str, words: str):
    with pytest.raises(Mistakes, match=words) as told:
        settings_of(KIND, given)
    assert "hunter22" not in str(told.value)


def test_the_plan_says_what_is_asked():
    given = settings_of(KIND, "{url: [http://a/, http://b/], status: [200, 3xx], release: {header: x}}")
    assert KIND.subject(given, "http://b/") == "GET http://b/ answers with status 200 or 3xx, of this release"
