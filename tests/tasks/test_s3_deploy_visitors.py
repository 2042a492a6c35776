"""What visitors can read before a release they can read after it; what Ropeway keeps, they are told nothing by."""

from __future__ import annotations

import json
import urllib.error
import urllib.request

import pytest

from ropeway.errors import InputError, IntegrityError
from ropeway.s3.site import visitors
from tests.checks.kinds.aws_kit import client_of
from tests.s3.cloudfront.kit import distribution
from tests.servers.misbehaving import Answer
from tests.tasks.sites import ONE, TWO, back, deploy, history, outputs, said

__all__ = ["back", "client_of", "deploy"]


@pytest.fixture(autouse=True)
def at_the_embedded(monkeypatch, embedded):
    monkeypatch.setenv("AWS_ENDPOINT_URL", embedded.endpoint_url)


def status(embedded, bucket, key):
    try:
        with urllib.request.urlopen(f"{embedded.endpoint_url}/{bucket}/{key}", timeout=60) as answer:
            return answer.status
    except urllib.error.HTTPError as answer:
        with answer:
            return answer.code


def open_by_policy(s3, bucket, **condition):
    statement = {
        "Effect": "Allow",
        "Principal": "*",
        "Action": "s3:GetObject",
        "Resource": f"arn:aws:s3:::{bucket}/docs/*",
    }
    s3.delete_public_access_block(Bucket=bucket)
    s3.put_bucket_policy(
        Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement | condition]})
    )


# --- a site that lives by ACLs --------------------------------------------------------------------------------------------------


@pytest.fixture
def by_acl(s3, acl_bucket):
    """What `aws s3 sync --acl public-read` leaves."""
    for name, data in ONE.items():
        s3.put_object(Bucket=acl_bucket, Key=f"docs/{name}", Body=data, ACL="public-read", ContentType="text/html")
    return acl_bucket


def test_a_site_that_visitors_read_by_acls_is_left_as_it_is(deploy, embedded, by_acl, s3):
    with pytest.raises(InputError) as refused:
        deploy("41", ONE, bucket_name=by_acl)
    assert str(refused.value).startswith("Visitors read this site by the ACLs of its objects (")
    assert all(words in str(refused.value) for words in said("Visitors read the site by ACLs"))
    assert status(embedded, by_acl, "docs/index.html") == 200
    assert [one["Key"] for one in s3.list_objects_v2(Bucket=by_acl)["Contents"]] == [
        f"docs/{name}" for name in sorted(ONE)
    ]


@pytest.mark.parametrize("how", ["publicRead", "policy"])
def test_it_is_released_once_a_policy_opens_it(deploy, embedded, by_acl, s3, how):
    if how == "policy":
        open_by_policy(s3, by_acl)
    ran = deploy("41", ONE, bucket_name=by_acl, public_read="true" if how == "publicRead" else "false")
    assert ran.outcome.error is None
    assert status(embedded, by_acl, "docs/index.html") == 200


def test_what_visitors_cannot_read_any_more_is_no_good_release(deploy, embedded, s3, acl_bucket):
    """Here by an ACL that somebody has put since on what was released: no listing shows it."""
    deploy("41", ONE, bucket_name=acl_bucket)
    s3.put_object_acl(Bucket=acl_bucket, Key="docs/index.html", ACL="public-read")
    ran = deploy("42", TWO, bucket_name=acl_bucket, on_failure="fail")
    assert isinstance(ran.outcome.error, IntegrityError)
    assert f"Visitors could read s3://{acl_bucket}/docs/index.html before, and are refused now (403)" in str(
        ran.outcome.error
    )
    refused = said("Visitors are refused after a release what they could read before")
    assert all(words in str(ran.outcome.error) for words in refused)
    assert (outputs(ran.outcome)["result"], history(s3, acl_bucket)[1]["42"]) == ("failed", "failed")


def test_a_site_that_a_policy_opens_is_released_again_and_again(deploy, s3, bucket):
    deploy("41", ONE)
    open_by_policy(s3, bucket)
    assert deploy("42", TWO).outcome.error is None


# --- what Ropeway keeps, behind CloudFront ----------------------------------------------------------------------------------------


@pytest.fixture
def policy(misbehaving, embedded, bucket):
    """`policy(*denied)`: the bucket's, which lets CloudFront read, from now on. The embedded S3 itself minds no principals."""
    misbehaving.upstream = embedded.endpoint_url

    def set_to(*denied):
        cloudfront = {"Principal": {"Service": "cloudfront.amazonaws.com"}, "Action": "s3:GetObject"}
        allow = {"Effect": "Allow", **cloudfront, "Resource": f"arn:aws:s3:::{bucket}/*"}
        condition = {
            "Condition": {"StringEquals": {"AWS:SourceArn": "arn:aws:cloudfront::111122223333:distribution/E2"}}
        }
        deny = [{"Effect": "Deny", **cloudfront, "Resource": f"arn:aws:s3:::{bucket}/{one}"} for one in denied]
        told = {"Version": "2012-10-17", "Statement": [allow | condition, *deny]}
        misbehaving.on(Answer(200, body=json.dumps(told).encode()), method="GET", target=r"\?policy")
        return {"endpoint_url": misbehaving.url, "wait_for_invalidation": "false"}

    return set_to


def test_state_that_a_distribution_shows_is_warned_of_and_tells_no_names(deploy, client_of, policy, s3, bucket):
    edge = distribution(client_of("cloudfront"), bucket)
    given = policy()
    for release, files in (("41", ONE), ("42", TWO)):
        (warning,) = deploy(release, files, distribution_ids=edge.id, **given).outcome.warnings
        assert warning.startswith(
            f"Visitors of the distribution {edge.id} can read what Ropeway keeps at s3://{bucket}/.ropeway/sites/docs: "
        )
        kept = s3.get_object(Bucket=bucket, Key=f".ropeway/sites/docs/releases/{release}.json")["Body"].read()
        assert json.loads(kept)["who"] == ""


@pytest.mark.parametrize(("path", "denied"), [("", [".ropeway/*"]), ("/docs", [])])
def test_state_that_a_distribution_cannot_show_is_not_warned_of(deploy, client_of, policy, bucket, path, denied):
    edge = distribution(client_of("cloudfront"), bucket, path=path)
    assert deploy("41", ONE, distribution_ids=edge.id, **policy(*denied)).outcome.warnings == ()


def test_where_nobody_answers_without_credentials_the_warning_says_that_nobody_could_tell(deploy, monkeypatch, bucket):
    """An address that answers nobody, in the place of an S3 that is reached through an endpoint in a private network alone."""
    monkeypatch.setattr(visitors, "_address", lambda aws, bucket: "http://127.0.0.1:9")
    (warning,) = deploy("41", ONE).outcome.warnings
    assert warning.startswith(
        f"Nobody could tell whether visitors can read what Ropeway keeps at s3://{bucket}/.ropeway/"
    )
    assert "http://127.0.0.1:9 does not answer" in warning
    assert said("Nobody answers without credentials from where the task runs")[0] in warning
