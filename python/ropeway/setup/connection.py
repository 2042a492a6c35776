"""The service connection in Azure DevOps: what is there is compared, and what is missing or differs is made.

Azure DevOps gives everything of a connection back but its secrets. A secret access key belongs to one access key ID for good, an external ID to a role:
so where those are as they were, the secrets are taken to be, too. A change writes the whole connection, and needs its secrets again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ropeway.aws.connection import accounts_in
from ropeway.errors import InputError, RopewayError
from ropeway.outcome import Output, Reason, Step, counted
from ropeway.setup.applying import SetupPlan, step
from ropeway.setup.asked_devops import ConnectionInputs
from ropeway.setup.devops import Deed, Organization
from ropeway.setup.permitting import Resource

TYPE = "RopewayAWS"
SCHEME = "UsernamePassword"
URL = "https://aws.amazon.com/"
"""As vss-extension.json has them; nothing is sent to the address."""
SECRETS = {"password": "secret_access_key", "sessionToken": "session_token", "externalId": "external_id"}
"""Parameter of the connection -> input."""
WORDS = {
    "assumeRoleArn": "role",
    "useOIDC": "OIDC",
    "roleSessionName": "session name",
    "durationSeconds": "duration",
    "allowedAccountIds": "allowed accounts",
    "username": "access key ID",
    "description": "description",
}
MEANINGS: Mapping[str, Callable[[str], object]] = {
    "useOIDC": str.casefold,
    "allowedAccountIds": lambda text: {*accounts_in(text)},
}
"""What a field is compared by, where a form may have it in other words."""


def plan(asked: ConnectionInputs, there: Organization) -> SetupPlan[Deed]:
    """Reads only. Raises InputError for what cannot be done, AzureDevOpsError, CredentialsError, NetworkError."""
    _ = there.project_id
    steps = tuple(_Connection(asked, there).steps())
    todo = [one for one in steps if one.action != "skip"]
    where = f"service connection {asked.connection_name} of {there.name}/{there.project}"
    title = f"Change {counted(len(todo), 'thing')} for the {where}" if todo else f"The {where} is as it should be"
    outputs = (Output("subject", _subject(asked, there)),) if asked.use_oidc else ()
    return SetupPlan(title=title, steps=steps, warnings=tuple(_warnings(asked, steps)), outputs=outputs)


def _subject(asked: ConnectionInputs, there: Organization) -> str:
    """By the names that things have: IAM compares to the letter."""
    existing = there.connection(asked.connection_name)
    return f"sc://{there.called}/{there.project_name}/{existing.name if existing else asked.connection_name}"


def _warnings(asked: ConnectionInputs, steps: Sequence[Step[Deed]]) -> Iterator[str]:
    given = [field for field in SECRETS.values() if getattr(asked, field)]
    kept = any(one.action == "skip" and one.name.startswith("service connection") for one in steps)
    if given and kept:
        yield (
            f"The secrets were not compared, since Azure DevOps shows none: the {WORDS['username']} and the role are as they were, so they were "
            "left as they are. --replace-secrets writes them."
        )


@dataclass(frozen=True)
class _Connection:
    asked: ConnectionInputs
    there: Organization

    def steps(self) -> Iterator[Step[Deed]]:
        yield from self._extension()
        existing = self.there.connection(self.asked.connection_name)
        yield self._itself(existing)
        name = f"service connection {self.asked.connection_name}"
        itself = Resource(
            self.there, "endpoint", name, str(existing.id) if existing else "", lambda: str(self._found().id)
        )
        yield from itself.steps(self.asked.pipelines, everybody=self.asked.all_pipelines)

    # --- the extension ------------------------------------------------------------------------------------------------------------

    def _extension(self) -> Iterator[Step[Deed]]:
        publisher, name = self.asked.extension.split(".")
        if self.there.extension(publisher, name) is None:
            if not self.asked.install_extension:
                raise InputError(
                    [f"The extension {self.asked.extension} is not installed in {self.there.name}."]
                ).advised("Give --install-extension, or have it installed from the Marketplace.")
            doing = f"install the extension {self.asked.extension}"
            yield step("create", f"extension {self.asked.extension}", Deed(doing, self._install))
            return
        if not self.there.has_connection_type(TYPE):
            raise InputError(
                [
                    f"The extension {self.asked.extension} is installed in {self.there.name}, but there is no connection type {TYPE}."
                ]
            ).advised("It may be disabled: look at the organisation's settings, Extensions.")
        yield step("skip", f"extension {self.asked.extension}")

    def _install(self) -> Sequence[Output]:
        publisher, name = self.asked.extension.split(".")
        with self.there.asking(f"install the extension {self.asked.extension}"):
            self.there.client("extension_management").install_extension_by_name(publisher, name)
        return ()

    # --- itself -------------------------------------------------------------------------------------------------------------------

    def _itself(self, existing: Any | None) -> Step[Deed]:
        name = f"service connection {self.asked.connection_name}"
        if existing is None:
            self._demand_secrets("is new")
            return step("create", f"{name}: {_listed(self._wanted())}", Deed(f"make the {name}", self._create))
        if existing.type != TYPE:
            raise InputError(
                [f"There is a {name} of the type {existing.type}, which Ropeway has not made. Nothing was changed."]
            ).advised("Choose another name.")
        changes = list(_changes(_current(existing), self._wanted()))
        if not changes and not self.asked.replace_secrets:
            return Step("skip", name, Reason.UNCHANGED, 0, None)
        self._demand_secrets("is changed, and Azure DevOps gives no secret back")
        self._demand_external_id(existing)
        told = ", ".join(changes or ["secrets: written again"])
        return step("configure", f"{name}: {told}", Deed(f"change the {name}", self._update))

    def _demand_secrets(self, why: str) -> None:
        if self.asked.access_key_id and not self.asked.secret_access_key:
            raise InputError(
                [f"The service connection {self.asked.connection_name} {why}: the secret access key is needed."]
            ).advised("Put it into ROPEWAY_SECRET_ACCESS_KEY, or have it asked for with --ask-secret-access-key.")

    def _demand_external_id(self, existing: Any) -> None:
        """Whether there is one is not told for sure: a form leaves the place of one behind."""
        has_place = existing.authorization and "externalId" in (existing.authorization.parameters or {})
        same_role = _current(existing).get("assumeRoleArn") == self.asked.assume_role_arn
        if (
            has_place
            and same_role
            and not (self.asked.external_id or self.asked.use_oidc or self.asked.replace_secrets)
        ):
            raise InputError(
                [
                    f"The service connection {self.asked.connection_name} may have an external ID, which a change would lose."
                ]
            ).advised("Put it into ROPEWAY_EXTERNAL_ID, or say by --replace-secrets that there is none.")

    def _wanted(self) -> dict[str, str]:
        return {"username": self.asked.access_key_id, "description": self.asked.description} | self._data()

    def _data(self) -> dict[str, str]:
        """Only what is said: an empty text is what a form leaves out, too."""
        said = {
            "assumeRoleArn": self.asked.assume_role_arn,
            "useOIDC": "true" if self.asked.use_oidc else "",
            "roleSessionName": self.asked.role_session_name,
            "durationSeconds": self.asked.duration_seconds,
            "allowedAccountIds": ",".join(self.asked.allowed_account_ids),
        }
        return {name: text for name, text in said.items() if text}

    def _create(self) -> Sequence[Output]:
        with self.there.asking(f"make the service connection {self.asked.connection_name}"):
            made = self.there.client("service_endpoint").create_service_endpoint(self._body())
        return (Output("connectionId", str(made.id)),)

    def _update(self) -> Sequence[Output]:
        found = self._found()
        with self.there.asking(f"change the service connection {self.asked.connection_name}"):
            self.there.client("service_endpoint").update_service_endpoint(self._body(found), found.id)
        return (Output("connectionId", str(found.id)),)

    def _found(self) -> Any:
        found = self.there.connection(self.asked.connection_name)
        if found is None:
            raise RopewayError(
                f"The service connection {self.asked.connection_name} is gone again: somebody else is at work."
            )
        return found

    def _body(self, existing: Any | None = None) -> Any:
        """With the projects that it is shared with, where it is, and what is not ours to say: its spelling, and fields of a newer version of the extension."""
        from azure.devops.v7_1.service_endpoint import models  # noqa: PLC0415 - an extra, and slow

        name = existing.name if existing else self.asked.connection_name
        theirs = (
            {field: text for field, text in (existing.data or {}).items() if field not in WORDS} if existing else {}
        )
        ours = models.ServiceEndpointProjectReference(
            name=name,
            description=self.asked.description,
            project_reference=models.ProjectReference(id=self.there.project_id, name=self.there.project),
        )
        others = [
            one
            for one in (existing.service_endpoint_project_references or [] if existing else [])
            if one.project_reference and str(one.project_reference.id) != self.there.project_id
        ]
        return models.ServiceEndpoint(
            id=existing.id if existing else None,
            name=name,
            description=self.asked.description,
            type=TYPE,
            url=URL,
            owner="library",
            is_ready=True,
            is_shared=bool(others),
            data={**theirs, **self._data()},
            authorization=models.EndpointAuthorization(scheme=SCHEME, parameters=self._parameters()),
            service_endpoint_project_references=[ours, *others],
        )

    def _parameters(self) -> dict[str, str]:
        given = {parameter: getattr(self.asked, field) for parameter, field in SECRETS.items()}
        return {"username": self.asked.access_key_id} | {name: text for name, text in given.items() if text}


def _current(existing: Any) -> dict[str, str]:
    parameters: Mapping[str, Any] = existing.authorization.parameters or {} if existing.authorization else {}
    told = {"username": str(parameters.get("username") or ""), "description": str(existing.description or "")}
    return told | {str(name): str(value) for name, value in (existing.data or {}).items() if value}


def _changes(current: Mapping[str, str], wanted: Mapping[str, str]) -> Iterator[str]:
    """Of what is ours to say; a field of a newer version of the extension is left alone."""
    for name, word in WORDS.items():
        before, after = current.get(name, ""), wanted.get(name, "")
        read = MEANINGS.get(name, str)
        if read(before) != read(after):
            yield f"{word} {before or 'none'} -> {after or 'none'}"


def _listed(wanted: Mapping[str, str]) -> str:
    return ", ".join(f"{WORDS[name]} {text}" for name, text in wanted.items() if text)
