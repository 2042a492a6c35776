"""Which pipelines may use a protected resource: a service connection (endpoint), an environment, an agent pool (queue)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from ropeway.errors import InputError
from ropeway.outcome import Output, Step
from ropeway.setup.applying import step
from ropeway.setup.devops import Deed, Organization


@dataclass(frozen=True)
class Resource:
    """`id` is empty as long as it is to be made; `find` finds it then."""

    there: Organization
    kind: str
    name: str
    id: str
    find: Callable[[], str]

    def steps(self, pipelines: Sequence[str], *, everybody: bool = False, new: str = "") -> Iterator[Step[Deed]]:
        """A step for each pipeline, or one for all of them. `new` is a pipeline that may not be there yet.

        Raises InputError for another one that is not there.
        """
        current = self.there.permissions(self.kind, self.id) if self.id else None
        open_to_all = bool(current and current.all_pipelines and current.all_pipelines.authorized)
        allowed = {one.id for one in (current.pipelines or [] if current else []) if one.authorized}
        if everybody:
            yield self._step("all pipelines", open_to_all, self._allow_all)
        for name in pipelines:
            number = self._number(name, optional=name == new)
            yield self._step(f"pipeline {name}", open_to_all or number in allowed, partial(self._allow, name))

    def _step(self, who: str, done: bool, do: Callable[[], Sequence[Output]]) -> Step[Deed]:
        name = f"{self.name}: {who} may use it"
        return step("skip", name) if done else step("configure", name, Deed(f"let {who} use the {self.name}", do))

    def _number(self, pipeline: str, *, optional: bool = False) -> int | None:
        found = self.there.pipeline(pipeline)
        if found is None and not optional:
            raise InputError([f"There is no pipeline {pipeline} in {self.there.project}."]).advised(
                "Make it first (`ropeway setup pipeline` also lets it use the connection)."
            )
        return int(found.id) if found else None

    def _allow_all(self) -> Sequence[Output]:
        from azure.devops.v7_1.pipeline_permissions import models  # noqa: PLC0415 - an extra, and slow

        wanted = models.ResourcePipelinePermissions(all_pipelines=models.Permission(authorized=True))
        return self._update("all pipelines", wanted)

    def _allow(self, pipeline: str) -> Sequence[Output]:
        from azure.devops.v7_1.pipeline_permissions import models  # noqa: PLC0415 - an extra, and slow

        one = models.PipelinePermission(id=self._number(pipeline), authorized=True)
        return self._update(f"pipeline {pipeline}", models.ResourcePipelinePermissions(pipelines=[one]))

    def _update(self, who: str, wanted: Any) -> Sequence[Output]:
        id = self.id or self.find()
        with self.there.asking(f"let {who} use the {self.name}"):
            client = self.there.client("pipeline_permissions")
            client.update_pipeline_permisions_for_resource(wanted, self.there.project, self.kind, id)
        return ()
