"""Environments of YAML pipelines, and what a run waits for at them: approvals, and one run at a time.

The package's model of a check lacks its settings, which are what matters; ours has them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

from ropeway.errors import InputError, RopewayError
from ropeway.inputs import Pair
from ropeway.outcome import Output, Step
from ropeway.setup.applying import step
from ropeway.setup.devops import Deed, Organization

APPROVAL = "8c6f20a7-a545-4486-9777-f762fafe0d4d"
LOCK = "2ef31ad6-baa0-403a-8b45-2cbc9b4e5563"
"""The types of checks (Approvals and checks, REST API); Azure DevOps writes them in any case."""
PATIENCE = 43_200
"""Minutes that an approval is waited for: 30 days, as in the form."""


def identities(there: Organization, wanted: Sequence[Pair]) -> dict[str, tuple[Any, ...]]:
    """Stage -> its approvers. Raises InputError for a name that is nobody's, or several people's."""
    return {pair.name: tuple(_identity(there, who.strip()) for who in pair.value.split(",")) for pair in wanted}


def _identity(there: Organization, who: str) -> Any:
    with there.asking(f"look for {who}"):
        found = there.client("identity").read_identities(search_filter="General", filter_value=who)
    if len(found) != 1:
        raise InputError(
            [f"{len(found) or 'Nobody'} in {there.name} {'are' if found else 'is'} called {who}."]
        ).advised("Give the approver's mail address, or the whole name of a group as [Project]\\Name.")
    return found[0]


class Environment:
    """One environment, there or not."""

    def __init__(self, there: Organization, name: str) -> None:
        self._there = there
        self.name = name

    @cached_property
    def id(self) -> str:
        """Empty as long as it is to be made."""
        found = self._there.environment(self.name)
        return str(found.id) if found else ""

    def find(self) -> str:
        found = self._there.environment(self.name)
        if found is None:
            raise RopewayError(f"The environment {self.name} is gone again: somebody else is at work.")
        return str(found.id)

    def steps(self, approvers: Sequence[Any], *, lock: bool) -> Iterator[Step[Deed]]:
        name = f"environment {self.name}"
        yield step("skip", name) if self.id else step("create", name, Deed(f"make the {name}", self._create))
        checks = self._checks() if self.id else {}
        if approvers:
            yield self._approval(checks.get(APPROVAL), approvers)
        if lock:
            at = f"{name}: one run at a time"
            yield step("skip", at) if LOCK in checks else step("configure", at, Deed(f"lock the {name}", self._lock))

    def _create(self) -> Sequence[Output]:
        from azure.devops.v7_1.task_agent.models import EnvironmentCreateParameter  # noqa: PLC0415 - an extra, and slow

        with self._there.asking(f"make the environment {self.name}"):
            client = self._there.client("task_agent")
            client.add_environment(EnvironmentCreateParameter(name=self.name, description=""), self._there.project)
        return ()

    # --- checks -------------------------------------------------------------------------------------------------------------------

    def _approval(self, current: Any | None, approvers: Sequence[Any]) -> Step[Deed]:
        names = ", ".join(str(who.provider_display_name) for who in approvers)
        at = f"environment {self.name}: approval by {names}"
        wanted = {str(who.id) for who in approvers}
        settings: Mapping[str, Any] = (current.settings or {}) if current else {}
        if {str(who["id"]) for who in settings.get("approvers", ())} == wanted:
            return step("skip", at)
        return step("configure", at, Deed(f"ask for the {at}", lambda: self._approve(current, approvers)))

    def _approve(self, current: Any | None, approvers: Sequence[Any]) -> Sequence[Output]:
        """Whoever requests a run may go on being no approver of it, and all else that somebody has set stays."""
        before = (current.settings or {}) if current else {}
        ours = {
            "approvers": [{"id": str(who.id), "displayName": who.provider_display_name} for who in approvers],
            "executionOrder": "anyOrder",
            "minRequiredApprovers": 0,
            "instructions": "",
            "blockedApprovers": [],
            "requesterCannotBeApprover": False,
        }
        settings: dict[str, Any] = {**ours, **before, "approvers": ours["approvers"]}
        if (settings["minRequiredApprovers"] or 0) > len(approvers):
            settings["minRequiredApprovers"] = 0
        self._check(APPROVAL, "Approval", settings, current)
        return ()

    def _lock(self) -> Sequence[Output]:
        self._check(LOCK, "ExclusiveLock", {}, None)
        return ()

    def _check(self, type_id: str, kind: str, settings: Mapping[str, Any], current: Any | None) -> None:
        client, configuration = _client(self._there)
        from azure.devops.v7_1.pipelines_checks import models  # noqa: PLC0415 - an extra, and slow

        wanted = configuration(
            id=current.id if current else None,
            type=models.CheckType(id=type_id, name=kind),
            settings=settings,
            resource=models.Resource(type="environment", id=self.find(), name=self.name),
            timeout=(current.timeout if current else None) or PATIENCE,
        )
        with self._there.asking(f"set the check {kind} of the environment {self.name}"):
            if current:
                client.update_check_configuration(wanted, self._there.project, current.id)
            else:
                client.add_check_configuration(wanted, self._there.project)

    def _checks(self) -> dict[str, Any]:
        """By their types."""
        client, _ = _client(self._there)
        with self._there.asking(f"read the checks of the environment {self.name}"):
            found = client.get_check_configurations_on_resource(
                self._there.project, resource_type="environment", resource_id=self.id, expand="settings"
            )
        return {str(one.type.id).lower(): one for one in found}


def _client(there: Organization) -> tuple[Any, Any]:
    """The client of checks, which from now on reads checks with their settings, and the model of such a check."""
    from azure.devops.v7_1.pipelines_checks import models  # noqa: PLC0415 - an extra, and slow

    class CheckConfiguration(models.CheckConfiguration):  # type: ignore[misc]  # the package has no types
        _attribute_map = {**models.CheckConfiguration._attribute_map, "settings": {"key": "settings", "type": "object"}}  # noqa: SLF001, RUF012 - how its models are made

        def __init__(self, settings: Any = None, **rest: Any) -> None:
            super().__init__(**rest)
            self.settings = settings

    client = there.client("pipelines_checks")
    client._deserialize.dependencies["CheckConfiguration"] = CheckConfiguration  # noqa: SLF001 - it has no other way in
    return client, CheckConfiguration
