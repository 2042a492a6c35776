from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ropeway.aws.connection import AwsInputs, Connection
from ropeway.azure.endpoints import connection
from ropeway.azure.environment import AgentEnvironment
from ropeway.azure.oidc import identity_tokens
from ropeway.errors import CredentialsError
from tests.azure.task_lib import TaskLib

ID = "0f5c1a3e-9d0b-4a55-8a3e-1c2d3e4f5a6b"
KEYS = {"username": "AKIDEXAMPLE", "password": "hush"}
ROLE = "arn:aws:iam::123456789012:role/deploy"
JOB = {
    "ENDPOINT_URL_SYSTEMVSSCONNECTION": "https://dev.azure.com/example/",
    "ENDPOINT_AUTH_PARAMETER_SYSTEMVSSCONNECTION_ACCESSTOKEN": "hush-job-token",
    "SYSTEM_OIDCREQUESTURI": "https://dev.azure.com/example/oidctoken",
}


def authorized(text: str) -> AgentEnvironment:
    return AgentEnvironment.take({f"ENDPOINT_AUTH_{ID}": text})


def ours(parameters: object, scheme: str = "UsernamePassword") -> Connection | None:
    authorization = json.dumps({"parameters": parameters, "scheme": scheme})
    return connection(AwsInputs(aws_connection=ID), authorized(authorization))


def refused(text: str) -> str:
    with pytest.raises(CredentialsError) as error:
        connection(AwsInputs(aws_connection=ID), authorized(text))
    assert "hush" not in str(error.value)
    return str(error.value)


def refused_parameters(**parameters: str) -> str:
    return refused(json.dumps({"parameters": {**KEYS, **parameters}, "scheme": "UsernamePassword"}))


def test_without_a_connection_there_is_none() -> None:
    assert connection(AwsInputs(), AgentEnvironment.take({})) is None


def test_our_connection_carries_all_that_it_knows() -> None:
    parameters = {
        **KEYS,
        "sessionToken": "token",
        "assumeRoleArn": "arn:aws:iam::123456789012:role/deploy",
        "externalId": "ext",
        "roleSessionName": "me",
        "durationSeconds": "900",
        "allowedAccountIds": "123456789012, 210987654321\n111111111111",
        "useOIDC": "false",
    }
    assert ours(parameters) == Connection(
        origin=f"service connection {ID} (awsConnection)",
        access_key_id="AKIDEXAMPLE",
        secret_access_key="hush",
        session_token="token",
        role_arn="arn:aws:iam::123456789012:role/deploy",
        external_id="ext",
        role_session_name="me",
        duration_seconds=900,
        allowed_account_ids=("123456789012", "210987654321", "111111111111"),
    )


def test_the_toolkits_connection_is_read_too_and_named_by_its_input() -> None:
    text = json.dumps({"scheme": "UsernamePassword", "parameters": {**KEYS, "assumeRoleArn": None, "useOIDC": ""}})
    found = connection(AwsInputs(aws_credentials=ID), authorized(text))
    assert found == Connection(
        origin=f"service connection {ID} (awsCredentials)", access_key_id="AKIDEXAMPLE", secret_access_key="hush"
    )


def test_what_is_no_secret_may_lie_in_the_connections_data() -> None:
    environment = AgentEnvironment.take(
        {
            f"ENDPOINT_AUTH_{ID}": json.dumps(
                {"scheme": "UsernamePassword", "parameters": {**KEYS, "assumeRoleArn": ""}}
            ),
            f"ENDPOINT_DATA_{ID}": json.dumps(
                {"assumeRoleArn": "arn:aws:iam::123456789012:role/deploy", "durationSeconds": "900"}
            ),
        }
    )
    found = connection(AwsInputs(aws_connection=ID), environment)
    assert found
    assert (found.access_key_id, found.role_arn, found.duration_seconds) == (
        "AKIDEXAMPLE",
        "arn:aws:iam::123456789012:role/deploy",
        900,
    )


