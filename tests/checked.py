"""Checks as a run leaves them behind, to render."""

from __future__ import annotations

from ropeway.checked import Attempt, CheckNow, CheckResult, Finding, PlannedCheck, Severity, Standing, Verdict


def planned(
    name: str = "home",
    kind: str = "http",
    target: str = "",
    severity: Severity = "critical",
    requires: tuple[str, ...] = (),
) -> PlannedCheck:
    return PlannedCheck(name, kind, target, severity, f"https://{name}.test/ answers 200", requires)


def attempt(verdict: Verdict, got: str, *, at: float = 0.0, seconds: float = 0.25) -> Attempt:
    unwell = verdict != "pass"
    advice = "Look at the service's log." if unwell else ""
    request_ids = (f"R{at:g}",) if unwell else ()
    return Attempt(
        at, seconds, Finding(verdict, "status 200", got, advice, request_ids, ("Service Unavailable",) * unwell)
    )


def passing(name: str = "home", *, severity: Severity = "critical") -> CheckResult:
    return CheckResult(planned(name, severity=severity), "pass", "Green.", 1, (attempt("pass", "status 200"),), 0.25)


def failing(name: str = "api", *, severity: Severity = "critical", target: str = "10.0.0.7") -> CheckResult:
    attempts = tuple(attempt("fail", f"status {status}", at=at) for at, status in ((2, 500), (4, 502), (8, 503)))
    why = "Not green within 10 s."
    return CheckResult(planned(name, target=target, severity=severity), "fail", why, 5, attempts, 8.25)


def broken(name: str = "queue", *, severity: Severity = "critical") -> CheckResult:
    got = "Could not read the alarm: AWS answered AccessDenied"
    return CheckResult(planned(name, "alarm", severity=severity), "error", "Denied.", 1, (attempt("error", got),), 0.5)


def skipped(name: str = "login", *, severity: Severity = "critical") -> CheckResult:
    check = planned(name, severity=severity, requires=("api",))
    return CheckResult(check, "error", "api did not pass.", 0, (), 0.0, skipped=True)


ALL = (passing(), failing(), broken(), skipped())
"""One of each."""


def now(standing: Standing, name: str = "home", asked: int = 1, got: str = "status 503") -> CheckNow:
    return CheckNow(planned(name), standing, asked, got)
