"""docs/connections.md says what the code does."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from ropeway.aws.identity_token import Claims, trust
from ropeway.azure import endpoints, oidc
from ropeway.azure.endpoints import DURATION, VARIABLES

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "connections.md").read_text()


def test_the_trust_policy_is_the_one_that_an_error_would_show() -> None:
    [shown] = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    claims = Claims(
        issuer="https://vstoken.dev.azure.com/ORGANISATION_ID",
        subject="sc://ORGANISATION/PROJECT/CONNECTION",
        audience=("api://AzureADTokenExchange",),
        not_before="",
        expires="",
    )
    [statement] = json.loads(shown)["Statement"]
    assert statement == json.loads(trust("arn:aws:iam::111122223333:role/deploy", claims))


def test_all_variables_are_in_the_table() -> None:
    named = set(re.findall(r"`(AWS\.[\w.]+)`", PAGE.split("\n## Pipeline variables\n")[1]))
    assert named == {f"AWS.{name}" for name in VARIABLES} | {DURATION, "AWS.Region"}


@pytest.mark.parametrize("said", re.findall(r"^\| `(t[^`]+)` \|", PAGE, re.MULTILINE))
def test_what_it_says_is_said(said: str) -> None:
    assert said in Path(oidc.__file__).read_text()


def test_every_field_of_the_connection_is_on_the_page() -> None:
    manifest = json.loads((ROOT / "vss-extension.json").read_text())
    [connection] = [each["properties"] for each in manifest["contributions"] if each["id"] == "aws-connection"]
    [scheme] = connection["authenticationSchemes"]
    fields = [*connection["inputDescriptors"], *scheme["inputDescriptors"]]
    assert [field["name"] for field in fields if field["name"].lower() not in PAGE.lower()] == []
    known = Path(endpoints.__file__).read_text()
    assert [field["id"] for field in fields if f'"{field["id"].lower()}"' not in known] == []
