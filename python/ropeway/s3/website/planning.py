"""The steps that set a website up, in order: read, compared, and nothing written."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote

from ropeway.aws.session import Aws
from ropeway.errors import InputError
from ropeway.outcome import Cancellation, Reason, Step, counted
from ropeway.s3 import buckets
from ropeway.s3.cloudfront.distributions import Distribution, read_distribution
from ropeway.s3.engine import ObjectEngine
from ropeway.s3.state.place import FOLDER
from ropeway.s3.website import documents
from ropeway.s3.website.documents import Document, canonical
from ropeway.s3.website.endpoints import (
    AliasTarget,
    distribution_target,
    partition_of,
    website_endpoint,
    website_target,
)
from ropeway.s3.website.records import AliasRecord, alias_records, public_zones, records_of, zone_of
from ropeway.s3.website.settings import Buckets, Kind
from ropeway.s3.website.wanted import WEBSITE, Alias, Pages, RedirectBucket, Wanted


@dataclass(frozen=True)
class MakeBucket:
    bucket: str


@dataclass(frozen=True)
class SetDocument:
    """A setting of a bucket: what it would be instead of what was seen."""

    kind: Kind
    bucket: str
    seen: Document | None = field(hash=False)
    wanted: Document = field(hash=False)


Work = MakeBucket | SetDocument | AliasRecord


@dataclass(frozen=True)
class WebsitePlan:
    """In the order in which it is done; the first `early` steps come before the objects of a release.

    `url` is where the site can be opened, empty where nobody can say; `website` the configuration of its bucket as JSON, empty where none is asked for.
    """

    wanted: Wanted
    steps: tuple[Step[Work], ...]
    warnings: tuple[str, ...] = ()
    url: str = ""
    early: int = 0
    website: str = ""

    @property
    def parted(self) -> tuple[WebsitePlan, WebsitePlan]:
        """What is done before the objects, with all warnings, and what is done after them."""
        first = WebsitePlan(self.wanted, self.steps[: self.early], self.warnings)
        return first, replace(self, steps=self.steps[self.early :], warnings=())

    @property
    def stales(self) -> bool:
        """Whether other pages are shown under the same paths from then on."""
        works = [step.work for step in self.steps if step.action == "configure"]
        return any(isinstance(work, SetDocument) and work.kind == "website" for work in works)


def plan_website(wanted: Wanted, aws: Aws, engine: ObjectEngine, cancellation: Cancellation) -> WebsitePlan:
    """Reads only. Raises InputError for what would take away what somebody else has set, and for what cannot work."""
    planning = _Planning(
        wanted,
        aws,
        engine,
        Buckets(aws.client("s3"), wanted.region, wanted.owner, wanted.bucket if wanted.new else ""),
        cancellation,
    )
    first, last = tuple(planning.first()), tuple(planning.last())
    website = planning.made[0] if planning.made else ""
    return WebsitePlan(wanted, (*first, *last), tuple(planning.warnings), planning.url(), len(first), website)


@dataclass(frozen=True)
class _Planning:
    wanted: Wanted
    aws: Aws
    engine: ObjectEngine
    buckets: Buckets
    cancellation: Cancellation
    warnings: list[str] = field(default_factory=list)
    made: list[str] = field(default_factory=list)
    read: dict[str, Distribution] = field(default_factory=dict)

    def first(self) -> Iterator[Step[Work]]:
        if self.wanted.versioning:
            yield self._versioning()
        if self.wanted.public:
            yield from self._public()

    def last(self) -> Iterator[Step[Work]]:
        if self.wanted.pages:
            yield self._website(self.wanted.pages)
        if self.wanted.redirect:
            yield from self._redirect(self.wanted.redirect)
        if self.wanted.aliases:
            yield from self._aliases()

    def url(self) -> str:
        """Of the site, which may lie in a folder. Asked for last: distributions are known by then."""
        if not self.wanted.aliases:
            host = f"{self.wanted.bucket}.{website_endpoint(self.wanted.region)}"
            return f"http://{host}{self._below}/" if self.wanted.pages else ""
        alias = self.wanted.aliases[0]
        return f"{'http' if alias.target == WEBSITE else 'https'}://{alias.host}{self._path_at(alias)}/"

    @property
    def _below(self) -> str:
        return f"/{quote(self.wanted.prefix)}" if self.wanted.prefix else ""

    def _path_at(self, alias: Alias) -> str:
        """Empty for the root, and where it is not known. A bucket that leads everything to another name keeps the path."""
        redirect = self.wanted.redirect
        leads_on = alias.target == WEBSITE and redirect and redirect.bucket == alias.host
        host = redirect.host if redirect and leads_on else alias.host
        target = next((one.target for one in self.wanted.aliases if one.host == host), WEBSITE)
        if target == WEBSITE:
            return self._below if host == self.wanted.bucket else ""
        bases = self.read[target].bases_of(self.wanted.bucket, self.wanted.prefix)
        return next(iter(bases)) if len(bases) == 1 else ""

    # --- the bucket ---------------------------------------------------------------------------------------------------------

    def _versioning(self) -> Step[Work]:
        return self._set(
            "versioning", "kept", self.buckets.read("versioning", self.wanted.bucket), {"Status": "Enabled"}
        )

    def _website(self, pages: Pages) -> Step[Work]:
        seen = self.buckets.read("website", self.wanted.bucket)
        made = documents.website(seen, pages, self.wanted.bucket)
        self.made.append(json.dumps(made, sort_keys=True))
        return self._set("website", website_in_words(made), seen, made)

    def _redirect(self, redirect: RedirectBucket) -> Iterator[Step[Work]]:
        there = buckets.is_there(self.engine, redirect.bucket, "", may_make=True, cancellation=self.cancellation)
        if not there:
            yield Step("create", f"s3://{redirect.bucket}", Reason.NEW, 0, MakeBucket(redirect.bucket))
        seen = self.buckets.read("website", redirect.bucket) if there else None
        made = documents.redirection(seen, redirect)
        yield self._set("website", website_in_words(made), seen, made, redirect.bucket)

    def _public(self) -> Iterator[Step[Work]]:
        bucket, prefix = self.wanted.bucket, self.wanted.prefix
        block, policy = self.buckets.read("block", bucket), self.buckets.read("policy", bucket)
        partition = partition_of(self.wanted.region)
        ours = documents.public_read(bucket, prefix, partition)
        yield self._set("block", "policies may open it", block, documents.unblocked(block))
        seen_by_all = f"everybody may read {f'{prefix}/*' if prefix else '*'}, and nothing in {FOLDER}/"
        yield self._set("policy", seen_by_all, policy, documents.policy(policy, ours))
        self.warnings.extend(self._warnings_of(policy, partition))

    def _warnings_of(self, policy: Document | None, partition: str) -> Iterator[str]:
        bucket = self.wanted.bucket
        state = f"arn:{partition}:s3:::{bucket}/{FOLDER}/sites/state.json"
        if open_ones := list(documents.openings(policy, state)):
            yield f"The policy of {bucket} lets everybody read {FOLDER}/, too: the statement {', '.join(open_ones)}."
        if self.wanted.pages and (closed := list(documents.over_tls_alone(policy))):
            yield (
                f"The policy of {bucket} denies whoever comes without TLS (the statement {', '.join(closed)}), and the website endpoint speaks "
                "HTTP alone: it shows nobody anything."
            )

    def _set(
        self, kind: Kind, words: str, seen: Document | None, made: Document | None, bucket: str = ""
    ) -> Step[Work]:
        bucket = bucket or self.wanted.bucket
        name = f"{_NOUNS[kind]} of s3://{bucket}: {words}"
        if made is None or (seen is not None and canonical(seen) == canonical(made)):
            return Step("skip", name, Reason.UNCHANGED, 0)
        work = SetDocument(kind, bucket, seen, made)
        if seen is None or not any(seen.values()):
            return Step("configure", name, Reason.NEW, 0, work)
        was = f", instead of {website_in_words(seen)}" if kind == "website" else ""
        return Step("configure", name + was, Reason.SETTINGS, 0, work)

    # --- the names ----------------------------------------------------------------------------------------------------------

    def _aliases(self) -> Iterator[Step[Work]]:
        targets = {alias: self._target(alias) for alias in self.wanted.aliases}
        zones = public_zones(self.aws)
        for alias, target in targets.items():
            zone = zone_of(alias.host, zones, self.wanted.zone)
            there = records_of(self.aws, zone, alias.host)
            for record in alias_records(zone, alias.host, target, there):
                yield _record_step(record)

    def _check_is_website(self, bucket: str) -> None:
        """A name that leads to a bucket without a website shows S3's error to everybody."""
        asked = self.wanted.pages and bucket == self.wanted.bucket
        redirects = self.wanted.redirect and bucket == self.wanted.redirect.bucket
        if not (asked or redirects) and self.buckets.read("website", bucket) is None:
            raise InputError([f"{bucket} would lead to a bucket that is no website. Nothing was changed."]).advised(
                "Set website, too."
            )

    def _target(self, alias: Alias) -> AliasTarget:
        if alias.target == WEBSITE:
            self._check_is_website(alias.host)
            return website_target(self.wanted.region)
        distribution = self.read[alias.target] = read_distribution(self.aws, alias.target)
        _check_answers_for(distribution, alias.host)
        return distribution_target(distribution.host, partition_of(self.wanted.region))


