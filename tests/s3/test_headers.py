"""Headers by rule."""

from __future__ import annotations

import pytest

from ropeway.errors import InputError
from ropeway.inputs import NamedRule, Rule
from ropeway.s3.engine import Headers
from ropeway.s3.headers import HeaderMaker, HeaderRules, check_metadata, check_tag


def made(relative: str, common: Headers = Headers(), **rules) -> Headers:
    return HeaderMaker(HeaderRules(common, **rules)).headers(relative)


def test_the_extension_decides_the_content_type_and_text_gets_the_charset():
    assert made("a.html", charset="utf-8").content_type == "text/html; charset=utf-8"
    assert made("a.png", charset="utf-8").content_type == "image/png"
    assert made("a.html").content_type == "text/html"


def test_a_rule_beats_the_extension_and_is_taken_as_it_is_written():
    rules = (Rule("**/*.html", "text/plain", 1),)
    assert made("sub/a.html", charset="utf-8", content_types=rules).content_type == "text/plain"


def test_a_glob_can_name_an_equals_sign():
    rules = (Rule("year[=]2026/**", "no-cache", 1),)
    assert made("year=2026/a.css", cache_control=rules).cache_control == "no-cache"
    assert made("year2026/a.css", cache_control=rules).cache_control == ""


def test_one_content_type_for_all_beats_every_rule():
    common = Headers(content_type="application/x-own")
    assert made("a.html", common, content_types=(Rule("**", "text/plain", 1),)).content_type == "application/x-own"


def test_the_first_matching_line_counts():
    rules = (Rule("**/*.html", "no-cache", 1), Rule("**", "max-age=31536000, immutable", 2))
    assert made("deep/index.html", cache_control=rules).cache_control == "no-cache"
    assert made("app.js", cache_control=rules).cache_control == "max-age=31536000, immutable"
    assert made("app.js", cache_control=rules[:1]).cache_control == ""


def test_encodings_go_by_rule():
    rules = (Rule("**/*.gz", "gzip", 1),)
    assert made("a.js.gz", content_encodings=rules).content_encoding == "gzip"
    assert made("a.js", content_encodings=rules).content_encoding == ""


def test_every_matching_line_of_metadata_counts_and_a_later_one_replaces():
    rules = (
        NamedRule("**", "team", "web", 1),
        NamedRule("**", "stage", "test", 2),
        NamedRule("**/*.js", "team", "js", 3),
    )
    assert made("a.js", metadata=rules).metadata == (("stage", "test"), ("team", "js"))
    assert made("a.css", metadata=rules).metadata == (("stage", "test"), ("team", "web"))


def test_eleven_tags_are_refused_by_the_name_of_the_file():
    rules = tuple(NamedRule("**", f"t{n}", "x", n) for n in range(11))
    with pytest.raises(InputError, match=r"The tag rules give sub/a\.js 11 tags; an object has at most 10\."):
        made("sub/a.js", tags=rules)
    assert len(made("sub/a.js", tags=rules[:10]).tags) == 10


@pytest.mark.parametrize("value", ["x" * 2048, "\u00fc" * 1024])
def test_more_metadata_than_s3_keeps_is_refused(value):
    """Counted in bytes of UTF-8."""
    with pytest.raises(InputError, match=r"give a\.js 2,049 bytes of metadata; S3 keeps at most 2,048"):
        made("a.js", metadata=(NamedRule("**", "n", value, 1),))
    assert made("a.js", metadata=(NamedRule("**", "n", value[1:], 1),))


@pytest.mark.parametrize("value", ["gr\u00fcn", "a\x0bb", "a\n b", "\x1b[0m", "\udcff"])
def test_a_header_that_http_cannot_carry_as_it_is_is_refused_by_its_name_and_the_file(value):
    with pytest.raises(InputError) as refused:
        made("sub/a.js", cache_control=(Rule("**", value, 1),))
    assert str(refused.value) == (
        f"The cache control of sub/a.js would be {value!r}: an HTTP header carries printable ASCII only."
    )


@pytest.mark.parametrize("value", ["a\x0bb", "a\x85b", "\x1b[0m", "\x7f", "\udcff"])
def test_metadata_hold_no_control_characters(value):
    with pytest.raises(ValueError, match="the value of 'n' holds a control character"):
        check_metadata("n", value)
    check_metadata("n", "gr\u00fcn \U0001f600")


@pytest.mark.parametrize("bad", ["|", "\n", "#", "\u0301", "\U0001f600", "\u200b", "*"])
def test_a_tag_is_made_of_what_s3_takes(bad):
    for name, value in ((f"a{bad}", "v"), ("n", bad)):
        with pytest.raises(ValueError, match="S3 takes letters, digits, blanks and"):
            check_tag(name, value)
    check_tag("Gr\u00f6\u00dfe 1 +-=._:/@", "\u4e16\u754c \u0663")


def test_files_with_equal_headers_share_one_object():
    maker = HeaderMaker(HeaderRules(Headers(), charset="utf-8"))
    assert maker.headers("a.html") is maker.headers("b/c.html")


def test_names_of_metadata_are_in_lower_case_as_s3_keeps_them():
    rules = (NamedRule("**", "Build", "1", 1), NamedRule("**", "build", "2", 2))
    assert made("a", metadata=rules).metadata == (("build", "2"),)


def test_an_absolute_glob_below_the_source_folder_works_as_a_relative_one():
    rules = HeaderRules(Headers(), cache_control=(Rule("/build/site/*.html", "no-cache", 1),))
    assert HeaderMaker(rules, "/build/site").headers("a.html").cache_control == "no-cache"
    assert HeaderMaker(rules, "/build").headers("a.html").cache_control == ""
