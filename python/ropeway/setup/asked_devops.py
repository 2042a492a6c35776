"""What the set-up commands that work in an organisation of Azure DevOps are asked to do."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ropeway import inputs
from ropeway.aws.connection import is_account_id
from ropeway.inputs import Group, Pair, Spelling

SECRETS = Group("secrets", "Secrets")
MAY = Group("may", "Which pipelines may use it")
EXTENSION = Group("extension", "The extension")
SOURCE = Group("source", "What it is made of")
APPROVAL = Group("approval", "What a stage waits for")

ROLE = re.compile(r"arn:[a-z-]+:iam::\d{12}:role/[\w+=,.@/-]+", re.ASCII)
DURATIONS = range(900, 43_201)
"""Seconds (AWS STS, AssumeRole)."""


@dataclass(frozen=True, kw_only=True)
class DevOpsInputs:
    """Where in Azure DevOps, and as whom."""

    organization: str = inputs.text(
        "Organization", "The organization in Azure DevOps: its name, or its address.", required=True, metavar="NAME"
    )
    project: str = inputs.text("Project", "The name of the project.", required=True, metavar="NAME")
    token: str = inputs.text(
        "Token",
        "A personal access token, or a token of Entra ID. `AZURE_DEVOPS_EXT_PAT` and `SYSTEM_ACCESSTOKEN` are read, too.",
        secret=True,
    )
    dry_run: bool = inputs.flag("Dry run", "Print the plan and stop: nothing is changed.")

    def problems(self, spell: Spelling) -> Iterator[str]:
        if "@" in self.organization:
            yield f"{spell('organization')} holds an @: a token has no place in it (it is not shown here, for it may hold one)."


@dataclass(frozen=True, kw_only=True)
class ConnectionInputs(DevOpsInputs):
    """The service connection as it should be."""

    connection_name: str = inputs.text("Name", "The name of the service connection.", required=True, metavar="NAME")
    description: str = inputs.text("Description", "The description of the service connection.", metavar="TEXT")
    assume_role_arn: str = inputs.text("Role", "The ARN of the role that is assumed.", metavar="ARN")
    use_oidc: bool = inputs.flag(
        "Use OIDC", "Assume the role by a token of the job: no key is stored. The role must trust this connection."
    )
    access_key_id: str = inputs.text(
        "Access key ID", "The access key ID of the user whose keys are stored.", metavar="ID"
    )
    role_session_name: str = inputs.text(
        "Session name", "How the role's session is called in CloudTrail.", metavar="NAME"
    )
    duration_seconds: str = inputs.text(
        "Duration", "How long a session lasts, in seconds (900 to 43200).", metavar="SECONDS"
    )
    allowed_account_ids: tuple[str, ...] = inputs.lines(
        "Allowed AWS accounts", "Tasks refuse to act in any other account.", metavar="ACCOUNT"
    )
    secret_access_key: str = inputs.text(
        "Secret access key", "The secret access key that belongs to the access key ID.", secret=True
    )
    session_token: str = inputs.text("Session token", "The session token, which only temporary keys have.", secret=True)
    external_id: str = inputs.text(
        "External ID", "The external ID that the role's trust policy asks for, if it does.", secret=True
    )
    replace_secrets: bool = inputs.flag(
        "Write the secrets again",
        "Write the secrets again. Azure DevOps never shows one, so that it cannot be compared: without this it is written only with a new access key ID or role.",
        group=SECRETS.name,
    )
    pipelines: tuple[str, ...] = inputs.lines(
        "Pipelines", "The pipelines that may use it.", group=MAY.name, metavar="NAME"
    )
    all_pipelines: bool = inputs.flag("All pipelines", "All pipelines of the project may use it.", group=MAY.name)
    install_extension: bool = inputs.flag(
        "Install the extension",
        "Install Ropeway's extension in the organization, if it is not installed.",
        group=EXTENSION.name,
    )
    extension: str = inputs.text(
        "Extension",
        "Publisher and name of the extension.",
        default="ropeway.ropeway",
        group=EXTENSION.name,
        metavar="ID",
    )

    def problems(self, spell: Spelling) -> Iterator[str]:
        yield from super().problems(spell)
        if self.assume_role_arn and not ROLE.fullmatch(self.assume_role_arn):
            yield f"{spell('assume_role_arn')} is {self.assume_role_arn!r}; write it as arn:…:iam::111122223333:role/deploy."
        if not (self.assume_role_arn or self.access_key_id):
            yield f"There is no identity: give {spell('assume_role_arn')}, or {spell('access_key_id')}, or both."
        yield from self._oidc(spell)
        yield from self._keys(spell)
        if self.duration_seconds and not _within(self.duration_seconds, DURATIONS):
            yield f"{spell('duration_seconds')} is {self.duration_seconds!r}; it must be from 900 to 43200."
        for account in self.allowed_account_ids:
            if not is_account_id(account):
                yield f"{spell('allowed_account_ids')} holds {account!r}, which is no account id (12 digits)."
        if self.pipelines and self.all_pipelines:
            yield f"{spell('pipelines')} and {spell('all_pipelines')} are both given: keep one of the two."
        if self.extension.count(".") != 1:
            yield f"{spell('extension')} is {self.extension!r}; write it as publisher.name."

    def _oidc(self, spell: Spelling) -> Iterator[str]:
        if not self.use_oidc:
            return
        if not self.assume_role_arn:
            yield f"{spell('use_oidc')} needs {spell('assume_role_arn')}: the token assumes a role."
        for field in ("access_key_id", "external_id"):
            if getattr(self, field):
                yield f"{spell('use_oidc')} and {spell(field)} are both given: a token takes the place of keys, keep one."

    def _keys(self, spell: Spelling) -> Iterator[str]:
        for field in ("secret_access_key", "session_token"):
            if getattr(self, field) and not self.access_key_id:
                yield f"{spell(field)} is given, and {spell('access_key_id')} is not."
        if self.external_id and not self.assume_role_arn:
            yield f"{spell('external_id')} is given, and {spell('assume_role_arn')} is not: it is what a role asks for."


@dataclass(frozen=True, kw_only=True)
class PipelineInputs(DevOpsInputs):
    """The pipeline as it should be."""

    pipeline_name: str = inputs.text(
        "Name", "The name of the pipeline, or of the release definition.", required=True, metavar="NAME"
    )
    connection_name: str = inputs.text(
        "Service connection", "The service connection that its steps act under.", required=True, metavar="NAME"
    )
    form: str = inputs.choice(
        "Form",
        "`classic` makes a release definition, for the artifact of a build that there is.",
        choices={"yaml": "A YAML pipeline", "classic": "A Classic release definition"},
        default="yaml",
    )
    settings: tuple[Pair, ...] = inputs.assignments(
        "Inputs",
        "Inputs of the task, as `bucketName=my-site`; for one stage alone as `production.bucketName=my-site`.",
        metavar="NAME=VALUE",
    )
    environments: tuple[str, ...] = inputs.lines(
        "Stages", "The stages in their order; each is an environment, too. Empty: `production`.", metavar="NAME"
    )
    artifact: str = inputs.text(
        "Artifact", "The artifact that is released.", default="drop", group=SOURCE.name, metavar="NAME"
    )
    folder: str = inputs.text(
        "Folder",
        "The folder of the repository that is published as the artifact.",
        default="dist",
        group=SOURCE.name,
        metavar="FOLDER",
    )
    repository: str = inputs.text(
        "Repository",
        "The repository in Azure Repos. Empty: the one that is named as the project.",
        group=SOURCE.name,
        metavar="NAME",
    )
    branch: str = inputs.text(
        "Branch", "The branch whose pushes are released.", default="main", group=SOURCE.name, metavar="NAME"
    )
    yaml_path: str = inputs.text(
        "YAML", "The file in the repository. One that is there is never written over.",
        default="azure-pipelines.yml", group=SOURCE.name, metavar="PATH",
    )  # fmt: skip
    build: str = inputs.text(
        "Build", "Classic: the pipeline that leaves the artifact.", group=SOURCE.name, metavar="NAME"
    )
    pool: str = inputs.text("Agent pool", "The agent pool that runs it.", default="Azure Pipelines", metavar="NAME")
    image: str = inputs.text("Image", "The image of a Microsoft-hosted agent.", default="ubuntu-latest", metavar="NAME")
    approvers: tuple[Pair, ...] = inputs.assignments(
        "Approvers", "Who must say yes before a stage, as `production=alice@example.com`; several with commas between them.",
        group=APPROVAL.name, metavar="STAGE=WHO",
    )  # fmt: skip
    exclusive_lock: bool = inputs.flag(
        "Exclusive lock", "One run at a time in an environment (YAML).", group=APPROVAL.name
    )

    @property
    def stages(self) -> tuple[str, ...]:
        return self.environments or ("production",)

    def problems(self, spell: Spelling) -> Iterator[str]:
        yield from super().problems(spell)
        if self.form == "classic" and not self.build:
            yield f"{spell('build')} is required for a Classic release: the pipeline whose artifact it releases."
        for stage in {pair.name for pair in self.approvers} - {*self.stages}:
            yield f"{spell('approvers')} names {stage}, which is no stage ({', '.join(self.stages)})."
        if len(set(self.stages)) < len(self.stages):
            yield f"{spell('environments')} names a stage twice."


def _within(text: str, bounds: range) -> bool:
    return text.isascii() and text.isdigit() and int(text) in bounds
