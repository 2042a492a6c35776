"""The links in the AWS account: the way there, who asks, and whoever the connection makes of a task."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from ropeway.aws.connection import accounts_in
from ropeway.aws.session import Aws
from ropeway.errors import AccessDenied, AwsError
from ropeway.setup.asked_devops import ROLE
from ropeway.setup.doctor.case import Case
from ropeway.setup.doctor.link import Found, Link, broken, holds, not_asked, unknown
from ropeway.setup.identity import AUDIENCE, Federation

SKEW = 300.0
"""Seconds by which a request's time may be off (IAM user guide, "Signing AWS API requests"; S3 allows 15 minutes)."""
LONGEST = 3600
"""Seconds that a session of a role may last where the role says nothing else (IAM, GetRole)."""
NO_ROLE = "The connection assumes no role by a token."


def ask(aws: Aws, service: str, method: str, doing: str, action: str, **arguments: Any) -> Any:
    """Raises what AWS answers, as one of our errors."""
    from ropeway.aws.answers import asking  # noqa: PLC0415 - botocore

    with asking(doing, action=action):
        return getattr(aws.client(service), method)(**arguments)


# --- the way ------------------------------------------------------------------------------------------------------------------


def _region(case: Case) -> Found:
    return holds(case.aws.region)


def _credentials(case: Case) -> Found:
    return holds(case.aws.origin())


def _network(case: Case) -> Found:
    return holds(case.heard.url)


def _clock(case: Case) -> Found:
    ahead = case.heard.ahead
    if ahead is None:
        return not_asked("What stands there tells no time.")
    if abs(ahead) > SKEW:
        which = "behind" if ahead > 0 else "ahead of"
        return broken(f"This machine's clock is {abs(ahead):,.0f} s {which} AWS's", "Set the clock (NTP).")
    return holds(f"{abs(ahead):.0f} s off")


def _identity(case: Case) -> Found:
    identity = case.aws.identity()
    return holds(f"{identity.arn} ({identity.origin})")


def _account(case: Case) -> Found:
    allowed = {*case.asked.allowed_account_ids, *accounts_in(case.fields.get("allowedAccountIds", ""))}
    try:
        account = _acting_in(case)
    except AccessDenied as error:
        return unknown(error, "The account of the key in the connection could not be asked")
    if allowed and account not in allowed:
        return broken(
            f"The account is {account}, and allowed are {', '.join(sorted(allowed))}",
            "Use the role or the keys of the right account, or change the allowed accounts of the connection.",
        )
    return holds(f"{account}{' is allowed' if allowed else ''}")


def _acting_in(case: Case) -> str:
    """The account that tasks work in: the role's, else that of the key in the connection, else the one of this machine."""
    if ROLE.fullmatch(role := case.fields.get("assumeRoleArn", "")):
        return role.split(":")[4]
    if key := case.fields.get("username", ""):
        told = ask(
            case.aws,
            "sts",
            "get_access_key_info",
            f"find the account of the key {key}",
            "sts:GetAccessKeyInfo",
            AccessKeyId=key,
        )
        return str(told["Account"])
    return case.aws.identity().account


# --- whom the connection makes of a task --------------------------------------------------------------------------------------


def _federation(case: Case) -> Federation:
    name = case.connection.name if case.connection else case.asked.connection_name
    return Federation(case.there.called, case.there.id, case.there.project_name, name)


def _provider(case: Case) -> Found:
    if not case.is_federated:
        return not_asked(NO_ROLE)
    if elsewhere := _elsewhere(case):
        return elsewhere
    issuer = _federation(case).issuer
    arn = f"arn:{case.partition}:iam::{case.aws.identity().account}:oidc-provider/{issuer}"
    try:
        told = ask(
            case.aws, "iam", "get_open_id_connect_provider", f"read the identity provider {issuer}",
            "iam:GetOpenIDConnectProvider", OpenIDConnectProviderArn=arn,
        )  # fmt: skip
    except AccessDenied as error:
        return unknown(error, "It could not be read")
    except AwsError as error:
        if error.code != "NoSuchEntity":
            raise
        return broken(f"There is no identity provider {issuer}", _make(case))
    if AUDIENCE not in told["ClientIDList"]:
        return broken(f"The identity provider {issuer} lacks the audience {AUDIENCE}", _make(case))
    return holds(issuer)


def _make(case: Case) -> str:
    federation = _federation(case)
    return (
        f"Make it with `ropeway setup policy … --organization {federation.organization} --organization-id {federation.organization_id} "
        f"--project '{federation.project}' --connection-name '{federation.connection}' --apply`."
    )


def _role_name(case: Case) -> str:
    return case.fields.get("assumeRoleArn", "").rpartition("/")[2]


def _elsewhere(case: Case) -> Found | None:
    """Where the role is of another account: its identity provider is there, too."""
    account = case.fields.get("assumeRoleArn", "").split(":")[4]
    if account == case.aws.identity().account:
        return None
    return not_asked(f"The role is of the account {account}: run the doctor there, with --profile.")


def _role(case: Case) -> Found:
    if not case.fields.get("assumeRoleArn"):
        return not_asked("The connection assumes no role.")
    if elsewhere := _elsewhere(case):
        return elsewhere
    try:
        told = _get_role(case)
    except AccessDenied as error:
        return unknown(error, "It could not be read")
    except AwsError as error:
        if error.code != "NoSuchEntity":
            raise
        return broken(
            f"There is no role {_role_name(case)}",
            "Make it with `ropeway setup policy … --apply`, or correct the connection.",
        )
    return _as_the_connection_has_it(case, told)


