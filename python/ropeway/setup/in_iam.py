"""The policy, the identity provider, the role or the user in IAM: what is there is compared, and what is missing or differs is made.

A plan is a list of requests to IAM, found by reading. What others have put there stays: audiences of the provider, statements of the trust policy, policies of
the role. Keys are not made here: they would have to be printed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ropeway.aws.session import Aws
from ropeway.errors import AwsError, RopewayError
from ropeway.outcome import Outcome, Output, Reason, Step, counted, listing
from ropeway.setup.applying import SetupPlan, carry_out, step
from ropeway.setup.identity import AUDIENCE, Federation, Identity, trust_policy

Json = dict[str, Any]
OURS = {"Key": "made-by", "Value": "ropeway"}
"""The tag of a policy that may be changed here."""
KEPT = 5
"""Versions of a managed policy (IAM user guide, "IAM and STS quotas"): the oldest one gives way."""


@dataclass(frozen=True)
class Request:
    """One request to IAM: botocore's method, its arguments, and what it does in words that follow "Could not"."""

    method: str
    doing: str
    arguments: Mapping[str, Any] = field(default_factory=dict)

    @property
    def action(self) -> str:
        """The IAM action that it needs."""
        words = {"open": "Open", "id": "ID"}
        return "iam:" + "".join(words.get(word, word.title()) for word in self.method.split("_"))


IamPlan = SetupPlan[Request]


def _allowed(document: Json) -> set[str]:
    """What a policy of ours allows, in words: each action with each of its resources."""
    return {
        f"{action} on {resource}"
        for statement in _many(document["Statement"])
        if statement["Effect"] == "Allow"
        for action in _many(statement["Action"])
        for resource in _many(statement["Resource"])
    }


def _many(one: Any) -> list[Any]:
    """IAM's JSON has one of a kind without brackets."""
    return one if isinstance(one, list) else [one]


def plan(document: Json, identity: Identity, aws: Aws) -> IamPlan:
    """Reads only. Raises AwsError, AccessDenied (which names the action)."""
    caller = aws.identity()
    looking = _Looking(aws, caller.arn.split(":")[1], caller.account)
    steps = tuple(looking.steps(document, identity))
    todo = [one for one in steps if one.action != "skip"]
    outputs = [Output("policyArn", looking.arn("policy", identity.name))]
    outputs += [Output("roleArn", looking.arn("role", identity.name))] if identity.federation else []
    title = (
        f"Change IAM of account {caller.account} in {counted(len(todo), 'place')}"
        if todo
        else f"IAM of account {caller.account} has it all"
    )
    return IamPlan(title=title, steps=steps, warnings=tuple(looking.lost), outputs=tuple(outputs))


def apply(planned: IamPlan, aws: Aws) -> Outcome[Request]:
    """The first error ends it; a second run goes on from there."""

    def ask(request: Request) -> tuple[()]:
        call(aws, request)
        return ()

    return carry_out(planned, ask, "IAM has it all")


def call(aws: Aws, request: Request) -> Any:
    from ropeway.aws.answers import asking  # noqa: PLC0415 - botocore, which a policy that is only printed need not wait for

    with asking(request.doing, action=request.action):
        return getattr(aws.client("iam"), request.method)(**request.arguments)


