"""Content types: today's, the same on every machine, with a charset where it belongs."""

from __future__ import annotations

import json
import mimetypes
from typing import Any

import pytest

from ropeway.s3.media_types import _EXTENSIONS, content_type, media_type
from tests.oracle.task_lib import NODE_MODULES

BETTER = {
    "text/javascript": "js mjs cjs",  # RFC 9239 made it the only one
    "application/yaml": "yaml yml",  # RFC 9512
    "audio/flac": "flac",  # RFC 9639
    "audio/matroska": "mka",  # RFC 9559
    "video/matroska": "mkv",
    "audio/aac": "aac",  # IANA
    "text/vcard": "vcf",
    "application/sql": "sql",
    "application/vnd.debian.binary-package": "deb udeb",
    "application/x-rpm": "rpm",  # what rpm's own servers say
    "text/plain": "c h bat",  # to be read, not to be run or saved
    "application/octet-stream": "aab",  # an Android bundle, no Authorware file
}
"""Where ours is not what mime-db, the table of the AWS Toolkit, says."""


@pytest.fixture(scope="module")
def mime_db() -> dict[str, set[str]]:
    """The types of each extension that mime-db (a part of the packager, pinned by its lock file) knows."""
    database: dict[str, Any] = json.loads((NODE_MODULES / "mime-db/db.json").read_bytes())
    known: dict[str, set[str]] = {}
    for kind, entry in database.items():
        for extension in entry.get("extensions", ()):
            known.setdefault(extension, set()).add(kind)
    return known


def test_the_types_are_those_of_the_toolkits_table_but_for_the_ones_named_here(mime_db):
    ours = {extension: kind for kind, extensions in _EXTENSIONS.items() for extension in extensions.split()}
    differ = {(extension, kind) for extension, kind in ours.items() if kind not in mime_db.get(extension, {kind})}
    assert differ == {(extension, kind) for kind, extensions in BETTER.items() for extension in extensions.split()}


def test_no_extension_stands_twice():
    extensions = " ".join(_EXTENSIONS.values()).split()
    assert len(extensions) == len(set(extensions))


@pytest.mark.parametrize(
    ("names", "kind"),
    [
        ("a.html a.htm A.HTML", "text/html"),
        ("a.js a.mjs a.cjs a.min.js", "text/javascript"),
        ("a.css", "text/css"),
        ("a.json a.js.map", "application/json"),
        ("a.wasm", "application/wasm"),
        ("manifest.webmanifest", "application/manifest+json"),
        ("a.avif", "image/avif"),
        ("a.webp", "image/webp"),
        ("a.jxl", "image/jxl"),
        ("a.heic", "image/heic"),
        ("favicon.ico", "image/vnd.microsoft.icon"),
        ("a.woff", "font/woff"),
        ("a.woff2", "font/woff2"),
        ("README.md", "text/markdown"),
        ("a.yaml a.yml", "application/yaml"),
        ("a.ndjson", "application/x-ndjson"),
        ("a.glb", "model/gltf-binary"),
        ("a.gltf", "model/gltf+json"),
        ("a.parquet", "application/vnd.apache.parquet"),
        ("a.apk", "application/vnd.android.package-archive"),
        ("a.msix", "application/msix"),
        ("a.nupkg a.whl a.vsix a.zip", "application/zip"),
        ("a.tar.gz a.tgz a.gz", "application/gzip"),
        ("a.js.br", "application/x-brotli"),
        ("a.tar.zst", "application/zstd"),
        ("a.xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        ("a.ipa a.exe a.unknown a. a LICENSE .html .gitignore html a.html/b a.b.c~", "application/octet-stream"),
    ],
)
def test_the_extension_decides_in_any_case(names, kind):
    for name in names.split():
        assert (media_type(name), media_type(f"dir.css/{name}")) == (kind, kind)


@pytest.mark.parametrize(
    "name", ["a.html", "a.css", "a.js", "a.txt", "a.md", "a.csv", "a.xml", "a.svg", "a.xhtml", "a.rss"]
)
def test_text_and_xml_get_the_charset(name):
    assert content_type(name) == f"{media_type(name)}; charset=utf-8"
    assert content_type(name, "iso-8859-1") == f"{media_type(name)}; charset=iso-8859-1"
    assert content_type(name, "") == media_type(name)


@pytest.mark.parametrize(
    "name", ["a.json", "a.webmanifest", "a.geojson", "a.yaml", "a.wasm", "a.png", "a.pdf", "a.gz", "a", "a.docx"]
)
def test_what_is_no_text_or_utf_8_by_definition_gets_none(name):
    assert content_type(name) == media_type(name)


def test_the_tables_of_the_host_have_no_say():
    mimetypes.add_type("text/x-host", ".html")
    mimetypes.add_type("text/x-host", ".unknown")
    try:
        assert content_type("a.html") == "text/html; charset=utf-8"
        assert content_type("a.unknown") == "application/octet-stream"
    finally:
        mimetypes.init()
