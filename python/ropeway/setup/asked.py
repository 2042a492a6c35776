"""What the set-up commands are asked to do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ropeway import inputs
from ropeway.aws.connection import AwsInputs
from ropeway.inputs import Group, Spelling
from ropeway.s3.inputs import bucket_problem
from ropeway.setup.devops import name_of
from ropeway.setup.identity import Federation, Identity

WHO = Group("who", "Who acts under it")
OIDC = {
    "organization": "organization",
    "organization_id": "organization_id",
    "project": "project",
    "connection": "connection_name",
}
"""Field of a Federation -> field here."""


@dataclass(frozen=True, kw_only=True)
class PolicyInputs(AwsInputs):
    """Which policy, for whom, and what becomes of it."""

    bucket_name: str = inputs.text("Bucket", "The bucket that the tasks work on.", required=True, metavar="BUCKET")
    target_folder: str = inputs.text(
        "Prefix", "The part of the bucket that they may touch, for example `site`. Empty: all of it.", metavar="PREFIX"
    )
    kms_key: str = inputs.text(
        "KMS key",
        "The ARN of the key of yours that the objects are encrypted with. Empty: none of yours.",
        metavar="ARN",
    )
    using: tuple[str, ...] = inputs.lines(
        "Inputs in use",
        "Inputs that your steps set and that need more than every run does, for example `skipUnchanged`; for Check, kinds of checks, too. "
        "`all` takes everything in.",
        metavar="INPUT",
    )
    policy_name: str = inputs.text(
        "Name", "The name of the policy, and of the role.", default="ropeway", metavar="NAME"
    )
    form: str = inputs.choice(
        "Form",
        "`cloudformation` is a template that makes the policy, and the role or user if one is asked for.",
        choices={"json": "The policy document", "cloudformation": "A CloudFormation template"},
        default="json",
    )
    apply: bool = inputs.flag("Make it", "Make it in IAM, under the identity of this machine, instead of printing it.")
    organization: str = inputs.text(
        "Organization",
        "The organization in Azure DevOps: its name, or its address. With project and connection, a role is made that the connection assumes by OIDC, without any key.",
        group=WHO.name, metavar="NAME",
    )  # fmt: skip
    organization_id: str = inputs.text(
        "Organization id",
        "The GUID of the organization, with which the issuer of its tokens ends. Empty: Azure DevOps is asked, with the token in `AZURE_DEVOPS_EXT_PAT`.",
        group=WHO.name,
        metavar="GUID",
    )
    project: str = inputs.text("Project", "The project of the service connection.", group=WHO.name, metavar="NAME")
    connection_name: str = inputs.text(
        "Service connection", "The name of the service connection.", group=WHO.name, metavar="NAME"
    )
    user: str = inputs.text(
        "User", "An IAM user who gets the policy, made when there is none. Keys are not made: they would have to be printed.",
        group=WHO.name, metavar="NAME",
    )  # fmt: skip

    def problems(self, spell: Spelling) -> Iterator[str]:
        yield from super().problems(spell)
        if wrong := bucket_problem(self.bucket_name):
            yield f"{spell('bucket_name')} {wrong}"
        if self.kms_key and ":key/" not in self.kms_key:
            yield f"{spell('kms_key')} is {self.kms_key!r}: a policy needs the ARN of the key itself (arn:…:key/…), not of an alias."
        given = [field for field in OIDC.values() if getattr(self, field)]
        missing = [spell(field) for field in OIDC.values() if not getattr(self, field) and field != "organization_id"]
        if given and missing:
            yield f"A role for a service connection needs {', '.join(missing)}, too."
        elif given or self.user:
            yield from self.identity.problems()

    @property
    def lacks_id(self) -> bool:
        """Whether the organisation's id must be asked for."""
        return bool(self.organization and not self.organization_id)

    @property
    def identity(self) -> Identity:
        told = {name: getattr(self, field) for name, field in OIDC.items()}
        told["organization"] = name_of(self.organization)
        return Identity(self.policy_name, Federation(**told) if self.organization else None, self.user)
