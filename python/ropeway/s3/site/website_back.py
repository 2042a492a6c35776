"""The website configuration that goes with an earlier release, set again with it: rules and error pages that a later one has brought lead nowhere."""

from __future__ import annotations

import json

from ropeway.aws.session import Aws
from ropeway.errors import AwsError
from ropeway.outcome import Reason, Run, Step
from ropeway.s3.site.beside import NOTHING, Beside
from ropeway.s3.site.inputs import SiteInputs
from ropeway.s3.site.standing import Prepared
from ropeway.s3.state.manifest import Manifest, read_manifest
from ropeway.s3.state.releases import State


def website_back(given: SiteInputs, prepared: Prepared, aws: Aws, run: Run) -> Beside:
    """Reads what is set, where the two releases differ in it. What somebody else has set since stays, and so does what nobody knows; a warning says so.

    Whoever goes back is not held up by it.
    """
    gone, wanted = _taken_back(prepared, run), prepared.manifest.website
    was = gone.website if gone else ""
    if not was or was == wanted or gone is None:
        return NOTHING
    if not wanted:
        return _stays(f"release {gone.id} has set it, and {prepared.manifest.id} was made without one")
    if given.bucket_name.startswith("arn:"):
        return _stays("bucketName names an access point, which has none")
    try:
        return _back(given, prepared, aws, was, wanted)
    except AwsError as refused:
        return _stays(str(refused))


def _taken_back(prepared: Prepared, run: Run) -> Manifest | None:
    """The release that goes: the live one; or, where the one that comes is live already, the last one that was taken back, by a run that may have
    been stopped before it had set the website.
    """
    site, standing = prepared.site, prepared.standing
    if standing.history.live != prepared.manifest.id:
        return standing.live
    last = standing.history.releases[-1]
    if last.state is not State.ROLLED_BACK:
        return None
    found = read_manifest(site.engine, site.state, last.id, run.cancellation)
    return found[0] if found else None


def _back(given: SiteInputs, prepared: Prepared, aws: Aws, was: str, wanted: str) -> Beside:
    # Imported by who sets something: start-up counts.
    from ropeway.s3.website.applying import apply_website, check_as_seen  # noqa: PLC0415
    from ropeway.s3.website.documents import canonical  # noqa: PLC0415
    from ropeway.s3.website.planning import SetDocument, WebsitePlan, Work, website_in_words  # noqa: PLC0415
    from ropeway.s3.website.settings import Buckets  # noqa: PLC0415
    from ropeway.s3.website.wanted import Wanted  # noqa: PLC0415

    bucket, asked = given.bucket_name, json.loads(wanted)
    seen = Buckets(aws.client("s3"), aws.region, given.expected_bucket_owner).read("website", bucket)
    if canonical(seen) == canonical(asked):
        return NOTHING
    if seen is None or canonical(seen) != canonical(json.loads(was)):
        return _stays("it is not the one that the release has set which is taken back: somebody else has set it")
    name = f"website of s3://{bucket}: {website_in_words(asked)}, instead of {website_in_words(seen)}"
    step: Step[Work] = Step("configure", name, Reason.SETTINGS, 0, SetDocument("website", bucket, seen, asked))
    planned = WebsitePlan(Wanted(bucket, aws.region, owner=given.expected_bucket_owner), (step,))
    return Beside(
        steps=planned.steps,
        apply=lambda aws, run: apply_website(planned, aws, prepared.site.engine, run),
        before=lambda aws, _: check_as_seen(planned, aws),
        stales=True,
    )


def _stays(why: str) -> Beside:
    return Beside(warnings=(f"The website configuration of the bucket stays as it is: {why}.",))
