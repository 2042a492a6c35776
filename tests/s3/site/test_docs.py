"""docs/deploying-a-site.md says what the code does: its examples are read by what reads a user's, and its commands are run."""

from __future__ import annotations

import re
import shlex
import subprocess
import sysconfig
from pathlib import Path

import boto3
import pytest

from ropeway.local import daemon
from ropeway.local.season import SUMMER, WINTER, build
from ropeway.outcome import Reason
from ropeway.s3.site.order import Group
from ropeway.s3.site.redirects import read_redirects
from ropeway.s3.site.settings import read_settings

PAGE = (Path(__file__).parents[3] / "docs" / "deploying-a-site.md").read_text("utf-8")
ROPEWAY = Path(sysconfig.get_path("scripts")) / "ropeway"


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def test_the_settings_it_shows_can_be_read():
    (shown,) = (block for block in blocks("yaml") if block.startswith("site:"))
    settings = read_settings(shown)
    assert [rule.pattern for rule in settings.headers] == ["downloads/**", "**/*.json"]
    assert settings.extensionless
    assert settings.protected == ("uploads/**",)


def test_the_redirects_it_shows_can_be_read():
    (shown,) = blocks("text")
    assert [(one.key, one.target) for one in read_redirects(shown)] == [
        ("fahrplan", "/timetable"),
        ("shop", "https://shop.example.com/"),
    ]


def test_it_names_every_reason_of_a_step_and_no_other():
    (table,) = re.findall(r"^\| Reason \|.*\n\| --- .*\n((?:\|.*\n)+)", PAGE, re.MULTILINE)
    not_of_a_site = {Reason.NOT_COMPARED, Reason.SETTINGS, Reason.STALE}
    named = re.findall(r"^\| `([^`]+)` \|", table, re.MULTILINE)
    assert sorted(named) == sorted(str(reason) for reason in set(Reason) - not_of_a_site)


def test_its_order_is_the_order():
    steps = re.findall(r"^\d\. (.*)$", PAGE, re.MULTILINE)
    assert len(steps) == len(Group) + 1
    for step, word in zip(
        steps, ("fingerprint", "Other files", "Pages", "Entry points", "workers", "deleted"), strict=True
    ):
        assert word in step


@pytest.fixture
def at_home(hermetic, tmp_path):
    """The two seasons, built, and the bucket of the page in an embedded AWS that is ended afterwards."""
    build(SUMMER, tmp_path / "summer")
    build(WINTER, tmp_path / "winter")

    def run(*words):
        done = subprocess.run([ROPEWAY, *words, "--local"], cwd=tmp_path, check=False, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    aws = daemon.up().running.aws
    keys = {
        "aws_access_key_id": aws.connection.access_key_id,
        "aws_secret_access_key": aws.connection.secret_access_key,
    }
    client = boto3.client("s3", endpoint_url=aws.endpoint_url, region_name=aws.region, **keys)
    try:
        client.create_bucket(Bucket="my-site")
        yield run
    finally:
        client.close()
        daemon.down()


def test_its_commands_do_what_it_says(at_home):
    (shown,) = blocks("console")
    said = [at_home(*shlex.split(line)[2:]) for line in shown.splitlines()]
    planned, first, second, listed, back, lock = said
    assert "In all: " in planned
    assert "Released 41 to s3://my-site/" in first
    assert "Released 42 to s3://my-site/" in second
    assert listed.startswith("Release 42 is live at s3://my-site/.")
    assert "Rolled s3://my-site/ back to release 41" in back
    assert lock.strip() == "The lock s3://my-site/.ropeway/sites/@root/lock.json is free."
