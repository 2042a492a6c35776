"""What of a folder becomes the site, and where its redirects lead."""

from __future__ import annotations

import pytest

from ropeway.errors import InputError, NothingMatched
from tests.checks.kinds.aws_kit import client_of
from tests.s3.cloudfront.kit import distribution
from tests.s3.site.conftest import versioned
from tests.tasks.sites import ONE, deploy, shown

__all__ = ["client_of", "deploy"]

OLD = {**ONE, "_redirects": b"/old /about.html\n/shop https://shop.example.com/\n"}


@pytest.fixture(autouse=True)
def at_the_embedded(monkeypatch, embedded):
    monkeypatch.setenv("AWS_ENDPOINT_URL", embedded.endpoint_url)


# --- redirects below a target folder --------------------------------------------------------------------------------------------


def leads(s3, bucket, key="docs/old"):
    return s3.head_object(Bucket=bucket, Key=key)["WebsiteRedirectLocation"]


@pytest.mark.parametrize(
    ("given", "target"),
    [
        ({"website": "true"}, "/docs/about.html"),
        ({"site_url": "https://www.example.com/"}, "/about.html"),
        ({"site_url": "https://www.example.com/help/docs/", "website": "true"}, "/help/docs/about.html"),
    ],
)
def test_a_redirect_leads_to_where_visitors_find_the_page(deploy, s3, bucket, given, target):
    assert deploy("41", OLD, **given).outcome.error is None
    assert (leads(s3, bucket), leads(s3, bucket, "docs/shop")) == (target, "https://shop.example.com/")


@pytest.mark.parametrize(("path", "target"), [("/docs", "/about.html"), ("", "/docs/about.html")])
def test_a_distribution_tells_where_visitors_find_the_page(deploy, client_of, s3, bucket, path, target):
    edge = distribution(client_of("cloudfront"), bucket, path=path)
    assert deploy("41", OLD, distribution_ids=edge.id, wait_for_invalidation="false").outcome.error is None
    assert leads(s3, bucket) == target


def test_a_redirect_is_refused_where_nothing_says_where_visitors_find_the_page(deploy, s3, bucket):
    with pytest.raises(InputError) as refused:
        deploy("41", OLD)
    assert refused.value.message == (
        f"_redirects leads to /about.html, and nothing says under which path visitors find s3://{bucket}/docs. Nothing was changed."
    )
    assert refused.value.advice.startswith("Set siteUrl")
    assert deploy("41", OLD, target_folder="").outcome.error is None
    assert leads(s3, bucket, "old") == "/about.html"


# --- what is no file of the site ------------------------------------------------------------------------------------------------


def test_working_copies_and_files_of_secrets_are_never_published(deploy, s3, bucket):
    private = {".git/config": b"hush", "sub/.git/HEAD": b"hush", ".env": b"hush", "app/.env.production": b"hush"}
    ran = deploy("41", {**ONE, **private, ".well-known/security.txt": b"mail", "a.env": b"a", ".gitignore": b"b"})
    assert shown(s3, bucket).keys() == {*ONE, ".well-known/security.txt", "a.env", ".gitignore"}
    (warning,) = ran.outcome.warnings
    assert warning == (
        "4 files of the source not released, because nobody is to read them: .env, .git/config, app/.env.production, sub/.git/HEAD. Working "
        "copies (.git) and .env files are never published."
    )


def test_a_folder_of_nothing_else_is_an_empty_one(deploy):
    with pytest.raises(NothingMatched, match="has no files"):
        deploy("41", {".git/config": b"hush"})


@pytest.mark.parametrize("name", ["ropeway-checks.yml", "ci/suite.yml"])
def test_what_ropeway_reads_in_the_folder_is_none_of_the_site(run_task, make_tree, monkeypatch, s3, bucket, name):
    suite = b"checks: {closed: {tcp: {address: '127.0.0.1:1', open: false}}}"
    files = {**ONE, name: suite, "ci/site.yml": b"site: {}", "sub/suite.yml": b"theirs"}
    monkeypatch.chdir(make_tree(files, "here"))
    what = {"checks_file": f"./{name}", "settings_file": "ci/site.yml", "max_delete_percent": "100"}
    versioned(s3, bucket)
    ran = run_task("s3_deploy", source_folder=".", bucket_name=bucket, target_folder="docs", release_id="41", **what)
    assert ran.outcome.error is None
    assert shown(s3, bucket).keys() == {*ONE, "sub/suite.yml"}


def test_a_suite_that_is_not_named_is_not_published_either(deploy, s3, bucket):
    deploy("41", {**ONE, "ropeway-checks.yml": b"checks: {}", "docs/ropeway-checks.yml": b"a page of ours"})
    assert shown(s3, bucket).keys() == {*ONE, "docs/ropeway-checks.yml"}
