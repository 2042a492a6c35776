"""What a plan of a site says is what is done, as the server sees it: random trees, buckets, rules, options, and what others do meanwhile.

SITE_CASES says how many cases (docs/site-proofs.md tells of 1,000), SITE_SEED makes them others.
"""

from __future__ import annotations

import datetime as dt
import itertools
import os
import re
import shutil
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from moto.backends import get_backend

from ropeway.errors import RopewayError
from ropeway.outcome import Cancellation, Run
from ropeway.s3.site.plan import Target, Terms
from ropeway.s3.site.preparing import prepare_release, prepare_rollback
from ropeway.s3.site.releasing import release
from ropeway.s3.site.settings import read_settings
from ropeway.s3.site.source import read_site
from ropeway.s3.site.standing import Identity, Prepared, Site
from ropeway.s3.state.place import site_place
from tests.s3.boto_kit import ENGINES, NO_RETRIES
from tests.servers.misbehaving import Misbehaving

CASES = int(os.environ.get("SITE_CASES", "6"))
SEED = int(os.environ.get("SITE_SEED", "6"))
GO_ON = Cancellation()
numbers = itertools.count()

# --- what is drawn --------------------------------------------------------------------------------------------------------------

NAMES = [
    "index.html",
    "a/b.html",
    "about.html",
    "style.css",
    "assets/x-C4Zk_2-x.js",
    "assets/x-Ba91_Xq2.js",
    "lib/v1.js",
    "lib/v2.js",
    "sw.js",
    "manifest.json",
    "uploads/of others.txt",
    "ünï+code & 100%.txt",
]
BODY = st.sampled_from([b"", b"1", b"2", b"3" * 300])
REDIRECTS = st.sampled_from([b"/old /new", b"/old /other\n/older /old", b"/pic.png /assets/pic.png"])
TREES = st.fixed_dictionaries({"index.html": BODY}, optional=dict.fromkeys(NAMES[1:], BODY) | {"_redirects": REDIRECTS})
RULES = st.lists(
    st.sampled_from(
        [
            '"**/*.html": {cacheControl: "max-age=5"}',
            '"*.css": {cacheControl: "", tags: {a: b, "c d": "e+f"}}',
            '"style.css": {metadata: {made-by: "somebody"}, contentLanguage: de-AT}',
            '"**/x-*": {contentType: text/plain, contentDisposition: attachment}',
            '"lib/**": {storageClass: STANDARD_IA}',
        ]
    ),
    unique=True,
    max_size=3,
)
FLAGS = st.lists(
    st.sampled_from(
        [
            "gzip: '**'",
            "extensionless: true",
            "fingerprinted: lib/**",
            "notFingerprinted: assets/**",
            "protected: uploads/**",
            "entryPoints: a/**",
        ]
    ),
    unique=True,
    max_size=3,
)


@st.composite
def settings_texts(draw: Any) -> str:
    rules, flags = draw(RULES), draw(FLAGS)
    told = [*flags, *([f"headers: {{{', '.join(rules)}}}"] if rules else [])]
    return f"site: {{{', '.join(told)}}}" if told else ""


TERMS = st.builds(
    Terms,
    keep_releases=st.integers(0, 2),
    keep_days=st.sampled_from([0.0, 7.0]),
    max_delete=st.sampled_from([256, 256, 1]),
    max_percent=st.sampled_from([100, 100, 50]),
)
DRIFT = st.lists(
    st.tuples(
        st.sampled_from(["delete", "bytes", "headers", "metadata"]),
        st.sampled_from([*NAMES, "of-others.html", "other-Xy12Zw_9.js", "old"]),
    ),
    max_size=3,
)
VERSIONING = st.sampled_from(["Enabled", "Enabled", "Enabled", "Suspended", ""])


@dataclass(frozen=True)
class Released:
    """What is asked for in one deploy."""

    tree: dict[str, bytes]
    rules: str
    terms: Terms


RELEASES = st.builds(Released, TREES, settings_texts(), TERMS)


@dataclass(frozen=True)
class Case:
    versioning: str
    prefix: str
    engine: int
    before: list[tuple[str, str]]
    first: Released
    meanwhile: list[tuple[str, str]]
    second: Released | None
    afterwards: list[tuple[str, str]]


CASE = st.builds(
    Case,
    VERSIONING,
    st.sampled_from(["docs", "", "a b/ü"]),
    st.integers(0, 1),
    DRIFT,
    RELEASES,
    DRIFT,
    st.none() | RELEASES,
    DRIFT,
)

# --- the world --------------------------------------------------------------------------------------------------------------------

HEADERS = (
    "ContentType", "CacheControl", "ContentEncoding", "ContentDisposition", "ContentLanguage", "Metadata", "WebsiteRedirectLocation", "StorageClass", "ExpiresString",
)  # fmt: skip


