"""Check: asks, after a deploy, whether it works."""

from __future__ import annotations

import hashlib
import os
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from ropeway import inputs
from ropeway.aws.connection import AWS_GROUPS, AwsInputs
from ropeway.aws.policy import IamAction
from ropeway.aws.session import Aws
from ropeway.checks.asking import World
from ropeway.checks.cases import Case
from ropeway.checks.failing import failure, warnings_of
from ropeway.checks.needs import OfKinds, actions_with_kinds, services_with_kinds
from ropeway.checks.runner import Checked, run_checks
from ropeway.checks.secrets import Secrets
from ropeway.checks.suite import Suite, read_suite, used_services
from ropeway.checks.suite_file import FILE, SuiteText, suite_text
from ropeway.checks.variables import Variables
from ropeway.errors import InputError, RopewayError
from ropeway.inputs import Group, Pair, Spelling
from ropeway.outcome import Cancellation, Outcome, Output, Plan, Run, checks_counted, listing
from ropeway.s3 import encryption
from ropeway.s3.inputs import ENCRYPTION
from ropeway.s3.state.checks import CheckState, Kept, keep_state, recall_state, state_place
from ropeway.s3.state.place import StatePlace
from ropeway.sanitise import one_line
from ropeway.tasks.task import OutputVariable, Task, introduce

if TYPE_CHECKING:
    from ropeway.s3.engine import ObjectEngine

STATE = Group("state", "State for other jobs")

INLINE = "suite"
"""What messages call a suite that is no file."""

LOCAL = "local"
"""The stage, and the build, where there is no pipeline."""


@dataclass(frozen=True, kw_only=True)
class CheckInputs(AwsInputs):
    """What is asked, and where word of it is left."""

    suite_file: str = inputs.path(
        "Suite file",
        f"The file that says what is asked, or a folder with a `{FILE}`. Empty: the working directory's.",
        metavar="FILE",
    )
    suite: str = inputs.document(
        "Suite", "The suite itself, instead of a file: the same YAML, written here.", metavar="YAML"
    )
    only: tuple[str, ...] = inputs.lines(
        "Checks",
        "Names of the checks to ask, one a line; `*` stands for anything. What they require is asked, too. Empty: all.",
        metavar="NAME",
    )
    release_id: str = inputs.text(
        "Release",
        "The id of the release that was deployed, `{release.id}` in the suite. Empty: the number of the build.",
        metavar="ID",
    )
    outputs: tuple[Pair, ...] = inputs.assignments(
        "Outputs of the deploy",
        "Lines of `name=value`, `{outputs.name}` in the suite: for example `url=$(deploy.siteUrl)`.",
        metavar="NAME=VALUE",
    )
    mode: str = inputs.choice(
        "What to do",
        "`ask` asks. `recall` asks nothing: it sets the output variables as the checks of this target, build and stage have left word. "
        "A job `on: failure:` cannot see output variables, and does so.",
        choices={"ask": "Ask the checks", "recall": "Recall what the checks came to"},
        default="ask",
        group=STATE.name,
    )
    state_location: str = inputs.text(
        "Location of the state",
        "Where word is left of what the checks came to, as `s3://bucket/prefix`. Empty: nowhere.",
        group=STATE.name,
        metavar="S3URL",
    )
    state_target: str = inputs.text(
        "Target",
        "What was deployed to, for example `shop-production`: word is left for each target, build and stage.",
        default="default",
        group=STATE.name,
        metavar="NAME",
    )
    key_management: str = encryption.key_management()
    encryption_algorithm: str = encryption.encryption_algorithm()
    kms_master_key_id: str = encryption.kms_master_key_id()

    def problems(self, spell: Spelling) -> Iterator[str]:
        yield from super().problems(spell)
        if self.suite and self.suite_file and not os.path.isdir(self.suite_file):
            yield f"{spell('suite')} and {spell('suite_file')} are both set: keep one of the two."
        if self.mode == "recall" and not self.state_location:
            yield f"{spell('mode')} is recall, which needs {spell('state_location')}."
        yield from encryption.kms_key_problems(self, spell)
        if self.state_location:
            try:
                state_place(self.state_location, "target", "build", "stage")
            except ValueError as wrong:
                yield f"{spell('state_location')} {wrong}"


# --- the plan -----------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class CheckPlan(Plan[None]):
    """What would be asked. `place` is where word of it is left, if anywhere."""

    inputs: CheckInputs
    suite: Suite | None
    cases: tuple[Case, ...]
    world: World | None
    place: StatePlace | None


