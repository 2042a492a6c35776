"""The extension's page in the Marketplace: what it shows travels in the extension."""

from __future__ import annotations

import json
import re
import zipfile

import pytest

from ropeway.registry import all_tasks

HIGHEST = 150 * 1024
"""Bytes of a picture: each agent pool downloads the whole extension."""


@pytest.fixture(scope="module")
def package(extension):
    with zipfile.ZipFile(extension) as package:
        yield package


@pytest.fixture(scope="module")
def page(package) -> str:
    return package.read("overview.md").decode()


def test_it_names_every_task(page):
    assert [task.pipeline_name for task in all_tasks() if f"`{task.pipeline_name}@1`" not in page] == []


def test_its_pictures_are_small_pngs_that_are_in_the_extension(package, page):
    pictures = re.findall(r"!\[.+?\]\((.+?)\)", page)
    assert pictures
    for picture in pictures:
        data = package.read(picture)
        assert data.startswith(b"\x89PNG\r\n\x1a\n")
        assert len(data) < HIGHEST


def test_the_marketplace_may_fetch_its_pictures(package):
    manifest = package.read("extension.vsixmanifest").decode()
    for picture in ("images/summary.png", "images/plan.png"):
        assert re.search(rf'<Asset [^>]*Path="{picture}" Addressable="true"', manifest)


def test_it_links_to_nothing_that_is_not_there(page):
    assert re.findall(r"(?<!!)\[[^]]+\]\((?!https://)", page) == []


def test_it_asks_for_no_scopes_as_the_page_says(package, page):
    assert "asks for no permissions (scopes)" in page
    assert json.loads(package.read("extension.vsomanifest"))["scopes"] == []
