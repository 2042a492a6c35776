"""What is released to, who releases, how far the state says that it is, and a release that is ready to be made."""

from __future__ import annotations

from dataclasses import dataclass

from ropeway.outcome import Cancellation
from ropeway.s3.encryption import AS_THE_BUCKET, Encryption
from ropeway.s3.engine import ObjectEngine
from ropeway.s3.site.plan import SitePlan, Target
from ropeway.s3.state.manifest import Manifest, read_manifest
from ropeway.s3.state.place import StatePlace
from ropeway.s3.state.releases import (
    History,
    Release,
    State,
    check_last,
    read_history,
)
from ropeway.s3.state.staged import read_staged


@dataclass(frozen=True)
class Site:
    """What is released to. `public`: visitors can read the state, so that it tells neither who nor which commit.

    `encryption` is of the objects; `engine` writes the state with it.
    """

    engine: ObjectEngine
    target: Target
    state: StatePlace
    public: bool = False
    encryption: Encryption = AS_THE_BUCKET


@dataclass(frozen=True)
class Identity:
    """Of a release: its id, the number of its build, what was built, who released it, which build and stage, and which try (`Release`)."""

    id: str
    build: str = ""
    commit: str = ""
    who: str = ""
    run: str = ""
    attempt: str = ""


@dataclass(frozen=True)
class Standing:
    """What the state says: the history with its ETag, and the manifest of the live release, if there is one (and nobody deleted it).

    `half_done` are the keys that releases which ended half-way have brought where nothing was.
    """

    history: History
    etag: str
    live: Manifest | None
    half_done: frozenset[str] = frozenset()

    def is_doubted(self, release: str) -> bool:
        """It is live and failed: what was seen then may not show in a listing, so that nothing is taken on trust."""
        live = self.history.live_release
        return live is not None and live.id == release and live.state is State.FAILED

    @property
    def warnings(self) -> tuple[str, ...]:
        """Nothing vouches for what lies there then; a release without a manifest can be repaired, as nobody can go back to it."""
        if self.live or not self.history.live:
            return ()
        words = (
            f"The manifest of release {self.history.live}, which is live, is gone: each object is compared by itself, no rollback leads there, "
            "and old assets count as gone from today on."
        )
        return (words,)


def read_standing(site: Site, cancellation: Cancellation) -> Standing:
    """Raises IntegrityError for state that is not whole."""
    history, etag = read_history(site.engine, site.state, cancellation)
    found = read_manifest(site.engine, site.state, history.live, cancellation) if history.live else None
    half_done = history.half_done
    brought = read_staged(site.engine, site.state, half_done.id, cancellation) if half_done else frozenset()
    return Standing(history, etag, found[0] if found else None, brought)


@dataclass(frozen=True)
class Prepared:
    """A release or a rollback, planned. `over` is the ETag of the manifest that it writes over, empty where there is none.

    `releasing` is its line in the history; None for a rollback, whose line is there. `asked`: checks are asked of it once it is live.
    """

    site: Site
    standing: Standing
    plan: SitePlan
    manifest: Manifest
    over: str
    releasing: Release | None
    asked: bool = False

    @property
    def nothing_to_do(self) -> bool:
        """It is live already, and all is as it says."""
        return self._is_live and not self.plan.todo and self._is_told and not self._has_other_website

    @property
    def repairs(self) -> bool:
        """What it changes is part of the release that is live: whether that ends well or not, the release stays what it is."""
        return self._is_live

    @property
    def doubted(self) -> bool:
        return self.standing.is_doubted(self.manifest.id)

    @property
    def _is_live(self) -> bool:
        return self.standing.history.live == self.manifest.id

    @property
    def _has_other_website(self) -> bool:
        live = self.standing.live
        return self.releasing is not None and live is not None and live.website != self.manifest.website

    @property
    def _is_told(self) -> bool:
        """Nothing is left to be said in the history."""
        live = self.standing.history.live_release
        good = live is not None and live.state in {State.LIVE, State.HEALTHY}
        return good and self.standing.history.half_done is None

    def switched(self, history: History) -> History:
        """With this release live. What a rollback takes back is marked so, and what had ended half-way over a release that is mended."""
        own, was = self.manifest.id, history.find(self.manifest.id)
        unproved = self.asked or (self.releasing is None and was is not None and was.doubtful)
        made = history.switched(own, over=self.standing.history.live, unproved=unproved)
        if self.releasing is None or history.live == own:
            return self.claimed(made.taken_back(own))
        check_last(history, own)
        return made

    def claimed(self, history: History) -> History:
        """Made by this attempt at the stage, too, where an earlier one has made it."""
        line, there = self.releasing, history.find(self.manifest.id)
        if line and there and line.run == there.run:
            return history.claimed(there.id, line.run, line.attempt)
        return history
