"""A bucket becomes a website that can be opened over HTTP, and only when that is asked for; a second run has nothing to do."""

from __future__ import annotations

import json
import uuid

import pytest

from ropeway.aws.connection import AwsInputs
from ropeway.aws.session import connect
from ropeway.errors import AwsError, Cancelled, InputError, Overtaken
from ropeway.outcome import Cancellation, Run
from ropeway.s3.website import documents
from ropeway.s3.website.applying import apply_website
from ropeway.s3.website.wanted import Pages, RedirectBucket, Wanted
from tests.s3.website.conftest import told
from tests.servers.misbehaving import s3_error
from tests.tasks.conftest import Told

REGION = "us-east-1"
RULE = {"Condition": {"KeyPrefixEquals": "docs/"}, "Redirect": {"ReplaceKeyPrefixWith": "documents/"}}


def whole(bucket, **more):
    return Wanted(bucket, REGION, pages=Pages(error="404.html", rules=(RULE,)), public=True, versioning=True, **more)


def put(s3, bucket, **objects):
    for name, body in objects.items():
        s3.put_object(Bucket=bucket, Key=name.replace("__", "/"), Body=body, ContentType="text/html")


def test_a_site_in_a_folder_is_opened_there(bench, s3, bucket):
    planned = bench.set_up(whole(bucket, prefix="high season"))
    put(s3, bucket, **{"high season__index.html": "hello", "index.html": "another site"})
    assert planned.url == f"http://{bucket}.s3-website-us-east-1.amazonaws.com/high%20season/"
    assert bench.get(bucket, "/high%20season/") == (200, "hello")


def test_a_website_is_set_up_and_can_be_opened(bench, s3, bucket):
    planned = bench.set_up(whole(bucket))
    assert told(planned) == [
        ("configure", "new", f"versions of s3://{bucket}: kept"),
        ("configure", "settings differ", f"public access block of s3://{bucket}: policies may open it"),
        ("configure", "new", f"policy of s3://{bucket}: everybody may read *, and nothing in .ropeway/"),
        ("configure", "new", f"website of s3://{bucket}: index.html, errors 404.html, 1 routing rule"),
    ]
    assert (planned.url, planned.stales) == (f"http://{bucket}.s3-website-us-east-1.amazonaws.com/", True)
    put(s3, bucket, **{"index.html": "hello", "a__index.html": "a", "404.html": "gone"})
    assert bench.get(bucket) == (200, "hello")
    assert bench.get(bucket, "/a/") == (200, "a")
    assert bench.get(bucket, "/nothing") == (403, "gone")  # who may not list is not told what is missing
    status, where = bench.get(bucket, "/docs/x")
    assert (status, where.endswith("/documents/x")) == (301, True)


def test_a_second_run_has_nothing_to_do(bench, bucket):
    bench.set_up(whole(bucket))
    again = bench.plan(whole(bucket))
    assert {(step.action, str(step.reason)) for step in again.steps} == {("skip", "unchanged")}
    assert len(again.steps) == 4
    assert not again.stales
    assert apply_website(again, bench.aws, bench.engine, Run()) == ()


def test_what_ropeway_keeps_stays_closed(bench, s3, bucket):
    bench.set_up(whole(bucket))
    put(s3, bucket, **{"index.html": "i", ".ropeway__sites__x.json": "state", "a__.ropeway__x.json": "state"})
    assert bench.get(bucket, "/index.html")[0] == 200
    assert bench.get(bucket, "/.ropeway/sites/x.json")[0] == 403
    assert bench.get(bucket, "/a/.ropeway/x.json")[0] == 403


def test_below_a_prefix_only_that_is_opened(bench, s3, bucket):
    bench.set_up(Wanted(bucket, REGION, prefix="docs", pages=Pages(), public=True))
    put(s3, bucket, **{"docs__index.html": "d", "index.html": "secret"})
    assert (bench.get(bucket, "/docs/"), bench.get(bucket, "/")[0]) == ((200, "d"), 403)


