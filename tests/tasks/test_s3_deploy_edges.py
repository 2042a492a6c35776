"""An edge that keeps everything for ever, but for what it is told to forget: after a run that went well it shows nothing that is not so any more.

EDGE_SEASONS says how many are played; docs/website-and-cloudfront.md tells of a long run.
"""

from __future__ import annotations

import os
import random
import re
from urllib.parse import quote, quote_plus, unquote_plus

import pytest

from ropeway.errors import IntegrityError, NothingMatched, RopewayError
from ropeway.s3.cloudfront import invalidating
from ropeway.s3.cloudfront.paths import covers
from ropeway.s3.site import releasing
from tests.checks.kinds.aws_kit import client_of
from tests.s3.cloudfront.kit import distribution
from tests.tasks.sites import back, deploy

__all__ = ["back", "client_of", "deploy"]

SEASONS = int(os.environ.get("EDGE_SEASONS", "1"))
STEPS = 8
AS_IS = "/!$&'(),:;=@~"
PAGES = (
    "index.html",
    "a/index.html",
    "a/b.html",
    "about us.html",
    "old~1.html",
    "a/r&d (2).html",
    "ü.html",
    "style.css",
)
ASSETS = ("app-C4Zk2xQ9.js", "app-B7yX3kLm.js", "app-D2mN8pRt.js")


class Edge:
    """A cache before the bucket. What it has not, it asks of the bucket; what it has, it never asks for again."""

    def __init__(self, s3, bucket, told):
        self.s3, self.bucket, self.told = s3, bucket, told
        self.kept = {}
        self.heard = 0

    def origin(self, path):
        key = "docs" + unquote_plus(path) + ("index.html" if path.endswith("/") else "")
        try:
            return self.s3.get_object(Bucket=self.bucket, Key=key)["Body"].read()
        except self.s3.exceptions.NoSuchKey:
            return None

    def visited(self, paths):
        for path in paths:
            self.kept.setdefault(path, self.origin(path))

    def listen(self):
        paths = self.told.paths
        for gone in (path for one in paths[self.heard :] for path in one):
            self.kept = {path: body for path, body in self.kept.items() if not covers(gone, path)}
        self.heard = len(paths)

    def wrong(self):
        """Copies of what is otherwise by now. A fingerprinted file that is gone may live on: it was so, and is under no other bytes."""
        now = {path: self.origin(path) for path in self.kept}
        lasting = {f"/{name}" for name in ASSETS}
        return {
            path: (body, now[path])
            for path, body in self.kept.items()
            if body != now[path] and not (path in lasting and now[path] is None)
        }


def urls():
    """In each of the spellings that links have: S3 finds the same object by all of them."""
    for name in PAGES:
        yield from (f"/{quote(name)}", f"/{quote(name, safe=AS_IS)}", f"/{quote_plus(name, safe='/')}", lower(name))
        if name.endswith("index.html"):
            yield f"/{name[: -len('index.html')]}"


def lower(name):
    return re.sub("%..", lambda digits: digits[0].lower(), f"/{quote(name)}")


def tree(chance):
    pages = {name: f"{name} {chance.randrange(3)}".encode() for name in PAGES if chance.random() < 0.8}
    assets = {name: name.encode() for name in ASSETS if chance.random() < 0.5}
    return {"index.html": f"{chance.randrange(3)}".encode(), **pages, **assets}


@pytest.fixture(autouse=True)
def soon(monkeypatch, embedded):
    monkeypatch.setattr(invalidating, "PAUSES", (0.01,))
    monkeypatch.setenv("AWS_ENDPOINT_URL", embedded.endpoint_url)
    before = dict(embedded.instances.settings())
    embedded.instances.settings(invalidation=0)
    yield
    embedded.instances.settings(**before)


def die(*_):
    raise KeyboardInterrupt


def fail(*_, **__):
    raise IntegrityError("somebody else has written")


@pytest.mark.parametrize("season", range(1, 1 + SEASONS))
def test_no_edge_shows_what_is_not_so_any_more_after_a_run_that_went_well(deploy, back, client_of, s3, bucket, season):
    chance = random.Random(season)
    told = distribution(client_of("cloudfront"), bucket, path="/docs")
    edge, given, past = Edge(s3, bucket, told), {"distribution_ids": told.id, "invalidation_limit": "4"}, []
    for number in range(STEPS):
        edge.visited([*urls(), *(f"/{name}" for name in ASSETS if edge.origin(f"/{name}"))])
        release = (str(number), tree(chance)) if chance.random() < 0.8 or not past else chance.choice(past)
        how = chance.choice(["well", "well", "back", "dies", "fails", "drifts"])
        went_well = play(how, release, deploy, back, given, s3, bucket)
        edge.listen()
        past += [release] if how in {"well", "drifts"} and went_well else []
        if went_well:
            assert edge.wrong() == {}, (season, number, how)


def play(how, release, deploy, back, given, s3, bucket):
    """Whether it went well: an edge may show anything after what did not."""
    if how == "drifts":
        s3.put_object(Bucket=bucket, Key="docs/a/b.html", Body=b"theirs", ContentType="text/html")
    with pytest.MonkeyPatch.context() as patch:
        if how == "dies":
            patch.setattr(invalidating, "invalidate", die)
        if how == "fails":
            patch.setattr(releasing, "settled", fail)
        try:
            ran = back(**given) if how == "back" else deploy(*release, **given, allow_older="true")
        except (KeyboardInterrupt, NothingMatched):
            return False
        except RopewayError:
            return False
        return ran.outcome.error is None