def plan(given: CheckInputs, aws: Aws, run: Run) -> CheckPlan:
    """Reads the suite. Nothing is asked, of AWS only who acts. Raises InputError with every mistake in the suite."""
    if given.mode == "recall":
        return _plan_to_recall(given, aws, run)
    told = _suite_text(given)
    release, secrets = given.release_id or _variable(run, "Build.BuildNumber"), Secrets()
    variables = Variables(
        release=release,
        outputs={pair.name: pair.value for pair in given.outputs},
        environment=run.variable,
        secrets=secrets,
    )
    suite = read_suite(told.text, told.source, variables)
    suite = suite.only(given.only) if given.only else suite
    cases = suite.cases(secrets)
    if given.state_location or used_services([check.kind for check in suite.checks]):
        introduce(aws, run)
    world = World(
        aws=aws,
        release=release,
        folder=told.folder,
        parallel=suite.terms.parallel,
        secrets=secrets,
        cancellation=run.cancellation,
    )
    return CheckPlan(
        title=f"Ask {checks_counted(case.check for case in cases)} of {told.source}",
        steps=(),
        checks=tuple(case.check for case in cases),
        inputs=given,
        suite=suite,
        cases=cases,
        world=world,
        place=_place(given, run),
    )


def _plan_to_recall(given: CheckInputs, aws: Aws, run: Run) -> CheckPlan:
    introduce(aws, run)
    place = _place(given, run)
    title = f"Recall what the checks of {given.state_target} came to from {place.address if place else ''}"
    return CheckPlan(title=title, steps=(), inputs=given, suite=None, cases=(), world=None, place=place)


def _suite_text(given: CheckInputs) -> SuiteText:
    if given.suite:
        return SuiteText(INLINE, given.suite, given.suite_file or ".")
    path = os.path.join(given.suite_file, FILE) if os.path.isdir(given.suite_file or ".") else given.suite_file
    return suite_text(path)


def _place(given: CheckInputs, run: Run) -> StatePlace | None:
    if not given.state_location:
        return None
    build = _variable(run, "Build.BuildId") or _variable(run, "Release.ReleaseId") or LOCAL
    stage = _variable(run, "System.StageName") or _variable(run, "Release.EnvironmentName") or LOCAL
    return state_place(given.state_location, given.state_target, build, stage)


def _variable(run: Run, name: str) -> str:
    found = run.variable(name)
    return found.text if found else ""


# --- applying it --------------------------------------------------------------------------------------------------------------


def apply(planned: CheckPlan, aws: Aws, run: Run) -> Outcome[None]:
    """Asks until it is known. What did not pass is in the outcome, and its error when it matters."""
    began = time.monotonic()
    if planned.suite is None or planned.world is None:
        return _recalled(planned, aws, run)
    run.cancellation.check()
    word, attempt = _Word(planned, aws, run), _attempt(run)
    word.begins(CheckState("running", planned.world.release, attempt))
    checked = run_checks(planned.cases, planned.suite.terms, planned.world, run)
    failed, warned = _names(checked, "critical"), _names(checked, "warning")
    state = CheckState(checked.result, planned.world.release, attempt, failed, warned)
    error: RopewayError | None = checked.stopped or failure(checked.results)
    warnings = list(warnings_of(checked.results))
    try:
        word.ends(state)
    except RopewayError as lost:
        warnings += [str(lost)] if error else []
        error = error or lost
    return Outcome(
        title=_title(checked, planned),
        plan=planned,
        results=(),
        outputs=_outputs(state),
        seconds=time.monotonic() - began,
        warnings=tuple(warnings),
        error=error,
        checks=checked.results,
    )


def _names(checked: Checked, severity: str) -> tuple[str, ...]:
    results = [result for result in checked.results if result.verdict != "pass" and result.check.severity == severity]
    return tuple(dict.fromkeys(result.check.name for result in results))


def _title(checked: Checked, planned: CheckPlan) -> str:
    """Whatever fans out counts by target: "Asked 3 checks of 5 targets: 4 passed"."""
    passed = sum(1 for result in checked.results if result.verdict == "pass")
    sums = "all passed" if passed == len(checked.results) else f"{passed:,} of {len(checked.results):,} passed"
    return f"{planned.title.replace('Ask', 'Asked', 1)}: {sums}"


def _outputs(state: CheckState) -> tuple[Output, ...]:
    return (
        Output("result", state.result),
        # Names may come from S3, and a step that prints them must print no command of theirs.
        Output("failedChecks", one_line(",".join(state.failed_checks))),
        Output("warningChecks", one_line(",".join(state.warning_checks))),
        Output("attempt", one_line(state.attempt)),
    )


# --- word for other jobs ------------------------------------------------------------------------------------------------------


class _Word:
    """What this run leaves at the place of its state, if it has one."""

    def __init__(self, planned: CheckPlan, aws: Aws, run: Run) -> None:
        self._place = planned.place
        self._target = planned.inputs.state_target
        self._engine = _engine(planned, aws) if planned.place else None
        self._run = run
        self._whose = _whose(planned, run)
        self._kept = Kept()

    def begins(self, state: CheckState) -> None:
        if self._place:
            self._keep(state, self._run.cancellation)
            self._run.tell.note(f"Word of what the checks come to is left at {self._place.address}.")

    def ends(self, state: CheckState) -> None:
        """Word is left of what was stopped, too: a cancellation of its own does not hold it up."""
        self._keep(state, Cancellation())
        if self._place and self._whose not in self._kept.words:
            self._run.tell.note(
                "This stage was tried again meanwhile: the word of that attempt stays, and not that of this one."
            )
        elif len(self._kept.words) > 1:
            self._run.tell.note(
                f"Other checks of {self._target} have left word in this attempt of the stage, too: "
                f"what is recalled is that of all together, {_came_to(self._kept.together)}."
            )

    def _keep(self, state: CheckState, cancellation: Cancellation) -> None:
        if self._place and self._engine:
            self._kept = keep_state(
                self._engine, self._place, self._whose, state, known=self._kept, cancellation=cancellation
            )


