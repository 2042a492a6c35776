"""Whom IAM lets act under the policy: a service connection of Azure DevOps, by a token and without any key; or a user, by keys of his own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

AUDIENCE = "api://AzureADTokenExchange"
ISSUER = "vstoken.dev.azure.com/"
"""Of the tokens of service connections (Microsoft Learn, "Connect to AWS with workload identity federation", and docs/connections.md)."""
GUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
NAME = re.compile(r"[A-Za-z0-9+=,.@_-]{1,64}")
"""Of a role or a user (IAM user guide, "IAM and STS quotas"). A policy's may be longer, and is held to the same."""


@dataclass(frozen=True)
class Federation:
    """The service connection that may assume the role. `organization_id` is the GUID that its tokens carry in their issuer; empty as long as it is to be asked for."""

    organization: str
    organization_id: str
    project: str
    connection: str

    def problems(self) -> Iterator[str]:
        if self.organization_id and not GUID.fullmatch(self.organization_id):
            yield f"--organization-id is {self.organization_id!r}, which is no GUID. A failed run with OIDC shows it: it ends the issuer."
        for option, value in (
            ("organization", self.organization),
            ("project", self.project),
            ("connection-name", self.connection),
        ):
            if not value.strip() or "*" in value:
                yield f"--{option} is {value!r}: name exactly one, since a pattern lets others in, too."

    @property
    def issuer(self) -> str:
        """Without https://, as the ARN of the provider and the keys of conditions have it."""
        return ISSUER + self.organization_id.lower()

    @property
    def subject(self) -> str:
        return f"sc://{self.organization}/{self.project}/{self.connection}"

    def statement(self, partition: str, account: str) -> dict[str, Any]:
        """Of the role's trust policy. `account` may be a reference of CloudFormation's."""
        return {
            "Effect": "Allow",
            "Principal": {"Federated": f"arn:{partition}:iam::{account}:oidc-provider/{self.issuer}"},
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Condition": {"StringEquals": {f"{self.issuer}:aud": AUDIENCE, f"{self.issuer}:sub": self.subject}},
        }


@dataclass(frozen=True)
class Identity:
    """`name` is the policy's, and the role's. At most one of `federation` and `user`; with neither, the policy alone is made."""

    name: str
    federation: Federation | None = None
    user: str = ""

    def problems(self) -> Iterator[str]:
        for option, value in (("policy-name", self.name), ("user", self.user)):
            if value and not NAME.fullmatch(value):
                yield f"--{option} is {value!r}: IAM takes up to 64 letters, digits and + = , . @ _ -"
        if self.federation and self.user:
            yield "--organization and --user are both given: a role needs no user, keep one of the two."
        if self.federation:
            yield from self.federation.problems()


def trust_policy(statement: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": [statement]}