def _as_the_connection_has_it(case: Case, told: Mapping[str, Any]) -> Found:
    if (
        told["Arn"] != case.fields["assumeRoleArn"]
    ):  # IAM finds a role by its name alone; it is assumed by the whole ARN
        return broken(
            f"The role {_role_name(case)} is {told['Arn']}, and the connection names {case.fields['assumeRoleArn']}",
            f"Put {told['Arn']} into the connection, with its path.",
        )
    longest, wanted = int(told.get("MaxSessionDuration", LONGEST)), int(case.fields.get("durationSeconds") or 0)
    if wanted > longest:
        return broken(
            f"The connection asks for sessions of {wanted:,} s, and the role allows {longest:,} s",
            "Raise the maximum session duration of the role, or shorten the duration in the connection.",
        )
    return holds(str(told["Arn"]))


def _get_role(case: Case) -> Mapping[str, Any]:
    name = _role_name(case)
    told: Mapping[str, Any] = ask(case.aws, "iam", "get_role", f"read the role {name}", "iam:GetRole", RoleName=name)[
        "Role"
    ]
    return told


def _trust(case: Case) -> Found:
    if not case.is_federated:
        return not_asked(NO_ROLE)
    federation = _federation(case)
    wanted = federation.statement(case.partition, case.aws.identity().account)
    trusted = _get_role(case)["AssumeRolePolicyDocument"]["Statement"]
    fits = [(one.get("Effect"), _fits(one, wanted)) for one in (trusted if isinstance(trusted, list) else [trusted])]
    if ("Deny", True) in fits:
        return broken(
            f"The role denies {federation.subject} of {federation.issuer}",
            "Take that statement out of its trust policy.",
        )
    if not {("Allow", True), ("Allow", None)} & {*fits}:
        return broken(f"The role does not trust {federation.subject} of {federation.issuer}", _make(case))
    if ("Allow", True) not in fits or ("Deny", None) in fits:
        return Found(
            "unknown",
            f"Whether the role trusts {federation.subject} hangs on conditions that only a run can meet",
            "Look at the conditions of its trust policy, or run the pipeline.",
        )
    return holds(f"It trusts {federation.subject}")


def _fits(statement: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool | None:
    """Whether a statement of a trust policy speaks of what the wanted one allows; None where it has a condition that cannot be told."""
    principal = statement.get("Principal", {})
    providers = principal.get("Federated", ()) if isinstance(principal, dict) else principal
    if not {wanted["Principal"]["Federated"], "*"} & {*_many(providers)}:
        return False
    if not any(_is_like(wanted["Action"].lower(), action.lower()) for action in _many(statement.get("Action", ()))):
        return False
    met = [
        _meets(operator, key, _many(values), wanted["Condition"]["StringEquals"])
        for operator, conditions in statement.get("Condition", {}).items()
        for key, values in conditions.items()
    ]
    return False if False in met else None if None in met else True


def _many(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


def _meets(operator: str, key: str, values: list[str], token: Mapping[str, str]) -> bool | None:
    """Of a token with these claims; None for a condition on anything else. IAM reads names of keys in any case."""
    claim = {name.lower(): claim for name, claim in token.items()}.get(key.lower())
    compare = COMPARING.get(operator.removeprefix("ForAnyValue:"))
    return None if claim is None or compare is None else any(compare(claim, value) for value in values)


def _is_like(text: str, pattern: str) -> bool:
    """As IAM reads a pattern: brackets mean themselves."""
    parts = ({"*": ".*", "?": "."}.get(character, re.escape(character)) for character in pattern)
    return re.fullmatch("".join(parts), text, re.DOTALL) is not None


COMPARING: Mapping[str, Callable[[str, str], bool]] = {
    "StringEquals": lambda claim, value: claim == value,
    "StringEqualsIgnoreCase": lambda claim, value: claim.casefold() == value.casefold(),
    "StringLike": _is_like,
}


def _key(case: Case) -> Found:
    key = case.fields.get("username", "")
    if not key:
        return not_asked("The connection holds no access key.")
    try:
        user = key_owner(case)
        told = ask(case.aws, "iam", "list_access_keys", f"list the keys of {user}", "iam:ListAccessKeys", UserName=user)
    except AccessDenied as error:
        return unknown(error, "It could not be looked up")
    status = next((one["Status"] for one in told["AccessKeyMetadata"] if one["AccessKeyId"] == key), "deleted")
    if status != "Active":
        return broken(
            f"The access key {key} of {user} is {status.lower()}", "Make a new one, and put it into the connection."
        )
    return holds(f"{key} of {user}")


def key_owner(case: Case) -> str:
    """The user whose key the connection holds. Raises AwsError."""
    key = case.fields["username"]
    told = ask(
        case.aws,
        "iam",
        "get_access_key_last_used",
        f"find the user of the key {key}",
        "iam:GetAccessKeyLastUsed",
        AccessKeyId=key,
    )
    return str(told["UserName"])


LINKS = (
    Link("region", "There is a region", _region),
    Link("credentials", "This machine has AWS credentials, for asking", _credentials, ("region",)),
    Link("network", "AWS answers", _network, ("credentials",)),
    Link("clock", "This machine's clock goes as AWS's", _clock, ("network",)),
    Link("identity", "AWS accepts the credentials of this machine", _identity, ("network",)),
    Link("account", "The account is one of those that are allowed", _account, ("identity",), ("connection",)),
    Link(
        "identity provider",
        "IAM knows the organisation's tokens",
        _provider,
        ("identity", "identity in the connection"),
    ),
    Link("role", "The role of the connection is there", _role, ("identity", "identity in the connection")),
    Link("trust of the role", "The role trusts the connection", _trust, ("role", "identity provider")),
    Link(
        "access key", "The key of the connection is there and active", _key, ("identity", "identity in the connection")
    ),
)
