"""The kind `website`, asked of whole sites on the loopback interface."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from ropeway.checks.finding import Finding
from ropeway.checks.kinds import website
from ropeway.checks.kinds.website import KIND
from ropeway.checks.net.dialling import Line
from ropeway.checks.nodes import Mistakes
from ropeway.local.embedded import EmbeddedAws
from tests.checks.asking import ask, settings_of
from tests.checks.kinds.conftest import WWW, Clock, behind
from tests.servers.web import Page, Web, moved

INDEX = b"""<!doctype html><html><head>
<meta name="release" content="42">
<link rel="preconnect" href="https://fonts.example">
<link rel="stylesheet" href="/css/site.css?v=1"><link rel="icon" href="favicon.ico">
<script src="app.js" type="module"></script>
<style>@import url("css/print.css") print; h1 { background: url(img/h1.png) }</style>
</head><body>
<img src="img/a.png" srcset="img/a2.png 2x, img/a3.png 3x"> <a href="about.html#team">About</a> <a href="mailto:a@b.example">Mail</a>
<a href="https://elsewhere.example/">Elsewhere</a> <img src="data:image/png;base64,AAAA"> <a href="/report.pdf">Report</a>
<script>const html = '<img src="not-there.png">'</script><!-- <img src="nor-there.png"> -->
</body></html>"""


def page(body: bytes | str, type: str = "text/html; charset=utf-8", **headers: str) -> Page:
    return Page(body.encode() if isinstance(body, str) else body, headers={"content-type": type, **headers})


@pytest.fixture
def site(web: Web) -> Web:
    web.answers |= {
        "/": page(INDEX),
        "/css/site.css": page(
            "/* url(no.png) */ @import 'base.css'; @font-face { src: url('../fonts/a.woff2') }", "text/css"
        ),
        "/css/base.css": page("body { background: url(../img/b.png) }", "text/css"),
        "/css/print.css": page("", "text/css"),
        "/fonts/a.woff2": page(b"font", "font/woff2"),
        "/favicon.ico": page(b"icon", "image/vnd.microsoft.icon"),
        "/app.js": page("1", "text/javascript"),
        "/about.html": page('<img src="img/team.png"><a href="jobs.html">Jobs</a><a href="/">Home</a>'),
        "/jobs.html": page('<img src="img/jobs.png">'),
        "/report.pdf": page(b"%PDF", "application/pdf"),
    }
    for name in ("h1", "a", "a2", "a3", "b", "team", "jobs"):
        web.answers[f"/img/{name}.png"] = page(b"png", "image/png")
    return web


def asked(site: Web, timeout: float = 30, deployed: str = "", **given: Any) -> Finding:
    return ask(KIND, json.dumps({"url": site.url(), **given}), timeout=timeout, release=deployed)


def paths(site: Web) -> dict[str, str]:
    return {sent.path: sent.method for sent in site.asked}


def test_a_site_that_is_there_as_a_whole_passes(site: Web):
    finding = asked(site)

    assert finding.verdict == "pass", finding
    assert finding.expected == "status 2xx; a first page of type text/html; all that its pages name"
    assert finding.got == "status 200 (OK); text/html; 15 addresses well"
    assert finding.details == ("1 address of other servers not asked: https://elsewhere.example/",)


def test_everything_is_asked_once_and_read_only_where_there_is_more_to_find(site: Web):
    asked(site)

    assert len(site.asked) == len(paths(site)) == 16
    assert {path for path, method in paths(site).items() if method == "GET"} == {
        "/", "/css/site.css?v=1", "/css/base.css", "/css/print.css", "/about.html",
    }  # fmt: skip
    assert "/img/team.png" in paths(site)
    assert "/jobs.html" in paths(site)
    assert "/img/jobs.png" not in paths(site), "a page two links away is asked, but not looked into"


def test_how_deep_it_looks_is_a_setting(site: Web):
    assert asked(site, depth=2).got.endswith("16 addresses well")
    site.asked.clear()
    assert asked(site, depth=0).got.endswith("13 addresses well")
    assert "/img/team.png" not in paths(site)


@pytest.mark.parametrize(
    ("path", "answer", "why"),
    [
        ("/app.js", Page(b"", 404), "status 404"),
        ("/app.js", Page(b"", 403), "status 403"),
        ("/app.js", page(INDEX), "content-type text/html, which browsers do not run"),
        ("/app.js", page("1", "binary/octet-stream"), "content-type binary/octet-stream, which browsers do not run"),
        (
            "/css/base.css",
            page("", "text/plain"),
            "content-type text/plain, which browsers do not take for a style sheet",
        ),
        ("/img/a3.png", page(b"", "text/html"), "content-type text/html, which is no image"),
        ("/report.pdf", page(INDEX), "content-type text/html instead of application/pdf"),
        ("/fonts/a.woff2", page(INDEX), "content-type text/html instead of font/woff2"),
        ("/css/print.css", Page(b"", 200), "content-type not said, which browsers do not take for a style sheet"),
        ("/about.html", moved("/about.html"), "more than 10 redirects, the last one to {url}/about.html"),
    ],
)
def test_what_is_missing_or_of_the_wrong_type_fails_and_is_named(site: Web, path: str, answer: Page, why: str):
    site.answers[path] = answer
    finding = asked(site)
    root = site.url("")

    assert (finding.verdict, finding.expected) == ("fail", "all that its pages name")
    assert f" addresses wrong: {root}{path}: {why.format(url=root)}" in finding.got
    assert finding.got.startswith("1 of ")
    assert finding.details[0].startswith(f"{root}{path}: {why.format(url=root)} (named by {root}/")
    assert finding.advice.startswith("See whether these files are in the release")


def test_many_that_are_missing_are_told_one_by_one(site: Web):
    for name in ("h1", "a", "a2", "a3", "b"):
        del site.answers[f"/img/{name}.png"]
    finding = asked(site)

    assert finding.got.startswith("5 of 15 addresses wrong: ")
    assert finding.got.count("status 404") == 3
    assert len([line for line in finding.details if "status 404" in line]) == 5


def test_a_server_that_closes_connections_without_a_word_is_no_broken_one(site: Web):
    def closing(answer: Page) -> Any:
        return lambda handler: handler._send(answer)

    site.answers = {path: closing(answer) for path, answer in site.answers.items()}  # type: ignore[arg-type]
    assert asked(site).verdict == "pass"


def test_a_connection_that_breaks_is_told_of_the_address(site: Web):
    site.answers["/app.js"] = lambda handler: handler.connection.close()
    finding = asked(site)

    assert finding.verdict == "fail"
    assert f"{site.url('/app.js')}: no whole answer" in finding.got


def test_addresses_of_another_server_are_asked_where_that_is_wanted(site: Web):
    cdn = site.url("/cdn.js", host="localhost")
    site.answers["/"] = page(f'<script src="{cdn}"></script>')
    site.answers["/cdn.js"] = page("1", "text/javascript")

    assert asked(site, bearer="token-1").details == (f"1 address of other servers not asked: {cdn}",)
    finding = asked(site, origins=site.url(host="localhost"), bearer="token-1")
    assert (finding.verdict, finding.details) == ("pass", ())
    assert "authorization" not in site.asked[-1].headers
    assert site.asked[-2].headers["authorization"] == "Bearer token-1"


@pytest.mark.parametrize("body", ["", " \r\n"])
def test_a_first_page_that_is_blank_fails_though_nothing_that_it_names_is_missing(site: Web, body: str):
    site.answers["/"] = page(body)
    finding = asked(site)

    assert (finding.verdict, finding.expected) == ("fail", "a first page with something on it")
    assert finding.got == f"one of {len(body)} bytes, blank"
    assert "a build that broke off" in finding.advice


def test_what_is_ignored_is_not_asked(site: Web):
    del site.answers["/report.pdf"]
    assert asked(site, ignore=[r"\.pdf$"]).verdict == "pass"


def test_more_than_are_asked_at_most_is_said(site: Web):
    finding = asked(site, most=3)
    assert finding.verdict == "pass"
    assert finding.got.endswith("3 addresses well, 9 more not asked")


def test_what_was_not_asked_though_nobody_wanted_a_sample_is_an_error(site: Web, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(website, "BOUND", 3)
    finding = asked(site)
    assert (finding.verdict, finding.expected) == ("error", "all that its pages name")
    assert finding.got == "3 addresses only, 9 more not asked"
    assert finding.advice == "Say how many are to be asked (most); or ask less (depth, ignore)."


@pytest.mark.parametrize("cut", [True, False])
def test_too_little_time_is_an_error(site: Web, clock: Clock, monkeypatch: pytest.MonkeyPatch, cut: bool):
    if not cut:  # the time of the socket is over first: which of the two is, is chance
        monkeypatch.setattr(Line, "_keep_watch", lambda line: line._done.wait())

    def hang(handler: Any) -> None:
        clock.go(leap=1)
        handler.server.stopped.wait(30)

    site.answers["/app.js"] = hang
    finding = asked(site, timeout=1)

    assert (finding.verdict, finding.expected) == ("error", "an answer from all that its pages name")
    assert finding.got.startswith("time for ")
    assert finding.advice == "Give it more time (timeout), or ask less (depth, most, ignore)."


def test_what_was_packed_before_it_was_uploaded_is_unpacked(site: Web):
    for path in ("/", "/css/site.css", "/app.js", "/img/a.png"):
        answer = site.answers[path]
        assert isinstance(answer, Page)
        site.answers[path] = Page(gzip.compress(answer.body), headers={**answer.headers, "content-encoding": "gzip"})

    assert asked(site).got.endswith("15 addresses well")


def test_a_style_sheet_that_cannot_be_looked_into_is_said(site: Web):
    site.answers["/css/site.css"] = page(b"\x0b\x02\x80", "text/css", **{"content-encoding": "br"})
    finding = asked(site)

    assert finding.verdict == "pass"
    assert finding.got.endswith("12 addresses well, 1 of them not looked into")
    assert finding.details[0] == f"Too long, or in an unknown encoding: {site.url('/css/site.css?v=1')}"


@pytest.mark.parametrize(
    ("headers", "given", "got"),
    [({"content-encoding": "br"}, {}, "one in the encoding br"), ({}, {"bodyLimit": "1 KB"}, "more than 1.0 KB")],
)
def test_a_first_page_that_cannot_be_looked_into_is_an_error(site: Web, headers: Any, given: Any, got: str):
    site.answers["/"] = page(INDEX + b" " * 2000, **headers)
    finding = asked(site, **given)

    assert (finding.verdict, finding.expected, finding.got) == ("error", "a first page to look into", got)
    assert finding.advice.startswith("Raise bodyLimit; an encoding such as br cannot be undone here")


def test_a_server_that_knows_no_head_is_asked_by_get(site: Web):
    def no_head(handler: Any) -> None:
        handler._send(Page(b"", 405) if handler.command == "HEAD" else page(b"png", "image/png"))

    site.answers["/img/a.png"] = no_head
    assert asked(site).verdict == "pass"


def test_what_browsers_do_not_load_fails(secure: Web, certificate_authority: Path):
    secure.answers["/"] = page(
        '<script src="http://www.example.com/app.js"></script><a href="http://www.example.com/">x</a>'
    )
    given = {"url": f"https://{WWW}/", "resolve": secure.address, "caFile": str(certificate_authority)}
    finding = ask(KIND, json.dumps(given))

    assert finding.verdict == "fail"
    assert (
        finding.got
        == "1 of 1 address wrong: http://www.example.com/app.js: http within a page of https, which browsers do not load"
    )


def test_a_base_and_a_redirect_say_what_addresses_begin_with(web: Web):
    web.answers |= {
        "/": moved("/en/index.html"),
        "/en/index.html": page('<base href="/static/"><img src="a.png"><script src="../b.js"></script>'),
        "/static/a.png": page(b"", "image/png"),
        "/b.js": page("", "application/javascript"),
    }
    assert asked(web).verdict == "pass"
    assert {"/static/a.png", "/b.js"} <= set(paths(web))


# --- the first page ----------------------------------------------------------------------------------------------------------


def test_no_first_page_fails_and_nothing_more_is_asked(web: Web):
    finding = asked(web)

    assert (finding.verdict, finding.got) == ("fail", "status 404 (Not Found)")
    assert finding.details[0].startswith(f"404 {web.url()} (text/plain")
    assert len(web.asked) == 1


def test_a_first_page_that_browsers_would_download_fails(site: Web):
    site.answers["/"] = page(INDEX, "binary/octet-stream")
    finding = asked(site)

    assert (finding.verdict, finding.got) == ("fail", "binary/octet-stream")
    assert finding.advice.startswith("See the content-type that the object was uploaded with")


def test_an_old_release_never_passes(site: Web):
    rule = {"body": 'name="release" content="([^"]*)"'}

    assert asked(site, deployed="42", release=rule).verdict == "pass"
    finding = asked(site, deployed="43", release=rule)
    assert (finding.verdict, finding.got) == ("fail", 'release "42"')
    assert asked(site, release=rule).verdict == "error"


def test_a_server_that_is_not_there_is_told():
    assert ask(KIND, "url: http://nowhere.invalid/").verdict == "error"


def test_a_redirect_to_another_host_fails_and_says_where_it_led_unless_it_is_allowed(site: Web):
    elsewhere = site.url("/login?from=site", host="localhost")
    site.answers |= {"/": moved(elsewhere), "/login": page("<h1>Log in</h1>")}

    finding = asked(site)
    assert (finding.verdict, finding.expected) == ("fail", "an answer of 127.0.0.1")
    assert finding.got == f"the end at {elsewhere}"
    assert "name that address in finalUrl" in finding.advice
    assert finding.details[0] == f"301 {site.url()} -> {elsewhere}"

    finding = asked(site, finalUrl=elsewhere)
    assert (finding.verdict, finding.got) == (
        "pass",
        f"status 200 (OK); the end at {elsewhere}; text/html; 0 addresses well",
    )


def test_a_redirect_within_the_host_passes_and_is_told(web: Web):
    web.answers |= {"/": moved("/en/"), "/en/": page("<h1>Welcome</h1>")}
    assert asked(web).got == f"status 200 (OK); text/html; redirected to {web.url('/en/')}; 0 addresses well"

    finding = asked(web, finalUrl=web.url("/de/"))
    assert (finding.verdict, finding.got) == ("fail", f"the end at {web.url('/en/')}")


@pytest.mark.parametrize(("asked_for", "answering"), [("example.com", WWW), (WWW, "example.com"), ("Example.com", WWW)])
def test_a_redirect_to_or_from_www_is_one_within_the_host(web: Web, asked_for: str, answering: str):
    """Names that lead to one server, as a proxy answers for all of them."""
    web.answers |= {
        f"http://{asked_for.lower()}/": moved(f"http://{answering}/home"),
        f"http://{answering}/home": page("<h1>Welcome</h1>"),
    }
    finding = ask(KIND, f"url: http://{asked_for}/", behind(web.url("")))
    assert finding.verdict == "pass", finding


# --- the error page and redirects ----------------------------------------------------------------------------------------------


def test_an_error_page_that_is_one_passes(site: Web):
    site.answers["/no-such-page-of-this-site"] = Page(b"<h1>Nothing here</h1>", 404, {"content-type": "text/html"})

    assert asked(site, errorPage={"body": "Nothing here"}).verdict == "pass"
    finding = asked(site, errorPage={"body": "Sorry"})
    assert (finding.verdict, finding.expected) == ("fail", 'body with "Sorry" at /no-such-page-of-this-site')
    assert finding.advice.startswith("See the error document of the bucket")
    assert "<h1>Nothing here</h1>" in finding.details


def test_an_error_page_with_another_status_fails(site: Web):
    site.answers["/gone"] = page("<h1>Welcome</h1>")

    finding = asked(site, errorPage={"path": "/gone"})
    assert (finding.verdict, finding.got) == ("fail", "status 200 (OK) at /gone")
    assert asked(site, errorPage={"path": "/gone", "status": 200}).verdict == "pass"


def test_the_name_without_www_redirects_here(site: Web):
    site.answers["/old"] = moved(site.url())
    bare = site.url("/old", host="localhost")
    assert asked(site, redirectsFrom=bare).verdict == "pass"

    site.answers["/old"] = moved(site.url("/about.html"), 302)
    finding = asked(site, redirectsFrom=bare)
    assert (finding.verdict, finding.expected) == ("fail", f"a redirect from {bare} to {site.url()}")
    assert finding.got == f"one to {site.url('/about.html')}"

    site.answers["/old"] = page("welcome")
    assert asked(site, redirectsFrom=bare).got == f"no redirect from {bare}, but status 200"


def test_a_redirect_that_does_not_answer_is_told_beside_the_rest(site: Web):
    finding = asked(site, redirectsFrom=["http://nowhere.invalid/"])
    assert finding.verdict == "error"
    assert finding.expected == f"a redirect from http://nowhere.invalid/ to {site.url()}"


# --- the suite ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("url: example.com", "url is 'example.com', which is no http address"),
        ("{url: http://a, errorPage: {path: nowhere}}", "path is 'nowhere'; it begins with a slash"),
        ("{url: http://a, ignore: '['}", r"ignore is '\[', which is no regular expression"),
        ("{url: http://a, depth: 21}", "depth is 21; it must be 0 at least and 20 at most"),
    ],
)
def test_mistakes_of_the_suite(given: str, words: str):
    with pytest.raises(Mistakes, match=words):
        settings_of(KIND, given)


def test_each_address_is_a_target_of_its_own():
    given = settings_of(KIND, "{url: [http://a/, http://b/], resolve: 10.0.0.5}")
    assert KIND.targets(given) == ("http://a/ at 10.0.0.5", "http://b/ at 10.0.0.5")
    assert KIND.subject(given, "http://a/ at 10.0.0.5") == "http://a/ at 10.0.0.5 and all that its pages name answer"


def test_a_password_is_never_told(site: Web):
    site.answers["/"] = page("<a href='/in?x=hunter22'>hunter22</a>")
    finding = asked(site, basic={"user": "ann", "password": "hunter22"})

    assert finding.verdict == "fail"
    assert "hunter22" not in repr(finding)


# --- a bucket's own website ----------------------------------------------------------------------------------------------------


def hosted(s3: Any, name: str, **configuration: Any) -> None:
    s3.put_bucket_website(Bucket=name, WebsiteConfiguration=configuration)
    s3.delete_public_access_block(Bucket=name)
    public(s3, name, "s3:GetObject")


def public(s3: Any, name: str, *actions: str) -> None:
    resources = [f"arn:aws:s3:::{name}", f"arn:aws:s3:::{name}/*"]
    allowed = {"Effect": "Allow", "Principal": "*", "Action": list(actions), "Resource": resources}
    s3.put_bucket_policy(Bucket=name, Policy=json.dumps({"Version": "2012-10-17", "Statement": [allowed]}))


def test_a_bucket_with_a_website_and_one_that_redirects_to_it(embedded: EmbeddedAws, s3: Any, bucket: str):
    bare = f"{bucket}-bare"
    s3.create_bucket(Bucket=bare)
    root = embedded.website(bucket).rstrip("/")
    hosted(s3, bucket, IndexDocument={"Suffix": "index.html"}, ErrorDocument={"Key": "error.html"})
    hosted(s3, bare, RedirectAllRequestsTo={"HostName": urlsplit(root).netloc, "Protocol": "http"})
    for key, body, type in (
        ("index.html", '<meta name="release" content="42"><script src="app.js"></script><a href="docs/">Docs</a>', "text/html"),
        ("app.js", "1", "text/javascript"),
        ("docs/index.html", '<img src="a.png">', "text/html"),
        ("docs/a.png", "png", "image/png"),
        ("error.html", "<h1>Nothing here</h1>", "text/html"),
    ):  # fmt: skip
        s3.put_object(Bucket=bucket, Key=key, Body=body.encode(), ContentType=type)
    given = {
        "url": f"{root}/",
        "errorPage": {"body": "Nothing here"},
        "redirectsFrom": f"{embedded.website(bare).rstrip('/')}/",
        "release": {"body": 'name="release" content="([^"]*)"'},
    }
    finding = ask(KIND, json.dumps(given), release="42")
    assert (finding.verdict, finding.got) == ("fail", "status 403 (Forbidden) at /no-such-page-of-this-site")
    assert "S3 answers 403 as long as visitors may not list the bucket (s3:ListBucket)" in finding.advice

    public(s3, bucket, "s3:GetObject", "s3:ListBucket")
    finding = ask(KIND, json.dumps(given), release="42")
    assert finding.verdict == "pass", finding
    assert finding.got.endswith("; 3 addresses well")

    s3.delete_object(Bucket=bucket, Key="docs/a.png")
    finding = ask(KIND, json.dumps(given), release="42")
    assert finding.verdict == "fail"
    assert f"{root}/docs/a.png: status 404" in finding.got
