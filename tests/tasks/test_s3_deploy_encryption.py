"""Objects and state are encrypted as the task is asked to, and a bucket whose policy demands that takes them."""

from __future__ import annotations

import pytest

from ropeway.errors import InputError
from tests.tasks.encrypting import demanding, encryption, key, under
from tests.tasks.sites import ONE, TWO, back, deploy, history, listed, outputs, shown, suite

__all__ = ["back", "demanding", "deploy", "key", "suite"]

LARGE = {**ONE, "film.mp4": bytes(9 << 20)}


def changes(ran):
    return [(step.action, str(step.reason)) for step in ran.plan.steps if step.action != "skip"]


@pytest.mark.parametrize("engine", ["wire", "boto3"])
def test_a_bucket_that_demands_encryption_takes_releases_and_rollbacks_that_say_it(
    deploy, back, s3, bucket, key, demanding, engine
):
    demanding()
    refused = deploy("40", ONE, transfer_engine=engine, lock="none").outcome.error
    assert "explicit deny in a resource-based policy" in str(refused)
    assert listed(s3, bucket) == []
    given = {**under(key), "transfer_engine": engine}
    assert deploy("41", LARGE, **given).outcome.error is None
    assert {encryption(s3, bucket, name) for name in listed(s3, bucket)} == {("aws:kms", key)}
    again = deploy("41", LARGE, **given)
    assert (again.outcome.error, changes(again)) == (None, [])
    other = {**LARGE, "index.html": b"two"}
    settings = "site: {headers: {about.html: {cacheControl: no-store}}}"
    changed = deploy("42", other, settings=settings, **given)
    assert (changed.outcome.error, changes(changed)) == (None, [("copy", "headers"), ("upload", "content")])
    assert back(**given).outcome.error is None
    assert shown(s3, bucket) == LARGE
    assert {encryption(s3, bucket, name) for name in listed(s3, bucket)} == {("aws:kms", key)}


def test_the_way_back_from_a_release_whose_checks_fail_is_encrypted_too(deploy, suite, s3, bucket, key, demanding):
    demanding()
    deploy("41", ONE, **under(key))
    ran = deploy("42", TWO, checks_file=suite("41"), **under(key))
    assert outputs(ran.outcome)["result"] == "rolledBack"
    assert shown(s3, bucket)["index.html"] == ONE["index.html"]


def test_a_release_of_before_comes_back_as_the_bucket_demands_it_now(deploy, back, s3, bucket, key, demanding):
    deploy("41", ONE)
    demanding()
    moved = deploy("42", {**ONE, "index.html": b"two"}, **under(key))
    assert moved.outcome.error is None
    assert sorted(changes(moved)) == [("copy", "headers"), ("copy", "headers"), ("upload", "content")]
    ran = back(**under(key))
    assert (ran.outcome.error, changes(ran)) == (None, [("copy", "content")])
    assert shown(s3, bucket) == ONE
    assert {encryption(s3, bucket, f"docs/{name}") for name in ONE} == {("aws:kms", key)}
    assert deploy("43", {**ONE, "new.html": b"new"}, **under(key)).outcome.error is None


def test_encryption_is_changed_only_where_it_is_asked_for_and_of_the_same_release(deploy, back, s3, bucket, key):
    deploy("41", ONE)
    ran = deploy("41", ONE, **under(key))
    assert (ran.outcome.error, {*changes(ran)}) == (None, {("copy", "headers")})
    assert history(s3, bucket) == ("41", {"41": "live"})
    ran = deploy("42", {**ONE, "index.html": b"two"})
    assert (ran.outcome.error, changes(ran)) == (None, [("upload", "content")])
    assert encryption(s3, bucket, "docs/about.html") == ("aws:kms", key)
    assert encryption(s3, bucket, "docs/index.html")[0] == "AES256"
    assert back().outcome.error is None
    assert encryption(s3, bucket, "docs/index.html") == ("aws:kms", key)


def test_a_key_may_be_named_by_its_alias(deploy, s3, bucket, key):
    given = under(f"alias/{key[-12:]}") | {"verify": "all"}
    assert deploy("41", ONE, **given).outcome.error is None
    assert encryption(s3, bucket, "docs/index.html") == ("aws:kms", key)
    assert changes(deploy("41", ONE, **given)) == []
    s3.put_object(Bucket=bucket, Key="docs/about.html", Body=b"by others")
    assert changes(deploy("41", ONE, **given)) == [("upload", "changed by others")]


# --- what visitors could not read ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("opened", ["website", "public_read"])
def test_a_public_site_is_not_put_under_kms(deploy, bucket, opened):
    with pytest.raises(InputError, match="S3 shows nothing under SSE-KMS to visitors"):
        deploy("41", ONE, key_management="awsManaged", **{opened: "true"})
    given = {"key_management": "awsManaged", "encryption_algorithm": "AES256", opened: "true"}
    assert deploy("41", ONE, **given).outcome.error is None


def test_nor_is_one_that_is_open_already(deploy, s3, bucket, key):
    deploy("41", ONE, public_read="true")
    with pytest.raises(InputError, match=r"without credentials, which S3 refuses of what is under SSE-KMS"):
        deploy("42", TWO, **under(key))
    assert history(s3, bucket)[0] == "41"
    assert shown(s3, bucket) == ONE


def test_a_key_of_ones_own_is_no_choice(deploy):
    with pytest.raises(InputError, match=r"keyManagement is 'customerManaged'"):
        deploy("41", ONE, key_management="customerManaged")
