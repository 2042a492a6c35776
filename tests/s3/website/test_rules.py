"""Routing rules: what S3's console shows can be pasted, and every mistake is told with its place."""

from __future__ import annotations

import pytest

from ropeway.errors import InputError
from ropeway.s3.website.rules import read_rules

DOCS = {"Condition": {"KeyPrefixEquals": "docs/"}, "Redirect": {"ReplaceKeyPrefixWith": "documents/"}}


@pytest.mark.parametrize(
    "written",
    [
        '[{"Condition": {"KeyPrefixEquals": "docs/"}, "Redirect": {"ReplaceKeyPrefixWith": "documents/"}}]',
        "- condition: {keyPrefixEquals: docs/}\n  redirect: {replaceKeyPrefixWith: documents/}",
        "condition: {keyPrefixEquals: docs/}\nredirect: {replaceKeyPrefixWith: documents/}",
    ],
)
def test_rules_are_read_as_the_console_writes_them_and_as_yaml(written):
    assert read_rules(written, "routingRules") == (DOCS,)


def test_all_that_a_rule_can_say():
    written = """
    - condition: {keyPrefixEquals: '', httpErrorCodeReturnedEquals: 404}
      redirect: {hostName: old.example.com, protocol: https, replaceKeyWith: '', httpRedirectCode: 302}
    """
    assert read_rules(written, "r") == (
        {
            "Condition": {"KeyPrefixEquals": "", "HttpErrorCodeReturnedEquals": "404"},
            "Redirect": {
                "HostName": "old.example.com",
                "Protocol": "https",
                "ReplaceKeyWith": "",
                "HttpRedirectCode": "302",
            },
        },
    )


def test_no_rules_are_none():
    assert read_rules("[]", "routingRules") == ()


@pytest.mark.parametrize(
    ("written", "problem"),
    [
        ("- redirect: {}", "routingRules:1:13: A redirect leads nowhere: say at least one thing of it."),
        ("- condition: {keyPrefixEquals: a}", "routingRules:1:3: routingRules needs redirect: Where it leads."),
        (
            "- condition: {}\n  redirect: {hostName: a}",
            "routingRules:1:14: A condition needs keyPrefixEquals or httpErrorCodeReturnedEquals. Without a condition a rule counts always.",
        ),
        ("- redirect: {protocol: ftp}", "routingRules:1:24: protocol is 'ftp'; it takes http, https."),
        ("- redirect: {httpRedirectCode: 200}", "routingRules:1:32: httpRedirectCode is '200'; it is a status as 302."),
        ("- redirect: {hostName: 'a b'}", "routingRules:1:24: hostName is 'a b', which is no host name."),
        (
            "- redirect: {replaceKeyWith: a, replaceKeyPrefixWith: b}",
            "routingRules:1:13: A redirect has replaceKeyPrefixWith or replaceKeyWith, not both.",
        ),
        ("- redirects: {}", "'redirects' is not a setting of routingRules"),
        ("- redirect: {", "routingRules:1:"),
    ],
)
def test_mistakes_are_told_with_their_place(written, problem):
    with pytest.raises(InputError) as wrong:
        read_rules(written, "routingRules")
    assert problem in str(wrong.value)


def test_no_more_than_fifty_are_taken():
    with pytest.raises(InputError, match="routingRules holds 51 rules; a website has at most 50"):
        read_rules("\n".join(["- redirect: {hostName: a}"] * 51), "routingRules")
