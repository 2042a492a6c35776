"""The inputs that whatever works on a site shares: deploying, rolling back, listing, unlocking."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ropeway import inputs
from ropeway.inputs import Group, Spelling
from ropeway.s3 import encryption
from ropeway.s3.inputs import ENCRYPTION, BucketInputs, bucket_problem
from ropeway.s3.site.invalidating import CloudFrontInputs
from ropeway.s3.site.spelling import globs_problems
from ropeway.s3.state.place import place_at

STATE = Group("state", "State and lock")
AFTER = Group("after", "After it: checks, rollback")
GROUPS = (ENCRYPTION, STATE, AFTER)


@dataclass(frozen=True, kw_only=True)
class SiteInputs(BucketInputs):
    """Which site, where its state lies, and how both are encrypted."""

    target_folder: str = inputs.text(
        "Target folder",
        "The prefix of the site's keys in the bucket, for example `docs`. Empty: the whole bucket is the site.",
        metavar="PREFIX",
    )
    state_location: str = inputs.text(
        "Location of the state",
        "A private place for releases, lock and manifests, as `s3://bucket/prefix`. Empty: below `.ropeway/` in the bucket of the site. Whoever "
        "deploys, rolls back or lists must name the same.",
        group=STATE.name,
        metavar="S3URL",
    )
    key_management: str = encryption.key_management()
    encryption_algorithm: str = encryption.encryption_algorithm()
    kms_master_key_id: str = encryption.kms_master_key_id()

    def problems(self, spell: Spelling) -> Iterator[str]:
        yield from super().problems(spell)
        if any(part in {".", ".."} for part in self.target_folder.replace("\\", "/").split("/")):
            yield f"{spell('target_folder')} is {self.target_folder!r}: a key's prefix knows no . or .. folders."
        if ".ropeway" in self.target_folder.replace("\\", "/").split("/"):
            yield f"{spell('target_folder')} is {self.target_folder!r}: Ropeway keeps its own state in .ropeway."
        if self.state_location and (wrong := _place_problem(self.state_location)):
            yield f"{spell('state_location')} {wrong}"
        yield from encryption.kms_key_problems(self, spell)


def _place_problem(location: str) -> str:
    try:
        return bucket_problem(place_at(location).bucket)
    except ValueError as wrong:
        return str(wrong)


@dataclass(frozen=True, kw_only=True)
class ReleasingInputs(CloudFrontInputs, SiteInputs):
    """What changes which release is live, and makes sure of it."""

    protected: tuple[str, ...] = inputs.lines(
        "Protected objects",
        "Globs, one a line, of objects below the target folder that are never written, changed or deleted: `uploads/**`. They are added to those "
        "of the site's settings; a rollback keeps them by itself.",
        metavar="GLOB",
    )
    max_delete: int = inputs.number(
        "Deletes, at most",
        "When more objects than this would be deleted, nothing is deleted and nothing else is changed: it fails.",
        default=256,
        at_least=0,
        at_most=10_000_000,
    )
    max_delete_percent: int = inputs.number(
        "Deletes, at most, in percent",
        "The same, of the objects of the site that are neither protected nor kept for open pages.",
        default=50,
        at_least=0,
        at_most=100,
    )
    lock: str = inputs.choice(
        "When somebody else deploys",
        "One deploys to a site at a time: the others wait, or fail. `none` takes no lock: for stores without conditional writes, and where "
        "nobody else deploys for sure.",
        choices={"wait": "Wait for them", "fail": "Fail at once", "none": "Take no lock"},
        default="wait",
        group=STATE.name,
    )
    lock_wait_minutes: int = inputs.number(
        "Waiting time in minutes",
        "How long to wait for somebody else's deploy, at most.",
        default=15,
        at_least=1,
        at_most=1440,
        group=STATE.name,
    )
    verify: str = inputs.choice(
        "Read back",
        "Which objects are read back from the bucket and compared, headers too: a sample of what was written, all of the release, or none. What "
        "differs counts as a check that failed.",
        choices={"sample": "A sample of what was written", "all": "All", "none": "None"},
        default="sample",
        group=AFTER.name,
    )
    # No path to the agent, which makes the whole of the sources of a path that is empty.
    checks_file: str = inputs.text(
        "Checks file",
        "A suite (`ropeway-checks.yml`) that is asked once the release is live. `{release.id}` and `{outputs.siteUrl}` stand in it for "
        "what was released.",
        group=AFTER.name,
        metavar="FILE",
    )
    on_failure: str = inputs.choice(
        "When a check fails",
        "`rollback` makes the last good release live again, and asks the checks of it; `fail` leaves the new one. It fails either way.",
        choices={"rollback": "Roll back and fail", "fail": "Fail"},
        default="rollback",
        group=AFTER.name,
    )
    site_url: str = inputs.text(
        "Address of the site",
        "Where visitors find it, for example `https://www.example.com/`: an output variable, and `{outputs.siteUrl}` in checks.",
        group=AFTER.name,
        metavar="URL",
    )

    def problems(self, spell: Spelling) -> Iterator[str]:
        yield from super().problems(spell)
        for wrong in globs_problems(self.protected):
            yield f"{spell('protected')} {wrong}"
        if self.site_url and not self.site_url.startswith(("https://", "http://")):
            yield f"{spell('site_url')} is {self.site_url!r}; it must begin with https:// (or http://)."
