from __future__ import annotations

import pytest

from ropeway.s3.site.becoming import ASK_FIRST, IMMUTABLE, Fates
from ropeway.s3.site.order import Group
from ropeway.s3.site.settings import read_settings


def fate(relative, text="", *others):
    return Fates(read_settings(text), [relative, *others]).fate(relative)


@pytest.mark.parametrize(
    ("relative", "content_type", "cache_control"),
    [
        ("assets/index-C4Zk_2-x.js", "text/javascript; charset=utf-8", IMMUTABLE),
        ("assets/index-C4Zk_2-x.css", "text/css; charset=utf-8", IMMUTABLE),
        ("assets/user-homePage.js", "text/javascript; charset=utf-8", ""),
        ("photo.avif", "image/avif", ""),
        ("app.wasm", "application/wasm", ""),
        ("robots.txt", "text/plain; charset=utf-8", ""),
        ("docs/index.html", "text/html; charset=utf-8", ASK_FIRST),
        ("index.html", "text/html; charset=utf-8", ASK_FIRST),
        ("site.webmanifest", "application/manifest+json", ASK_FIRST),
        ("sw.js", "text/javascript; charset=utf-8", ASK_FIRST),
        ("feed.xml", "application/xml; charset=utf-8", ""),
    ],
)
def test_defaults_are_safe(relative, content_type, cache_control):
    headers = fate(relative).headers
    assert (headers.content_type, headers.cache_control) == (content_type, cache_control)


def test_the_first_rule_that_matches_counts_and_what_it_does_not_say_is_the_default():
    text = """
site:
  headers:
    "*.html": {cacheControl: max-age=60, metadata: {B: x, a: y}}
    "index.*": {contentLanguage: de}
"""
    headers = fate("index.html", text).headers
    assert headers.cache_control == "max-age=60"
    assert headers.content_type == "text/html; charset=utf-8"
    assert headers.content_language == ""
    assert headers.metadata == (("a", "y"), ("b", "x"))


def test_an_empty_text_sends_none_where_nothing_said_keeps_the_default():
    assert fate("index.html", 'site: {headers: {"**": {cacheControl: ""}}}').headers.cache_control == ""
    assert fate("index.html", 'site: {headers: {"**": {cacheControl: ~}}}').headers.cache_control == ASK_FIRST


def test_the_user_knows_better_what_is_fingerprinted():
    text = "site: {fingerprinted: vendor/**, notFingerprinted: '**/*-C4Zk_2-x.js'}"
    assert fate("vendor/jquery-3.7.1.js", text).headers.cache_control == IMMUTABLE
    assert fate("vendor/jquery-3.7.1.js", text).lasting
    stays = fate("assets/index-C4Zk_2-x.js", text)
    assert (stays.group, stays.headers.cache_control, stays.lasting) == (Group.FILES, "", False)


def test_a_page_is_never_frozen_even_where_a_glob_says_that_it_is_fingerprinted():
    page = fate("vendor/a.html", "site: {fingerprinted: vendor/**}")
    assert (page.group, page.headers.cache_control) == (Group.PAGES, ASK_FIRST)


def test_what_a_rule_calls_encoded_is_not_compressed_again():
    text = 'site: {gzip: "**", headers: {"*.br.js": {contentEncoding: br}}}'
    assert not fate("a.br.js", text).gzip
    assert fate("a.js", text).gzip


def test_the_same_headers_are_one_object():
    fates = Fates(read_settings(""), ["a.html", "b.html"])
    assert fates.fate("a.html").headers is fates.fate("b.html").headers
