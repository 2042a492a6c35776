"""A release that is taken back: bytes and headers as they were, from versions, without a build."""

from __future__ import annotations

import pytest

from ropeway.errors import RopewayError
from ropeway.s3.site.plan import Target
from tests.s3.boto_kit import each_engine, engine_at
from tests.s3.site.conftest import Site, told, versioned
from tests.s3.site.test_plan import NEW, ONE, TWO

HEADERS = 'site: {headers: {"*.css": {cacheControl: max-age=60, tags: {c: d}}}}'


@each_engine
def test_a_rollback_restores_bytes_and_headers_and_keeps_the_assets_of_both(site):
    site.deploy(ONE, HEADERS)
    first, shown = site.live, site.shown()
    site.deploy({**TWO, "more.html": "more"})
    plan = site.plan_back(first)
    assert told(plan) == [
        (NEW, "skip", "kept for open pages"),
        ("style.css", "copy", "content"),
        ("index.html", "copy", "content"),
        ("more.html", "delete", "gone from source"),
    ]
    assert not site.apply(plan).error
    assert site.shown() == {**shown, NEW: site.shown()[NEW]}
    assert site.plan_back(first).todo == ()
    assert site.plan(ONE, HEADERS).todo == ()


@each_engine
def test_headers_alone_are_restored_without_a_version(site):
    site.deploy(ONE, HEADERS)
    first, shown = site.live, site.shown()
    site.deploy(ONE)
    assert told(site.plan_back(first)) == [("style.css", "copy", "headers")]
    site.apply(site.plan_back(first))
    assert site.shown() == shown


@each_engine
def test_what_was_deleted_or_changed_by_others_comes_back_too(site):
    site.deploy(ONE)
    first, shown = site.live, site.shown()
    site.put("style.css", b"theirs")
    site.s3.delete_object(Bucket=site.target.bucket, Key=site.target.key("about.html"))
    site.apply(site.plan_back(first))
    assert site.shown() == shown


def test_what_cannot_be_brought_back_is_told_before_anything_is_touched(site):
    site.deploy(ONE)
    first = site.live
    site.deploy(TWO)
    shown = site.shown()
    lost = first.by_key["style.css"]
    site.s3.delete_object(Bucket=site.target.bucket, Key=site.target.key("style.css"), VersionId=lost.version_id)
    with pytest.raises(RopewayError) as refused:
        site.plan_back(first)
    assert str(refused.value).startswith("1 object of the release cannot be brought back, because the bucket has not")
    assert site.target.address("style.css") in str(refused.value)
    assert site.shown() == shown


def test_a_bucket_without_versions_cannot_bring_back_what_was_overwritten(embedded, s3, bucket, tmp_path):
    with engine_at(embedded) as engine:
        site = Site(engine, s3, Target(bucket, "docs"), tmp_path)
        site.deploy(ONE)
        first = site.live
        site.deploy(TWO)
        with pytest.raises(RopewayError, match="2 objects of the release cannot be brought back"):
            site.plan_back(first)


@each_engine
def test_what_was_written_before_the_bucket_kept_versions_comes_back(embedded, s3, bucket, tmp_path):
    with engine_at(embedded) as engine:
        site = Site(engine, s3, Target(bucket, "docs"), tmp_path)
        site.deploy(ONE)
        first, shown = site.live, site.shown()
        versioned(s3, bucket)
        site.deploy(TWO)
        assert not site.apply(site.plan_back(first)).error
        assert site.shown() == {**shown, NEW: site.shown()[NEW]}


def test_what_was_written_over_before_the_bucket_kept_versions_does_not(embedded, s3, bucket, tmp_path):
    with engine_at(embedded) as engine:
        site = Site(engine, s3, Target(bucket, "docs"), tmp_path)
        site.deploy(ONE)
        first = site.live
        site.put("style.css", b"of others")
        versioned(s3, bucket)
        site.deploy(TWO)
        with pytest.raises(RopewayError, match=r"1 object of the release cannot be brought back.*style\.css"):
            site.plan_back(first)
