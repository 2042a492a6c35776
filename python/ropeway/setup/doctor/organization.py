"""The links in Azure DevOps: from a token to the pipeline that may use the connection."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from ropeway.aws.connection import accounts_in, is_account_id
from ropeway.setup.asked_devops import DURATIONS, ROLE
from ropeway.setup.connection import SCHEME, TYPE
from ropeway.setup.doctor.case import Case
from ropeway.setup.doctor.link import Found, Link, broken, holds, not_asked

OLDEST_AGENT = (3, 232, 0)
"""tasks/*/task.json, minimumAgentVersion."""
TOOLKIT = "AWS"


def _token(case: Case) -> Found:
    if not case.asked.organization:
        return not_asked("No --organization was given.")
    return holds(f"From {case.there.token.origin}")


def _organization(case: Case) -> Found:
    return holds(f"{case.there.name}, id {case.there.id}")


def _project(case: Case) -> Found:
    return holds(f"{case.there.project}, id {case.there.project_id}")


def _extension(case: Case) -> Found:
    publisher, name = case.asked.extension.split(".")
    found = case.there.extension(publisher, name)
    if found is None:
        return broken(
            f"{case.asked.extension} is not installed in {case.there.name}",
            "Install it from the Marketplace, or by `ropeway setup connection --install-extension`.",
        )
    flags = str(found.install_state.flags if found.install_state else "")
    if "disabled" in flags.lower():
        return broken(f"{case.asked.extension} is disabled", "Enable it: Organization settings, Extensions.")
    return holds(f"{case.asked.extension} {found.version}")


def _types(case: Case) -> Found:
    if case.there.has_connection_type(TYPE):
        return holds(TYPE)
    return broken(f"There is no connection type {TYPE}", "Update the extension: this one does not bring it.")


# --- the connection -----------------------------------------------------------------------------------------------------------


def _connection(case: Case) -> Found:
    name = case.asked.connection_name
    if not name:
        return not_asked("No --connection-name was given.")
    if case.connection is None:
        return broken(
            f"There is no service connection {name} in {case.there.project}", "Make it with `ropeway setup connection`."
        )
    parameters = (case.connection.authorization.parameters or {}) if case.connection.authorization else {}
    told = {**parameters, **(case.connection.data or {})}
    case.fields = {str(field): str(value) for field, value in told.items() if value}
    return holds(f"{name}, id {case.connection.id}")


def _connection_type(case: Case) -> Found:
    kind = case.connection.type if case.connection else ""
    if kind == TOOLKIT:
        return holds("The AWS Toolkit's: it goes into awsCredentials")
    if kind != TYPE:
        return broken(
            f"{case.asked.connection_name} is of the type {kind}; the tasks need {TYPE}",
            "Make one of the type *AWS for Ropeway* under another name, and put that into awsConnection.",
        )
    scheme = case.connection.authorization.scheme if case.connection and case.connection.authorization else ""
    if scheme != SCHEME:
        return broken(f"It authorises by the scheme {scheme}", "Make it anew with `ropeway setup connection`.")
    return holds(TYPE)


def _connection_fields(case: Case) -> Found:
    if wrong := list(_wrong_fields(case.fields)):
        return broken(
            "; ".join(wrong), "Change it with `ropeway setup connection`, which shows first what it would change."
        )
    role = case.fields.get("assumeRoleArn", "")
    how = "by a token" if case.is_federated else f"by the key {case.fields.get('username') or 'of the agent'}"
    return holds(f"{role}, {how}" if role else how)


def _wrong_fields(fields: dict[str, str]) -> Iterator[str]:
    role, key = fields.get("assumeRoleArn", ""), fields.get("username", "")
    if not role and not key:
        yield "It has neither a role nor an access key"
    if role and not ROLE.fullmatch(role):
        yield f"Its role {role!r} is no ARN of a role"
    if fields.get("useOIDC", "").lower() == "true":
        if not role:
            yield "It uses OIDC and names no role"
        if key:
            yield "It uses OIDC and holds a key, too"
    duration = fields.get("durationSeconds", "")
    if duration and not (duration.isdigit() and int(duration) in DURATIONS):
        yield f"Its session duration is {duration!r}; it must be from 900 to 43200"
    for account in accounts_in(fields.get("allowedAccountIds", "")):
        if not is_account_id(account):
            yield f"It allows the account {account!r}, which is no account id"


# --- the pipeline -------------------------------------------------------------------------------------------------------------


def _pipeline(case: Case) -> Found:
    name = case.asked.pipeline_name
    if not name:
        return not_asked("No --pipeline-name was given.")
    if case.pipeline is None:
        return broken(f"There is no pipeline {name} in {case.there.project}", "Make it with `ropeway setup pipeline`.")
    if str(case.pipeline.queue_status or "enabled") != "enabled":
        return broken(
            f"{name} is {case.pipeline.queue_status}", "Resume it: the pipeline's Settings, Processing of new runs."
        )
    return holds(f"{name}, id {case.pipeline.id}")


def _permission(case: Case) -> Found:
    return _may_use(case, "endpoint", f"the service connection {case.asked.connection_name}", case.connection)


def _environments(case: Case) -> Found:
    if not case.asked.environments:
        return not_asked("No --environments were given.")
    if missing := [name for name in case.asked.environments if case.there.environment(name) is None]:
        return broken(f"There is no environment {', '.join(missing)}", "Make it with `ropeway setup pipeline`.")
    return holds(", ".join(case.asked.environments))


def _environment_permission(case: Case) -> Found:
    for name in case.asked.environments:
        found = _may_use(case, "environment", f"the environment {name}", case.there.environment(name))
        if found.verdict != "holds":
            return found
    return holds(f"{case.asked.pipeline_name} may use {', '.join(case.asked.environments)}")


def _may_use(case: Case, kind: str, what: str, resource: Any) -> Found:
    held = case.there.permissions(kind, str(resource.id))
    if held.all_pipelines and held.all_pipelines.authorized:
        return holds(f"All pipelines may use {what}")
    number = int(case.pipeline.id) if case.pipeline else 0
    if any(one.id == number and one.authorized for one in held.pipelines or []):
        return holds(f"{case.asked.pipeline_name} may use {what}")
    return broken(
        f"{case.asked.pipeline_name} may not use {what}: a run waits for somebody who permits it",
        "Permit it with `ropeway setup connection --pipelines`, with `ropeway setup pipeline`, or in the waiting run.",
    )


def _pool_permission(case: Case) -> Found:
    if not case.asked.pool:
        return not_asked("No --pool was given.")
    return _may_use(case, "queue", f"the agent pool {case.asked.pool}", case.there.queue(case.asked.pool))


def _agents(case: Case) -> Found:
    name = case.asked.pool
    if not name:
        return not_asked("No --pool was given.")
    queue = case.there.queue(name)
    if queue is None:
        return broken(
            f"There is no agent pool {name} in {case.there.project}", "Check its name, or add it to the project."
        )
    if queue.pool and queue.pool.is_hosted:
        return holds(f"{name}: agents of Microsoft's")
    with case.there.asking(f"list the agents of {name}"):
        return _among(case.there.client("task_agent").get_agents(queue.pool.id), name, str(queue.pool.options or ""))


def _among(agents: Sequence[Any], name: str, options: str) -> Found:
    """Whether one of the pool's may take a run."""
    online = [one for one in agents if one.status == "online" and one.enabled]
    if not online and "elasticpool" in options.lower():
        return Found(
            "unknown", f"{name} is a scale set's: its agents are started when a run needs them", "Start a run."
        )
    if not online:
        return broken(f"None of the {len(agents)} agents of {name} is online and enabled", "Start one of them.")
    new = [one for one in online if _number(one.version) >= OLDEST_AGENT]
    if not new:
        return broken(f"The agents of {name} are older than 3.232.0 ({online[0].version})", "Update them.")
    return holds(f"{len(new)} of {name}")


def _number(version: str | None) -> tuple[int, ...]:
    return tuple(int(part) for part in str(version or "0").split(".") if part.isdigit())


LINKS = (
    Link("token", "There is a token for Azure DevOps", _token),
    Link("organization", "The organisation answers, and accepts the token", _organization, ("token",)),
    Link("project", "The project is there", _project, ("organization",)),
    Link("extension", "The extension is installed and enabled", _extension, ("project",)),
    Link("connection type", "The organisation knows the type of the connection", _types, ("extension",)),
    Link("connection", "The service connection is there", _connection, ("project",)),
    Link("type of the connection", "It is ours, or the AWS Toolkit's", _connection_type, ("connection",)),
    Link("identity in the connection", "Its fields make an identity", _connection_fields, ("type of the connection",)),
    Link("pipeline", "The pipeline is there, and takes new runs", _pipeline, ("project",)),
    Link("permission of the pipeline", "The pipeline may use the connection", _permission, ("pipeline", "connection")),
    Link("environments", "The environments of its stages are there", _environments, ("project",)),
    Link(
        "permission for environments",
        "The pipeline may use them",
        _environment_permission,
        ("pipeline", "environments"),
    ),
    Link("agents", "The pool has an agent that is online and new enough", _agents, ("project",)),
    Link("permission for the pool", "The pipeline may use it", _pool_permission, ("pipeline",), ("agents",)),
)
