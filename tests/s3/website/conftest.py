"""A bucket that is to be a website, on the embedded AWS; hosted zones of Route 53."""

from __future__ import annotations

import urllib.error
import urllib.request
import uuid
from dataclasses import dataclass
from typing import Any

import pytest

from ropeway.outcome import Cancellation, Run
from ropeway.s3.website import records
from ropeway.s3.website.applying import apply_website
from ropeway.s3.website.planning import plan_website
from ropeway.s3.website.wanted import Wanted
from tests.checks.kinds.aws_kit import client_of
from tests.s3.boto_kit import engine_at
from tests.s3.cloudfront.kit import aws

__all__ = ["aws", "client_of"]

GO_ON = Cancellation()


@pytest.fixture(autouse=True)
def soon(monkeypatch, settings):
    settings(settling=0.1)
    monkeypatch.setattr(records, "PAUSES", (0.02, 0.05))


@pytest.fixture(autouse=True)
def named(embedded, monkeypatch):
    """For clients that a test makes itself."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", embedded.endpoint_url)


@pytest.fixture
def settings(embedded):
    before = dict(embedded.instances.settings())
    yield embedded.instances.settings
    embedded.instances.settings(**before)


@pytest.fixture
def engine(embedded):
    with engine_at(embedded) as made:
        yield made


@pytest.fixture
def host(client_of, s3):
    """The name of a host and of a bucket, in a hosted zone of its own."""
    name = f"z{uuid.uuid4().hex[:10]}.example"
    client_of("route53").create_hosted_zone(Name=name, CallerReference=uuid.uuid4().hex)
    s3.create_bucket(Bucket=name)
    s3.put_bucket_website(Bucket=name, WebsiteConfiguration={"IndexDocument": {"Suffix": "index.html"}})
    return name


@dataclass
class Bench:
    """Sets up what is wanted, and shows what visitors see."""

    aws: Any
    engine: Any
    embedded: Any

    def plan(self, wanted: Wanted) -> Any:
        return plan_website(wanted, self.aws, self.engine, GO_ON)

    def set_up(self, wanted: Wanted, run: Run | None = None) -> Any:
        planned = self.plan(wanted)
        done = apply_website(planned, self.aws, self.engine, run or Run())
        assert [one.error for one in done] == [None] * len([step for step in planned.steps if step.action != "skip"])
        return planned

    def get(self, bucket: str, path: str = "/") -> tuple[int, str]:
        """Status, and body or where it leads to, over HTTP at the website endpoint."""
        url = self.embedded.website(bucket).rstrip("/") + path
        try:
            with urllib.request.build_opener(Still()).open(url, timeout=30) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as answer:
            with answer:
                return answer.code, answer.headers.get("Location") or answer.read().decode()


class Still(urllib.request.HTTPRedirectHandler):
    """Goes nowhere."""

    def redirect_request(self, *_: Any) -> None:
        return None


@pytest.fixture
def bench(aws, engine, embedded):
    return Bench(aws, engine, embedded)


def told(planned):
    """Action, reason and name of each step."""
    return [(step.action, str(step.reason), step.name) for step in planned.steps]