@dataclass(frozen=True)
class _Looking:
    """`account` and `partition` are the caller's. `lost` fills with warnings: of what is allowed now and will not be."""

    aws: Aws
    partition: str
    account: str
    lost: list[str] = field(default_factory=list)

    def arn(self, kind: str, name: str) -> str:
        return f"arn:{self.partition}:iam::{self.account}:{kind}/{name}"

    def steps(self, document: Json, identity: Identity) -> Iterator[Step[Request]]:
        policy = self.arn("policy", identity.name)
        yield from self._policy(policy, identity.name, document)
        if identity.federation:
            yield self._provider(identity.federation)
            yield from self._role(identity.name, identity.federation, policy)
        if identity.user:
            yield from self._user(identity.user, policy)

    # --- the policy -----------------------------------------------------------------------------------------------------------------

    def _policy(self, arn: str, name: str, document: Json) -> Iterator[Step[Request]]:
        text = json.dumps(document)
        there = self._there("get_policy", f"read the policy {name}", PolicyArn=arn)
        if there is None:
            made = Request(
                "create_policy", f"make the policy {name}", {"PolicyName": name, "PolicyDocument": text, "Tags": [OURS]}
            )
            yield step("create", f"policy {name}", made)
            return
        if OURS not in there["Policy"].get("Tags", ()):
            raise RopewayError(
                f"IAM has a policy {name} already, which Ropeway has not made. Nothing was changed.",
                advice="Choose another name (--policy-name), or delete that one.",
            )
        current = there["Policy"]["DefaultVersionId"]
        told = self._ask("get_policy_version", f"read the policy {name}", PolicyArn=arn, VersionId=current)
        if told["PolicyVersion"]["Document"] == document:
            yield step("skip", f"policy {name}")
            return
        if lost := sorted(_allowed(told["PolicyVersion"]["Document"]) - _allowed(document)):
            self.lost.append(
                f"The policy {name} allows no more what it allows now: {listing(lost)}. "
                "Choose another name (--policy-name) to keep both, or name all tasks in one command."
            )
        yield from self._room(arn, name)
        changed = {"PolicyArn": arn, "PolicyDocument": text, "SetAsDefault": True}
        yield step(
            "configure", f"policy {name}", Request("create_policy_version", f"change the policy {name}", changed)
        )

    def _room(self, arn: str, name: str) -> Iterator[Step[Request]]:
        versions = self._ask("list_policy_versions", f"list the versions of the policy {name}", PolicyArn=arn)[
            "Versions"
        ]
        if len(versions) < KEPT:
            return
        oldest = min((one for one in versions if not one["IsDefaultVersion"]), key=lambda one: one["CreateDate"])[
            "VersionId"
        ]
        doing = f"delete version {oldest} of the policy {name}"
        arguments = {"PolicyArn": arn, "VersionId": oldest}
        yield Step(
            "delete",
            f"version {oldest} of policy {name}",
            Reason.STALE,
            0,
            Request("delete_policy_version", doing, arguments),
        )

    # --- by a token -----------------------------------------------------------------------------------------------------------------

    def _provider(self, federation: Federation) -> Step[Request]:
        name, arn = f"identity provider {federation.issuer}", self.arn("oidc-provider", federation.issuer)
        there = self._there("get_open_id_connect_provider", f"read the {name}", OpenIDConnectProviderArn=arn)
        if there is None:
            given = {"Url": f"https://{federation.issuer}", "ClientIDList": [AUDIENCE]}
            return step("create", name, Request("create_open_id_connect_provider", f"make the {name}", given))
        if AUDIENCE in there["ClientIDList"]:
            return step("skip", name)
        more = {"OpenIDConnectProviderArn": arn, "ClientID": AUDIENCE}
        request = Request(
            "add_client_id_to_open_id_connect_provider", f"add the audience {AUDIENCE} to the {name}", more
        )
        return step("configure", name, request)

    def _role(self, name: str, federation: Federation, policy: str) -> Iterator[Step[Request]]:
        statement = federation.statement(self.partition, self.account)
        there = self._there("get_role", f"read the role {name}", RoleName=name)
        if there is None:
            given = {"RoleName": name, "AssumeRolePolicyDocument": json.dumps(trust_policy(statement))}
            yield step("create", f"role {name}", Request("create_role", f"make the role {name}", given))
            yield self._attachment("role", name, policy)
            return
        trusted = there["Role"]["AssumeRolePolicyDocument"]
        yield self._trusting(name, trusted, statement)
        attached = self._ask("list_attached_role_policies", f"list the policies of the role {name}", RoleName=name)
        yield self._attachment("role", name, policy, attached)

    @staticmethod
    def _trusting(name: str, trusted: Json, statement: Json) -> Step[Request]:
        """Whom the role trusts beside stays trusted."""
        before = trusted["Statement"] if isinstance(trusted["Statement"], list) else [trusted["Statement"]]
        if any({**one, "Sid": ""} == {**statement, "Sid": ""} for one in before):
            return step("skip", f"role {name}")
        given = {"RoleName": name, "PolicyDocument": json.dumps({**trusted, "Statement": [*before, statement]})}
        return step(
            "configure", f"role {name}", Request("update_assume_role_policy", f"let the role {name} be assumed", given)
        )

    # --- by keys ----------------------------------------------------------------------------------------------------------------------

    def _user(self, name: str, policy: str) -> Iterator[Step[Request]]:
        there = self._there("get_user", f"read the user {name}", UserName=name)
        if there is None:
            yield step("create", f"user {name}", Request("create_user", f"make the user {name}", {"UserName": name}))
            yield self._attachment("user", name, policy)
            return
        yield step("skip", f"user {name}")
        attached = self._ask("list_attached_user_policies", f"list the policies of the user {name}", UserName=name)
        yield self._attachment("user", name, policy, attached)

    # --- both -------------------------------------------------------------------------------------------------------------------------

    @staticmethod
    def _attachment(kind: str, name: str, policy: str, attached: Json | None = None) -> Step[Request]:
        title = f"policy of {kind} {name}"
        if attached and any(one["PolicyArn"] == policy for one in attached["AttachedPolicies"]):
            return step("skip", title)
        given = {f"{kind.title()}Name": name, "PolicyArn": policy}
        return step(
            "configure", title, Request(f"attach_{kind}_policy", f"attach the policy to the {kind} {name}", given)
        )

    def _ask(self, method: str, doing: str, **arguments: Any) -> Json:
        """All pages at once: IAM's lists here are a few entries long, and one that is not is an error, not a guess."""
        told: Json = call(self.aws, Request(method, doing, arguments))
        if told.get("IsTruncated"):
            raise RopewayError(
                f"Could not {doing}: there are more than one answer of IAM's holds.", advice="Tidy them up first."
            )
        return told

    def _there(self, method: str, doing: str, **arguments: Any) -> Json | None:
        """None where there is none of that name."""
        try:
            return self._ask(method, doing, **arguments)
        except AwsError as error:
            if error.code == "NoSuchEntity":
                return None
            raise
