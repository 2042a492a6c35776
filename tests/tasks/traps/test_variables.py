"""The pipeline variables of the Toolkit, as far as it passes over what they say."""

from __future__ import annotations

import pytest

from ropeway.aws.connection import AwsInputs
from ropeway.azure.endpoints import connection
from ropeway.azure.environment import AgentEnvironment
from ropeway.errors import CredentialsError

ROLE = {"AWS_ASSUMEROLEARN": "arn:aws:iam::123456789012:role/deploy", "AWS_EXTERNALID": "ext-1"}


def test_a_role_without_keys_makes_a_connection():
    found = connection(AwsInputs(), AgentEnvironment.take(dict(ROLE)))
    assert found is not None
    assert (found.role_arn, found.external_id, found.access_key_id) == (
        ROLE["AWS_ASSUMEROLEARN"],
        ROLE["AWS_EXTERNALID"],
        "",
    )


@pytest.mark.parametrize("seconds", ["899", "43201", "1h"])
def test_a_duration_out_of_bounds_is_an_error_and_not_another_duration(seconds):
    with pytest.raises(CredentialsError, match=f"session duration '{seconds}'.* from 900 to 43200"):
        connection(AwsInputs(), AgentEnvironment.take(ROLE | {"AWS_ROLECREDENTIAL_MAXDURATION": seconds}))
