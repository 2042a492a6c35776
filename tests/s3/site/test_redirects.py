from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ropeway.errors import InputError
from ropeway.s3.site.redirects import Redirect, read_redirects


def test_a_line_is_an_object_that_leads_elsewhere():
    text = """
# moved in May
/old            /new
/blog/          https://blog.example.com/   301   # to its own house
/a%20b.html     /c#part                     301!
/               /de/
"""
    assert read_redirects(text) == (
        Redirect("old", "/new", 3),
        Redirect("blog/index.html", "https://blog.example.com/", 4),
        Redirect("a b.html", "/c#part", 5),
        Redirect("index.html", "/de/", 6),
    )


def test_a_folder_is_asked_for_by_the_name_that_its_index_documents_have():
    assert read_redirects("/ /de/\n/blog/ /", "home.html") == (
        Redirect("home.html", "/de/", 1),
        Redirect("blog/home.html", "/", 2),
    )
    with pytest.raises(InputError, match="leads in a circle"):
        read_redirects("/a/ /b/home.html\n/b/ /a/", "home.html")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("/old", "/old leads nowhere: write /from /to."),
        ("old /new", "begins with old: write the path from the site's root on, /from."),
        ("https://a.test/x /new", "begins with https://a.test/x"),
        ("/* /index.html 200", "answers 200: an object of S3 answers 301, moved permanently, and nothing else."),
        ("/blog/* /new/:splat", "redirects many paths (/blog/*): an object of S3 is one path. Write a line for each."),
        ("/:year/x /new", "redirects many paths (/:year/x)"),
        ("/old /new 302", "answers 302"),
        ("/old id=:id /new/:id 301", "asks for the query id=:id"),
        ("/old?id=1 /new", "asks for the query of /old?id=1"),
        ("/old /new 301 Country=at", "has the condition Country=at: S3 redirects whoever asks."),
        ("/old /new Language=de", "has the condition Language=de"),
        ("/old new", "leads to 'new': write /path or https://host/path, with %20 for a blank."),
        ("/old ftp://a.test/", "leads to 'ftp://a.test/'"),
        ("/old /ü", "leads to '/ü'"),
        (f"/old /{'x' * 2048}", "leads to '/xxx"),
        ("/old /old", "leads from /old to itself."),
        ("/old/ /old/index.html", "leads from /old/ to itself."),
    ],
)
def test_what_s3_cannot_keep_is_an_error_with_its_line(line, words):
    with pytest.raises(InputError) as wrong:
        read_redirects(f"# first\n{line}\n")
    assert str(wrong.value).startswith(f"_redirects:2: {words}")


def test_all_mistakes_are_told_at_once_and_the_second_of_two_lines_for_one_path_is_one():
    with pytest.raises(InputError) as wrong:
        read_redirects("/a /b\n/x\n/a /c\n")
    assert wrong.value.problems == (
        "_redirects:2: /x leads nowhere: write /from /to.",
        "_redirects:3: redirects /a again: line 1 does so already.",
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("/a /b\n/b /a", "_redirects:1: leads in a circle: line 2 leads back to /a."),
        ("/x /a\n/a /b/#top\n/b/ /c\n/c /a", "_redirects:2: leads in a circle: line 4 leads back to /a."),
    ],
)
def test_a_circle_is_an_error_however_long_it_is(text, words):
    with pytest.raises(InputError) as wrong:
        read_redirects(text)
    assert wrong.value.problems == (words,)


def test_redirects_one_after_the_other_and_those_that_leave_the_site_are_no_circle():
    assert len(read_redirects("/a /b\n/c /b\n/b /d\n/d https://elsewhere.test/a")) == 4


@given(st.text())
def test_any_text_is_redirects_or_an_input_error(text):
    with suppress(InputError):
        assert all(redirect.key and redirect.target for redirect in read_redirects(text))
