"""Where a pipeline says who it is: service connections, ours (type RopewayAWS) and the AWS Toolkit's (type AWS), and variables.

Both types authorise by the scheme UsernamePassword, and ours keeps the Toolkit's parameter ids where they mean the same (the
Toolkit's vss-extension.json): username and password are the access key, then sessionToken, assumeRoleArn, externalId,
roleSessionName, useOIDC. Ours adds durationSeconds and allowedAccountIds, and keeps what is no secret in the connection's data
(vss-extension.json): the agent masks every parameter wherever it turns up in a log, 3600 and a role's name too.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from ropeway.aws.connection import AwsInputs, Connection, TokenSource, accounts_in
from ropeway.azure.environment import AgentEnvironment
from ropeway.errors import CredentialsError

SCHEME = "UsernamePassword"

VARIABLES = ("AccessKeyID", "SecretAccessKey", "SessionToken", "AssumeRoleArn", "ExternalId", "RoleSessionName")

DURATION = "AWS.RoleCredential.MaxDuration"
"""The variable by which the Toolkit is told how long a role's session lasts."""


def connection(inputs: AwsInputs, environment: AgentEnvironment) -> Connection | None:
    """The connection that the inputs name, else what the variables make; None when there is neither. Raises CredentialsError."""
    if inputs.aws_connection:
        return _read(inputs.aws_connection, "awsConnection", environment)
    if inputs.aws_credentials:
        return _read(inputs.aws_credentials, "awsCredentials", environment)
    return _of_variables(environment)


def _of_variables(environment: AgentEnvironment) -> Connection | None:
    """The variables that the Toolkit reads when it is given no connection. A role without keys is the host's to assume."""
    given = {name: environment.variable(f"AWS.{name}").strip() for name in VARIABLES}
    if not any(text for name, text in given.items() if name != "RoleSessionName"):  # which makes nobody another one
        return None
    for name, text in given.items():
        if re.fullmatch(r"\$\([^)]+\)", text):
            raise CredentialsError(
                f"The variable AWS.{name} holds {text}, and there is no variable of that name here.",
                advice="Check its spelling, and whether its variable group or template is part of this stage.",
            )
    return Connection(
        origin="pipeline variables AWS.*",
        access_key_id=given["AccessKeyID"],
        secret_access_key=given["SecretAccessKey"],
        session_token=given["SessionToken"],
        role_arn=given["AssumeRoleArn"],
        external_id=given["ExternalId"],
        role_session_name=given["RoleSessionName"],
        duration_seconds=_default_duration(environment),
    )


def _read(endpoint: str, input_name: str, environment: AgentEnvironment) -> Connection:
    # The agent does not know the connection's display name.
    origin = f"service connection {endpoint} ({input_name})"
    parameters = _parameters(origin, environment.authorization(endpoint), environment.endpoint_data(endpoint))
    duration = parameters.get("durationseconds", "")
    federated = _flag(origin, "useOIDC", parameters.get("useoidc", ""))
    return Connection(
        origin=origin,
        access_key_id=parameters.get("username", ""),
        secret_access_key=parameters.get("password", ""),
        session_token=parameters.get("sessiontoken", ""),
        role_arn=parameters.get("assumerolearn", ""),
        external_id=parameters.get("externalid", ""),
        role_session_name=parameters.get("rolesessionname", ""),
        duration_seconds=_duration(f"The {origin}", duration) if duration else _default_duration(environment),
        allowed_account_ids=_accounts(origin, parameters.get("allowedaccountids", "")),
        identity_token=_identity_tokens(origin, endpoint, environment) if federated else None,
    )


def _identity_tokens(origin: str, endpoint: str, environment: AgentEnvironment) -> TokenSource:
    from ropeway.azure.oidc import identity_tokens  # noqa: PLC0415 - start-up counts, and most connections hold keys

    return identity_tokens(origin, endpoint, environment)


def _parameters(origin: str, text: str, data: str) -> Mapping[str, str]:
    """Trimmed, names in lower case."""
    if not text:
        raise CredentialsError(
            f"The agent has handed over no {origin}.",
            advice="Check that it exists, that this pipeline may use it, and that the run is not one of a fork.",
        )
    try:
        authorization = json.loads(text)
        scheme = str(authorization["scheme"])
        parameters = _named(json.loads(data or "{}")) | _named(authorization["parameters"])
    except (ValueError, LookupError, TypeError, AttributeError):
        # What it holds are secrets: neither the text nor the parser's words about it are shown.
        raise CredentialsError(
            f"What the agent handed over for the {origin} is not the JSON of a scheme and its parameters.",
            advice="Save the connection again in Azure DevOps; if that does not help, the agent is at fault.",
        ) from None
    if scheme.lower() != SCHEME.lower():
        raise CredentialsError(
            f"The {origin} authorises by the scheme {scheme!r}; only {SCHEME} is known.",
            advice="Choose a connection of the type 'AWS for Ropeway' or of the AWS Toolkit.",
        )
    return parameters


def _named(parameters: Mapping[str, object] | None) -> dict[str, str]:
    texts = (
        (str(name).lower(), "" if value is None else str(value).strip()) for name, value in (parameters or {}).items()
    )
    return {name: text for name, text in texts if text}


def _flag(origin: str, name: str, text: str) -> bool:
    words = {"true": True, "false": False, "": False}
    if text.lower() not in words:
        raise CredentialsError(f"The {origin} has {name} {text!r}, which is neither true nor false.")
    return words[text.lower()]


def _default_duration(environment: AgentEnvironment) -> int:
    text = environment.variable(DURATION).strip()
    return _duration(f"The variable {DURATION}", text) if text else Connection("").duration_seconds


def _duration(whose: str, text: str) -> int:
    if not (text.isascii() and text.isdigit() and 900 <= int(text) <= 43_200):
        raise CredentialsError(
            f"{whose} has the session duration {text!r}; it must be a whole number of seconds from 900 to 43200."
        )
    return int(text)


def _accounts(origin: str, text: str) -> tuple[str, ...]:
    accounts = accounts_in(text)
    for account in accounts:
        if not re.fullmatch(r"[0-9]{12}", account):
            raise CredentialsError(f"The {origin} allows the account {account!r}, which is no account id (12 digits).")
    return accounts
