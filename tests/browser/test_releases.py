"""A site that is released twice and taken back, as somebody with a browser sees it after each step."""

from __future__ import annotations

import os
import subprocess
import sysconfig
from pathlib import Path

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.support.wait import WebDriverWait

from ropeway.local.season import SUMMER, WINTER, build

ROPEWAY = Path(sysconfig.get_path("scripts")) / "ropeway"
SET_UP = ("--website", "--error-document", "404.html", "--public-read", "--versioning")
SEASONS = {"summer": SUMMER, "winter": WINTER}
KEPT = "caches.keys().then(arguments[0])"
COLOURS = {"summer": "rgba(194, 65, 12, 1)", "winter": "rgba(29, 78, 216, 1)"}


@pytest.fixture
def site(embedded, bucket, tmp_path):
    """Runs `ropeway s3 deploy` or `rollback` for the bucket's site, and answers with its address."""

    def run(command, *more):
        variables = {
            "AWS_ENDPOINT_URL": embedded.endpoint_url,
            "AWS_REGION": embedded.region,
            "AWS_ACCESS_KEY_ID": embedded.connection.access_key_id,
            "AWS_SECRET_ACCESS_KEY": embedded.connection.secret_access_key,
        }
        words = [ROPEWAY, "s3", command, *more[:1], f"s3://{bucket}", *more[1:]]
        ended = subprocess.run(
            words, cwd=tmp_path, env=os.environ | variables, capture_output=True, text=True, check=False
        )
        assert ended.returncode == 0, ended.stdout + ended.stderr
        return embedded.website(bucket)

    for name, words in SEASONS.items():
        build(words, tmp_path / name)
    return run


def told(browser, selector):
    return browser.find_element(By.CSS_SELECTOR, selector).text


def until(browser, seen):
    WebDriverWait(browser, 30).until(lambda _: seen())


def complaints(browser):
    """What the browser's console says since it was last asked: scripts that failed, files that are missing."""
    return [entry["message"] for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]


def sees(browser, address, season, picture):
    """The first page in its colours, with what its script adds; the pages behind it; and nothing that is missing."""
    words = SEASONS[season]
    browser.get(f"{address}/")
    until(browser, lambda: told(browser, "#stations"))
    assert told(browser, "h1") == f"{words['SEASON']} at the Hörnli"
    assert browser.find_element(By.TAG_NAME, "h1").value_of_css_property("color") == COLOURS[season]
    assert len(browser.find_elements(By.CSS_SELECTOR, "#stations li")) == words["STATIONS"].count("[") - 1
    until(browser, lambda: browser.execute_async_script(KEPT) == [words["SEASON"]])  # what the service worker keeps
    browser.save_screenshot(str(picture))

    browser.find_element(By.LINK_TEXT, "Timetable").click()
    until(browser, lambda: browser.current_url == f"{address}/timetable")
    assert told(browser, "main p") == f"{words['FIRST']} first cabin, {words['LAST']} last cabin."
    browser.get(f"{address}/fahrplan")
    assert browser.current_url == f"{address}/timetable"
    assert complaints(browser) == []

    browser.get(f"{address}/lake")
    assert told(browser, "h1") == "No cabin goes there"
    complaints(browser)  # that there is no such page is said there, too


def test_a_visitor_sees_each_release_whole_and_the_first_one_again_when_the_second_is_taken_back(
    site, browser, tmp_path
):
    address = site("deploy", "summer", "--release-id", "1", *SET_UP)
    sees(browser, address, "summer", tmp_path / "1-summer.png")
    site("deploy", "winter", "--release-id", "2")
    sees(browser, address, "winter", tmp_path / "2-winter.png")
    site("rollback")
    sees(browser, address, "summer", tmp_path / "3-summer-again.png")


def test_a_page_that_was_open_before_a_release_or_its_rollback_lives_on(site, browser, tmp_path):
    address = site("deploy", "summer", "--release-id", "1", *SET_UP)
    for season, step in (("summer", ("deploy", "winter", "--release-id", "2")), ("winter", ("rollback",))):
        browser.get(f"{address}/")
        until(browser, lambda: told(browser, "#stations"))
        site(*step)
        browser.find_element(By.ID, "prices").click()  # a script that the page has not asked for until now
        until(browser, lambda: told(browser, "#price"))
        assert told(browser, "#price") == SEASONS[season]["PRICE"]
        browser.save_screenshot(str(tmp_path / f"open-since-{season}.png"))
    assert complaints(browser) == []
