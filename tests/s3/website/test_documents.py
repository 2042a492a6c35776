"""What settings become: what people have set stays, and what is as it should be, stays as it is."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ropeway.errors import InputError
from ropeway.s3.website import documents
from ropeway.s3.website.documents import canonical
from ropeway.s3.website.wanted import Pages, RedirectBucket

SITE = documents.public_read("site", "", "aws")
SIDS = st.none() | st.sampled_from(["Theirs", "AllowSSLRequestsOnly", documents.SID])
STATEMENTS = st.builds(
    lambda sid, effect, resource: {
        **({"Sid": sid} if sid else {}),
        "Effect": effect,
        "Principal": "*",
        "Action": ["s3:GetObject"],
        "Resource": resource,
    },
    SIDS,
    st.sampled_from(["Allow", "Deny"]),
    st.sampled_from(["arn:aws:s3:::site/*", "arn:aws:s3:::site/a/*"]),
)
POLICIES = st.none() | st.builds(
    lambda statements, one: {"Version": "2012-10-17", "Id": "p", "Statement": statements[0] if one else statements},
    st.lists(STATEMENTS, min_size=1, max_size=4, unique_by=lambda one: one.get("Sid", "")),
    st.booleans(),
)
RULES = st.lists(
    st.sampled_from([{"Redirect": {"HostName": host}} for host in ("a", "b", "c")]), max_size=3, unique_by=str
)
WEBSITES = st.none() | st.builds(
    lambda error, rules: {
        "IndexDocument": {"Suffix": "home.html"},
        **({"ErrorDocument": {"Key": error}} if error else {}),
        **({"RoutingRules": rules} if rules else {}),
    },
    st.sampled_from(["", "oops.html"]),
    RULES,
)


@given(POLICIES)
def test_of_a_policy_every_statement_of_others_stays_and_ours_is_there_once(policy):
    made = documents.policy(policy, SITE)
    theirs = [one for one in documents.statements(policy) if one.get("Sid") != documents.SID]
    assert [one for one in documents.statements(made) if one.get("Sid") != documents.SID] == theirs
    assert [one for one in documents.statements(made) if one.get("Sid") == documents.SID] == [SITE]
    assert made["Version"] == "2012-10-17"


@given(POLICIES)
def test_a_policy_that_is_right_is_left_as_it_is(policy):
    made = documents.policy(policy, SITE)
    assert documents.policy(made, SITE) is made
    reordered = {**made, "Statement": [dict(reversed(one.items())) for one in documents.statements(made)]}
    assert documents.policy(reordered, SITE) is reordered


def test_of_a_whole_bucket_all_but_ropeways_folder_is_opened():
    assert documents.public_read("b", "", "aws-cn") == {
        "Sid": "RopewayPublicRead",
        "Effect": "Allow",
        "Principal": "*",
        "Action": "s3:GetObject",
        "NotResource": ["arn:aws-cn:s3:::b/.ropeway/*", "arn:aws-cn:s3:::b/*/.ropeway/*"],
    }


def test_below_a_prefix_nothing_else_is_opened():
    assert documents.public_read("b", "docs", "aws")["Resource"] == "arn:aws:s3:::b/docs/*"


@pytest.mark.parametrize(
    ("statement", "opens"),
    [
        ({"Resource": "arn:aws:s3:::b/*"}, True),
        ({"Resource": ["arn:aws:s3:::b/docs/*"]}, False),
        ({"Resource": "arn:aws:s3:::b/*", "Principal": {"AWS": "*"}}, True),
        ({"Resource": "arn:aws:s3:::b/*", "Principal": {"AWS": "arn:aws:iam::1:root"}}, False),
        ({"Resource": "arn:aws:s3:::b/*", "Action": "s3:*"}, True),
        ({"Resource": "arn:aws:s3:::b/*", "Action": ["s3:ListBucket"]}, False),
        ({"Resource": "arn:aws:s3:::b/*", "Effect": "Deny"}, False),
        ({"Resource": "arn:aws:s3:::b/*", "Condition": {"IpAddress": {}}}, False),
        ({"NotResource": "arn:aws:s3:::b/.ropeway/*"}, False),
        ({"NotResource": "arn:aws:s3:::b/secret/*"}, True),
    ],
)
def test_what_others_have_opened_is_seen(statement, opens):
    whole = {"Sid": "Theirs", "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", **statement}
    found = list(documents.openings({"Statement": whole}, "arn:aws:s3:::b/.ropeway/sites/state.json"))
    assert found == (["Theirs"] if opens else [])


@given(WEBSITES, st.sampled_from(["", "404.html"]), st.none() | RULES)
def test_a_website_is_what_is_asked_for_and_for_the_rest_what_it_was(there, error, rules):
    pages = Pages(error=error, rules=None if rules is None else tuple(rules), replace_rules=True)
    made = documents.website(there, pages, "b")
    assert made["IndexDocument"] == {"Suffix": "index.html"}
    assert made.get("ErrorDocument") == ({"Key": error} if error else (there or {}).get("ErrorDocument"))
    assert made.get("RoutingRules", []) == ((there or {}).get("RoutingRules", []) if rules is None else rules)
    assert canonical(documents.website(made, pages, "b")) == canonical(made)


@given(WEBSITES, RULES)
def test_no_rule_of_others_goes_unless_that_was_asked_for(there, rules):
    others = [one for one in (there or {}).get("RoutingRules", []) if one not in rules]
    pages = Pages(rules=tuple(rules))
    if not others:
        assert documents.website(there, pages, "b").get("RoutingRules", []) == rules
        return
    with pytest.raises(InputError, match="that routingRules does not hold, and that would be gone") as refused:
        documents.website(there, pages, "b")
    assert all(json.dumps(one) in str(refused.value) for one in others)


def test_a_bucket_that_redirects_is_made_no_website_and_a_website_no_redirect():
    leads = {"RedirectAllRequestsTo": {"HostName": "other.example.com"}}
    with pytest.raises(InputError, match=r"The bucket b leads everything to other\.example\.com"):
        documents.website(leads, Pages(), "b")
    with pytest.raises(InputError, match="The bucket w is a website of its own"):
        documents.redirection({"IndexDocument": {"Suffix": "i"}}, RedirectBucket("w", "b"))


@pytest.mark.parametrize(("protocol", "told"), [("", {}), ("https", {"Protocol": "https"})])
def test_a_redirect_names_host_and_protocol(protocol, told):
    made = documents.redirection(None, RedirectBucket("w", "b", protocol))
    assert made == {"RedirectAllRequestsTo": {"HostName": "b", **told}}


def test_only_what_is_about_policies_is_unblocked():
    block = dict.fromkeys(("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True)
    opened = {**block, "BlockPublicPolicy": False, "RestrictPublicBuckets": False}
    assert documents.unblocked(block) == opened
    assert documents.unblocked(opened) == opened
    assert documents.unblocked(None) is None
