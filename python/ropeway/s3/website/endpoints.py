"""AWS's table of website endpoints. (AWS General Reference, "Amazon S3 endpoints and quotas", "Amazon S3 website endpoints".)"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ropeway.aws.rules import partitions
from ropeway.errors import InputError

ZONES = {
    "af-south-1": "Z11KHD8FBVPUYU",
    "ap-east-1": "ZNB98KWMFR0R6",
    "ap-east-2": "Z064739330DAH7WJVOO93",
    "ap-northeast-1": "Z2M4EHUR26P7ZW",
    "ap-northeast-2": "Z3W03O7B5YMIYP",
    "ap-northeast-3": "Z2YQB5RD63NC85",
    "ap-south-1": "Z11RGJOFQNVJUP",
    "ap-south-2": "Z02976202B4EZMXIPMXF7",
    "ap-southeast-1": "Z3O0J2DXBE1FTB",
    "ap-southeast-2": "Z1WCIGYICN2BYD",
    "ap-southeast-3": "Z01846753K324LI26A3VV",
    "ap-southeast-4": "Z0312387243XT5FE14WFO",
    "ap-southeast-5": "Z08660063OXLMA7F1FJHU",
    "ap-southeast-7": "Z0031014GXUMRZG6I14G",
    "ca-central-1": "Z1QDHH18159H29",
    "ca-west-1": "Z03565811Z33SLEZTHOUL",
    "cn-north-1": "Z5CN8UMXT92WN",
    "cn-northwest-1": "Z282HJ1KT0DH03",
    "eu-central-1": "Z21DNDUVLTQW6Q",
    "eu-central-2": "Z030506016YDQGETNASS",
    "eu-north-1": "Z3BAZG2TWCNX0D",
    "eu-south-1": "Z3IXVV8C73GIO3",
    "eu-south-2": "Z0081959F7139GRJC19J",
    "eu-west-1": "Z1BKCTXD74EZPE",
    "eu-west-2": "Z3GKZC51ZF0DB4",
    "eu-west-3": "Z3R1K369G5AVDG",
    "il-central-1": "Z09640613K4A3MN55U7GU",
    "me-central-1": "Z06143092I8HRXZRUZROF",
    "me-south-1": "Z1MPMWCPA7YB62",
    "sa-east-1": "Z7KQH4QJS55SO",
    "us-east-1": "Z3AQBSTGFYJSTF",
    "us-east-2": "Z2O1EMRO9K5GLX",
    "us-gov-east-1": "Z2NIFVYYW2VKV1",
    "us-gov-west-1": "Z31GFT0UA1I2HV",
    "us-west-1": "Z2F56UZL2M1ACD",
    "us-west-2": "Z3BJ6K6RIION7M",
}
"""The hosted zone of each region's website endpoints, for alias records."""

WITH_A_DASH = frozenset(
    {
        "ap-northeast-1", "ap-southeast-1", "ap-southeast-2", "eu-west-1", "sa-east-1", "us-east-1", "us-gov-west-1", "us-west-1", "us-west-2",
    }
)  # fmt: skip
"""The oldest regions write `s3-website-REGION`, the others `s3-website.REGION`."""

CLOUDFRONT = {"aws": "Z2FDTNDATAQYW2", "aws-cn": "Z3RFFRIM2A3IF5"}
"""The hosted zone of all distributions. (Route 53 API reference, AliasTarget, HostedZoneId; for China its own edition.)"""


@dataclass(frozen=True)
class AliasTarget:
    """What an alias record names: a host, without a dot at its end, and the zone that AWS keeps it in."""

    host: str
    zone: str


def website_endpoint(region: str) -> str:
    """The host that all websites of a region share."""
    dash = "-" if region in WITH_A_DASH else "."
    return f"s3-website{dash}{region}.{_suffix(region)}"


def website_target(region: str) -> AliasTarget:
    """Raises InputError for a region that the table does not know."""
    if region not in ZONES:
        raise InputError(
            [f"No alias record can be made for {region}: the hosted zone of its website endpoint is not known here."]
        ).advised("Make the record by hand, or put CloudFront before the bucket.")
    return AliasTarget(website_endpoint(region), ZONES[region])


def distribution_target(host: str, partition: str) -> AliasTarget:
    """Raises InputError where there is no CloudFront."""
    if partition not in CLOUDFRONT:
        raise InputError([f"The partition {partition} has no CloudFront that a record could lead to."])
    return AliasTarget(host, CLOUDFRONT[partition])


def partition_of(region: str) -> str:
    return str(_partition(region)["id"])


def _suffix(region: str) -> str:
    return str(_partition(region)["outputs"]["dnsSuffix"])


def _partition(region: str) -> Mapping[str, Any]:
    every = partitions()
    return next((each for each in every if re.match(each["regionRegex"], region)), every[0])
