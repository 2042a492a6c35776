"""The embedded AWS as whoever deploys to instances meets it."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from ropeway.aws.connection import AwsInputs, Connection
from ropeway.aws.policy import IamAction, policy
from ropeway.aws.session import Aws, connect
from ropeway.local.embedded import EmbeddedAws
from tests.checks.kinds.aws_kit import aws, client_of, without
from tests.deciding import iam_decides
from tests.secrecy import secret

__all__ = ["aws", "client_of", "without"]


@pytest.fixture
def only(aws: Aws, embedded: EmbeddedAws, client_of: Callable[..., Any]) -> Iterator[Callable[..., Aws]]:
    """The same AWS for somebody who may do these actions and nothing else; IAM decides until the test is over."""
    iam = client_of("iam")

    def allowed(actions: Iterable[IamAction], **places: str) -> Aws:
        name = f"user-{uuid.uuid4().hex[:8]}"
        iam.create_user(UserName=name)
        document = policy(actions, partition="aws", **places)
        iam.put_user_policy(UserName=name, PolicyName="least", PolicyDocument=json.dumps(document))
        key = iam.create_access_key(UserName=name)["AccessKey"]
        known = secret("secret access key", key["SecretAccessKey"])
        connection = Connection(name, access_key_id=key["AccessKeyId"], secret_access_key=known)
        entered.enter_context(iam_decides())
        return connect(AwsInputs(region_name=embedded.region), connection)

    with ExitStack() as entered:
        yield allowed


@pytest.fixture
def app() -> str:
    """The value of a tag that no other test has."""
    return f"shop-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def settings(embedded: EmbeddedAws) -> Iterator[Callable[..., Any]]:
    """Changes settings of the embedded AWS for one test."""
    before = dict(embedded.instances.settings())
    yield embedded.instances.settings
    embedded.instances.settings(**before)
