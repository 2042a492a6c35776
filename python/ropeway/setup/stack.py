"""The same as a CloudFormation template: for whoever may change IAM by a stack only, or wants it under version control."""

from __future__ import annotations

from typing import Any

from ropeway.setup.identity import AUDIENCE, Federation, Identity, trust_policy

Json = dict[str, Any]

MAKE = {
    "Description": "false where another stack, or `ropeway setup policy --apply`, has made the identity provider of the organisation: an account has it once.",
    "Type": "String",
    "AllowedValues": ["true", "false"],
    "Default": "true",
}
MAKES = "MakesProvider"


def template(document: Json, identity: Identity, partition: str) -> Json:
    """Of one policy, and of what `identity` says. A stack with it needs the capability CAPABILITY_NAMED_IAM."""
    resources: Json = {"Policy": _policy(document, identity)}
    outputs: Json = {"PolicyArn": {"Value": {"Ref": "Policy"}}}
    choice: Json = {}
    if identity.federation:
        choice = {
            "Parameters": {"MakeProvider": MAKE},
            "Conditions": {MAKES: {"Fn::Equals": [{"Ref": "MakeProvider"}, "true"]}},
        }
        resources |= {
            "Provider": _provider(identity.federation),
            "Role": _role(identity.name, identity.federation, partition),
        }
        outputs |= {"RoleArn": {"Description": "For the service connection.", "Value": {"Fn::GetAtt": ["Role", "Arn"]}}}
    if identity.user:
        resources |= {"User": {"Type": "AWS::IAM::User", "Properties": {"UserName": identity.user}}}
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": "What Ropeway needs to deploy: the least policy, and who may act under it.",
        **choice,
        "Resources": resources,
        "Outputs": outputs,
    }


def _policy(document: Json, identity: Identity) -> Json:
    held_by: Json = {"Roles": [{"Ref": "Role"}]} if identity.federation else {}
    held_by |= {"Users": [{"Ref": "User"}]} if identity.user else {}
    properties = {"ManagedPolicyName": identity.name, "PolicyDocument": document, **held_by}
    return {"Type": "AWS::IAM::ManagedPolicy", "Properties": properties}


def _provider(federation: Federation) -> Json:
    """It outlives the stack: roles of other stacks may trust its tokens by now."""
    properties = {"Url": f"https://{federation.issuer}", "ClientIdList": [AUDIENCE]}
    return {
        "Type": "AWS::IAM::OIDCProvider",
        "Condition": MAKES,
        "DeletionPolicy": "Retain",
        "UpdateReplacePolicy": "Retain",
        "Properties": properties,
    }


def _role(name: str, federation: Federation, partition: str) -> Json:
    """CloudFormation knows the account; everything else of the ARN is known here.

    It waits for the provider by the reference to it: by `DependsOn` it would not be made where the provider is not (CloudFormation, "Condition attribute").
    """
    statement = federation.statement(partition, "${AWS::AccountId}")
    there = {"Fn::Sub": statement["Principal"]["Federated"]}
    statement["Principal"] = {"Federated": {"Fn::If": [MAKES, {"Ref": "Provider"}, there]}}
    properties = {"RoleName": name, "AssumeRolePolicyDocument": trust_policy(statement)}
    return {"Type": "AWS::IAM::Role", "Properties": properties}
