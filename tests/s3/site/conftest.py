"""A site that is released and taken back, on a bucket that keeps versions."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from ropeway.outcome import Cancellation, Run
from ropeway.s3.site.apply import Applied, apply_plan, settled
from ropeway.s3.site.looking import Survey
from ropeway.s3.site.plan import SitePlan, Target, Terms
from ropeway.s3.site.rollback import check_versions, plan_rollback
from ropeway.s3.site.settings import read_settings
from ropeway.s3.site.source import read_site
from ropeway.s3.state.manifest import Manifest
from tests.s3.boto_kit import engine_at, engine_kind
from tests.s3.conftest import server, store

__all__ = ["engine_kind", "server", "store"]

GO_ON = Cancellation()
FREELY = Terms(max_percent=100)


@dataclass
class Site:
    """`live` is the manifest of the last release; no lock, and nothing of it is written to the bucket."""

    engine: Any
    s3: Any
    target: Target
    folder: Path
    terms: Terms = FREELY
    live: Manifest | None = None
    now: float = 1e9
    ids: Any = field(default_factory=lambda: map(str, itertools.count(1)))
    count: Any = field(default_factory=itertools.count)

    def source(self, files, settings=""):
        folder, spool = (self.folder / f"{what}{next(self.count)}" for what in ("dist", "spool"))
        spool.mkdir(parents=True)
        folder.mkdir()
        for name, body in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(body if isinstance(body, bytes) else body.encode())
        return read_site(str(folder), read_settings(settings), str(spool), GO_ON, may_be_empty=True)

    def plan(self, files, settings="") -> SitePlan:
        survey = Survey(self.engine, self.target, self.live, self.terms, self.now, GO_ON)
        return survey.plan(self.source(files, settings))

    def deploy(self, files, settings="") -> SitePlan:
        plan = self.plan(files, settings)
        applied = self.apply(plan)
        assert applied.error is None
        return plan

    def apply(self, plan) -> Applied:
        applied = apply_plan(self.engine, plan, None, Run())
        if not applied.error:
            entries = settled(self.engine, plan, applied, GO_ON)
            self.live = Manifest(next(self.ids), "", "", "", self.now, self.live.id if self.live else "", entries)
        return applied

    def plan_back(self, wanted) -> SitePlan:
        there = self.target.below(self.engine.list(self.target.bucket, self.target.begins))
        plan = plan_rollback(self.target, wanted, there, self.live, terms=self.terms, now=self.now)
        check_versions(self.engine, plan, GO_ON)
        return plan

    def shown(self):
        """Key -> bytes and headers, as a client of S3 sees them below the prefix."""
        listed = self.s3.list_objects_v2(Bucket=self.target.bucket, Prefix=self.target.begins).get("Contents", [])
        return {one["Key"][len(self.target.begins) :]: self._object(one["Key"]) for one in listed}

    def _object(self, key):
        found = self.s3.get_object(Bucket=self.target.bucket, Key=key)
        names = ("ContentType", "CacheControl", "ContentEncoding", "Metadata", "WebsiteRedirectLocation")
        tags = self.s3.get_object_tagging(Bucket=self.target.bucket, Key=key)["TagSet"]
        return found["Body"].read(), *(found.get(name) or "" for name in names), sorted(map(str, tags))

    def put(self, key, body, **headers):
        """Somebody else writes."""
        self.s3.put_object(Bucket=self.target.bucket, Key=self.target.key(key), Body=body, **headers)


def versioned(s3, bucket):
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})


@pytest.fixture
def site(server, store, tmp_path):
    """On each server, in turn, through the engine that the test is run for."""
    bucket, s3 = store
    versioned(s3, bucket)
    with engine_at(server) as engine:
        yield Site(engine, s3, Target(bucket, "docs"), tmp_path)


def told(plan):
    """What a plan says, as words: key, action, reason; unchanged files left out."""
    return [
        (one.key, one.step.action, str(one.step.reason)) for one in plan.steps if str(one.step.reason) != "unchanged"
    ]
