"""Visitors read a site without a pause while deploys and rollbacks are killed and stopped at random moments. They never meet half a site.

SITE_ROUNDS says how many rounds (docs/site-proofs.md tells of 50), SITE_SEED where they begin. A failure names its seed.
"""

from __future__ import annotations

import json
import os
import random
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from ropeway.outcome import Cancellation
from ropeway.s3.site.settings import read_settings
from ropeway.s3.site.source import read_site
from tests.cli.conftest import ropeway
from tests.s3.site.conftest import Site as Bench
from tests.s3.site.conftest import versioned
from tests.s3.site.impatient import impatient
from tests.s3.site.visiting import (
    PREFIX,
    Deployer,
    Site,
    Visitors,
    asset,
    deployer,
    is_fingerprinted,
    killed_after,
    killed_before,
    stopped,
    stopped_on_the_way,
)

__all__ = ["ropeway"]

ROUNDS = int(os.environ.get("SITE_ROUNDS", "1"))
SEED = int(os.environ.get("SITE_SEED", "6"))
RESULTS = os.environ.get("SITE_RESULTS", "")
WRITES = 34
"""Requests that write, of a deploy of such a site, and a few more than there are."""


@dataclass
class Story:
    """One round: a bucket, what has been released to it, in order, and which of it is good."""

    embedded: Any
    s3: Any
    folder: Path
    chance: random.Random
    environment: dict[str, str]
    ropeway: Any
    bucket: str
    plain: bool = False
    good: list[Site] = field(default_factory=list)
    made: int = 8
    told: list[str] = field(default_factory=list)
    late: list[str] = field(default_factory=list)

    def new(self) -> Site:
        self.made += 1
        return Site.drawn(self.made, self.chance, plain=self.plain)

    # --- commands ------------------------------------------------------------------------------------------------------------

    def words(self, command: str, release: Site | None, bucket: str = "") -> list[str]:
        """`deploy` of a release; `rollback` to one, or to wherever it leads."""
        site = f"s3://{bucket or self.bucket}/{PREFIX}"
        how = [
            "--max-concurrency",
            self.chance.choice("28"),
            "--transfer-engine",
            self.chance.choice(["wire", "boto3"]),
        ]
        if command == "rollback":
            return ["s3", "rollback", site, *([release.release] if release else []), *how]
        assert release
        source = release.at(self.folder)
        how += ["--max-delete-percent", "100", "--site-url", "https://www.example.com/"]
        return ["s3", "deploy", str(source), site, "--release-id", release.release, *how]

    def run(self, command: str, release: Site | None, bucket: str = "") -> tuple[int, str]:
        """Undisturbed, in this process."""
        answer = self.ropeway(*self.words(command, release, bucket), "--endpoint-url", self.embedded.endpoint_url)
        return answer.code, answer.out + answer.err

    def deploy(self, release: Site) -> None:
        code, out = self.run("deploy", release)
        assert code == 0, out
        self.is_live(release)

    def is_live(self, release: Site) -> None:
        self.good = [one for one in self.good if one.release != release.release] + [release]
        self.check(release)

    # --- what there is -------------------------------------------------------------------------------------------------------

    def history(self) -> tuple[str, list[tuple[str, str]]]:
        key = f".ropeway/sites/{PREFIX}/releases.json"
        told = json.loads(self.s3.get_object(Bucket=self.bucket, Key=key)["Body"].read())
        return told["live"], [(one["id"], one["state"]) for one in told["releases"]]

    def shown(self, bucket: str) -> dict[str, Any]:
        return Bench(None, self.s3, _target(bucket), self.folder).shown()

    def check(self, release: Site) -> None:
        """The site is the release, bytes and headers; beside it there are only assets that open pages may name."""
        shown = self.shown(self.bucket)
        wanted = expected(release, self.folder)
        wrong = {key: shown.get(key) for key in wanted if seen(shown.get(key)) != wanted[key]}
        assert not wrong, f"not as release {release.release}: { {key: one and one[:1] for key, one in wrong.items()} }"
        others = set(shown) - set(wanted)
        assert all(is_fingerprinted(key) and shown[key][0] == asset(key) for key in others), others
        assert self.history()[0] == release.release


def _target(bucket: str) -> Any:
    from ropeway.s3.site.plan import Target

    return Target(bucket, PREFIX)


def seen(one: Any) -> Any:
    """Bytes, type, cache-control, metadata, redirect, number of tags."""
    return one and (one[0], one[1], one[2], one[4] or {}, one[5], len(one[6]))


def expected(release: Site, folder: Path) -> dict[str, Any]:
    spool = folder / f"spool-{uuid.uuid4().hex}"
    spool.mkdir()
    settings = read_settings(release.files["ropeway.yml"].decode())
    objects = read_site(str(release.at(folder)), settings, str(spool), Cancellation())
    return {
        one.key: (
            Path(one.path).read_bytes(),
            one.headers.content_type,
            one.headers.cache_control,
            dict(one.headers.metadata),
            one.headers.website_redirect,
            len(one.headers.tags),
        )
        for one in objects
    }


def open_to_visitors(s3: Any, bucket: str) -> None:
    """The site, and nothing of Ropeway's state."""
    s3.delete_public_access_block(Bucket=bucket)
    resource = f"arn:aws:s3:::{bucket}/{PREFIX}/*"
    allowed = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": resource}
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [allowed]}))


# --- one round ----------------------------------------------------------------------------------------------------------------


