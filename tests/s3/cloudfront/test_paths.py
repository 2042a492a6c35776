"""Paths of an object as CloudFront wants them: each one is legal, and reaches what a browser asks for."""

from __future__ import annotations

import re
from urllib.parse import unquote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ropeway.s3.cloudfront.paths import covers, encoded, is_wildcard, paths_of

LEGAL = re.compile(r"/(?:[A-Za-z0-9_.$!'(),;:@&=/-]|%[0-9A-F]{2})*\*?")
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


@given(KEYS | PATHS, st.sampled_from(["", "~", "*~+[]|^"]))
def test_every_spelling_of_a_browsers_is_reached(key, as_is):
    asked = spelled(key, as_is=as_is)
    assert any(
        covers(path, asked) or (is_wildcard(path) and asked.startswith(path[:-1])) for path in paths_of(key, "", [])
    )


@given(st.text("ab-._ ü%?&#\"'", min_size=1, max_size=20))
def test_what_can_be_spelled_in_one_way_only_is_one_path_that_reads_as_the_key(key):
    [path] = paths_of(key, "", [])
    assert not is_wildcard(path)
    assert unquote(path) == f"/{key}"


@pytest.mark.parametrize(
    ("key", "paths"),
    [
        ("index.html", ["/index.html", "/"]),
        ("docs/index.html", ["/docs/index.html", "/docs/"]),
        ("docs/über uns/index.html", ["/docs/%C3%BCber%20uns/index.html", "/docs/%C3%BCber%20uns/"]),
        ("myindex.html", ["/myindex.html"]),
        ("runtime~main.js", ["/runtime*"]),
        ("a~b/index.html", ["/a*", "/a*"]),
        ("100%.html", ["/100%25.html"]),
        ("what?.html", ["/what%3F.html"]),
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
