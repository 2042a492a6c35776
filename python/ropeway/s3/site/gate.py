"""The checks that are asked once a release is live."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from ropeway.aws.session import Aws
from ropeway.checked import CheckResult, PlannedCheck
from ropeway.checks.asking import World
from ropeway.checks.cases import Case
from ropeway.checks.failing import failure
from ropeway.checks.runner import Checked, run_gate
from ropeway.checks.secrets import Secrets
from ropeway.checks.suite import Suite, read_suite
from ropeway.checks.suite_file import SuiteText
from ropeway.checks.variables import Variables
from ropeway.errors import ChecksFailed, RopewayError
from ropeway.outcome import Run


@dataclass(frozen=True)
class Asked:
    """What came of the checks. `error` is None where all is well, Cancelled where they were stopped."""

    results: tuple[CheckResult, ...]
    error: RopewayError | None

    def renamed(self, when: str) -> tuple[CheckResult, ...]:
        """The results, told apart from those of the same checks at another time."""
        return tuple(
            replace(result, check=replace(result.check, name=f"{result.check.name}, {when}")) for result in self.results
        )


@dataclass(frozen=True)
class Gate:
    """What is asked of one release."""

    suite: Suite
    cases: tuple[Case, ...]
    world: World

    @property
    def planned(self) -> tuple[PlannedCheck, ...]:
        return tuple(case.check for case in self.cases)

    def ask(self, run: Run) -> Asked:
        try:
            checked = run_gate(self.cases, self.suite.terms, self.world, run)
        except ChecksFailed as broken:
            return Asked((), broken)
        return Asked(checked.results, _error(checked))


def gate_of(given: SuiteText, release: str, outputs: Mapping[str, str], aws: Aws, run: Run) -> Gate:
    """Raises InputError with every mistake in the suite."""
    secrets = Secrets()
    variables = Variables(release=release, outputs=outputs, environment=run.variable, secrets=secrets)
    suite = read_suite(given.text, given.source, variables)
    world = World(
        aws=aws,
        release=release,
        folder=given.folder,
        parallel=suite.terms.parallel,
        secrets=secrets,
        cancellation=run.cancellation,
    )
    return Gate(suite, suite.cases(secrets), world)


def _error(checked: Checked) -> RopewayError | None:
    if checked.stopped:
        return checked.stopped
    if error := failure(checked.results):
        return error
    return ChecksFailed("The checks did not pass.") if checked.result == "failed" else None
