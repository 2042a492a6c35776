"""What a check found, said in few words."""

from __future__ import annotations

import pytest

from ropeway.checks.finding import excerpt, failed, judged, of_error, passed, together, unasked
from ropeway.errors import AccessDenied, NetworkError


def test_advice_belongs_to_a_fail():
    assert judged(True, "a", "b", advice="Do it.").advice == ""
    assert judged(False, "a", "b", advice="Do it.").advice == "Do it."


@pytest.mark.parametrize(
    ("findings", "verdict", "expected", "got"),
    [
        ([passed("a", "1"), passed("b", "2")], "pass", "a; b", "1; 2"),
        ([passed("a", "1"), failed("b", "2"), failed("c", "3")], "fail", "b; c", "2; 3"),
        ([unasked("a", "1"), failed("b", "2"), passed("c", "3")], "error", "a", "1"),
    ],
)
def test_of_several_the_worst_are_told(findings, verdict, expected, got):
    told = together(*findings)
    assert (told.verdict, told.expected, told.got) == (verdict, expected, got)


def test_advice_is_given_once_and_details_are_all_kept():
    told = together(
        failed("a", "1", advice="Look.", details=("x",)),
        failed("b", "2", advice="Look."),
        passed("c", "3", details=("y",)),
    )
    assert (told.advice, told.details) == ("Look.", ("x", "y"))


def test_an_error_of_aws_keeps_its_request_id():
    told = of_error(AccessDenied("look", code="AccessDenied", answer="no", request_id="R1", advice="Allow it."))
    assert (told.verdict, told.request_ids, told.advice) == ("error", ("R1",), "Allow it.")
    assert told.expected == "an answer of AWS"
    silence = of_error(NetworkError("No answer."))
    assert (silence.expected, silence.request_ids) == ("an answer", ())


def test_a_long_text_is_cut_and_stands_in_one_line():
    assert excerpt("a\n  b") == "a b"
    assert excerpt("x" * 300) == "x" * 200 + " ... (300 characters)"
