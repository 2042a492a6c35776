"""Claims that are read without trusting them. (What is told when AWS refuses is in tests/azure/test_federation.py.)"""

from __future__ import annotations

import base64
import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ropeway.aws.identity_token import Claims, read, trust
from ropeway.errors import CredentialsError
from tests.servers.azure_devops import sealed

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)
registered = st.sampled_from(["iss", "sub", "aud", "nbf", "exp"])


@given(st.text() | st.binary().map(lambda data: f"a.{base64.urlsafe_b64encode(data).decode().rstrip('=')}.c"))
def test_whatever_comes_it_is_claims_or_an_error_that_shows_nothing_of_it(token: str) -> None:
    with contextlib.suppress(CredentialsError):
        read(token, "o")


@given(st.dictionaries(registered, values))
def test_whatever_the_claims_are_they_are_told_or_refused(claims: dict[str, Any]) -> None:
    with contextlib.suppress(CredentialsError):
        assert str(read(sealed(claims), "o")).startswith("issuer ")


def test_json_without_a_bottom_is_refused() -> None:
    deep = base64.urlsafe_b64encode(b"[" * 100_000).decode()
    with pytest.raises(CredentialsError, match="or its claims cannot be read"):
        read(f"a.{deep}.c", "service connection 'prod'")


@given(st.text(min_size=1), st.text(min_size=1), st.sampled_from(["aws", "aws-cn", "aws-us-gov"]))
def test_the_trust_is_json_whatever_the_claims_hold(subject: str, issuer: str, partition: str) -> None:
    claims = Claims(f"https://{issuer}", subject, ("a", "b"), "", "")
    statement = json.loads(trust(f"arn:{partition}:iam::111122223333:role/path/deploy", claims))
    assert statement["Principal"]["Federated"] == f"arn:{partition}:iam::111122223333:oidc-provider/{issuer}"
    assert statement["Condition"]["StringEquals"] == {f"{issuer}:aud": ["a", "b"], f"{issuer}:sub": subject}
