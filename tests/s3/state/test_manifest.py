from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ropeway.errors import ConditionFailed, InputError, IntegrityError
from ropeway.outcome import Cancellation
from ropeway.s3.engine import Headers
from ropeway.s3.state.manifest import (
    Entry,
    Manifest,
    check_id,
    from_bytes,
    manifest_place,
    read_manifest,
    to_bytes,
    write_manifest,
)
from ropeway.s3.state.place import StatePlace, place_at, site_place
from tests.s3.boto_kit import each_engine, engine_at

GO_ON = Cancellation()
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=10)
WORD = st.text(min_size=1, max_size=10, alphabet=st.characters(exclude_categories=["Cs"]))
PAIRS = st.lists(st.tuples(TEXT, TEXT), max_size=2).map(tuple)
HEADERS = st.builds(
    Headers,
    content_type=TEXT,
    cache_control=TEXT,
    website_redirect=TEXT,
    storage_class=TEXT,
    metadata=PAIRS,
    tags=PAIRS,
)
ENTRIES = st.builds(
    Entry,
    key=WORD,
    size=st.integers(0, 2**50),
    sha256=WORD,
    source_sha256=WORD,
    etag=TEXT,
    modified=st.floats(0, 2**40),
    version_id=TEXT,
    headers=HEADERS,
    group=st.integers(1, 5),
    lasting=st.booleans(),
    gone_at=st.floats(0, 2**40),
    gone_for=st.integers(0, 9),
)
UNREAD = ENTRIES.map(lambda entry: replace(entry, sha256="", source_sha256=""))
"""Kept assets of another tool's: nobody has read them."""
ONE = Entry("index.html", 2, "ab", "ab", "e", 5.0, "", Headers(content_type="text/html"), 4)
MANIFEST = Manifest("20261122.1", "71", "c0ffee", "Ada", 1e9, "20261121.9", (ONE,))


@pytest.fixture
def site(embedded, bucket):
    return StatePlace(bucket, ".ropeway/sites/docs")


@pytest.fixture
def engine(embedded):
    with engine_at(embedded) as engine:
        yield engine


@given(
    st.builds(
        Manifest, TEXT, TEXT, TEXT, TEXT, st.floats(0, 2**40), TEXT, st.lists(ENTRIES | UNREAD, max_size=4).map(tuple)
    )
)
def test_every_manifest_comes_back_as_it_was(manifest):
    assert from_bytes(to_bytes(manifest, public=False), StatePlace("b", "k")) == manifest


@each_engine
def test_it_is_written_once_and_again_only_over_what_was_read(server, store):
    site = StatePlace(store[0], "state")
    with engine_at(server) as engine:
        assert read_manifest(engine, site, MANIFEST.id, GO_ON) is None
        etag = write_manifest(engine, site, MANIFEST, "", GO_ON, public=False)
        with pytest.raises(ConditionFailed):
            write_manifest(engine, site, replace(MANIFEST, who="Bob"), "", GO_ON, public=False)
        write_manifest(engine, site, replace(MANIFEST, who="Bob"), etag, GO_ON, public=False)
        assert read_manifest(engine, site, MANIFEST.id, GO_ON)[0].who == "Bob"


def test_a_public_place_is_told_neither_who_nor_which_commit(engine, s3, site):
    write_manifest(engine, site, MANIFEST, "", GO_ON, public=True)
    body = s3.get_object(Bucket=site.bucket, Key=manifest_place(site, MANIFEST.id).key)["Body"].read()
    assert b"Ada" not in body
    assert b"c0ffee" not in body
    assert json.loads(body)["build"] == "71"


def test_a_thousand_objects_with_the_same_headers_tell_them_once(engine, s3, site):
    entries = tuple(replace(ONE, key=f"{n}.html") for n in range(1000))
    write_manifest(engine, site, replace(MANIFEST, entries=entries), "", GO_ON, public=False)
    body = s3.get_object(Bucket=site.bucket, Key=manifest_place(site, MANIFEST.id).key)["Body"].read()
    assert body.count(b"text/html") == 1


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"version": 2}', "has form 2, and this Ropeway knows forms up to 1. A newer Ropeway has worked here"),
        (b'{"version": 1}', "is nothing that Ropeway left there"),
        (b"<html>", "is nothing that Ropeway left there"),
        (b"[" * 100_000, "is nothing that Ropeway left there"),
    ],
)
def test_what_a_newer_one_or_nobody_wrote_is_refused(engine, s3, site, body, words):
    s3.put_object(Bucket=site.bucket, Key=manifest_place(site, "1").key, Body=body)
    with pytest.raises(IntegrityError, match=words):
        read_manifest(engine, site, "1", GO_ON)


def test_content_is_keys_bytes_and_headers_of_the_source_and_nothing_else():
    same = replace(MANIFEST, id="2", who="", entries=(replace(ONE, etag="x", version_id="v", sha256="gz"),))
    kept = replace(ONE, key="old.js", gone_at=1.0)
    assert same.content == MANIFEST.content == replace(MANIFEST, entries=(kept, ONE)).content
    for other in (replace(ONE, key="a"), replace(ONE, source_sha256="b"), replace(ONE, headers=Headers())):
        assert replace(MANIFEST, entries=(other,)).content != MANIFEST.content


@pytest.mark.parametrize("bad", ["", " a", "a ", "a\nb", "x" * 101, "\x1b[1m"])
def test_what_is_no_id_is_refused(bad):
    with pytest.raises(InputError, match="The release id is"):
        check_id(bad)


def test_ids_and_prefixes_of_any_kind_have_places_of_their_own():
    check_id("release/1 (ü)")
    site = site_place("s3://b/own", "docs/v1")
    assert site.address == "s3://b/own/.ropeway/sites/docs%2Fv1"
    assert manifest_place(site, "a/b").key == "own/.ropeway/sites/docs%2Fv1/releases/a%2Fb.json"
    assert site_place("s3://b", "").key == ".ropeway/sites/@root" != site_place("s3://b", "@root").key
    with pytest.raises(ValueError, match="write it as s3://bucket or s3://bucket/prefix"):
        place_at("b/own")
