"""Distributions of the embedded AWS, and what was invalidated of them."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

import pytest

from ropeway.aws.connection import AwsInputs
from ropeway.aws.session import Aws, connect
from ropeway.local.embedded import EmbeddedAws


@pytest.fixture(scope="module")
def aws(embedded: EmbeddedAws) -> Aws:
    """The embedded AWS, under an identity that nobody asks for its rights. Its clients are made once: that takes longer than a test."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", embedded.endpoint_url)
        made = connect(AwsInputs(region_name=embedded.region), embedded.connection)
        for service in ("cloudfront", "route53", "s3"):
            made.client(service)
    return made


@dataclass(frozen=True)
class Edge:
    """A distribution before a bucket."""

    cloudfront: Any
    id: str
    host: str

    @property
    def invalidations(self) -> list[dict[str, Any]]:
        """From the first to the last: reference, paths, status."""
        listed = self.cloudfront.list_invalidations(DistributionId=self.id)["InvalidationList"].get("Items", [])
        told = [
            self.cloudfront.get_invalidation(DistributionId=self.id, Id=one["Id"])["Invalidation"] for one in listed
        ]
        return sorted(told, key=lambda one: one["CreateTime"])

    @property
    def paths(self) -> list[list[str]]:
        return [one["InvalidationBatch"]["Paths"]["Items"] for one in self.invalidations]


def distribution(
    cloudfront: Any,
    bucket: str,
    *,
    path: str = "",
    names: tuple[str, ...] = (),
    host: str = "",
    queries: bool = False,
    enabled: bool = True,
    errors: tuple[tuple[str, int], ...] = (),
) -> Edge:
    """`errors` are pages shown for a 403, each with the seconds for which it is kept."""
    origin = {
        "Id": "site",
        "DomainName": host or f"{bucket}.s3.us-east-1.amazonaws.com",
        "OriginPath": path,
        "S3OriginConfig": {"OriginAccessIdentity": ""},
    }
    behaviour = {
        "TargetOriginId": "site",
        "ViewerProtocolPolicy": "allow-all",
        "MinTTL": 0,
        "ForwardedValues": {"QueryString": queries, "Cookies": {"Forward": "none"}},
    }
    made = cloudfront.create_distribution(
        DistributionConfig={
            "CallerReference": uuid.uuid4().hex,
            "Comment": "",
            "Enabled": enabled,
            "DefaultCacheBehavior": behaviour,
            "Aliases": {"Quantity": len(names), "Items": list(names)},
            "Origins": {"Quantity": 1, "Items": [origin]},
            "CustomErrorResponses": {
                "Quantity": len(errors),
                "Items": [
                    {"ErrorCode": 403, "ResponsePagePath": page, "ResponseCode": "200", "ErrorCachingMinTTL": seconds}
                    for page, seconds in errors
                ],
            },
        }
    )["Distribution"]
    return Edge(cloudfront, made["Id"], made["DomainName"])
