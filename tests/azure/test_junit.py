"""What the Tests tab is given: one case for each check and target, which any reader of JUnit and XML takes."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st
from junitparser import JUnitXml

from ropeway.azure.junit import write_junit
from ropeway.checked import CheckResult
from tests.checked import ALL, broken, failing, passing, skipped


def written(folder: Path, *results: CheckResult, suite: str = "Check 4 things") -> ET.Element:
    path = folder / "TEST-RopewayCheck.xml"
    write_junit(str(path), suite, results)
    assert path.read_bytes().startswith(b"<?xml version='1.0' encoding='utf-8'?>")
    return ET.parse(path).getroot()


def test_there_is_a_case_for_each_check_and_target_named_as_in_the_suite(tmp_path: Path) -> None:
    cases = written(tmp_path, *ALL).findall("testsuite/testcase")
    assert [(case.get("classname"), case.get("name"), case.get("time")) for case in cases] == [
        ("http", "home", "0.250"),
        ("http", "api (10.0.0.7)", "8.250"),
        ("alarm", "queue", "0.500"),
        ("http", "login", "0.000"),
    ]


def test_the_suite_counts_what_failed_what_could_not_be_asked_and_what_was_skipped(tmp_path: Path) -> None:
    suite = written(tmp_path, *ALL).find("testsuite")
    assert suite is not None
    counts = {name: suite.get(name) for name in ("name", "tests", "failures", "errors", "skipped")}
    assert counts == {"name": "Check 4 things", "tests": "4", "failures": "1", "errors": "1", "skipped": "1"}


@pytest.mark.parametrize(
    ("result", "tag", "message"),
    [
        (failing(), "failure", "status 503"),
        (broken(), "error", "Could not read the alarm: AWS answered AccessDenied"),
        (skipped(), "skipped", "api did not pass."),
    ],
)
def test_what_did_not_pass_says_why_in_the_case(tmp_path: Path, result: CheckResult, tag: str, message: str) -> None:
    (case,) = written(tmp_path, result).iter("testcase")
    found = case.find(tag)
    assert found is not None
    assert (found.get("message"), found.get("type")) == (message, "critical")


def test_a_failure_tells_expected_got_attempts_request_ids_and_what_to_try(tmp_path: Path) -> None:
    (failure,) = written(tmp_path, failing()).iter("failure")
    assert (failure.text or "").split("\n") == [
        "Expected: status 200",
        "Got: status 503",
        "Ended: Not green within 10 s.",
        "Try: Look at the service's log.",
        "Before: fail after 2.0 s: status 500",
        "Before: fail after 4.0 s: status 502",
        "Request ids: R8",
        "Detail: Service Unavailable",
    ]


def test_a_pass_has_no_result_and_tells_what_it_saw(tmp_path: Path) -> None:
    (case,) = written(tmp_path, passing()).iter("testcase")
    assert [child.tag for child in case] == ["system-out"]
    assert case.findtext("system-out", "").split("\n") == [
        "Asked 1 times: https://home.test/ answers 200",
        "pass after 0.0 s, answered in 0.25 s: status 200",
    ]


@given(st.text(st.characters(), max_size=30))
def test_whatever_a_check_is_called_or_answers_the_file_is_xml_and_its_lines_run_nothing(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    hostile = f"##vso[task.complete]{text}]]>\ufffe\x00"
    failed = failing()
    finding = dataclasses.replace(failed.attempts[-1].finding, got=hostile, details=(hostile,))
    attempts = (*failed.attempts[:-1], dataclasses.replace(failed.attempts[-1], finding=finding))
    check = dataclasses.replace(failed.check, name=hostile, kind=hostile)
    folder = tmp_path_factory.mktemp("junit")
    (case,) = written(folder, dataclasses.replace(failed, check=check, attempts=attempts), suite=hostile).iter(
        "testcase"
    )
    assert "**vso[task.complete]" in (case.get("name") or "")
    assert b"##vso" not in (folder / "TEST-RopewayCheck.xml").read_bytes()
    assert JUnitXml.fromfile(str(folder / "TEST-RopewayCheck.xml")).tests == 1
