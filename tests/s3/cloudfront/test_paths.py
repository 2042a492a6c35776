"""Paths of an object as CloudFront wants them: each one is legal, and reaches what a browser asks for."""

from __future__ import annotations

import re
from urllib.parse import quote, quote_plus, unquote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ropeway.s3.cloudfront.paths import covers, encoded, is_wildcard, paths_of

LEGAL = re.compile(r"/(?:[A-Za-z0-9_.$!'(),;:@&=/-]|%[0-9A-Fa-f]{2})*\*?")
"""Without what is not ASCII, what RFC 1738 calls unsafe, and a wildcard that is not at the end."""

KEYS = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=40)
NAMES = st.text("ab-._ ü%?&~*+#\"'[", min_size=1, max_size=8)
PATHS = st.lists(NAMES, min_size=1, max_size=5).map("/".join)


def spelled(key: str, *, as_is: str) -> str:
    """As a browser asks for it: `as_is` are the characters that it does not encode."""
    known = "/-_.!$&'(),;:@=" + as_is
    return "/" + "".join(
        c if (c.isascii() and c.isalnum()) or c in known else "".join(f"%{byte:02X}" for byte in c.encode())
        for c in key
    )


@given(KEYS | PATHS)
@example("a*b")
@example("-")
def test_every_path_is_one_that_cloudfront_takes(key):
    for path in paths_of(key, "", ["index.html"]):
        assert LEGAL.fullmatch(path), path


def reached(key, asked):
    return any(
        covers(path, asked) or (is_wildcard(path) and asked.startswith(path[:-1])) for path in paths_of(key, "", [])
    )


@given(KEYS | PATHS, st.sampled_from(["", "~", "*~+[]|^"]))
def test_every_spelling_of_a_browsers_is_reached(key, as_is):
    assert reached(key, spelled(key, as_is=as_is))


def as_python(key):
    return "/" + quote(key)


def as_javascript(key):
    """`encodeURIComponent` of each name."""
    return "/" + quote(key, safe="/!'()*~")


def as_hugo(key):
    """Go's `url.PathEscape` of each name."""
    return "/" + quote(key, safe="/$&+:=@~")


def as_a_form(key):
    """Java's `URLEncoder` and PHP's `urlencode`: S3 takes a `+` for a blank."""
    return "/" + quote_plus(key, safe="/*")


def as_wordpress(key):
    return re.sub("%[0-9A-F]{2}", lambda found: found[0].lower(), as_python(key))


@given(KEYS | PATHS, st.sampled_from([as_python, as_javascript, as_hugo, as_a_form, as_wordpress]))
@example("@scope/a.html", as_python)
@example("a (1).html", as_hugo)
@example("r&d/a=b,c;d!.html", as_javascript)
@example("about us.html", as_a_form)
@example("блог/привет.html", as_wordpress)
def test_every_spelling_that_links_are_written_in_is_reached(key, write):
    assert reached(key, write(key))


@given(st.text('ab-._ü%?#"', min_size=1, max_size=20))
def test_what_has_no_other_spelling_than_that_of_its_digits_is_named_whole(key):
    whole, *digits = paths_of(key, "", [])
    assert not is_wildcard(whole)
    assert unquote(whole) == f"/{key}"
    assert digits == ([lower] if (lower := as_wordpress(key)) != whole else [])


@pytest.mark.parametrize(
    ("key", "paths"),
    [
        ("index.html", ["/index.html", "/"]),
        ("docs/index.html", ["/docs/index.html", "/docs/"]),
        (
            "docs/über/index.html",
            ["/docs/%C3%BCber/index.html", "/docs/%c3%bcber/index.html", "/docs/%C3%BCber/", "/docs/%c3%bcber/"],
        ),
        ("about us/index.html", ["/about*", "/about*"]),
        ("@team/a.html", ["/*"]),
        ("C (1).html", ["/C*"]),
        ("myindex.html", ["/myindex.html"]),
        ("runtime~main.js", ["/runtime*"]),
        ("a~b/index.html", ["/a*", "/a*"]),
        ("100%.html", ["/100%25.html"]),
        ("what?.html", ["/what%3F.html", "/what%3f.html"]),
        ("a+b.html", ["/a*"]),
    ],
)
def test_a_page_that_is_an_index_is_reached_by_its_folder_too(key, paths):
    assert list(paths_of(key, "", ["index.html"])) == paths


@pytest.mark.parametrize(
    ("origin", "paths"),
    [
        ("", ["/site/a.html"]),
        ("/site", ["/a.html"]),
        ("/site/", ["/a.html"]),
        ("/si", []),
        ("/site/a.html", []),
        ("/other", []),
    ],
)
def test_the_path_of_the_origin_is_no_part_of_what_is_asked_for(origin, paths):
    assert list(paths_of("site/a.html", origin, [])) == paths


@given(PATHS, PATHS)
def test_a_wildcard_covers_what_begins_as_it_does(one, other):
    wide = encoded(f"/{one}").removesuffix("*") + "*"
    assert covers(wide, wide[:-1] + "x/y")
    assert covers(wide, encoded(f"/{other}")) == encoded(f"/{other}").removesuffix("*").startswith(wide[:-1])
