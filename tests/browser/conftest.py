"""Chromium, as Debian packages it, opened on what the embedded AWS serves. It reaches the loopback interface and nothing else."""

from __future__ import annotations

import os
import shutil

import pytest
from selenium.webdriver import Chrome, ChromeOptions, ChromeService

FLAGS = (
    "--headless",
    "--no-sandbox",  # a container's root may have none
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-proxy-server",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    "--window-size=900,700",
    "--hide-scrollbars",
)
BROWSER, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
ABSENT = "Not run: there is no Chromium with its driver here. On Debian: apt-get install chromium chromium-driver."


@pytest.fixture
def browser(tmp_path):
    """With a profile of its own, which nobody has used before."""
    if not (BROWSER and DRIVER):
        if os.environ.get("BROWSER_TESTS") == "required":  # .ci/run says so
            pytest.fail(ABSENT)
        pytest.skip(ABSENT)
    options = ChromeOptions()
    options.binary_location = BROWSER
    for flag in (*FLAGS, f"--user-data-dir={tmp_path / 'profile'}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    chrome = Chrome(options, ChromeService(DRIVER))
    try:
        yield chrome
    finally:
        chrome.quit()