def test_a_bucket_that_nobody_asked_to_open_stays_closed(bench, s3, bucket):
    planned = bench.set_up(Wanted(bucket, REGION, pages=Pages()))
    assert [name for _, _, name in told(planned)] == [f"website of s3://{bucket}: index.html"]
    put(s3, bucket, **{"index.html": "secret"})
    assert bench.get(bucket)[0] == 403
    assert all(s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"].values())


def test_nothing_is_written_by_a_plan(bench, s3, bucket):
    bench.plan(whole(bucket))
    assert "Status" not in s3.get_bucket_versioning(Bucket=bucket)
    assert all(s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"].values())


# --- what others have set ------------------------------------------------------------------------------------------------------


def test_statements_error_document_and_acl_blocks_of_others_stay(bench, s3, bucket):
    theirs = {
        "Sid": "Theirs",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:DeleteBucket",
        "Resource": f"arn:aws:s3:::{bucket}",
    }
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Id": "p", "Statement": theirs}))
    website = {"IndexDocument": {"Suffix": "home.html"}, "ErrorDocument": {"Key": "oops.html"}, "RoutingRules": [RULE]}
    s3.put_bucket_website(Bucket=bucket, WebsiteConfiguration=website)
    planned = bench.set_up(Wanted(bucket, REGION, pages=Pages(), public=True))
    assert {reason for _, reason, _ in told(planned)} == {"settings differ"}
    policy = json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"])
    assert (policy["Id"], policy["Statement"][0], policy["Statement"][1]["Sid"]) == ("p", theirs, documents.SID)
    there = s3.get_bucket_website(Bucket=bucket)
    assert (there["IndexDocument"], there["ErrorDocument"], there["RoutingRules"]) == (
        {"Suffix": "index.html"},
        {"Key": "oops.html"},
        [RULE],
    )
    block = s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]
    assert block == {
        "BlockPublicAcls": True,
        "IgnorePublicAcls": True,
        "BlockPublicPolicy": False,
        "RestrictPublicBuckets": False,
    }


def test_a_routing_rule_of_others_stops_the_plan_unless_it_is_to_be_replaced(bench, s3, bucket):
    other = {"Redirect": {"HostName": "other.example.com"}}
    s3.put_bucket_website(
        Bucket=bucket, WebsiteConfiguration={"IndexDocument": {"Suffix": "i"}, "RoutingRules": [other]}
    )
    with pytest.raises(InputError, match=r"has 1 routing rule that routingRules does not hold.*other\.example\.com"):
        bench.plan(whole(bucket))
    bench.set_up(Wanted(bucket, REGION, pages=Pages(rules=(RULE,), replace_rules=True)))
    assert s3.get_bucket_website(Bucket=bucket)["RoutingRules"] == [RULE]


def test_a_statement_of_others_that_opens_ropeways_state_is_told(bench, s3, bucket):
    s3.delete_public_access_block(Bucket=bucket)
    theirs = {"Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": f"arn:aws:s3:::{bucket}/*"}
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [theirs]}))
    assert bench.plan(whole(bucket)).warnings == (
        f"The policy of {bucket} lets everybody read .ropeway/, too: the statement without a Sid.",
    )


