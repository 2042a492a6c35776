"""What AWS says of a distribution, as far as invalidations and alias records need it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote

from ropeway.aws.answers import asking
from ropeway.aws.session import Aws

ID = re.compile(r"[A-Z0-9]{2,64}")
SOON = 10
"""Seconds that CloudFront keeps an error for, if it is not told otherwise: no invalidation is faster."""
ABSENT = frozenset({403, 404})
"""What S3 answers where there is nothing: 403 to whoever may not list the bucket."""


@dataclass(frozen=True)
class Origin:
    """`path` is where in it the distribution begins: `/site`, or empty. As keys are written, not as addresses are."""

    host: str
    path: str


@dataclass(frozen=True)
class Distribution:
    """`names` are the host names that it answers for beside its own. `by_query`: some copies are kept by query string, too.

    `has_functions`: code at the edge may answer otherwise than the bucket does. `error_pages` are the paths, as keys are written, of those that it shows, and
    keeps, under whatever address has nothing. `keeps_absence`: that there is nothing is kept for longer than it takes to be invalidated. `rewrites`: code between edge and
    origin may ask for something else than visitors did, so that any page may be kept under any path.
    """

    id: str
    host: str
    names: tuple[str, ...]
    enabled: bool
    origins: tuple[Origin, ...]
    root: str
    by_query: bool
    has_functions: bool = False
    error_pages: tuple[str, ...] = ()
    keeps_absence: bool = False
    rewrites: bool = False

    def paths_into(self, bucket: str) -> tuple[str, ...]:
        """The path of each origin that is this bucket, by its website endpoint or by its own."""
        return tuple(dict.fromkeys(origin.path for origin in self.origins if is_of_bucket(origin.host, bucket)))

    def bases_of(self, bucket: str, prefix: str) -> frozenset[str]:
        """The addresses under which it shows that folder, as paths without a slash at the end: one in `docs` is at / where an origin begins at /docs,
        and at /docs/ where it begins at the bucket. `prefix` has no outer slashes.
        """
        site = f"/{prefix}" if prefix else ""
        paths = (path for path in self.paths_into(bucket) if f"{site}/".startswith(f"{path}/"))
        return frozenset(quote(site[len(path) :]) for path in paths)

    def by_website(self, bucket: str) -> bool:
        """Whether one of them is the bucket's website endpoint."""
        ours = (origin.host.lower() for origin in self.origins if is_of_bucket(origin.host, bucket))
        return any(".s3-website" in host for host in ours)


def is_of_bucket(host: str, bucket: str) -> bool:
    """S3 user guide, "Virtual hosting of general purpose buckets" and "Website endpoints"."""
    rest = host.lower().removeprefix(f"{bucket.lower()}.")
    return rest != host.lower() and bool(
        re.fullmatch(r"s3(-website)?([.-](dualstack\.)?[a-z0-9-]+)?\.amazonaws\.(com|com\.cn|eu)", rest)
    )


def read_distribution(aws: Aws, id: str) -> Distribution:
    """Raises AwsError (there is none of this id), AccessDenied."""
    with asking(f"look at the distribution {id}", action="cloudfront:GetDistribution"):
        told = aws.client("cloudfront").get_distribution(Id=id)["Distribution"]
    config = told["DistributionConfig"]
    return Distribution(
        id,
        str(told["DomainName"]).lower(),
        tuple(name.lower() for name in config.get("Aliases", {}).get("Items", ())),
        bool(config.get("Enabled", True)),
        tuple(Origin(one["DomainName"], unquote(one.get("OriginPath", ""))) for one in config["Origins"]["Items"]),
        str(config.get("DefaultRootObject", "")),
        any(_forwards_queries(behaviour) for behaviour in _behaviours(config)),
        any(_has_functions(behaviour) for behaviour in _behaviours(config)),
        tuple(unquote(one["ResponsePagePath"]) for one in _lasting_errors(config) if one.get("ResponsePagePath")),
        any(int(one["ErrorCode"]) in ABSENT for one in _lasting_errors(config)),
        any(_rewrites(behaviour) for behaviour in _behaviours(config)),
    )


def _lasting_errors(config: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Developer guide, "Control how long CloudFront caches errors": not by what the page itself says."""
    for one in config.get("CustomErrorResponses", {}).get("Items") or ():
        if int(one.get("ErrorCachingMinTTL", SOON)) > SOON:
            yield one


def _behaviours(config: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield config.get("DefaultCacheBehavior", {})
    yield from config.get("CacheBehaviors", {}).get("Items") or ()


def _forwards_queries(behaviour: Mapping[str, Any]) -> bool:
    """By its own settings; what a cache policy says is not asked for."""
    return bool(behaviour.get("ForwardedValues", {}).get("QueryString"))


def _has_functions(behaviour: Mapping[str, Any]) -> bool:
    kinds = ("LambdaFunctionAssociations", "FunctionAssociations")
    return any(behaviour.get(kind, {}).get("Quantity") for kind in kinds)


def _rewrites(behaviour: Mapping[str, Any]) -> bool:
    """Lambda@Edge: a function of viewers' requests runs before the cache is asked, one of requests to the origin after that."""
    functions = behaviour.get("LambdaFunctionAssociations", {}).get("Items") or ()
    return any(one.get("EventType") == "origin-request" for one in functions)