def _whose(planned: CheckPlan, run: Run) -> str:
    """A step that the agent tries again takes back what it said; another step or job, or other checks of the same step, does not.

    Where there is no pipeline, and so no attempts, whoever comes last is heard.
    """
    if not _variable(run, "Build.BuildId") and not _variable(run, "Release.ReleaseId"):
        return LOCAL
    step = _variable(run, "System.TaskInstanceId") or secrets.token_hex(8)
    asked = hashlib.sha256(repr(planned.checks).encode()).hexdigest()[:16]
    return f"{_variable(run, 'System.JobId')}/{step}/{asked}"


def _came_to(state: CheckState) -> str:
    return f"{state.result}: {listing(state.failed_checks)}" if state.failed_checks else state.result


def _recalled(planned: CheckPlan, aws: Aws, run: Run) -> Outcome[None]:
    began = time.monotonic()
    place = planned.place
    if place is None:
        raise InputError(["There is no place to recall from."])
    state = recall_state(_engine(planned, aws), place, run.cancellation)
    return Outcome(
        title=f"The checks of {planned.inputs.state_target}, {state.release or 'no release named'}: {_came_to(state)}",
        plan=planned,
        results=(),
        outputs=_outputs(state),
        seconds=time.monotonic() - began,
        warnings=tuple(_of_another_attempt(state, _attempt(run))),
    )


def _of_another_attempt(state: CheckState, attempt: str) -> Iterator[str]:
    """A deploy that failed before its checks leaves the word of the attempt before, which may be `passed`."""
    if state.attempt != attempt:
        yield (
            f"What is recalled is the word of attempt {state.attempt} of this stage, and this is attempt {attempt}: "
            "in this one no checks of this target were asked."
        )


def _engine(planned: CheckPlan, aws: Aws) -> ObjectEngine:
    from ropeway.s3.engines import engine_for  # noqa: PLC0415 - who leaves no word needs none: start-up counts
    from ropeway.s3.inputs import S3Inputs  # noqa: PLC0415 - the same

    shared = {field.name: getattr(planned.inputs, field.name) for field in fields(AwsInputs)}
    bucket = planned.place.bucket if planned.place else ""
    engine = engine_for(aws, S3Inputs(**shared, bucket_name=bucket))
    return encryption.sealing(engine, encryption.encryption_of(planned.inputs))


def _attempt(run: Run) -> str:
    return _variable(run, "System.StageAttempt") or _variable(run, "Release.AttemptNumber") or "1"


# --- what it is ---------------------------------------------------------------------------------------------------------------


OBJECTS = "arn:{partition}:s3:::{bucket}/{prefix}*"
UNDER_KMS = "stateLocation, and its bucket, or keyManagement, encrypts with a KMS key of yours"
OF_STATE = (
    IamAction("s3:PutObject", OBJECTS, "stateLocation"),
    IamAction("s3:GetObject", OBJECTS, "stateLocation"),
    IamAction("kms:GenerateDataKey", "{kms_key}", UNDER_KMS),
    IamAction("kms:Decrypt", "{kms_key}", UNDER_KMS),
)


TASK = Task(
    name="Check",
    id="5622cdd8-d812-43d9-b6e2-aa24a564779e",
    major=1,
    friendly_name="Ropeway: check that it works",
    step_title="Check what was deployed",
    description="Ask, after a deploy, whether it works: over HTTP, TLS, TCP and DNS, in AWS, and by programs of yours; wait until it does, watch it, and say why when it does not.",
    help="Asks the checks of a suite until they pass. See docs/tasks/check.md.",
    command=("check",),
    inputs=CheckInputs,
    groups=(STATE, ENCRYPTION, *AWS_GROUPS),
    outputs=(
        OutputVariable(
            "result",
            "What it came to: passed, warnings or failed. With mode recall also running: whoever asked did not come to an end.",
        ),
        OutputVariable("failedChecks", "The names of the critical checks that did not pass, with commas between them."),
        OutputVariable(
            "warningChecks", "The names of the checks of severity warning that did not pass, with commas between them."
        ),
        OutputVariable(
            "attempt",
            "The attempt at the stage in which these checks were asked. With mode recall it is an earlier one than System.StageAttempt where this one came to no checks.",
        ),
    ),
    actions=OfKinds(lambda: actions_with_kinds(OF_STATE)),
    services=OfKinds(lambda: services_with_kinds("s3", "sts")),
    plan=plan,
    apply=apply,
    may_do_without_aws=True,
)
