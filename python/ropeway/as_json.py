"""Plan, outcome and error as one stable JSON object, for scripts. Keys are only ever added (tests/test_as_json.py)."""

from __future__ import annotations

import json
from typing import Any

from ropeway.errors import AwsError, Cancelled, RopewayError
from ropeway.outcome import Done, Outcome, Plan, Step, tally


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
    }


def _step(step: Step[Any]) -> dict[str, Any]:
    return {"action": step.action, "name": step.name, "reason": step.reason.value, "size": step.size}


def _result(done: Done[Any]) -> dict[str, Any]:
    error = _error(done.error) if done.error else None
    told = {"seconds": round(done.seconds, 3), "error": error, "versionId": done.version_id or None}
    return {**_step(done.step), **told}


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
