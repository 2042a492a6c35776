"""Errors: a tree, exit codes, and messages that say what, to what, why, and what next."""

from __future__ import annotations

import re

import pytest

from ropeway import errors
from ropeway.errors import (
    AccessDenied,
    AwsError,
    Cancelled,
    InputError,
    LocalFileError,
    RopewayError,
    TransferFailed,
)


def family(error: type[RopewayError], depth: int = 0) -> list[tuple[str, int, int]]:
    """(name, exit code, depth) of an error and of those below it."""
    below = [
        line
        for child in error.__subclasses__()
        if child.__module__ == errors.__name__
        for line in family(child, depth + 1)
    ]
    return [(error.__name__, error.exit_code, depth), *below]


def documented() -> list[tuple[str, int, int]]:
    lines = re.findall(r"^([│├└─ ]*)(\w+) +(\d+)(?:    |$)", errors.__doc__, re.MULTILINE)
    return [(name, int(code), len(branch) // 4) for branch, name, code in lines]


def test_the_tree_in_the_documentation_is_the_tree_of_the_classes():
    assert documented()[0] == ("RopewayError", 1, 0)
    assert sorted(documented()) == sorted(family(RopewayError))


def test_the_codes_tell_failed_wrong_and_stopped_apart():
    assert (RopewayError.exit_code, InputError.exit_code, Cancelled.exit_code) == (1, 2, 130)


def test_an_error_says_what_happened_and_then_what_to_do():
    error = LocalFileError("Could not read dist/a.txt: no such file.", advice="Build first.")
    assert str(error) == "Could not read dist/a.txt: no such file. Build first."
    assert (error.message, error.advice) == ("Could not read dist/a.txt: no such file.", "Build first.")


def test_an_error_without_advice_ends_with_what_happened():
    assert str(RopewayError("It rained.")) == "It rained."


def test_its_catcher_can_give_an_error_the_advice_that_only_it_knows():
    error = RopewayError("It rained.", advice="Wait.")
    assert error.advised("Take a coat.") is error
    assert str(error) == "It rained. Take a coat."


def test_wrong_inputs_are_told_a_line_each():
    error = InputError(["a is wrong.", "b is wrong."])
    assert str(error) == "a is wrong.\nb is wrong."
    assert error.problems == ("a is wrong.", "b is wrong.")


@pytest.mark.parametrize("answer", ["Access Denied", "Access Denied."])
def test_what_aws_answered_is_told_with_its_code_and_request_id(answer):
    error = AccessDenied(
        "upload a.txt to s3://site/a.txt",
        code="AccessDenied",
        answer=answer,
        request_id="7XQ",
        advice="Allow s3:PutObject.",
    )
    assert str(error) == (
        "Could not upload a.txt to s3://site/a.txt: AWS answered AccessDenied: Access Denied (request id 7XQ). Allow s3:PutObject."
    )
    assert (error.code, error.request_id) == ("AccessDenied", "7XQ")


def test_an_answer_without_a_request_id_is_told_without_one():
    error = AwsError("list s3://site", code="SlowDown", answer="Please reduce your request rate")
    assert str(error) == "Could not list s3://site: AWS answered SlowDown: Please reduce your request rate."


def test_a_failed_transfer_keeps_the_error_of_each():
    each = [LocalFileError("a"), AwsError("b", code="c", answer="d")]
    assert TransferFailed("2 files failed.", each).failures == tuple(each)
