from __future__ import annotations

import pytest

from ropeway.errors import InputError
from ropeway.s3.site.settings import SiteSettings, read_settings

WHOLE = """
site:
  headers:
    "downloads/**":
      contentDisposition: attachment
      cacheControl: public, max-age=300
      metadata: {Team: web}
      tags: {cost: site}
    "**": {contentLanguage: de-AT}
  gzip: ["**/*.css", "**/*.svg"]
  fingerprinted: vendor/**
  extensionless: true
  protected: uploads/**
"""


def problems(text):
    with pytest.raises(InputError) as wrong:
        read_settings(text)
    return wrong.value.problems


def test_a_whole_file_is_read():
    read = read_settings(WHOLE)
    assert [rule.pattern for rule in read.headers] == ["downloads/**", "**"]
    assert read.headers[0].headers.content_disposition == "attachment"
    assert read.headers[0].headers.content_type is None
    assert read.headers[0].headers.metadata == {"Team": "web"}
    assert (read.gzip, read.fingerprinted, read.extensionless) == (("**/*.css", "**/*.svg"), ("vendor/**",), True)


@pytest.mark.parametrize("text", ["", "site: ~", "site: {}"])
def test_a_file_that_says_nothing_changes_nothing(text):
    assert read_settings(text) == SiteSettings()


def test_a_name_with_nothing_behind_it_is_refused_for_a_blank_variable_looks_like_it():
    with pytest.raises(
        InputError, match=r"^ropeway\.yml:1:6: site has nothing behind it: leave it out, or see whether"
    ):
        read_settings("site:")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            "site:\n  headers:\n    '**': {cache-control: x}",
            "ropeway.yml:3:12: 'cache-control' is not a setting of **. Did you mean cacheControl?",
        ),
        (
            "site:\n  headers:\n    '**': {x-frame-options: DENY}",
            "ropeway.yml:3:12: 'x-frame-options' is not a setting of **. There are cacheControl,",
        ),
        (
            "site:\n  headers:\n    '**': {}\n    '*.css': {}",
            "ropeway.yml:4:5: *.css never counts: ** above it matches every file.",
        ),
        (
            "site:\n  headers:\n    'a': {}\n    'a': {}",
            "ropeway.yml:4:5: a is there twice: it stands in line 3 already.",
        ),
        ("site:\n  headers:\n    '!a': {}", "ropeway.yml:3:5: The glob '!a' of a rule begins with !"),
        (
            "site:\n  headers:\n    a: {cacheControl: nö}",
            "ropeway.yml:3:23: cacheControl is 'nö': an HTTP header carries printable ASCII only.",
        ),
        (
            "site:\n  headers:\n    a: {metadata: {'a b': c}}",
            "ropeway.yml:3:8: 'a b' cannot be the name of a metadata entry",
        ),
        (
            "site:\n  headers:\n    a: {cacheControl: 'no-cache '}",
            "ropeway.yml:3:23: cacheControl is 'no-cache ': HTTP takes the blanks off its ends",
        ),
        (
            "site:\n  headers:\n    a: {contentType: ''}",
            "ropeway.yml:3:22: contentType is empty, and S3 would make it binary/octet-stream: leave it out",
        ),
        (
            "site:\n  headers:\n    a: {metadata: {team: ' a'}}",
            "ropeway.yml:3:8: the value of 'team' begins or ends with a blank, which HTTP takes off: ' a'.",
        ),
        ("site:\n  headers:\n    a: {tags: {'a': '\\u0024'}}", "ropeway.yml:3:8: the tag 'a' holds '\\\\'"),
        ("site:\n  gzipp: x", "ropeway.yml:2:3: 'gzipp' is not a setting of site. Did you mean gzip?"),
        ("sites: {}", "ropeway.yml:1:1: 'sites' is not a setting of ropeway.yml. Did you mean site?"),
        ("site: [", "ropeway.yml:1:8: This is no YAML"),
        ("site:\n  extensionless: yes", "ropeway.yml:2:18: extensionless is 'yes', which is neither true nor false."),
    ],
)
def test_a_mistake_is_told_with_its_place(text, problem):
    (told,) = problems(text)
    assert told.startswith(problem)


def test_mistakes_are_told_all_at_once_in_their_order():
    told = problems("site:\n  headers:\n    '!a': {x: y}\n    b: {z: y}\n  gzip: ['a[']\n  extensionless: 1\n")
    assert [problem.split(":")[1] for problem in told] == sorted(problem.split(":")[1] for problem in told)
    assert len(told) >= 3


def test_tags_and_metadata_stay_within_what_s3_keeps():
    tags = ", ".join(f"t{n}: x" for n in range(11))
    assert "This gives 11 tags" in problems(f"site: {{headers: {{a: {{tags: {{{tags}}}}}}}}}")[0]
    assert "bytes of metadata" in problems(f"site: {{headers: {{a: {{metadata: {{m: {'x' * 2048}}}}}}}}}")[0]
