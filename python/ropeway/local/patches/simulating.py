"""What a role or user may do, asked of IAM without doing it: moto has no simulator."""

from __future__ import annotations

import json
from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any

from moto.core.responses import ActionResult
from moto.iam.access_control import AssumedRoleAccessKey, IAMPolicy, IAMUserAccessKey, PermissionResult
from moto.iam.responses import IamResponse

Context = Mapping[str, list[str]]
"""Keys of conditions in lower case, and their values."""


def mend() -> None:
    def simulated(request: IamResponse) -> ActionResult:
        """Identity-based policies only, of conditions StringEquals and StringLike (IAM API reference, SimulatePrincipalPolicy)."""
        policies = _policies(request, request._get_param("PolicySourceArn"))  # noqa: SLF001 - moto's own way to know
        actions = request._get_param("ActionNames")  # noqa: SLF001 - the same
        resources = request._get_param("ResourceArns") or ["*"]  # noqa: SLF001 - the same
        context = _context(request._get_param("ContextEntries") or [])  # noqa: SLF001 - the same
        results = [_result(policies, action, resource, context) for action in actions for resource in resources]
        return ActionResult({"EvaluationResults": results, "IsTruncated": False})

    IamResponse.simulate_principal_policy = simulated


def _policies(request: IamResponse, arn: str) -> list[Any]:
    """Those of its groups, too. Raises moto's NoSuchEntity."""
    name = arn.rpartition("/")[2]
    held: Any
    if ":role/" in arn:
        request.backend.get_role(name)
        held = object.__new__(AssumedRoleAccessKey)
        held._owner_role_name = name
    else:
        request.backend.get_user(name)
        held = object.__new__(IAMUserAccessKey)
        held._owner_user_name = name
    held.account_id, held.partition = request.current_account, request.partition
    return list(held.collect_policies())


def _context(entries: list[Any]) -> Context:
    return {one["ContextKeyName"].lower(): one["ContextKeyValues"] for one in entries}


def _result(policies: list[Any], action: str, resource: str, context: Context) -> dict[str, Any]:
    missing: set[str] = set()
    kept = [_met(policy, context, missing) for policy in policies]
    found = [IAMPolicy(policy).is_action_permitted(action, resource) for policy in kept]
    denied, permitted = PermissionResult.DENIED in found, PermissionResult.PERMITTED in found
    decision = "explicitDeny" if denied else "allowed" if permitted else "implicitDeny"
    told = {"EvalActionName": action, "EvalResourceName": resource, "EvalDecision": decision}
    return told | {"MissingContextValues": sorted(missing)}


def _met(policy: Any, context: Context, missing: set[str]) -> str:
    """The policy without the statements whose conditions do not hold; `missing` are the keys that nobody gave."""
    document = IAMPolicy(policy)._policy_json  # noqa: SLF001 - moto's own way to read one in each of its forms
    statements = document["Statement"] if isinstance(document["Statement"], list) else [document["Statement"]]
    held = [one for one in statements if _holds(one.get("Condition", {}), context, missing)]
    return json.dumps({**document, "Statement": held})


def _holds(conditions: Any, context: Context, missing: set[str]) -> bool:
    asked = [(kind, key, told) for kind, keys in conditions.items() for key, told in keys.items()]
    missing |= {key for _, key, _ in asked if key.lower() not in context}
    return all(
        any(_is(kind, given, one) for given in context.get(key.lower(), ()) for one in _many(told))
        for kind, key, told in asked
    )


def _is(kind: str, given: str, told: str) -> bool:
    """StringEquals and StringLike; of any other nobody says that it holds."""
    return (kind == "StringEquals" and given == told) or (kind == "StringLike" and fnmatchcase(given, told))


def _many(told: Any) -> list[str]:
    return told if isinstance(told, list) else [told]