def disturbed(story: Story, strike: Any) -> None:
    """A victim that is struck, a rescuer that comes while it is dead or asleep, and what the victim does when it wakes."""
    chance = story.chance
    back = len(story.good) > 1 and chance.random() < 0.5
    release = None if back else story.new()
    aim = story.good[-2] if back else release
    with deployer(story.embedded.endpoint_url, chance.randint(1, WRITES), strike) as victim:
        victim.start(story.environment, *story.words("rollback" if back else "deploy", release))
        victim.until_struck()
        switched = rescued(story, aim, chance.choice(["deploy", "again", "rollback"]), back=back)
        late = strike is stopped_on_the_way and not victim.held and victim.struck.is_set()
        if late:
            came_second(story, victim, aim, back=back)
        elif strike in {stopped, stopped_on_the_way} and victim.struck.is_set():
            woken(story, victim, strike, switched=switched)
        code, out = victim.ended()
        assert late or switched or code != 0, f"a victim that was overtaken ended well:\n{out}"
        story.told.append(f"{strike.__name__} {'back' if back else 'deploy'} at {victim.at} code {code}")


def rescued(story: Story, aim: Site, how: str, *, back: bool) -> bool:
    """Whether the victim had made its release live by then."""
    live, states = story.history()
    before = story.good[-1].release
    switched = live != before
    assert live in {before, aim.release}
    if switched:
        story.good = story.good[:-1] if back else [*story.good, aim]
    last, state = states[-1]
    half_done = last != live and state in {"staged", "failed"}
    if how == "rollback":
        roll_back(story, half_done=half_done)
    else:
        story.deploy(story.new() if how == "deploy" or back else aim)
    return switched


def roll_back(story: Story, *, half_done: bool) -> None:
    code, out = story.run("rollback", None)
    if len(story.good) == 1 and not half_done:
        assert (code, "There is no release before" in out) == (1, True), out
        return
    assert code == 0, out
    story.good = story.good if half_done else story.good[:-1]
    story.check(story.good[-1])


def woken(story: Story, victim: Deployer, strike: Any, *, switched: bool) -> None:
    """It begins nothing more: neither deletes nor state, nor more objects than were in flight. What was on its way, arrives: that is the window. Of
    state that is one request at most, a manifest that no list leads to, or a line that is refused."""
    victim.wake()
    victim.ended()
    late = victim.after_waking
    story.late += late
    in_flight = int(victim.words[victim.words.index("--max-concurrency") + 1])
    assert len(late) < in_flight, late
    assert all(one.startswith("PUT") for one in late), late
    assert sum("/.ropeway/" in one for one in late) <= 1, late
    assert not any(one.endswith("releases.json") for one in victim.accepted), late
    if strike is stopped and not late:
        story.check(story.good[-1])


def came_second(story: Story, victim: Deployer, aim: Site, *, back: bool) -> None:
    """It was stopped before it had the lock, and gets it in its turn: a release is planned anew, a rollback to elsewhere is none."""
    victim.wake()
    code, out = victim.ended()
    if back:
        assert (code, "Nothing was changed" in out) == (1, True), out
        story.check(story.good[-1])
    else:
        assert code == 0, out
        story.is_live(aim)


def play(story: Story, visitors: Visitors) -> None:
    for _ in range(2):
        story.deploy(story.new())
    with visitors.reading():
        for _ in range(2 if ROUNDS > 1 else 1):
            strikes = [killed_before, killed_after, stopped] + ([] if story.plain else [stopped_on_the_way])
            disturbed(story, story.chance.choice(strikes))
        lost = story.chance.choice(story.good)
        if lost is not story.good[-1]:
            code, out = story.run("rollback", lost)
            assert code == 0, out
            story.good = story.good[: story.good.index(lost) + 1]
            story.check(lost)
        story.deploy(last := story.new())
    undisturbed = f"bucket-{uuid.uuid4().hex[:12]}"
    story.s3.create_bucket(Bucket=undisturbed)
    code, out = story.run("deploy", last, undisturbed)
    assert code == 0, out
    fresh = story.shown(undisturbed)
    assert fresh.items() <= story.shown(story.bucket).items()
    assert set(fresh) == set(expected(last, story.folder))


@pytest.mark.parametrize("seed", range(SEED, SEED + ROUNDS))
def test_visitors_never_meet_half_a_site_whoever_is_killed_or_stopped(
    embedded, s3, bucket, ropeway, tmp_path, monkeypatch, seed
):
    impatient(monkeypatch.setitem, monkeypatch.setattr)
    versioned(s3, bucket)
    open_to_visitors(s3, bucket)
    chance = random.Random(seed)
    environment = {
        "AWS_ACCESS_KEY_ID": embedded.connection.access_key_id,
        "AWS_SECRET_ACCESS_KEY": embedded.connection.secret_access_key,
        "AWS_REGION": embedded.region,
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    story = Story(embedded, s3, tmp_path, chance, environment, ropeway, bucket, plain=chance.random() < 0.5)
    visitors = Visitors(embedded.endpoint_url, bucket, chance)
    try:
        play(story, visitors)
        # A page that arrives late may name a picture that the release after it does not have.
        assert [one for one in visitors.wrong if not (story.late and "img/" in one)] == []
        assert visitors.seen > 0
    except BaseException as error:
        error.args = (
            f"seed {seed} (SITE_SEED={seed} SITE_ROUNDS=2), {story.told}: {error}",
            *error.args[1:],
        )
        raise
    if RESULTS:
        with open(RESULTS, "a") as results:
            results.write(
                json.dumps({"seed": seed, "pages": visitors.seen, "told": story.told, "late": story.late}) + "\n"
            )
