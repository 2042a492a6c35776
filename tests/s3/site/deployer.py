"""A deployer in a process of its own, to be killed: says when it begins to change things."""

from __future__ import annotations

import sys
import tempfile

from ropeway.outcome import Cancellation, Run
from ropeway.s3.site.plan import Target, Terms
from ropeway.s3.site.preparing import prepare_release
from ropeway.s3.site.releasing import release
from ropeway.s3.site.settings import SiteSettings
from ropeway.s3.site.source import read_site
from ropeway.s3.site.standing import Identity, Site
from ropeway.s3.state.lock import lock_place, locked
from ropeway.s3.state.place import site_place
from tests.s3.boto_kit import BOTO


def main(endpoint: str, bucket: str, source: str) -> None:
    go_on = Cancellation()
    with tempfile.TemporaryDirectory() as spool, BOTO.at(endpoint, concurrency=2) as engine:
        site = Site(engine, Target(bucket, "docs"), site_place(f"s3://{bucket}", "docs"))
        objects = read_site(source, SiteSettings(), spool, go_on)
        with locked(engine, lock_place(site.state), "to be killed", "deploy", Run(), lasts=2) as lock:
            terms = Terms(max_percent=100)
            prepared = prepare_release(site, Identity("42", "42"), objects, terms, now=1e9, cancellation=go_on)
            sys.stdout.write("begins\n")
            sys.stdout.flush()
            release(prepared, lock, Run())


if __name__ == "__main__":
    main(*sys.argv[1:])