@dataclass
class World:
    """One bucket, as the server sees it."""

    proxy: Misbehaving
    s3: Any
    bucket: str
    site: Site
    folder: Any
    now: float = 1e9
    ids: Any = field(default_factory=lambda: map(str, itertools.count(41)))

    # --- looking ---------------------------------------------------------------------------------------------------------------

    def state(self) -> dict[str, tuple[Any, ...]]:
        """Every object that is none of Ropeway's state: bytes, headers and tags, by its whole key."""
        listed = self.s3.list_objects_v2(Bucket=self.bucket).get("Contents", [])
        return {one["Key"]: self._object(one["Key"]) for one in listed if not one["Key"].startswith(".ropeway/")}

    def _object(self, key: str) -> tuple[Any, ...]:
        found = self.s3.get_object(Bucket=self.bucket, Key=key)
        tags = self.s3.get_object_tagging(Bucket=self.bucket, Key=key)["TagSet"] if found.get("TagCount") else []
        return found["Body"].read(), *(found.get(name) or "" for name in HEADERS), sorted(map(str, tags))

    def done(self) -> list[tuple[str, str]]:
        """What was asked of the server since the last time: (action, key), Ropeway's state left out."""
        found = [pair for request in self.proxy.requests for pair in self._pairs(request)]
        self.proxy.requests.clear()
        return sorted(pair for pair in found if not pair[1].startswith(".ropeway/"))

    def _pairs(self, request: Any) -> list[tuple[str, str]]:
        key = unquote(urlsplit(request.target).path.removeprefix(f"/{self.bucket}").removeprefix("/"))
        if request.method == "POST":
            assert "delete" in urlsplit(request.target).query, request
            return [("delete", unescaped(one)) for one in re.findall("<Key>(.*?)</Key>", request.body.decode())]
        if request.method == "DELETE":
            return [("delete", key)]
        if request.method == "PUT":
            return [("copy" if "x-amz-copy-source" in request.headers else "upload", key)]
        return []

    # --- what others do -----------------------------------------------------------------------------------------------------------

    def drift(self, what: list[tuple[str, str]]) -> None:
        for how, name in what:
            key = self.site.target.key(name)
            listed = self.s3.list_objects_v2(Bucket=self.bucket, Prefix=key).get("Contents", [])
            there = self._object(key) if any(one["Key"] == key for one in listed) else None
            if how == "delete":
                if there:  # the embedded AWS cannot delete twice where versioning is suspended
                    self.s3.delete_object(Bucket=self.bucket, Key=key)
                continue
            body = there[0] if there and how != "bytes" else b"of others"
            extra = (
                {"Metadata": {"by": "others"}}
                if how == "metadata"
                else {"CacheControl": "private", "Expires": dt.datetime(2030, 1, 1, tzinfo=dt.timezone.utc)}
            )
            self.s3.put_object(Bucket=self.bucket, Key=key, Body=body, **extra)
            # A listing tells whole seconds. What others write in the very second of the release is not seen: docs/site-proofs.md.
            _of_moto(self.bucket, key).last_modified += dt.timedelta(seconds=2)

    # --- what Ropeway does --------------------------------------------------------------------------------------------------------

    def source(self, asked: Released) -> Any:
        folder = self.folder / str(next(numbers))
        for name, body in asked.tree.items():
            (folder / "dist" / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / "dist" / name).write_bytes(body)
        (folder / "spool").mkdir()
        return read_site(str(folder / "dist"), read_settings(asked.rules), str(folder / "spool"), GO_ON)

    def prepare(self, asked: Released, name: str = "") -> Prepared:
        given = read_settings(asked.rules)
        terms = Terms(**{**vars(asked.terms), "protected": given.protected, "fingerprinted": given.fingerprinted})
        self.now += 3600
        return prepare_release(
            self.site, Identity(name or next(self.ids)), self.source(asked), terms, now=self.now, cancellation=GO_ON
        )


def unescaped(text: str) -> str:
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", '"').replace("&amp;", "&")


def _of_moto(bucket: str, key: str) -> Any:
    return get_backend("s3")["123456789012"]["aws"].buckets[bucket].keys[key]


@pytest.fixture
def servers(misbehaving, embedded):
    misbehaving.upstream = embedded.endpoint_url
    with ExitStack() as stack:
        yield misbehaving, [stack.enter_context(kind.at(misbehaving.url, **NO_RETRIES)) for kind in ENGINES]


def world_of(case: Case, servers: Any, s3: Any, folder: Any) -> World:
    proxy, engines = servers
    bucket = f"truth-{next(numbers)}-{os.getpid()}"
    s3.create_bucket(Bucket=bucket)
    if case.versioning:
        s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    site = Site(engines[case.engine], Target(bucket, case.prefix), site_place(f"s3://{bucket}", case.prefix))
    return World(proxy, s3, bucket, site, folder)


