"""A Lambda function answers as it should."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ropeway.aws.policy import IamAction
from ropeway.checks import settings
from ropeway.checks.asking import Asking
from ropeway.checks.comparing import Comparison, comparisons, json_path, judged_json, parsed_json, release_in, value_at
from ropeway.checks.finding import Finding, excerpt, failed, judged, passed, together, unasked
from ropeway.checks.kind import Kind
from ropeway.checks.settings import Settings
from ropeway.checks.words import some_text

INVOKE = "lambda:InvokeFunction"
ARN = re.compile(r"arn:[\w-]+:lambda:([\w-]+):\d{12}:function:.+")
LAST_LINES = 20


@dataclass(frozen=True, kw_only=True)
class LambdaInvokeSettings(Settings):
    function: str = settings.text("Name or ARN of the function.", required=True)
    qualifier: str = settings.text(
        "The alias or the version that is invoked. Empty: the unpublished `$LATEST`.", check=some_text
    )
    payload: Any = settings.value("The event, as JSON.")
    version: str = settings.text(
        "The version that must answer: what the alias leads to, once the release is through.", check=some_text
    )
    json: dict[str, tuple[Comparison, ...]] = comparisons(
        "JMESPath expressions for the answer, each with the value that it finds, or with comparisons."
    )
    release: str = settings.text(
        "A JMESPath expression that finds in the answer of which release it is. It must be the one that was deployed.",
        check=json_path,
    )
    region: str = settings.text("The region of the function, where it is another one. An ARN says its own.")

    def problems(self) -> Iterator[str]:
        if self.qualifier and ARN.fullmatch(self.function) and self.function.count(":") > 6:
            yield "function is an ARN with a qualifier, and qualifier is set too: keep one of the two."


def ask(given: LambdaInvokeSettings, asking: Asking) -> Finding:
    if given.release and not asking.release:
        return unasked("this release", "no word of which release it is", advice="Say which release was deployed.")
    where = ARN.fullmatch(given.function)
    answer = asking.call(
        "lambda",
        "invoke",
        doing=f"invoke {_name(given)}",
        action=INVOKE,
        region=where[1] if where else given.region,
        FunctionName=given.function,
        Payload=json.dumps(given.payload).encode(),
        LogType="Tail",
        **({"Qualifier": given.qualifier} if given.qualifier else {}),
    )
    body = answer["Payload"].read().decode(errors="replace")
    details = tuple(_log(answer))
    if error := answer.get("FunctionError"):
        return failed("an answer", f"{error} error: {_error(body)}", advice="See its log.", details=details)
    return together(*_questions(given, asking, answer, body, details))


def _questions(
    given: LambdaInvokeSettings, asking: Asking, answer: dict[str, Any], body: str, details: tuple[str, ...]
) -> Iterator[Finding]:
    yield passed("an answer", f"version {answer.get('ExecutedVersion', '')} answers", details=details)
    if given.version:
        ran = str(answer.get("ExecutedVersion", ""))
        advice = "Point the alias to the version that was deployed."
        yield judged(ran == given.version, f"version {given.version}", f"version {ran}", advice=advice)
    if given.json or given.release:
        yield _judged_body(given, asking, body)


def _judged_body(given: LambdaInvokeSettings, asking: Asking, body: str) -> Finding:
    try:
        document = parsed_json(body)
    except ValueError as wrong:
        return failed("an answer in JSON", f"no JSON ({wrong})")
    findings = [judged_json(path, compared, document, asking) for path, compared in given.json.items()]
    return together(*findings, *_judged_release(given, asking, document))


def _judged_release(given: LambdaInvokeSettings, asking: Asking, document: Any) -> Iterator[Finding]:
    if given.release:
        try:
            found = value_at(given.release, document)
        except ValueError as unfit:
            yield failed(f'release "{asking.release}"', f"what {given.release} cannot be taken of: {unfit}")
            return
        got = f'release "{excerpt(str(found), 60)}"' if found is not None else f"no release at {given.release}"
        advice = "Another release answers: see whether the deploy is through, and where the alias leads."
        yield judged(release_in(found) == asking.release, f'release "{asking.release}"', got, advice=advice)


def _error(body: str) -> str:
    """`errorType: errorMessage` (Lambda developer guide, "Function errors")."""
    try:
        told = json.loads(body)
        return excerpt(f"{told['errorType']}: {told['errorMessage']}")
    except (ValueError, KeyError, TypeError):
        return excerpt(body)


def _log(answer: dict[str, Any]) -> Iterator[str]:
    """The last 4 KB of it."""
    log = base64.b64decode(answer.get("LogResult", "")).decode(errors="replace")
    yield from (f"log: {line}" for line in log.splitlines()[-LAST_LINES:])


def _name(given: LambdaInvokeSettings) -> str:
    return f"{given.function}:{given.qualifier}" if given.qualifier else given.function


KIND = Kind(
    name="lambda-invoke",
    title="Lambda function",
    help="A function, at an alias or a version, is invoked and answers without an error, and what it should.",
    settings=LambdaInvokeSettings,
    subject=lambda given, _: f"{_name(given)} answers",
    ask=ask,
    actions=(IamAction(INVOKE, "*"),),
    services=("lambda",),
    runs=True,
    example='function: shop-orders\nqualifier: live\npayload: {ping: true}\njson: {status: "ok"}',
)
