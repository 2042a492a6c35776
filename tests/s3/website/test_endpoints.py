"""AWS's table of website endpoints: whole as far as this botocore knows regions, and right where it is known otherwise."""

from __future__ import annotations

import pytest

from ropeway.errors import InputError
from ropeway.s3.website.endpoints import ZONES, distribution_target, partition_of, website_endpoint, website_target


@pytest.mark.parametrize(
    ("region", "endpoint", "zone"),
    [
        ("us-east-1", "s3-website-us-east-1.amazonaws.com", "Z3AQBSTGFYJSTF"),
        ("eu-west-1", "s3-website-eu-west-1.amazonaws.com", "Z1BKCTXD74EZPE"),
        ("eu-central-1", "s3-website.eu-central-1.amazonaws.com", "Z21DNDUVLTQW6Q"),
        ("us-east-2", "s3-website.us-east-2.amazonaws.com", "Z2O1EMRO9K5GLX"),
        ("us-gov-west-1", "s3-website-us-gov-west-1.amazonaws.com", "Z31GFT0UA1I2HV"),
        ("us-gov-east-1", "s3-website.us-gov-east-1.amazonaws.com", "Z2NIFVYYW2VKV1"),
        ("cn-north-1", "s3-website.cn-north-1.amazonaws.com.cn", "Z5CN8UMXT92WN"),
    ],
)
def test_a_region_has_an_endpoint_and_a_zone(region, endpoint, zone):
    target = website_target(region)
    assert (target.host, target.zone) == (endpoint, zone)
    assert website_endpoint(region) == endpoint


def test_no_two_regions_share_a_zone():
    assert len(set(ZONES.values())) == len(ZONES)


def test_a_region_that_the_table_does_not_know_is_an_error():
    with pytest.raises(InputError, match="No alias record can be made for mx-central-1"):
        website_target("mx-central-1")


@pytest.mark.parametrize(("region", "zone"), [("eu-west-1", "Z2FDTNDATAQYW2"), ("cn-north-1", "Z3RFFRIM2A3IF5")])
def test_all_distributions_lie_in_one_zone_of_their_partition(region, zone):
    assert distribution_target("d1.cloudfront.net", partition_of(region)).zone == zone


def test_where_there_is_no_cloudfront_no_record_leads_to_one():
    with pytest.raises(InputError, match="aws-us-gov has no CloudFront"):
        distribution_target("d1", partition_of("us-gov-west-1"))
