"""The gate between two batches, out of the Check task's checks: a suite for each host, one for the application, and alarms."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from ropeway.aws.session import Aws
from ropeway.checked import CheckResult, PlannedCheck
from ropeway.checks.asking import World
from ropeway.checks.cases import Case, Pace, Terms
from ropeway.checks.failing import failure
from ropeway.checks.kinds.alarm import KIND as ALARM
from ropeway.checks.kinds.alarm import AlarmSettings
from ropeway.checks.runner import Checked, run_gate
from ropeway.checks.secrets import Secrets
from ropeway.checks.suite import Check, read_suite
from ropeway.checks.suite_file import SuiteText
from ropeway.checks.variables import Variables
from ropeway.ec2.hands import Judged
from ropeway.ec2.model import Target
from ropeway.errors import RopewayError
from ropeway.outcome import Run, Silent

AT_ONCE = 20
"""Hosts of which checks are asked at the same time."""

ALARMS = Pace(every=10.0, at_most=10.0, failures=0, errors=2)
"""An alarm that rings ends it at once."""


def host_outputs(target: Target) -> dict[str, str]:
    """What `{outputs.NAME}` stands for in the suite for each host."""
    return {
        "instanceId": target.id,
        "instanceName": target.name,
        "privateAddress": target.private_address,
        "publicAddress": target.public_address,
        "zone": target.zone,
    }


@dataclass(frozen=True)
class Asked:
    """Cases that are asked together, and how."""

    cases: tuple[Case, ...]
    terms: Terms
    world: World


@dataclass(frozen=True, kw_only=True)
class Checks:
    """The gate. `hosts_suite` is asked of every host, `suite` and `alarms` of the application; each may be missing."""

    aws: Aws
    hosts_suite: SuiteText | None = None
    suite: SuiteText | None = None
    alarms: tuple[str, ...] = ()

    def planned(self, targets: Sequence[Target], release: str, run: Run) -> tuple[PlannedCheck, ...]:
        """What will be asked after each batch. Raises InputError with every mistake in the suites."""
        of_hosts = [case.check for target in targets for case in self._of_host(target, release, run).cases]
        return (*of_hosts, *(case.check for case in self._of_fleet(release, 0.0, run).cases))

    def before(self, run: Run) -> str:
        """Why nothing may begin: an alarm that rings already tells nothing of the release."""
        world = self._world("", ".", Secrets(), run)
        checked = run_gate(self._alarms(Secrets()), Terms(), world, _quietly(run)) if self.alarms else None
        error = checked and (checked.stopped or failure(checked.results))
        return f"Before anything was changed: {error}" if error else ""

    # --- the gate -------------------------------------------------------------------------------------------------------------

    def hosts(self, targets: Sequence[Target], release: str, run: Run) -> Judged:
        if not (self.hosts_suite and targets):
            return Judged()
        with ThreadPoolExecutor(max_workers=min(AT_ONCE, len(targets))) as pool:
            checked = list(pool.map(lambda target: _ask(self._of_host(target, release, run), run), targets))
        failed = {
            target.id: _told(error)
            for target, one in zip(targets, checked, strict=True)
            if (error := one.stopped or failure(one.results))
        }
        return Judged(failed, results=tuple(result for one in checked for result in one.results))

    def fleet(self, release: str, soak: float, run: Run) -> Judged:
        """Where nothing is there to be watched to the end (no checks, or such as only warn and have failed), the time passes all the same."""
        asked, until = self._of_fleet(release, soak, run), time.monotonic() + soak
        results: tuple[CheckResult, ...] = ()
        if asked.cases:
            checked = run_gate(asked.cases, asked.terms, asked.world, run)
            results = checked.results
            if error := checked.stopped or failure(results):
                return Judged(why=_told(error), results=results)
        run.cancellation.wait(until - time.monotonic())
        return Judged(results=results)

    # --- what is asked --------------------------------------------------------------------------------------------------------

    def _of_host(self, target: Target, release: str, run: Run) -> Asked:
        if self.hosts_suite is None:
            return Asked((), Terms(), self._world(release, ".", Secrets(), run))
        asked = self._of(self.hosts_suite, release, host_outputs(target), run)
        return replace(asked, cases=tuple(_on(case, target) for case in asked.cases))

    def _of_fleet(self, release: str, soak: float, run: Run) -> Asked:
        none = Asked((), Terms(), self._world(release, ".", Secrets(), run))
        asked = self._of(self.suite, release, {}, run) if self.suite else none
        terms = replace(asked.terms, soak=max(soak, asked.terms.soak))
        return replace(asked, cases=(*asked.cases, *self._alarms(asked.world.secrets)), terms=terms)

    def _of(self, given: SuiteText, release: str, outputs: Mapping[str, str], run: Run) -> Asked:
        secrets = Secrets()
        variables = Variables(release=release, outputs=outputs, environment=run.variable, secrets=secrets)
        suite = read_suite(given.text, given.source, variables)
        world = self._world(release, given.folder, secrets, run, suite.terms.parallel)
        return Asked(suite.cases(secrets), suite.terms, world)

    def _alarms(self, secrets: Secrets) -> tuple[Case, ...]:
        if not self.alarms:
            return ()
        settings = AlarmSettings(name=self.alarms)
        return tuple(Check("alarm", ALARM, settings, "critical", (), ALARMS).cases(secrets))

    def _world(self, release: str, folder: str, secrets: Secrets, run: Run, parallel: int = 10) -> World:
        return World(
            aws=self.aws,
            release=release,
            folder=folder,
            parallel=parallel,
            secrets=secrets,
            cancellation=run.cancellation,
        )


def _ask(asked: Asked, run: Run) -> Checked:
    return run_gate(asked.cases, asked.terms, asked.world, _quietly(run))


def _quietly(run: Run) -> Run:
    """Tellers are called from one thread at a time."""
    return replace(run, tell=Silent())


def _on(case: Case, target: Target) -> Case:
    """The same check of several hosts is several checks."""
    own = f"{target.title}, {case.check.target}" if case.check.target else target.title
    return replace(case, check=replace(case.check, target=own))


def _told(error: RopewayError) -> str:
    return error.message
