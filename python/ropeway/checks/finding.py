"""What a check found when it asked once: the ways to say it."""

from __future__ import annotations

from ropeway.checked import Finding, Verdict
from ropeway.errors import AwsError, RopewayError

__all__ = ["Finding", "Verdict", "excerpt", "failed", "judged", "of_error", "passed", "together", "unasked"]

WORST: tuple[Verdict, ...] = ("error", "fail", "pass")


def judged(well: bool, expected: str, got: str, *, advice: str = "", details: tuple[str, ...] = ()) -> Finding:
    """A pass when it is well, else a fail. The advice is for a fail only."""
    return Finding("pass" if well else "fail", expected, got, "" if well else advice, (), details)


def passed(expected: str, got: str, *, details: tuple[str, ...] = ()) -> Finding:
    return Finding("pass", expected, got, details=details)


def failed(expected: str, got: str, *, advice: str = "", details: tuple[str, ...] = ()) -> Finding:
    return Finding("fail", expected, got, advice, (), details)


def unasked(expected: str, got: str, *, advice: str = "", details: tuple[str, ...] = ()) -> Finding:
    """It could not be asked. A RopewayError that is raised comes to the same."""
    return Finding("error", expected, got, advice, (), details)


def of_error(error: RopewayError) -> Finding:
    if not isinstance(error, AwsError):
        return Finding("error", "an answer", error.message, error.advice)
    request_ids = (error.request_id,) if error.request_id else ()
    return Finding("error", "an answer of AWS", error.message, error.advice, request_ids)


def together(*findings: Finding) -> Finding:
    """Several questions that are one check: all must pass. What is told is what the worst of them say."""
    verdict = min((finding.verdict for finding in findings), key=WORST.index)
    worst = [finding for finding in findings if finding.verdict == verdict]
    return Finding(
        verdict,
        "; ".join(finding.expected for finding in worst),
        "; ".join(finding.got for finding in worst),
        " ".join(dict.fromkeys(finding.advice for finding in worst if finding.advice)),
        tuple(dict.fromkeys(id for finding in findings for id in finding.request_ids)),
        tuple(line for finding in findings for line in finding.details),
        all(finding.patient for finding in worst),
    )


def excerpt(text: str, most: int = 200) -> str:
    """The beginning of a long text, in one line's length."""
    text = " ".join(text.split())
    return text if len(text) <= most else f"{text[:most]} ... ({len(text):,} characters)"
