"""Where a service is asked: AWS's own endpoint rules, as botocore carries them, read without botocore.

A rule set is data (Smithy 2.0, "Rules engine specification"; its functions are described there and in "AWS rules engine library
functions"). To evaluate it takes these few functions and 10 ms; to import botocore for it, 150 to 450. A test holds that the answers
are those of botocore's own evaluator.
"""

from __future__ import annotations

import json
import os
import re
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from typing import Any
from urllib.parse import quote, urlsplit

from ropeway.errors import InputError

Json = Any
Scope = dict[str, Any]


@dataclass(frozen=True)
class Endpoint:
    """Where and how: the address, and the scheme ("sigv4", "sigv4a", "sigv4-s3express"), service and region of the signature.

    `region` is the one that was asked for where the rules name no other.
    """

    url: str
    scheme: str = "sigv4"
    service: str = ""
    region: str = ""


def resolve(service: str, doing: str, **parameters: str | bool | None) -> Endpoint:
    """The endpoint of a service as botocore names it ("s3"). Parameters are those of its rule set; what is None is not set.

    `doing` reads on from "Could not". Raises InputError in AWS's words for what no endpoint serves.
    """
    rules = _rule_set(service)
    given: Scope = {name: spec["default"] for name, spec in rules["parameters"].items() if "default" in spec}
    given |= {name: value for name, value in parameters.items() if value is not None}
    found = _first(rules["rules"], given)
    if isinstance(found, str):
        raise InputError([f"Could not {doing}: {found.rstrip('.')}."])
    assert found is not None  # noqa: S101 - every rule set ends with a rule for the rest
    url, properties = found
    return endpoint_of(url, properties, service, str(given.get("Region", "")))


def endpoint_of(url: str, properties: Mapping[str, Any], service: str, region: str) -> Endpoint:
    """Of the ways to sign that an endpoint takes, SigV4 where that is among them, else the first."""
    schemes: Sequence[Mapping[str, str]] = properties.get("authSchemes", ())
    scheme = next((each for each in schemes if each["name"] == "sigv4"), next(iter(schemes), {}))
    return Endpoint(
        url=url,
        scheme=scheme.get("name", "sigv4"),
        service=scheme.get("signingName", service),
        region=scheme.get("signingRegion", region),
    )


# --- the rules --------------------------------------------------------------------------------------------------------------


def _first(rules: Sequence[Json], given: Scope) -> tuple[str, Json] | str | None:
    """What the first rule that holds says: an address with its properties, or the words of an error."""
    for rule in rules:
        scope = dict(given)  # what a rule assigns is its own
        if not all(_holds(condition, scope) for condition in rule["conditions"]):
            continue
        found = _said(rule, scope)
        if found is not None:
            return found
    return None


def _said(rule: Json, scope: Scope) -> tuple[str, Json] | str | None:
    if rule["type"] == "tree":
        return _first(rule["rules"], scope)
    if rule["type"] == "error":
        return str(_value(rule["error"], scope))
    endpoint = rule["endpoint"]
    return str(_value(endpoint["url"], scope)), _filled(endpoint.get("properties", {}), scope)


def _holds(condition: Json, scope: Scope) -> bool:
    value = _call(condition, scope)
    if name := condition.get("assign"):
        scope[name] = value
    return value is not None and value is not False


def _call(call: Json, scope: Scope) -> Any:
    return FUNCTIONS[call["fn"]](*[_value(argument, scope) for argument in call["argv"]])


def _value(of: Json, scope: Scope) -> Any:
    if isinstance(of, str):
        return re.sub(r"\{([^{}]+)\}", lambda found: str(_named(found[1], scope)), of)
    if isinstance(of, dict):
        return scope.get(of["ref"]) if "ref" in of else _call(of, scope)
    return of


def _named(reference: str, scope: Scope) -> Any:
    """`{name#part}` of a template."""
    value: Any = scope
    for part in reference.split("#"):
        value = value[part]
    return value


def _filled(properties: Json, scope: Scope) -> Json:
    if isinstance(properties, dict):
        return {name: _filled(value, scope) for name, value in properties.items()}
    if isinstance(properties, list):
        return [_filled(value, scope) for value in properties]
    return _value(properties, scope)