def neighbours(world: World) -> dict[str, tuple[Any, ...]]:
    """What lies outside the prefix: nothing of it is ever touched."""
    if world.site.target.prefix:
        for key in (f"{world.site.target.prefix}x/index.html", "index.html"):
            world.s3.put_object(Bucket=world.bucket, Key=key, Body=b"a neighbour's")
    return {key: one for key, one in world.state().items() if not key.startswith(world.site.target.begins)}


# --- the property -------------------------------------------------------------------------------------------------------------------


def as_planned(world: World, prepared: Prepared) -> dict[str, tuple[Any, ...]]:
    """Apply it; what the server saw is what the plan said, and no other object is another one. What there is afterwards."""
    target, before = world.site.target, world.state()
    world.done()
    said = sorted((one.step.action, target.key(one.key)) for one in prepared.plan.todo)
    released = release(prepared, None, Run())
    assert released.applied.error is None, released.applied.error
    assert world.done() == said
    after = world.state()
    changed = {key for _, key in said}
    assert {key: one for key, one in before.items() if key not in changed} == {
        key: one for key, one in after.items() if key not in changed
    }
    for one in prepared.plan.todo:
        key = target.key(one.key)
        if one.step.action == "delete":
            assert key not in after
        elif one.step.reason == "headers":
            assert after[key][0] == before[key][0]
    return after


def wanted(world: World, asked: Released) -> dict[str, tuple[Any, ...]]:
    """Each object of the source, as it must be now."""
    found = {}
    for one in world.source(asked):
        headers = one.headers
        with open(one.path, "rb") as file:
            body = file.read()
        values = (
            headers.content_type, headers.cache_control, headers.content_encoding, headers.content_disposition, headers.content_language,
            dict(headers.metadata) or "", headers.website_redirect, headers.storage_class, "",
        )  # fmt: skip
        tags = sorted(str({"Key": name, "Value": value}) for name, value in headers.tags)
        found[world.site.target.key(one.key)] = (body, *values, tags)
    return found


def deploy(world: World, asked: Released) -> str:
    """The id of the release; empty where it was refused, and nothing was changed then."""
    world.done()
    try:
        prepared = world.prepare(asked)
    except RopewayError as error:
        refused(world, error, "maxDelete")
        return ""
    is_released(world, asked, prepared, as_planned(world, prepared))
    again = world.prepare(asked)
    assert [one.step for one in again.plan.todo] == []
    return prepared.manifest.id


def refused(world: World, error: RopewayError, why: str) -> None:
    """For no other reason, and nothing was changed."""
    assert re.search(why, str(error)), error
    assert world.done() == []


def is_released(world: World, asked: Released, prepared: Prepared, state: dict[str, tuple[Any, ...]]) -> None:
    target = world.site.target
    protected = {target.key(one.key) for one in prepared.plan.steps if one.step.reason == "protected"}
    kept = {target.key(one.key) for one in prepared.plan.steps if one.step.reason == "kept for open pages"}
    ours = {key: one for key, one in state.items() if key.startswith(target.begins) and key not in protected | kept}
    assert ours == {key: one for key, one in wanted(world, asked).items() if key not in protected}


def roll_back(world: World, first: str, shown: dict[str, tuple[Any, ...]], own: set[str], *, apart: bool) -> None:
    """`apart`: what is protected was none of either release."""
    world.done()
    try:
        prepared = prepare_rollback(world.site, GO_ON, now=world.now, to=first, terms=Terms(max_percent=100))
    except RopewayError as error:
        # The embedded AWS forgets versions when others are written to a bucket whose versioning is suspended, and answers 400 then.
        refused(world, error, "the bucket has not kept the version|maxDelete|AWS answered 400")
        return
    protected = {key for key in own if key.startswith(f"{world.site.target.begins}uploads/")} if apart else set()
    after = as_planned(world, prepared)
    assert {key: one for key, one in after.items() if key in own - protected} == {
        key: one for key, one in shown.items() if key in own - protected
    }


@seed(SEED)
@settings(max_examples=CASES, phases=[Phase.generate], suppress_health_check=list(HealthCheck), database=None)
@given(case=CASE)
def test_the_server_sees_what_the_plan_said(servers, s3, tmp_path, case):
    world = world_of(case, servers, s3, tmp_path)
    outside = neighbours(world)
    try:
        world.drift(case.before)
        first = deploy(world, case.first)
        if case.versioning == "Suspended":
            s3.put_bucket_versioning(Bucket=world.bucket, VersioningConfiguration={"Status": "Suspended"})
        if first:
            own, shown = set(wanted(world, case.first)), world.state()
            world.drift(case.meanwhile)
            second = deploy(world, case.second or case.first)
            world.drift(case.afterwards)
            if second:
                apart = any("protected" in asked.rules for asked in (case.first, case.second) if asked)
                roll_back(world, first, shown, own, apart=apart)
        assert {key: one for key, one in world.state().items() if key in outside} == outside
    finally:
        shutil.rmtree(tmp_path, ignore_errors=True)
        tmp_path.mkdir()
