"""Who acts under a policy: what is refused before anything is asked."""

from __future__ import annotations

import json

import pytest
from cfnlint.api import lint_all

from ropeway.setup.identity import Federation, Identity
from ropeway.setup.stack import template

GUID = "0f8fad5b-d9cb-469f-a165-70867728950e"
ACCOUNT = "111122223333"
SHOP = Federation("contoso", GUID, "Shop", "aws")
DOCUMENT = {"Version": "2012-10-17", "Statement": []}


@pytest.mark.parametrize(
    ("federation", "said"),
    [
        (Federation("contoso", "contoso", "Shop", "aws"), "--organization-id is 'contoso', which is no GUID"),
        (Federation("contoso", GUID, "*", "aws"), "--project is '*': name exactly one"),
        (Federation("contoso", GUID, "Shop", " "), "--connection-name is ' ': name exactly one"),
    ],
    ids=["id", "pattern", "blank"],
)
def test_what_would_let_others_in_or_nobody_is_a_problem(federation, said):
    assert any(problem.startswith(said) for problem in Identity("ropeway", federation).problems())


def test_a_role_and_a_user_are_one_too_many():
    assert list(Identity("ropeway", SHOP, "release").problems()) == [
        "--organization and --user are both given: a role needs no user, keep one of the two."
    ]


def test_what_iam_does_not_take_as_a_name_is_a_problem():
    assert list(Identity("my policy").problems()) == [
        "--policy-name is 'my policy': IAM takes up to 64 letters, digits and + = , . @ _ -"
    ]


def resolved(made, **given):
    """The resources of a stack, as CloudFormation works them out: conditions, references, and the account in texts."""
    values = {name: given.get(name, one["Default"]) for name, one in made.get("Parameters", {}).items()}
    holding = {
        name: values[one["Fn::Equals"][0]["Ref"]] == one["Fn::Equals"][1]
        for name, one in made.get("Conditions", {}).items()
    }
    there = {name: one for name, one in made["Resources"].items() if holding.get(one.get("Condition"), True)}

    def value(node):
        if isinstance(node, list):
            return [value(one) for one in node]
        if not isinstance(node, dict):
            return node
        if "Fn::If" in node:
            condition, yes, no = node["Fn::If"]
            return value(yes if holding[condition] else no)
        if "Fn::Sub" in node:
            return node["Fn::Sub"].replace("${AWS::AccountId}", ACCOUNT)
        if "Ref" in node:
            assert node["Ref"] in there, "a reference to what is not made fails the stack"
            return f"arn of {node['Ref']}"
        return {name: value(one) for name, one in node.items()}

    for one in there.values():
        assert set(one.get("DependsOn", ())) <= set(there), (
            "what depends on a resource that is not made is not made either"
        )
    return {name: value(one) for name, one in there.items()}


@pytest.mark.parametrize(
    ("given", "more", "trusts"),
    [
        ({}, {"Provider"}, "arn of Provider"),
        ({"MakeProvider": "true"}, {"Provider"}, "arn of Provider"),
        ({"MakeProvider": "false"}, set(), f"arn:aws:iam::{ACCOUNT}:oidc-provider/vstoken.dev.azure.com/{GUID}"),
    ],
    ids=["default", "made", "there-already"],
)
def test_a_stack_makes_policy_and_role_and_the_provider_unless_the_account_has_it(given, more, trusts):
    """An account has an identity provider once: a second stack that made it, too, would fail with EntityAlreadyExists."""
    made = resolved(template(DOCUMENT, Identity("ropeway", SHOP), "aws"), **given)
    assert set(made) == {"Policy", "Role"} | more
    (statement,) = made["Role"]["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    assert statement["Principal"] == {"Federated": trusts}
    assert made["Policy"]["Properties"]["Roles"] == ["arn of Role"]


def test_a_provider_outlives_the_stack_that_made_it_since_others_use_it():
    made = template(DOCUMENT, Identity("ropeway", SHOP), "aws")
    assert made["Resources"]["Provider"]["DeletionPolicy"] == "Retain"
    assert made["Parameters"]["MakeProvider"]["AllowedValues"] == ["true", "false"]
    assert set(made["Outputs"]) == {"PolicyArn", "RoleArn"}


@pytest.mark.parametrize("identity", [Identity("ropeway", SHOP), Identity("ropeway", user="u"), Identity("ropeway")])
def test_cloudformation_has_nothing_against_a_template(identity):
    document = {**DOCUMENT, "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}
    found = lint_all(json.dumps(template(document, identity, "aws")))
    assert [str(one) for one in found if one.rule.id[0] in "EW"] == []


def test_a_template_of_a_user_and_of_the_policy_alone():
    assert set(template(DOCUMENT, Identity("ropeway", user="u"), "aws")["Resources"]) == {"Policy", "User"}
    assert set(template(DOCUMENT, Identity("ropeway"), "aws")["Resources"]) == {"Policy"}
