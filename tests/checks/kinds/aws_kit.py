"""AWS as the kinds meet it: the embedded one, asked under an identity that may do everything, or everything but one action."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import boto3
import pytest
from botocore.config import Config

from ropeway.aws.connection import AwsInputs, Connection
from ropeway.aws.session import Aws, connect
from ropeway.local.embedded import EmbeddedAws
from tests.deciding import iam_decides
from tests.secrecy import secret


@pytest.fixture
def aws(embedded: EmbeddedAws, monkeypatch: pytest.MonkeyPatch) -> Aws:
    """Every service of the embedded AWS, under an identity that nobody asks for its rights."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", embedded.endpoint_url)
    return connect(AwsInputs(region_name=embedded.region), embedded.connection)


@pytest.fixture
def silent(monkeypatch: pytest.MonkeyPatch, embedded: EmbeddedAws) -> Aws:
    """An AWS that does not answer: nobody listens on the port that RFC 863 gave away."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    return connect(AwsInputs(region_name=embedded.region), embedded.connection)


@pytest.fixture(scope="session")
def client_of(embedded: EmbeddedAws) -> Iterator[Callable[..., Any]]:
    """Clients of the embedded AWS's services, to set the scene with."""
    made: dict[tuple[str, str], Any] = {}

    def client(service: str, region: str = embedded.region) -> Any:
        if (service, region) not in made:
            made[service, region] = boto3.client(
                service,
                endpoint_url=embedded.endpoint_url,
                region_name=region,
                aws_access_key_id=embedded.connection.access_key_id,
                aws_secret_access_key=embedded.connection.secret_access_key,
                config=Config(retries={"max_attempts": 0}),
            )
        return made[service, region]

    yield client
    for service in made.values():
        service.close()


@pytest.fixture
def without(aws: Aws, embedded: EmbeddedAws, client_of: Callable[..., Any]) -> Iterator[Callable[[str], Aws]]:
    """The same AWS for somebody who may do everything but these actions; IAM decides until the test is over."""
    iam = client_of("iam")

    def denied(*actions: str) -> Aws:
        name = f"user-{uuid.uuid4().hex[:8]}"
        iam.create_user(UserName=name)
        allowed = {"Effect": "Allow", "NotAction": list(actions), "Resource": "*"}
        document = {"Version": "2012-10-17", "Statement": [allowed]}
        iam.put_user_policy(UserName=name, PolicyName="most", PolicyDocument=json.dumps(document))
        key = iam.create_access_key(UserName=name)["AccessKey"]
        known = secret("secret access key", key["SecretAccessKey"])
        connection = Connection(name, access_key_id=key["AccessKeyId"], secret_access_key=known)
        entered.enter_context(iam_decides())
        return connect(AwsInputs(region_name=embedded.region), connection)

    with ExitStack() as entered:
        yield denied
