"""`ropeway check`, as somebody types it."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def listening() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


REFUSED = "expected an open port, got no connection to 127.0.0.1:1: connection refused"


@pytest.fixture
def suite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, listening: str) -> Path:
    """The suite of the working directory: one check that passes, one of severity warning that fails."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("AWS_REGION", raising=False)
    file = tmp_path / "ropeway-checks.yml"
    file.write_text(
        f"defaults: {{failures: 0}}\nchecks:\n  web: {{tcp: {{address: '{listening}'}}}}\n"
        "  old: {tcp: {address: '127.0.0.1:1'}, severity: warning}\n"
    )
    return file


def test_it_is_among_the_commands(ropeway):
    assert "\n  check\n      Ask, after a deploy, whether it works" in ropeway().out


def test_the_suite_of_the_working_directory_is_asked(ropeway, suite):
    answer = ropeway("check")
    assert answer.code == 0
    assert "Asked 2 checks of ropeway-checks.yml: 1 of 2 passed" in answer.out
    assert f"Warning: The check old did not pass: {REFUSED}." in answer.err


def test_a_file_may_be_named_without_its_option(ropeway, suite):
    suite.rename(suite.with_name("shop.yml"))
    assert ropeway("check", "shop.yml", "--only", "web").code == 0
    refused = ropeway("check", "shop.yml", "--suite-file", "other.yml")
    assert refused.code == 2
    assert "--suite-file is 'other.yml', but the arguments say 'shop.yml': give it once." in refused.err


def test_warnings_count_where_strictness_is_asked_for(ropeway, suite):
    assert ropeway("check", "--strict").code == 3


def test_what_matters_and_fails_is_the_exit_code_and_the_last_word(ropeway, suite, listening):
    suite.write_text(suite.read_text().replace(", severity: warning", ""))
    answer = ropeway("check")
    assert answer.code == 1
    assert f"Error: 1 critical check did not pass: old. Of old: {REFUSED}." in answer.err


def test_a_dry_run_says_what_would_be_asked_and_asks_nothing(ropeway, suite):
    answer = ropeway("check", "--dry-run")
    assert answer.code == 0
    assert "warning   tcp   old    127.0.0.1:1 takes connections" in answer.out
    assert "Asked" not in answer.out
    assert answer.err.splitlines()[-1] == "Dry run: nothing was asked. Leave --dry-run out to ask."


def test_as_json_the_checks_stand_beside_the_outputs(ropeway, suite):
    told = ropeway("check", "--json").json
    assert told["outputs"] == {"result": "warnings", "failedChecks": "", "warningChecks": "old", "attempt": "1"}
    assert [(check["name"], check["verdict"]) for check in told["checks"]] == [("web", "pass"), ("old", "fail")]


def test_a_mistake_in_the_suite_is_told_with_its_place(ropeway, suite):
    suite.write_text("checks: {web: {tpc: {}}}")
    answer = ropeway("check")
    assert answer.code == 2
    assert "Error: ropeway-checks.yml:1:16: 'tpc' is not a setting of a check. Did you mean tcp?" in answer.err
