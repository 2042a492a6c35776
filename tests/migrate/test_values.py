"""Values that are written otherwise here."""

from __future__ import annotations

import posixpath
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ropeway.inputs import camel, read
from ropeway.migrate.values import LISTS, holds_expression, overwriting, with_groups, without_dots
from ropeway.s3.globs import Glob
from ropeway.tasks.s3_upload import S3UploadInputs


@pytest.mark.parametrize(
    ("before", "after"),
    [("true", "always"), ("True", "always"), ("FALSE", "never"), ("never", "never"), ("$(flag)", "$(flag)")],
)
def test_the_words_for_overwriting(before, after):
    assert overwriting(before) == after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("./site", "site"),
        ("a/./b", "a/b"),
        ("a/../b/", "b"),
        ("./", ""),
        (".", ""),
        ("./$(Build.BuildNumber)", "$(Build.BuildNumber)"),
        ("./.well-known", ".well-known"),
        # What needs nothing, and what nothing can be made of.
        ("/site/", "/site/"),
        (".well-known", ".well-known"),
        ("../site", "../site"),
        ("$(a)/../b", "$(a)/../b"),
        ("a\\..\\b", "a\\..\\b"),
        ("./*/a", "./*/a"),
    ],
)
def test_folders_of_dots_are_resolved_as_far_as_they_can_be(before, after):
    assert without_dots(before) == after


@given(st.lists(st.sampled_from(["a", "b.c", ".", "..", ".d", ""]), max_size=6).map("/".join))
def test_what_is_resolved_is_taken_by_the_task(folder):
    resolved = without_dots(folder)
    if resolved != folder:
        read(S3UploadInputs, {"bucket_name": "bucket", "target_folder": resolved}, camel)
        first, second = (posixpath.normpath("/" + text.lstrip("/")) for text in (folder, resolved))
        assert first == second


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("**/*.{js,css}", "**/*.@(js|css)"),
        ("{a,b}/{c,d}.txt", "@(a|b)/@(c|d).txt"),
        ("$(name).{zip,tar.gz}", "$(name).@(zip|tar.gz)"),
        ("*.{*.js,b?}", "*.@(*.js|b?)"),
        # No list, or none that a group can say.
        ("**", "**"),
        ("{a}", "{a}"),
        ("{a/b,c}/*", "{a/b,c}/*"),
        ("{a,{b,c}}", "{a,{b,c}}"),
        ("{1..3}.txt", "{1..3}.txt"),
        ("{a,}", "{a,}"),
        ("{a|b,c}", "{a|b,c}"),
        ("{**,site}/*.html", "{**,site}/*.html"),  # a/b/c.html too, and @(**|site) stays within one name
        ("{!a,b}", "{!a,b}"),  # two lines, one of which takes out
        ("{#a,b}", "{#a,b}"),
        ("{x,$(y)}", "{x,$(y)}"),
        ("{a,b}/{1..3}", "{a,b}/{1..3}"),
        ("${{ join(',', parameters.names) }}", "${{ join(',', parameters.names) }}"),
        ("*.${{ parameters.ending }}", "*.${{ parameters.ending }}"),
    ],
)
def test_lists_in_braces_become_groups(before, after):
    assert with_groups(before) == after


NAMES = st.text("abc.*?", min_size=1, max_size=4).filter(lambda name: name != "**")


@given(st.lists(NAMES, min_size=2, max_size=3), NAMES, st.text("abc.", min_size=1, max_size=6))
def test_a_group_picks_what_the_list_would_have_picked_one_by_one(names, after, path):
    grouped = with_groups(f"{{{','.join(names)}}}{after}")
    assert not re.search(LISTS, grouped)
    if set(path) != {"."}:
        assert Glob(grouped).matches(path) == any(Glob(name + after).matches(path) for name in names)


@pytest.mark.parametrize("text", ["$(a)", "x${{ parameters.a }}", "$[variables.a]"])
def test_what_somebody_else_fills_in_is_known(text):
    assert holds_expression(text)
    assert not holds_expression(text.replace("$", ""))
