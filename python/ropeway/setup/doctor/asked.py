"""What the doctor is told of the chain. Nothing of it is required: what is not said is not tried."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ropeway import inputs
from ropeway.aws.connection import AwsInputs
from ropeway.ec2.targets import tags
from ropeway.inputs import Group, Spelling
from ropeway.s3.inputs import bucket_problem
from ropeway.s3.state.place import place_at

DEVOPS = Group("devops", "In Azure DevOps")


@dataclass(frozen=True, kw_only=True)
class DoctorInputs(AwsInputs):
    """The chain."""

    bucket_name: str = inputs.text("Bucket", "The bucket that the tasks work on.", metavar="BUCKET")
    target_folder: str = inputs.text("Prefix", "The part of the bucket that they work on.", metavar="PREFIX")
    state_location: str = inputs.text(
        "State location", "Where the state of releases lies, if not in the bucket.", metavar="s3://BUCKET/PREFIX"
    )
    kms_key: str = inputs.text(
        "KMS key", "The ARN of a key of yours, if objects are encrypted with one.", metavar="ARN"
    )
    using: tuple[str, ...] = inputs.lines(
        "Inputs in use",
        "As for `ropeway setup policy`: what the steps set that needs more permissions.",
        metavar="INPUT",
    )
    instance_tags: tuple[str, ...] = inputs.lines(
        "Tags", "Tags of the instances that are deployed to, as `app=shop`.", metavar="KEY=VALUE"
    )
    organization: str = inputs.text(
        "Organization", "The organization: its name, or its address.", group=DEVOPS.name, metavar="NAME"
    )
    project: str = inputs.text("Project", "The name of the project.", group=DEVOPS.name, metavar="NAME")
    connection_name: str = inputs.text(
        "Service connection", "The service connection that the steps act under.", group=DEVOPS.name, metavar="NAME"
    )
    pipeline_name: str = inputs.text(
        "Pipeline", "The pipeline that uses the connection.", group=DEVOPS.name, metavar="NAME"
    )
    environments: tuple[str, ...] = inputs.lines(
        "Environments", "The environments of its stages.", group=DEVOPS.name, metavar="NAME"
    )
    pool: str = inputs.text("Agent pool", "The agent pool that runs it.", group=DEVOPS.name, metavar="NAME")
    extension: str = inputs.text(
        "Extension", "Publisher and name of the extension.", default="ropeway.ropeway", group=DEVOPS.name, metavar="ID"
    )
    token: str = inputs.text(
        "Token",
        "A personal access token, or a token of Entra ID. `AZURE_DEVOPS_EXT_PAT` and `SYSTEM_ACCESSTOKEN` are read, too.",
        secret=True,
        group=DEVOPS.name,
    )

    def problems(self, spell: Spelling) -> Iterator[str]:
        yield from super().problems(spell)
        if self.bucket_name and (wrong := bucket_problem(self.bucket_name)):
            yield f"{spell('bucket_name')} {wrong}"
        if self.state_location:
            yield from _place(self.state_location, spell("state_location"))
        if self.instance_tags:
            try:
                tags(self.instance_tags)
            except ValueError as wrong_tags:
                yield f"{spell('instance_tags')} {wrong_tags}"
        if self.extension.count(".") != 1:
            yield f"{spell('extension')} is {self.extension!r}; write it as publisher.name."
        for field in ("project", "connection_name", "pipeline_name", "environments", "pool"):
            if getattr(self, field) and not self.organization:
                yield f"{spell(field)} is given, and {spell('organization')} is not."
        if self.organization and not self.project:
            yield f"{spell('organization')} is given, and {spell('project')} is not."


def _place(location: str, name: str) -> Iterator[str]:
    try:
        place_at(location)
    except ValueError as wrong:
        yield f"{name} {wrong}"
