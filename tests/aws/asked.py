"""What the tests of the aws room share: inputs, a connection, and a store and an STS that tell who asked."""

from __future__ import annotations

import datetime as dt
import re
import threading
from typing import Any
from urllib.parse import parse_qs

from ropeway.aws.connection import AwsInputs, Connection
from ropeway.aws.roles import ASIDE
from ropeway.aws.session import Aws
from tests.servers.misbehaving import Answer, Misbehaving, Request

KEYS = {"access_key_id": "AKIAPRODUCTION000001", "secret_access_key": "very/hush/secret"}
ROLE = "arn:aws:iam::111122223333:role/deploy"
ONCE: dict[str, Any] = {"retries": {"total_max_attempts": 1}}


def connection(**given: Any) -> Connection:
    return Connection("service connection 'prod'", **given)


def inputs(**given: Any) -> AwsInputs:
    return AwsInputs(**{"region_name": "eu-west-1", **given})


def list_bucket(aws: Aws, bucket: str = "bucket") -> Any:
    return aws.client("s3", **ONCE).list_objects_v2(Bucket=bucket)


def lists_any_bucket(server: Misbehaving) -> None:
    listing = b"<ListBucketResult><Name>bucket</Name><IsTruncated>false</IsTruncated></ListBucketResult>"
    server.on(Answer(200, body=listing), method="GET")


def signers(server: Misbehaving, *, method: str = "GET") -> list[str]:
    """The access key that signed each request, in order."""
    return [signer(request) for request in server.requests if request.method == method]


def signer(request: Request) -> str:
    found = re.search(r"Credential=([^/]+)/", request.headers["authorization"])
    assert found
    return found[1]


def assumed(access_key: str, *, seconds: float = 3600) -> Answer:
    """STS's answer to AssumeRole: temporary keys that live so long."""
    until = dt.datetime.now(dt.timezone.utc) + dt.timedelta(seconds=seconds)
    body = f"""<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult>
      <AssumedRoleUser><AssumedRoleId>AROA:ropeway</AssumedRoleId>
        <Arn>arn:aws:sts::111122223333:assumed-role/deploy/ropeway</Arn></AssumedRoleUser>
      <Credentials><AccessKeyId>{access_key}</AccessKeyId><SecretAccessKey>s</SecretAccessKey>
        <SessionToken>hush-token-of-{access_key}</SessionToken><Expiration>{until:%Y-%m-%dT%H:%M:%SZ}</Expiration></Credentials>
    </AssumeRoleResult></AssumeRoleResponse>"""
    return Answer(200, {"Content-Type": "text/xml"}, body.encode())


def caller(account: str) -> Answer:
    """STS's answer to GetCallerIdentity."""
    body = f"""<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>
      <Arn>arn:aws:iam::{account}:user/release</Arn><UserId>AIDA</UserId><Account>{account}</Account>
    </GetCallerIdentityResult></GetCallerIdentityResponse>"""
    return Answer(200, {"Content-Type": "text/xml"}, body.encode())


def renewed_aside() -> None:
    """Waits for a renewal that nobody else waits for."""
    for thread in threading.enumerate():
        if thread.name == ASIDE:
            thread.join(30)


def sts_error(status: int, code: str, message: str) -> Answer:
    body = f"""<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type><Code>{code}</Code>
      <Message>{message}</Message></Error><RequestId>STS42</RequestId></ErrorResponse>"""
    return Answer(status, {"Content-Type": "text/xml"}, body.encode())


def asked_of_sts(server: Misbehaving) -> list[dict[str, str]]:
    """The parameters of each request to STS, and under `signer` the access key that signed it."""
    posts = [request for request in server.requests if request.method == "POST"]
    return [
        {**{name: values[0] for name, values in parse_qs(request.body.decode()).items()}, "signer": signer(request)}
        for request in posts
    ]
