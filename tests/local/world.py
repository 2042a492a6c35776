"""The embedded AWS and moto as it comes, side by side: what is asked of one is asked of the other."""

from __future__ import annotations

import contextlib
import http.client
import urllib.request
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

SIGNED = "AWS4-HMAC-SHA256 Credential=AKIAAAAAAAAAAAAAAAAA/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0"


@dataclass
class World:
    """A server, a bucket in it, and clients of whatever region and account."""

    url: str
    bucket: str = field(default_factory=lambda: f"bucket-{uuid.uuid4().hex[:12]}")
    clients: list[Any] = field(default_factory=list)

    def client(self, service: str = "s3", *, region: str = "us-east-1", account: str = "") -> Any:
        keys = self.keys_of(account) if account else {"aws_access_key_id": "AKIA0", "aws_secret_access_key": "secret"}
        config = Config(retries={"max_attempts": 0})
        self.clients.append(boto3.client(service, endpoint_url=self.url, region_name=region, config=config, **keys))
        return self.clients[-1]

    def keys_of(self, account: str) -> dict[str, str]:
        role = f"arn:aws:iam::{account}:role/tests"
        found = self.client("sts").assume_role(RoleArn=role, RoleSessionName="tests")["Credentials"]
        names = {
            "AccessKeyId": "access_key_id",
            "SecretAccessKey": "secret_access_key",
            "SessionToken": "session_token",
        }
        return {f"aws_{ours}": found[theirs] for theirs, ours in names.items()}

    def let_policies_decide_after(self, requests: str) -> None:
        asked = urllib.request.Request(
            f"{self.url}/moto-api/reset-auth", requests.encode(), {"Content-Type": "text/plain"}
        )
        urllib.request.urlopen(asked).close()

    def raw(
        self, method: str, key: str, body: bytes = b"", query: str = "", **headers: str
    ) -> tuple[int, dict[str, str], bytes]:
        """A request with exactly these headers (`_` for `-`), as no client would send it."""
        named = {"Authorization": SIGNED} | {name.replace("_", "-"): value for name, value in headers.items()}
        with contextlib.closing(http.client.HTTPConnection(self.url.partition("//")[2], timeout=30)) as connection:
            connection.request(method, f"/{self.bucket}/{key}{query}", body, {k: v for k, v in named.items() if v})
            answer = connection.getresponse()
            return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()


@contextlib.contextmanager
def refused(*words: str) -> Iterator[None]:
    """AWS answers no, and says all these words."""
    with pytest.raises(ClientError) as caught:
        yield
    for word in words:
        assert word in str(caught.value) or word in str(caught.value.response)
