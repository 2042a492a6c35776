"""Bundles and state of an application are encrypted as the task is asked to, and a bucket whose policy demands that takes them."""

from __future__ import annotations

import pytest

from ropeway.errors import AccessDenied, InputError
from tests.tasks.encrypting import demanding, encryption, key, under
from tests.tasks.sites import listed
from tests.tasks.test_ec2_deploy import outputs, shop

__all__ = ["demanding", "key", "shop"]


@pytest.mark.parametrize("engine", ["wire", "boto3"])
def test_a_bucket_that_demands_encryption_takes_deploys_and_rollbacks_that_say_it(
    shop, s3, bucket, key, demanding, engine
):
    demanding()
    fleet = shop(1)
    with pytest.raises(AccessDenied, match="explicit deny in a resource-based policy"):
        fleet.deploy("v1", transfer_engine=engine)
    assert (listed(s3, bucket), fleet.answers) == ([], [""])
    given = {**under(key), "transfer_engine": engine}
    assert fleet.deploy("v1", **given).error is None
    assert fleet.deploy("v2", **given).error is None
    failed = fleet.deploy("v3", broken_on=fleet.ids[0], **given)
    assert (outputs(failed)["result"], fleet.answers) == ("rolledBack", ["v2"])
    assert fleet.back(**given).error is None
    assert fleet.answers == ["v1"]
    assert len(listed(s3, bucket)) > 8
    assert {encryption(s3, bucket, name) for name in listed(s3, bucket)} == {("aws:kms", key)}


def test_a_key_without_its_choice_is_refused_before_anything_is_done(shop, s3, bucket, key):
    with pytest.raises(InputError, match="kmsMasterKeyId is set, but that needs keyManagement awsManaged"):
        shop(1).deploy("v1", kms_master_key_id=key)
    assert listed(s3, bucket) == []