def _check_answers_for(distribution: Distribution, host: str) -> None:
    """CloudFront developer guide, "Alternate domain names": it answers for no other names, whatever leads to it; `*.` is one label or more."""
    names = [*distribution.names, distribution.host]
    if host in names or any(name.startswith("*.") and host.endswith(name[1:]) for name in names):
        return
    known = ", ".join(distribution.names) or "none"
    raise InputError(
        [f"The distribution {distribution.id} does not answer for {host}: its alternate domain names are {known}."]
    ).advised("Add the name, and a certificate that has it, to the distribution first. Nothing was changed.")


_NOUNS: Mapping[Kind, str] = {
    "versioning": "versions",
    "website": "website",
    "block": "public access block",
    "policy": "policy",
}


def website_in_words(website: Mapping[str, Any]) -> str:
    if leads := website.get("RedirectAllRequestsTo"):
        protocol = f"{leads['Protocol']}://" if "Protocol" in leads else ""
        return f"everything leads to {protocol}{leads['HostName']}"
    parts = [website["IndexDocument"]["Suffix"]]
    if "ErrorDocument" in website:
        parts.append(f"errors {website['ErrorDocument']['Key']}")
    if rules := website.get("RoutingRules"):
        parts.append(counted(len(rules), "routing rule"))
    return ", ".join(parts)


def _record_step(record: AliasRecord) -> Step[Work]:
    name = f"{record.type} record {record.host}: {record.target.host} (zone {record.zone.id})"
    if record.is_right:
        return Step("skip", name, Reason.UNCHANGED, 0)
    was = f", instead of {record.was}" if record.was else ""
    return Step("configure", name + was, Reason.SETTINGS if record.seen else Reason.NEW, 0, record)
