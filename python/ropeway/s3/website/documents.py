"""What a setting of a bucket would become, from what it is: pure, and the same again once it is so.

A setting is a document as S3's API has it; None where the bucket has none.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from ropeway.errors import InputError
from ropeway.outcome import counted
from ropeway.s3.state.place import FOLDER
from ropeway.s3.website.wanted import Pages, RedirectBucket

Document = Mapping[str, Any]

SID = "RopewayPublicRead"
"""Of the one statement in a bucket's policy that is ours."""

READ = "s3:GetObject"


# --- the website ------------------------------------------------------------------------------------------------------------


def website(there: Document | None, pages: Pages, bucket: str) -> Document:
    """Raises InputError where it would drop what somebody else has set."""
    there = there or {}
    if "RedirectAllRequestsTo" in there:
        raise InputError(
            [
                f"The bucket {bucket} leads everything to {_host(there)}: as a website it would not any more. Nothing was changed."
            ]
        ).advised("Take that redirect out of its website configuration first, if it is to be a website.")
    made: dict[str, Any] = {"IndexDocument": {"Suffix": pages.index}}
    if pages.error:
        made["ErrorDocument"] = {"Key": pages.error}
    elif "ErrorDocument" in there:
        made["ErrorDocument"] = there["ErrorDocument"]
    if rules := _rules(there.get("RoutingRules", ()), pages, bucket):
        made["RoutingRules"] = rules
    return made


def _rules(there: Sequence[Document], pages: Pages, bucket: str) -> list[Document]:
    if pages.rules is None:
        return list(there)
    asked: list[Document] = list(pages.rules)
    others = [rule for rule in there if rule not in asked]
    if others and not pages.replace_rules:
        told = "; ".join(json.dumps(rule) for rule in others)
        dropped = (
            f"{counted(len(others), 'routing rule')} that routingRules does not hold, and that would be gone: {told}"
        )
        raise InputError([f"The website of {bucket} has {dropped}. Nothing was changed."]).advised(
            "Write them into routingRules, too, or set replaceRoutingRules, so that what stands there is all there is."
        )
    return asked


def redirection(there: Document | None, redirect: RedirectBucket) -> Document:
    """Raises InputError for a bucket that is a website of its own."""
    if there and "RedirectAllRequestsTo" not in there:
        raise InputError(
            [
                f"The bucket {redirect.bucket} is a website of its own: it would lead to {redirect.host}. Nothing was changed."
            ]
        ).advised("Delete its website configuration first, if it is to redirect.")
    protocol = {"Protocol": redirect.protocol} if redirect.protocol else {}
    return {"RedirectAllRequestsTo": {"HostName": redirect.host, **protocol}}


def _host(website: Document) -> str:
    return str(website["RedirectAllRequestsTo"]["HostName"])


# --- who may read -----------------------------------------------------------------------------------------------------------

POLICIES = ("BlockPublicPolicy", "RestrictPublicBuckets")
"""What keeps a policy from opening a bucket (S3 user guide, "Blocking public access"); what is about ACLs stays as it is."""


def unblocked(there: Document | None) -> Document | None:
    if there is None:
        return None
    return {**there, **dict.fromkeys(POLICIES, False)}


def policy(there: Document | None, ours: Document) -> Document:
    """With our statement in the place of the one with its Sid, or at the end. All others stay."""
    made = dict(there or {"Version": "2012-10-17"})
    others = [one for one in statements(there) if one.get("Sid") != SID]
    kept = next((one for one in statements(there) if one.get("Sid") == SID), None)
    if kept is not None and canonical(kept) == canonical(ours):
        return there or {}
    return {**made, "Statement": [*others, ours]}


def public_read(bucket: str, prefix: str, partition: str) -> Document:
    """Everybody may read the site, and nothing that Ropeway keeps in its folder.

    Of a whole bucket all but that folder, wherever it lies; below a prefix, the prefix: the folder lies outside.
    """
    where = f"arn:{partition}:s3:::{bucket}"
    site = (
        {"Resource": f"{where}/{prefix}/*"}
        if prefix
        else {"NotResource": [f"{where}/{FOLDER}/*", f"{where}/*/{FOLDER}/*"]}
    )
    return {"Sid": SID, "Effect": "Allow", "Principal": "*", "Action": READ, **site}


def statements(policy: Document | None) -> list[Document]:
    told = (policy or {}).get("Statement", ())
    return [told] if isinstance(told, Mapping) else list(told)


def openings(policy: Document | None, arn: str) -> Iterator[str]:
    """The Sids of others' statements that let everybody read this object ("without a Sid" for those that have none)."""
    for one in statements(policy):
        if one.get("Sid") != SID and _is_for_all(one) and _reads(one, arn):
            yield str(one.get("Sid") or "without a Sid")


def lets_everybody_read(policy: Document | None, arn: str) -> bool:
    return any(_is_for_all(one) and _reads(one, arn) for one in statements(policy))


def lets_cloudfront_read(policy: Document | None, arn: str) -> bool:
    """Whether a distribution may (CloudFront developer guide, "Restrict access to an Amazon S3 origin": origin access control, or identity).

    Which distribution a condition names is not looked at; a denial counts where it has no condition.
    """
    asked = [one for one in statements(policy) if _is_of_cloudfront(one) and _reads(one, arn)]
    denied = any(one.get("Effect") == "Deny" and not one.get("Condition") for one in asked)
    return not denied and any(one.get("Effect") == "Allow" for one in asked)


def _is_of_cloudfront(statement: Document) -> bool:
    principal = statement.get("Principal")
    if not isinstance(principal, Mapping):
        return principal == "*"
    names = [name for kind in ("AWS", "Service") for name in _texts(principal.get(kind, ()))]
    by_name = any(name == "*" or "cloudfront" in name.lower() for name in names)
    return by_name or "CanonicalUser" in principal


def over_tls_alone(policy: Document | None) -> Iterator[str]:
    """The Sids of statements that deny whoever comes without TLS: visitors of a website endpoint, all of them."""
    for one in statements(policy):
        condition = {name.lower(): value for name, value in dict(one.get("Condition", {}).get("Bool", {})).items()}
        if one.get("Effect") == "Deny" and "false" in _texts(condition.get("aws:securetransport", ())):
            yield str(one.get("Sid") or "without a Sid")


def _is_for_all(statement: Document) -> bool:
    principal = statement.get("Principal")
    everybody = principal == "*" or (isinstance(principal, Mapping) and "*" in _texts(principal.get("AWS", ())))
    return statement.get("Effect") == "Allow" and everybody and not statement.get("Condition")


def _reads(statement: Document, arn: str) -> bool:
    action = any(fnmatchcase(READ.lower(), each.lower()) for each in _texts(statement.get("Action", ())))
    if "NotResource" in statement:
        return action and not any(fnmatchcase(arn, each) for each in _texts(statement["NotResource"]))
    return action and any(fnmatchcase(arn, each) for each in _texts(statement.get("Resource", ())))


def _texts(told: str | Iterable[str]) -> list[str]:
    return [told] if isinstance(told, str) else list(told)


def canonical(document: Any) -> str:
    """One text for all ways to write the same: a list of one is its member, and the order of a list of texts says nothing."""
    return json.dumps(_plain(document), sort_keys=True)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _plain(inner) for name, inner in value.items()}
    if not isinstance(value, (list, tuple)):
        return value
    plain = [_plain(inner) for inner in value]
    if len(plain) == 1:
        return plain[0]
    return sorted(plain) if all(isinstance(inner, str) for inner in plain) else plain