# --- their functions --------------------------------------------------------------------------------------------------------


def _attribute(value: Any, path: str) -> Any:
    for part in path.split("."):
        name, _, index = part.partition("[")
        value = value[name] if name else value
        if index:
            at = int(index.rstrip("]"))
            value = value[at] if value is not None and at < len(value) else None
    return value


def partition_of(region: str) -> str:
    """`aws`, `aws-cn`, ...: the partition of a region, as it stands in ARNs."""
    return str(_partition(region)["name"])


def _partition(region: str) -> Mapping[str, Any]:
    """The partition of a region, by name or by pattern; the first one (aws) for what belongs to none."""
    of = next(
        (each for each in partitions() if region in each["regions"] or re.match(each["regionRegex"], region)), None
    )
    of = of or partitions()[0]
    return {**of["outputs"], "name": of["id"]}


def _arn(text: str) -> Mapping[str, Any] | None:
    parts = text.split(":", 5)
    if len(parts) < 6 or parts[0] != "arn" or not (parts[1] and parts[2] and parts[5]):
        return None
    _, partition, service, region, account, resource = parts
    return {
        "partition": partition,
        "service": service,
        "region": region,
        "accountId": account,
        "resourceId": re.split("[:/]", resource),
    }


LABEL = re.compile(r"(?!-)[a-zA-Z\d-]{1,63}(?<!-)", re.ASCII)
IPV4 = re.compile(r"(\d{1,3}\.){3}\d{1,3}", re.ASCII)


def _is_label(text: str, with_dots: bool) -> bool:
    return all(LABEL.fullmatch(label) for label in (text.split(".") if with_dots else [text]))


def _is_virtual(bucket: str, with_dots: bool) -> bool:
    """Whether the bucket's name can stand before the host (S3 user guide, "Virtual hosting of buckets")."""
    is_name = len(bucket) >= 3 and bucket == bucket.lower() and not IPV4.fullmatch(bucket)
    return is_name and _is_label(bucket, with_dots)


def _address(url: str) -> Mapping[str, Any] | None:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or parts.query:
        return None
    host = parts.hostname or ""
    return {
        "scheme": parts.scheme,
        "authority": parts.netloc,
        "path": parts.path,
        "normalizedPath": quote(parts.path.rstrip("/")) + "/",
        "isIp": ":" in host or bool(IPV4.fullmatch(host)),
    }


def _substring(text: str, start: int, stop: int, from_end: bool) -> str | None:
    if start >= stop or len(text) < stop or not text.isascii():
        return None
    return text[len(text) - stop : len(text) - start] if from_end else text[start:stop]


FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "aws.isVirtualHostableS3Bucket": _is_virtual,
    "aws.parseArn": _arn,
    "aws.partition": _partition,
    "booleanEquals": lambda one, other: one is other,
    "getAttr": _attribute,
    "isSet": lambda value: value is not None,
    "isValidHostLabel": _is_label,
    "not": lambda value: not value,
    "parseURL": _address,
    "stringEquals": lambda one, other: one == other,
    "substring": _substring,
    "uriEncode": lambda text: quote(text, safe="-._~"),
}


# --- botocore's data --------------------------------------------------------------------------------------------------------


def botocore_folder() -> str:
    """Where botocore lies, which need not be imported for that. Raises ModuleNotFoundError."""
    found = find_spec("botocore")
    if found is None or not found.origin:
        raise ModuleNotFoundError("botocore")
    return os.path.dirname(found.origin)


@cache
def partitions() -> Sequence[Mapping[str, Any]]:
    with open(os.path.join(botocore_folder(), "data", "partitions.json"), encoding="utf-8") as file:
        return list(json.load(file)["partitions"])


def _rule_set(service: str) -> Json:
    folder = os.path.join(botocore_folder(), "data", service)
    newest = max(os.listdir(folder))
    with open(os.path.join(folder, newest, "endpoint-rule-set-1.json.gz"), "rb") as file:
        return json.loads(zlib.decompress(file.read(), wbits=31))  # 31: with gzip's header (zlib manual, inflateInit2)
