"""What is wrong with a connection that anybody can see without asking AWS."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ropeway.aws.connection import Connection
from ropeway.errors import CredentialsError

SHORTEST, LONGEST = 900, 43_200
"""Seconds that a role may be assumed for (AWS STS API reference, AssumeRole, DurationSeconds)."""


def check(connection: Connection) -> None:
    """What can be seen without asking AWS. Raises CredentialsError that names the connection and all that is wrong with it."""
    if problems := list(_problems(connection)):
        raise CredentialsError(f"Could not use {connection.origin}: {'; '.join(problems)}.", advice="Mend it.")


TOKEN_TEXT = re.compile(r"[!-~]+")
ROLE_ARN = re.compile(r"arn:[a-z-]+:iam::\d{12}:role/[!-~]+")
SESSION_NAME_TEXT = re.compile(r"[\w+=,.@-]{2,64}", re.ASCII)
EXTERNAL_ID_TEXT = re.compile(r"[\w+=,.@:/-]{2,1224}", re.ASCII)
"""STS API reference, AssumeRole: RoleArn, RoleSessionName, ExternalId."""


def _problems(given: Connection) -> Iterator[str]:
    yield from _federation_problems(given) if given.identity_token else _key_problems(given)
    if not SHORTEST <= given.duration_seconds <= LONGEST:
        yield f"its session duration is {given.duration_seconds} seconds, and must lie between {SHORTEST} and {LONGEST}"
    if given.role_arn:
        yield from _role_problems(given)


def _federation_problems(given: Connection) -> Iterator[str]:
    if given.access_key_id or given.secret_access_key or given.session_token:
        yield "it asks for OIDC federation and holds an access key too: keep one of the two"
    if not given.role_arn:
        yield "it asks for OIDC federation and names no role to assume"
    if given.external_id:
        yield "it asks for OIDC federation and holds an external id, which AssumeRoleWithWebIdentity does not take: empty it"


def _key_problems(given: Connection) -> Iterator[str]:
    if given.external_id and not given.role_arn:
        yield (
            "it holds an external id and names no role to assume: name the role (a variable group that is not linked leaves it out), "
            "or empty the external id"
        )
    if not (given.access_key_id or given.secret_access_key or given.role_arn or given.external_id):
        yield "it holds neither an access key nor a role"
    elif given.access_key_id and not given.secret_access_key:
        yield f"it holds the access key {shown(given.access_key_id)} without its secret access key"
    elif given.secret_access_key and not given.access_key_id:
        yield "it holds a secret access key without the access key id"
    if given.session_token and not given.access_key_id:
        yield "it holds a session token without an access key"
    # Ids that begin with ASIA are those of temporary keys (IAM user guide, "Unique identifier prefixes").
    if given.access_key_id.startswith("ASIA") and not given.session_token:
        yield f"its access key {shown(given.access_key_id)} is a temporary one and needs its session token"
    texts = {
        "access key id": given.access_key_id,
        "secret access key": given.secret_access_key,
        "session token": given.session_token,
    }
    for name, text in texts.items():
        if text and not TOKEN_TEXT.fullmatch(text):
            yield f"its {name} holds a space, a line break or another character that none has: copy it anew"


def _role_problems(given: Connection) -> Iterator[str]:
    if not ROLE_ARN.fullmatch(given.role_arn):
        yield f"its role is {given.role_arn!r}, which is no role's ARN (arn:PARTITION:iam::ACCOUNT:role/NAME)"
    if given.role_session_name and not SESSION_NAME_TEXT.fullmatch(given.role_session_name):
        yield f"its role session name is {given.role_session_name!r}: 2 to 64 letters, digits and _+=,.@- are taken"
    if given.external_id and not EXTERNAL_ID_TEXT.fullmatch(given.external_id):
        yield "its external id holds a character that AWS does not take: letters, digits and _+=,.@:/- are taken"


def shown(access_key_id: str) -> str:
    """AKIA…ABCD: enough to find it in IAM's list."""
    return f"{access_key_id[:4]}…{access_key_id[-4:]}" if len(access_key_id) > 8 else "…"