def test_without_a_connection_the_toolkits_variables_count() -> None:
    environment = AgentEnvironment.take(
        {
            "AWS_ACCESSKEYID": "AKIDEXAMPLE",
            "SECRET_AWS_SECRETACCESSKEY": "hush",
            "AWS_ASSUMEROLEARN": "arn:aws:iam::123456789012:role/deploy",
            "AWS_EXTERNALID": "ext",
            "AWS_ROLECREDENTIAL_MAXDURATION": "1800",
        }
    )
    assert connection(AwsInputs(), environment) == Connection(
        origin="pipeline variables AWS.*",
        access_key_id="AKIDEXAMPLE",
        secret_access_key="hush",
        role_arn="arn:aws:iam::123456789012:role/deploy",
        external_id="ext",
        duration_seconds=1800,
    )


def test_a_variable_that_holds_a_macro_of_no_variable_is_an_error_that_names_both() -> None:
    environment = AgentEnvironment.take({"AWS_ACCESSKEYID": "$(ShopKey)", "SECRET_AWS_SECRETACCESSKEY": "hush"})
    with pytest.raises(
        CredentialsError, match=r"The variable AWS.AccessKeyID holds \$\(ShopKey\), and there is no variable"
    ):
        connection(AwsInputs(), environment)


def test_the_toolkits_duration_counts_where_the_connection_says_none() -> None:
    authorization = json.dumps({"scheme": "UsernamePassword", "parameters": {**KEYS, "assumeRoleArn": ROLE}})
    variables = {f"ENDPOINT_AUTH_{ID}": authorization, "AWS_ROLECREDENTIAL_MAXDURATION": " 1800 "}
    found = connection(AwsInputs(aws_credentials=ID), AgentEnvironment.take(dict(variables)))
    assert found
    assert found.duration_seconds == 1800
    data = {f"ENDPOINT_DATA_{ID}": json.dumps({"durationSeconds": "900"})}
    found = connection(AwsInputs(aws_connection=ID), AgentEnvironment.take({**variables, **data}))
    assert found
    assert found.duration_seconds == 900


def test_a_duration_of_a_variable_that_sts_would_refuse_names_the_variable() -> None:
    environment = AgentEnvironment.take({"AWS_ASSUMEROLEARN": ROLE, "AWS_ROLECREDENTIAL_MAXDURATION": "12h"})
    with pytest.raises(
        CredentialsError, match=r"The variable AWS.RoleCredential.MaxDuration has the session duration '12h'"
    ):
        connection(AwsInputs(), environment)


def test_a_connection_comes_before_the_variables() -> None:
    text = json.dumps({"scheme": "UsernamePassword", "parameters": KEYS})
    environment = AgentEnvironment.take({f"ENDPOINT_AUTH_{ID}": text, "SECRET_AWS_ACCESSKEYID": "OTHER"})
    found = connection(AwsInputs(aws_connection=ID), environment)
    assert found
    assert found.access_key_id == "AKIDEXAMPLE"


def test_variables_that_name_no_identity_make_no_connection() -> None:
    environment = AgentEnvironment.take({"AWS_ROLESESSIONNAME": "me", "AWS_REGION": "eu-west-1"})
    assert connection(AwsInputs(), environment) is None


def test_what_was_pasted_with_blanks_around_it_and_names_in_another_case_are_understood() -> None:
    found = ours({"UserName": " AKIDEXAMPLE\n", "PASSWORD": "\thush "})
    assert found
    assert (found.access_key_id, found.secret_access_key) == ("AKIDEXAMPLE", "hush")


def test_a_connection_without_parameters_is_a_connection_not_none() -> None:
    assert ours(None) == Connection(origin=f"service connection {ID} (awsConnection)")


def test_a_connection_that_the_agent_did_not_hand_over_is_an_error_and_no_fall_through() -> None:
    assert refused("") == (
        f"The agent has handed over no service connection {ID} (awsConnection). "
        "Check that it exists, that this pipeline may use it, and that the run is not one of a fork."
    )