def test_a_statement_that_denies_visitors_without_tls_is_told(bench, s3, bucket):
    theirs = {
        "Sid": "AllowSSLRequestsOnly",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": f"arn:aws:s3:::{bucket}/*",
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [theirs]}))
    [warning] = bench.plan(whole(bucket)).warnings
    assert warning.startswith(
        f"The policy of {bucket} denies whoever comes without TLS (the statement AllowSSLRequestsOnly)"
    )
    assert bench.plan(Wanted(bucket, REGION, public=True)).warnings == ()  # CloudFront may stand before it


def test_what_somebody_has_set_since_the_plan_is_not_written_over(bench, s3, bucket):
    planned = bench.plan(Wanted(bucket, REGION, pages=Pages(), versioning=True))
    s3.put_bucket_website(Bucket=bucket, WebsiteConfiguration={"IndexDocument": {"Suffix": "theirs.html"}})
    versions, website = apply_website(planned, bench.aws, bench.engine, Run())
    assert versions.error is None
    assert isinstance(website.error, Overtaken)
    assert "is not what it was when this was planned" in str(website.error)
    assert s3.get_bucket_website(Bucket=bucket)["IndexDocument"] == {"Suffix": "theirs.html"}


def test_a_bucket_that_there_is_not_stops_the_plan(bench):
    with pytest.raises(AwsError, match="NoSuchBucket"):
        bench.plan(whole(f"none-{uuid.uuid4().hex[:8]}"))


def test_a_stop_is_seen_before_anything_more_is_set(bench, s3, bucket):
    planned = bench.plan(whole(bucket))
    cancellation = Cancellation()
    cancellation.ask("the agent said so")
    with pytest.raises(Cancelled):
        apply_website(planned, bench.aws, bench.engine, Run(cancellation=cancellation))
    assert "Status" not in s3.get_bucket_versioning(Bucket=bucket)


# --- a bucket that redirects ---------------------------------------------------------------------------------------------------


def redirecting(bucket, other, protocol=""):
    return Wanted(bucket, REGION, redirect=RedirectBucket(other, "www.example.com", protocol))


def test_a_redirect_bucket_is_made_and_leads_everything_to_the_site(bench, bucket):
    other = f"www.{bucket}"
    run = Run(Told())
    planned = bench.set_up(redirecting(bucket, other, "https"), run)
    assert told(planned) == [
        ("create", "new", f"s3://{other}"),
        ("configure", "new", f"website of s3://{other}: everything leads to https://www.example.com"),
    ]
    assert bench.get(other, "/a/b.html") == (301, "https://www.example.com/a/b.html")
    assert {step.action for step in bench.plan(redirecting(bucket, other, "https")).steps} == {"skip"}
    assert f"Created the bucket {other} in us-east-1." in run.tell.notes


def test_a_redirect_that_leads_elsewhere_is_changed(bench, s3, bucket):
    other = f"www.{bucket}"
    s3.create_bucket(Bucket=other)
    s3.put_bucket_website(Bucket=other, WebsiteConfiguration={"RedirectAllRequestsTo": {"HostName": "old.example.com"}})
    assert told(bench.set_up(redirecting(bucket, other))) == [
        (
            "configure",
            "settings differ",
            f"website of s3://{other}: everything leads to www.example.com, instead of everything leads to old.example.com",
        )
    ]
    assert bench.get(other, "/")[1] == "http://www.example.com/"


def test_a_website_is_not_made_a_redirect(bench, s3, bucket):
    other = f"www.{bucket}"
    s3.create_bucket(Bucket=other)
    s3.put_bucket_website(Bucket=other, WebsiteConfiguration={"IndexDocument": {"Suffix": "index.html"}})
    with pytest.raises(InputError, match="is a website of its own"):
        bench.plan(redirecting(bucket, other))


def test_a_block_of_the_whole_account_is_told_as_such(bench, misbehaving, embedded, bucket):
    planned = bench.plan(Wanted(bucket, REGION, public=True))
    misbehaving.upstream = embedded.endpoint_url
    words = "because public policies are blocked by the BlockPublicPolicy setting in S3 Block Public Access"
    misbehaving.on(s3_error(403, "AccessDenied", words), method="PUT", target="policy")
    inputs = AwsInputs(region_name=REGION, endpoint_url=misbehaving.url)
    *_, last = apply_website(planned, connect(inputs, embedded.connection), bench.engine, Run())
    assert "Public access is blocked for the whole account" in last.error.advice
