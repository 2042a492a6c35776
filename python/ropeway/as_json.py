"""Plan, outcome and error as one stable JSON object, for scripts. Keys are only ever added (tests/test_as_json.py)."""

from __future__ import annotations

import json
from typing import Any

from ropeway.checked import Attempt, CheckResult, PlannedCheck
from ropeway.errors import AwsError, Cancelled, RopewayError
from ropeway.outcome import Done, Outcome, Plan, Step, tally
from ropeway.rolled import InstanceResult, PlannedInstance


def envelope(
    task: str,
    *,
    dry_run: bool = False,
    plan: Plan[Any] | None = None,
    outcome: Outcome[Any] | None = None,
    error: BaseException | None = None,
    seconds: float = 0.0,
) -> dict[str, Any]:
    """What a command came to, as far as it came: every key is always there. Sizes are bytes, `seconds` is wall time."""
    error = error or (outcome.error if outcome else None)
    return {
        "task": task,
        "status": _status(plan, outcome, error),
        "dryRun": dry_run,
        "plan": _plan(plan) if plan else None,
        "results": [_result(done) for done in outcome.results] if outcome else [],
        "checks": [_check(result) for result in outcome.checks] if outcome else [],
        "instances": [_instance(result) for result in outcome.instances] if outcome else [],
        "outputs": {output.name: output.value for output in outcome.outputs} if outcome else {},
        "warnings": list(warnings(plan, outcome)),
        "error": _error(error) if error else None,
        "seconds": round(seconds, 3),
        "engine": outcome.engine if outcome else "",
    }


def dumps(answer: dict[str, Any], *, indent: int | None = 2) -> str:
    """JSON in ASCII. `##`, by which the agent of a pipeline knows a command, is escaped: any parser reads the same text."""
    return json.dumps(answer, indent=indent).replace("##", "\\u0023\\u0023")


def warnings(plan: Plan[Any] | None, outcome: Outcome[Any] | None) -> tuple[str, ...]:
    """Of both, each once: an outcome may repeat what its plan warned of."""
    return tuple(dict.fromkeys((*(plan.warnings if plan else ()), *(outcome.warnings if outcome else ()))))


def exit_code(error: BaseException) -> int:
    """An exception that nobody foresaw counts as a failure."""
    return error.exit_code if isinstance(error, RopewayError) else RopewayError.exit_code


def _status(plan: Plan[Any] | None, outcome: Outcome[Any] | None, error: BaseException | None) -> str:
    if error:
        return "stopped" if isinstance(error, Cancelled) else "failed"
    if outcome is None:
        return "planned"
    return "warnings" if warnings(plan, outcome) else "succeeded"


def _plan(plan: Plan[Any]) -> dict[str, Any]:
    return {
        "title": plan.title,
        "steps": [_step(step) for step in plan.steps],
        "totals": [
            {"action": action, "reason": reason.value, "count": count, "bytes": size}
            for action, reason, count, size in tally(plan.steps)
        ],
        "checks": [_planned(check) for check in plan.checks],
        "instances": [_planned_instance(instance) for instance in plan.instances],
        "scripts": [{"title": script.title, "text": script.text} for script in plan.scripts],
    }


def _step(step: Step[Any]) -> dict[str, Any]:
    return {"action": step.action, "name": step.name, "reason": step.reason.value, "size": step.size}


def _result(done: Done[Any]) -> dict[str, Any]:
    error = _error(done.error) if done.error else None
    told = {"seconds": round(done.seconds, 3), "error": error, "versionId": done.version_id or None}
    return {**_step(done.step), **told}


def _planned(check: PlannedCheck) -> dict[str, Any]:
    return {
        "name": check.name,
        "kind": check.kind,
        "target": check.target,
        "severity": check.severity,
        "asks": check.asks,
        "requires": list(check.requires),
    }


def _check(result: CheckResult) -> dict[str, Any]:
    """`attempts` are the last ones; `at` is seconds since the run began."""
    return {
        **_planned(result.check),
        "verdict": result.verdict,
        "skipped": result.skipped,
        "why": result.why,
        "asked": result.asked,
        "seconds": round(result.seconds, 3),
        "attempts": [_attempt(attempt) for attempt in result.attempts],
    }


def _attempt(attempt: Attempt) -> dict[str, Any]:
    finding = attempt.finding
    return {
        "at": round(attempt.at, 3),
        "seconds": round(attempt.seconds, 3),
        "verdict": finding.verdict,
        "expected": finding.expected,
        "got": finding.got,
        "advice": finding.advice,
        "requestIds": list(finding.request_ids),
        "details": list(finding.details),
    }


def _planned_instance(instance: PlannedInstance) -> dict[str, Any]:
    """`batch` is 0 for who is left out."""
    return {
        "id": instance.id,
        "name": instance.name,
        "zone": instance.zone,
        "live": instance.live,
        "batch": instance.batch,
        "why": instance.why,
        "notes": list(instance.notes),
    }


def _instance(result: InstanceResult) -> dict[str, Any]:
    """`before` is the release that was live there, `live` the one that is; empty where nobody knows."""
    return {
        "id": result.instance.id,
        "name": result.instance.name,
        "zone": result.instance.zone,
        "batch": result.instance.batch,
        "before": result.instance.live,
        "live": result.live,
        "fate": result.fate,
        "why": result.why,
        "steps": [
            {"name": step.name, "why": step.why, "seconds": round(step.seconds, 3), "printed": step.printed}
            for step in result.steps
        ],
    }


def _error(error: BaseException) -> dict[str, Any]:
    told = {
        "kind": type(error).__name__,
        "message": error.message if isinstance(error, RopewayError) else str(error),
        "advice": error.advice if isinstance(error, RopewayError) else "",
        "exitCode": exit_code(error),
        "code": "",
        "requestId": "",
    }
    if isinstance(error, AwsError):
        told |= {"code": error.code, "requestId": error.request_id}
    return told
