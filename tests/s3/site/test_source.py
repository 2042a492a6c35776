from __future__ import annotations

import gzip
import hashlib

import pytest

from ropeway.errors import InputError, NothingMatched
from ropeway.outcome import Cancellation
from ropeway.s3.site.order import Group
from ropeway.s3.site.settings import read_settings
from ropeway.s3.site.source import read_site


@pytest.fixture
def site(tmp_path):
    """Writes files (name -> text) and reads them as a site; its objects by key."""
    (tmp_path / "spool").mkdir()

    def read(files, text="", **more):
        for name, body in files.items():
            path = tmp_path / "dist" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(body if isinstance(body, bytes) else body.encode())
        found = read_site(str(tmp_path / "dist"), read_settings(text), str(tmp_path / "spool"), Cancellation(), **more)
        return {one.key: one for one in found}

    return read


def test_each_file_is_an_object_with_its_digest_and_the_order_is_that_of_keys(site):
    found = site({"index.html": "hi", "a/x.css": "b", "a-b.css": "c"})
    assert list(found) == ["a-b.css", "a/x.css", "index.html"]
    page = found["index.html"]
    assert page.sha256 == page.source_sha256 == hashlib.sha256(b"hi").hexdigest()
    assert page.md5 == hashlib.md5(b"hi").hexdigest()
    assert (page.size, page.group) == (2, Group.ENTRIES)


def test_files_for_ropeway_are_no_files_of_the_site(site):
    assert list(site({"index.html": "", "_redirects": "", "ropeway.yml": "", "a/_redirects": ""})) == [
        "a/_redirects",
        "index.html",
    ]


def test_what_is_compressed_is_told_by_both_digests_and_only_where_it_is_smaller(site):
    found = site({"a.css": "x" * 1000, "b.css": "x"}, "site: {gzip: '**'}")
    packed, small = found["a.css"], found["b.css"]
    with open(packed.path, "rb") as file:
        sent = file.read()
    assert gzip.decompress(sent) == b"x" * 1000
    assert packed.size == len(sent) < 1000
    assert packed.sha256 == hashlib.sha256(sent).hexdigest() != packed.source_sha256
    assert packed.source_sha256 == hashlib.sha256(b"x" * 1000).hexdigest()
    assert packed.headers.content_encoding == "gzip"
    assert (small.size, small.headers.content_encoding) == (1, "")


def test_brotli_is_for_what_its_globs_pick_and_gzip_for_the_rest(site):
    files = {"a.js": "x" * 1000, "b.css": "x" * 1000, "c.js": "x", "d.js.map": "x" * 1000}
    found = site(files, "site: {brotli: '**/*.js', gzip: '**/*.css'}")
    assert {key: one.headers.content_encoding for key, one in found.items()} == {
        "a.js": "br",
        "b.css": "gzip",
        "c.js": "",
        "d.js.map": "",
    }
    with open(found["a.js"].path, "rb") as file:
        assert found["a.js"].sha256 == hashlib.sha256(file.read()).hexdigest()
    assert found["a.js"].source_sha256 == hashlib.sha256(b"x" * 1000).hexdigest()


def test_a_file_that_two_encodings_pick_is_told(site):
    with pytest.raises(InputError, match=r"gzip and brotli both pick a\.js: an object is stored in one encoding"):
        site({"a.js": "", "b.css": ""}, "site: {brotli: '**/*.js', gzip: '**'}")


def test_a_file_that_is_said_to_be_fingerprinted_and_not_is_told(site):
    rules = "site: {fingerprinted: ['*.js'], notFingerprinted: ['a.*']}"
    with pytest.raises(InputError, match=r"fingerprinted and notFingerprinted both pick a\.js: keep one of the two"):
        site({"a.js": "x", "a.css": "y"}, rules)


def test_a_redirect_is_an_empty_object_that_goes_up_after_the_pages(site):
    old = site({"index.html": "", "_redirects": "/old /new"})["old"]
    assert (old.size, old.group, old.headers.website_redirect) == (0, Group.ENTRIES, "/new")
    assert old.headers.cache_control == "no-cache"
    with open(old.path, "rb") as file:
        assert file.read() == b""


def test_pages_lose_their_extension_when_asked_but_those_that_are_found_by_name(site):
    found = site(
        {"index.html": "", "about.html": "", "docs/index.html": "", "404.html": "", "a.tar.html": "", "b.css": ""},
        "site: {extensionless: true}",
    )
    assert list(found) == ["404.html", "a.tar", "about", "b.css", "docs/index.html", "index.html"]
    assert found["about"].headers.content_type == "text/html; charset=utf-8"
    assert found["about"].group is Group.PAGES


def test_two_files_or_a_redirect_that_want_one_key_are_told(site):
    with pytest.raises(InputError) as wrong:
        site({"about": "", "about.html": "", "old": "", "_redirects": "\n/old /new"}, "site: {extensionless: true}")
    assert wrong.value.problems == (
        "about and about.html would both be the object about: extensionless takes the .html off.",
        "_redirects:2: redirects old, which is the file old.",
    )


def test_an_empty_source_is_refused_unless_asked(site, tmp_path):
    (tmp_path / "dist").mkdir()
    with pytest.raises(NothingMatched, match="would delete the whole site"):
        site({})
    with pytest.raises(NothingMatched):
        site({"ropeway.yml": ""})
    assert site({}, may_be_empty=True) == {}


def test_the_place_of_ropeways_state_is_no_place_for_files(site):
    with pytest.raises(InputError, match=r"\.ropeway/lock\.json"):
        site({"index.html": "", ".ropeway/lock.json": ""})


def test_a_folder_that_leads_to_itself_without_its_slash_is_a_circle(site):
    with pytest.raises(
        InputError, match=r"_redirects:1: leads in a circle: there is no object old, and S3 leads /old back"
    ):
        site({"index.html": "", "_redirects": "/old/ /old"})
    assert "old/index.html" in site({"old": "a page", "_redirects": "/old/ /old"})


def test_no_redirect_takes_the_place_of_what_ropeway_keeps(site):
    with pytest.raises(InputError, match="keeps its state"):
        site({"index.html": "", "_redirects": "/.ropeway/sites/@root/releases.json /"})


def test_redirects_that_are_no_text_are_told(site):
    with pytest.raises(InputError, match="_redirects is no UTF-8: byte 1"):
        site({"index.html": "", "_redirects": b"/\xff"})
