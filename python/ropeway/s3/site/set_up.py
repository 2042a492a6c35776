"""The set-up of a website: the inputs, and the plan beside that of the objects."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from ropeway import inputs
from ropeway.aws.policy import IamAction
from ropeway.aws.session import Aws
from ropeway.errors import InputError
from ropeway.inputs import Group, Pair, Spelling, camel
from ropeway.outcome import Output, Reason, Run, listing
from ropeway.s3.buckets import name_problem
from ropeway.s3.encryption import KMS, encryption_of
from ropeway.s3.site.beside import NOTHING, Beside
from ropeway.s3.site.inputs import SiteInputs
from ropeway.s3.site.invalidating import CloudFrontInputs, is_distribution
from ropeway.s3.site.plan import SitePlan, Target
from ropeway.s3.site.standing import Site
from ropeway.s3.state.place import StatePlace
from ropeway.s3.website.rules import read_rules
from ropeway.s3.website.wanted import WEBSITE, Alias, Pages, RedirectBucket, Wanted

WEBSITE_GROUP = Group("website", "Website")
DEPLOYS = "mode = deploy"
BUCKET = "arn:{partition}:s3:::{bucket}"
ZONES = "arn:{partition}:route53:::hostedzone/*"
ACTIONS = (
    IamAction("s3:GetBucketVersioning", BUCKET, "versioning, or checksFile and onFailure is rollback"),
    IamAction("s3:PutBucketVersioning", BUCKET, "versioning, where it is not on yet"),
    IamAction("s3:GetBucketWebsite", BUCKET, "website, redirectBucket (on that bucket), or dnsAliases to a website"),
    IamAction("s3:PutBucketWebsite", BUCKET, "website, or redirectBucket (on that bucket), where it is not set so yet"),
    IamAction(
        "s3:CreateBucket",
        BUCKET,
        "createBucket, or redirectBucket (on that bucket, with s3:ListBucket), where it is not there yet",
    ),
    IamAction("s3:GetBucketPublicAccessBlock", BUCKET, "publicRead"),
    IamAction("s3:PutBucketPublicAccessBlock", BUCKET, "publicRead, where policies may not open the bucket yet"),
    IamAction(
        "s3:GetBucketPolicy",
        BUCKET,
        "publicRead; without it a warning of what visitors may read, of `.ropeway/` for one, says that it may be so",
    ),
    IamAction("s3:PutBucketPolicy", BUCKET, "publicRead, where everybody may not read the site yet"),
    IamAction("route53:ListHostedZones", "*", "dnsAliases"),
    IamAction("route53:ListResourceRecordSets", ZONES, "dnsAliases"),
    IamAction("route53:ChangeResourceRecordSets", ZONES, "dnsAliases, where a record is not set so yet"),
    IamAction("route53:GetChange", "arn:{partition}:route53:::change/*", "the same"),
)
SERVICES = ("route53", "cloudfront")
HOST = re.compile(r"(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


@dataclass(frozen=True, kw_only=True)
class WebsiteInputs(CloudFrontInputs, SiteInputs):
    """What the bucket, and the names that lead to it, are set to. Nothing of it is touched that is not asked for."""

    website: bool = inputs.flag(
        "Serve as a website",
        "Give the bucket a website configuration: index document, error document, routing rules. The website endpoint shows what is public, over "
        "HTTP alone; for HTTPS put CloudFront before it.",
        group=WEBSITE_GROUP.name,
        visible=DEPLOYS,
    )
    error_document: str = inputs.text(
        "Error document",
        "What is shown where there is no page, as a path below the target folder: `404.html`. Empty: what is set already stays.",
        group=WEBSITE_GROUP.name,
        visible=DEPLOYS,
        metavar="PATH",
    )
    routing_rules: str = inputs.document(
        "Routing rules",
        "Redirects by the beginning of a key, or by error: YAML or JSON, as S3's console shows it. Empty: the rules that are there stay; `[]`: none.",
        group=WEBSITE_GROUP.name,
        visible=DEPLOYS,
        metavar="YAML",
    )
    replace_routing_rules: bool = inputs.flag(
        "Replace other routing rules",
        "The routing rules given here are all there are. Otherwise a rule that somebody else has set, and that is not among them, stops the task.",
        group=WEBSITE_GROUP.name,
        visible=DEPLOYS,
    )
    redirect_bucket: str = inputs.text(
        "Redirect bucket",
        "A second bucket, `www.example.com` for example, whose website leads everything to the site. It is made where it is not there.",
        group=WEBSITE_GROUP.name,
        visible=DEPLOYS,
        metavar="BUCKET",
    )
    redirect_to: str = inputs.text(
        "Host it leads to",
        "The host name that the redirect bucket leads to. Empty: the name of the bucket.",
        group=WEBSITE_GROUP.name,
        visible=DEPLOYS,
        metavar="HOST",
    )
    redirect_protocol: str = inputs.choice(
        "Protocol it leads to",
        "How the redirect goes on.",
        choices={"same": "As it was asked", "http": "HTTP", "https": "HTTPS"},
        default="same",
        group=WEBSITE_GROUP.name,
        visible=DEPLOYS,
    )
    dns_aliases: tuple[Pair, ...] = inputs.assignments(
        "Host names",
        "Alias records (A and AAAA) in Route 53, one a line: `www.example.com=website` leads to the website endpoint of the bucket of that name, "
        "`www.example.com=E2QWRUHAPOMQZL` to a distribution.",
        group=WEBSITE_GROUP.name,
        visible=DEPLOYS,
        metavar="HOST=TARGET",
    )
    hosted_zone_id: str = inputs.text(
        "Hosted zone",
        "The id of the hosted zone of the host names, where several public ones have the same name. Empty: found by the name.",
        group=WEBSITE_GROUP.name,
        visible=DEPLOYS,
        metavar="ID",
    )
    public_read: bool = inputs.flag(
        "Let everybody read the site",
        "Everybody on the internet may read every object of the site: policies may open the bucket, and its policy does, but for what Ropeway keeps "
        "in `.ropeway/`. Statements of others stay.",
        group=WEBSITE_GROUP.name,
        visible=DEPLOYS,
    )
    versioning: bool = inputs.flag(
        "Keep versions",
        "Switch versioning on. Without versions a release that overwrites files cannot be taken back.",
        group=WEBSITE_GROUP.name,
        visible=DEPLOYS,
    )

    def problems(self, spell: Spelling) -> Iterator[str]:
        yield from super().problems(spell)
        yield from self._problems_of_pages(spell)
        yield from self._problems_of_visitors(spell)
        yield from self._problems_of_redirect(spell)
        for pair in self.dns_aliases:
            if wrong := self._alias_problem(pair):
                yield f"{spell('dns_aliases')}, line {pair.line}: {wrong}"
        if self.hosted_zone_id and not self.dns_aliases:
            yield f"{spell('hosted_zone_id')} is set, but {spell('dns_aliases')} names no host."

    def _problems_of_pages(self, spell: Spelling) -> Iterator[str]:
        if self.bucket_name.startswith("arn:"):
            for name in ("website", "public_read", "versioning"):
                if getattr(self, name):
                    yield f"{spell(name)} is set, but {spell('bucket_name')} names an access point: name its bucket."
        for name in ("error_document", "routing_rules", "replace_routing_rules"):
            if getattr(self, name) and not self.website:
                yield f"{spell(name)} is set, but {spell('website')} is not."
        if self.replace_routing_rules and not self.routing_rules:
            yield f"{spell('replace_routing_rules')} is set, but {spell('routing_rules')} is empty: write [] for none."
        try:
            if self.routing_rules:
                read_rules(self.routing_rules, spell("routing_rules"))
        except InputError as wrong:
            yield from wrong.problems

    def _problems_of_visitors(self, spell: Spelling) -> Iterator[str]:
        for name in ("website", "public_read"):
            if getattr(self, name) and encryption_of(self).sse == KMS:
                yield (
                    f"{spell(name)} is set, but {spell('encryption_algorithm')} is KMS: S3 shows nothing under SSE-KMS to visitors, who have no "
                    "credentials. Take AES256, or let CloudFront alone read the bucket."
                )

    def _problems_of_redirect(self, spell: Spelling) -> Iterator[str]:
        if not self.redirect_bucket:
            if self.redirect_to or self.redirect_protocol != "same":
                yield f"{spell('redirect_to')} or {spell('redirect_protocol')} is set, but {spell('redirect_bucket')} is not."
            return
        if wrong := name_problem(self.redirect_bucket):
            yield f"{spell('redirect_bucket')} is {self.redirect_bucket!r}: {wrong}"
        if self.redirect_bucket == self.bucket_name:
            yield f"{spell('redirect_bucket')} is the bucket of the site: it would lead to itself."
        if not HOST.fullmatch(self.redirect_to or self.bucket_name):
            yield f"{spell('redirect_to')} must be a host name: {(self.redirect_to or self.bucket_name)!r} is none."

    def _alias_problem(self, pair: Pair) -> str:
        if not HOST.fullmatch(pair.name):
            return f"{pair.name!r} is no host name (in small letters)."
        if is_distribution(pair.value):
            return ""
        if pair.value != WEBSITE:
            return f"{pair.name} leads to {pair.value!r}: write {WEBSITE}, or the id of a distribution."
        if pair.name not in {self.bucket_name, self.redirect_bucket}:
            return f"S3 finds a website by its host name: a bucket called {pair.name} must be the one of the site, or redirectBucket."
        return ""


def plan_set_up(
    given: WebsiteInputs, site: Site, aws: Aws, run: Run, *, new: bool = False
) -> tuple[Beside, Beside, str]:
    """What is set before the objects (versions, who may read), what is set once they are live (pages, names), and the website configuration
    as JSON, where one is asked for: no rule leads to a page that is not there yet.

    Reads what is set; of a `new` bucket, which is not there yet, nothing. Raises InputError for what would take away what others have set, and for what cannot work.
    """
    wanted = replace(_wanted(given, site.target, aws.region), new=new)
    if not (wanted.pages or wanted.redirect or wanted.aliases or wanted.public or wanted.versioning):
        return NOTHING, NOTHING, ""
    _check_state_stays_private(wanted, site.state)
    # Imported by who sets something up: start-up counts.
    from ropeway.s3.website.applying import apply_website, check_as_seen  # noqa: PLC0415
    from ropeway.s3.website.planning import plan_website  # noqa: PLC0415

    planned = plan_website(wanted, aws, site.engine, run.cancellation)
    first, last = planned.parted
    before = Beside(first.steps, lambda aws, run: apply_website(first, aws, site.engine, run), warnings=first.warnings)
    after = Beside(
        steps=last.steps,
        apply=lambda aws, run: apply_website(last, aws, site.engine, run),
        before=lambda aws, _: check_as_seen(last, aws),
        outputs=(Output("siteUrl", last.url),) if last.url else (),
        stales=last.stales,
    )
    return before, after, last.website


def young_versions(set_up: Beside, plan: SitePlan) -> Iterator[str]:
    """S3 user guide, "Enabling versioning on buckets": after the first time, wait 15 minutes before writing."""
    first = [step for step in set_up.steps if step.action == "configure" and step.reason is Reason.NEW]
    begins = any(getattr(step.work, "kind", "") == "versioning" for step in first)
    over = [one.step.name for one in plan.todo if one.step.reason is not Reason.NEW]
    if begins and over:
        yield (
            f"{plan.target.bucket} has never kept versions, and S3 may take a quarter of an hour until it keeps every one: what this changes or "
            f"deletes may not come back, should it be taken back: {listing(over, 3)}. Switch versioning on that long before a release that "
            "checks may take back."
        )


def _wanted(given: WebsiteInputs, target: Target, region: str) -> Wanted:
    redirect = None
    if given.redirect_bucket:
        protocol = "" if given.redirect_protocol == "same" else given.redirect_protocol
        redirect = RedirectBucket(given.redirect_bucket, given.redirect_to or given.bucket_name, protocol)
    return Wanted(
        bucket=target.bucket,
        region=region,
        prefix=target.prefix,
        pages=_pages(given, target) if given.website else None,
        redirect=redirect,
        aliases=tuple(Alias(pair.name, pair.value) for pair in given.dns_aliases),
        zone=given.hosted_zone_id,
        public=given.public_read,
        versioning=given.versioning,
        owner=given.expected_bucket_owner,
    )


def _pages(given: WebsiteInputs, target: Target) -> Pages:
    rules = read_rules(given.routing_rules, camel("routing_rules")) if given.routing_rules else None
    error = target.key(given.error_document.lstrip("/")) if given.error_document else ""
    return Pages(given.index_document, error, rules, given.replace_routing_rules)


def _check_state_stays_private(wanted: Wanted, state: StatePlace) -> None:
    """The statement that opens a prefix opens all of it."""
    if wanted.public and wanted.prefix and state.bucket == wanted.bucket and state.key.startswith(f"{wanted.prefix}/"):
        raise InputError(
            [f"publicRead would open s3://{wanted.bucket}/{wanted.prefix}/ to everybody, and with it {state.address}."]
        ).advised("Name a place outside the site as stateLocation.")