@pytest.mark.parametrize(
    "text",
    ['{"scheme":"UsernamePassword","parameters":{"password":"hush"', '"hush"', "[]", "null", "{}", '{"scheme":"x"}',
     '{"scheme":"UsernamePassword","parameters":["hush"]}', '{"scheme":"UsernamePassword","parameters":"hush"}'],
)  # fmt: skip
def test_what_cannot_be_parsed_is_told_without_showing_it(text: str) -> None:
    assert refused(text).startswith(
        f"What the agent handed over for the service connection {ID} (awsConnection) is not the JSON of a scheme"
    )


def test_another_scheme_is_told() -> None:
    text = json.dumps({"scheme": "Token", "parameters": {"apitoken": "hush"}})
    assert (
        "authorises by the scheme 'Token'; only UsernamePassword is known. Choose a connection of the type"
        in refused(text)
    )


@pytest.mark.parametrize("word", ["true", "True"])
def test_oidc_is_asked_for_by_the_parameter_or_the_data_of_a_connection(word: str) -> None:
    parameters = json.dumps({"scheme": "UsernamePassword", "parameters": {"assumeRoleArn": ROLE}})
    for where in (
        {f"ENDPOINT_AUTH_{ID}": parameters, f"ENDPOINT_DATA_{ID}": json.dumps({"useOIDC": word})},
        {f"ENDPOINT_AUTH_{ID}": parameters.replace('"parameters": {', f'"parameters": {{"useOIDC": "{word}", ')},
    ):
        found = connection(AwsInputs(aws_connection=ID), AgentEnvironment.take({**where, **JOB}))
        assert found
        assert found.identity_token == identity_tokens(found.origin, ID, AgentEnvironment.take(dict(JOB)))


def test_an_oidc_box_that_holds_something_else_is_an_error() -> None:
    assert "has useOIDC 'yes', which is neither true nor false" in refused_parameters(useOIDC="yes")


@pytest.mark.parametrize("text", ["899", "43201", "1h", "-900", "900.0", "٩٠٠"])
def test_a_session_duration_that_sts_would_refuse_is_told(text: str) -> None:
    assert f"session duration {text!r}; it must be a whole number of seconds from 900 to 43200" in refused_parameters(
        durationSeconds=text
    )


def test_an_account_that_is_none_is_told() -> None:
    assert "allows the account '12345', which is no account id (12 digits)" in refused_parameters(
        allowedAccountIds="123456789012,12345"
    )


values = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=10)
parameters = st.fixed_dictionaries(
    {}, optional=dict.fromkeys(("username", "password", "sessionToken", "assumeRoleArn", "externalId"), values)
)


@given(parameters)
def test_the_authorisation_is_that_of_task_lib_but_trimmed(task_lib: TaskLib, given_parameters: dict[str, str]) -> None:
    text = json.dumps({"parameters": given_parameters, "scheme": "UsernamePassword"})
    variables = {f"ENDPOINT_AUTH_{ID}": text}
    variables |= {f"ENDPOINT_AUTH_PARAMETER_{ID}_{name.upper()}": value for name, value in given_parameters.items()}
    names = ("username", "password", "sessionToken", "assumeRoleArn", "externalId")
    whole, *each = task_lib.read(
        variables,
        ("getEndpointAuthorization", ID),
        *(("getEndpointAuthorizationParameter", ID, name, True) for name in names),
    )
    found = ours(given_parameters)
    assert found
    read = [found.access_key_id, found.secret_access_key, found.session_token, found.role_arn, found.external_id]
    assert whole == {"parameters": given_parameters, "scheme": "UsernamePassword"}
    assert read == [(value or "").strip() for value in each]


@pytest.mark.parametrize("text", ["", "{", "[1"])
def test_task_lib_fails_where_we_fail(task_lib: TaskLib, text: str) -> None:
    # It throws for broken JSON, showing all of it; for an absent one it sets the result and goes on. Both are errors with us.
    (answer,) = task_lib.read({f"ENDPOINT_AUTH_{ID}": text} if text else {}, ("getEndpointAuthorization", ID))
    assert answer is None or "error" in answer
    refused(text)
