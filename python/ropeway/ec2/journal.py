"""What was done to load balancers and Auto Scaling groups and is to be undone: written down in S3 before it is done.

One JSON object for each application. A run that dies leaves its entries there; the post-job handler, `ropeway ec2 recover` or the next deploy undoes them
(DESIGN 4). An entry may tell of something that was never done: who undoes it looks first.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Literal

from ropeway.errors import ConditionFailed, Overtaken
from ropeway.outcome import Cancellation
from ropeway.s3.engine import Condition, ObjectEngine, Small
from ropeway.s3.state.documents import JSON, decode, encode
from ropeway.s3.state.place import StatePlace

VERSION = 1
MOST = 4_000_000
"""Bytes: some 20,000 entries."""

Kind = Literal["deregistered", "standby", "suspended"]


@dataclass(frozen=True, slots=True, order=True)
class Effect:
    """`deregistered`: `member` was taken out of the target group `group` (an ARN), where it had this `port` and `zone`.
    `standby`: the instance `member` of the Auto Scaling group `group`. `suspended`: that group's process `member`.
    """

    kind: Kind
    group: str
    member: str
    port: int = 0
    zone: str = ""

    def __str__(self) -> str:
        if self.kind == "suspended":
            return f"{self.member} of {short(self.group)}, suspended"
        return f"{self.member} out of {short(self.group)}{' (standby)' if self.kind == 'standby' else ''}"


def short(group: str) -> str:
    """The name in the ARN of a target group; any other name as it is."""
    return group.split(":targetgroup/", 1)[1].split("/", 1)[0] if ":targetgroup/" in group else group


class Journal:
    """Of one application. Whoever writes holds its lock; that somebody else wrote all the same is found out by the ETag."""

    def __init__(self, engine: ObjectEngine, place: StatePlace) -> None:
        self._engine = engine
        self._place = place
        self._etag = ""
        self._pending: frozenset[Effect] = frozenset()
        self._where = ""
        self._unheard: dict[str, frozenset[Effect]] = {}
        """What was written and nobody has heard whether it came there (a run that is stopped, an answer that is lost), by its nonce."""

    @property
    def address(self) -> str:
        return self._place.address

    @property
    def pending(self) -> tuple[Effect, ...]:
        return tuple(sorted(self._pending.union(*self._unheard.values())))

    @property
    def where(self) -> str:
        """Account and region of the groups that it tells of; empty where it does not say."""
        return self._where

    def read(self, cancellation: Cancellation) -> tuple[Effect, ...]:
        """What is to be undone. Raises IntegrityError for what a newer Ropeway wrote, and for what none wrote."""
        found = self._there(cancellation)
        self._etag = found.etag if found else ""
        told = self._read(found)
        self._where, self._pending = told.where, told.effects
        self._unheard.clear()
        return self.pending

    def verify(self, cancellation: Cancellation) -> None:
        """Raises Overtaken when somebody else has written here since."""
        if not self._is_ours(self._there(cancellation)):
            raise self._overtaken()

    def _is_ours(self, found: Small | None) -> bool:
        """Whether what is there was read, or written, by us; also where nobody has heard the answer to that."""
        etag = found.etag if found else ""
        if etag != self._etag:
            nonce = self._read(found).nonce
            if nonce not in self._unheard:
                return False
            self._etag, self._pending = etag, self._unheard[nonce]
            self._unheard.clear()
        return True

    def _read(self, found: Small | None) -> _Told:
        return decode(found.body, VERSION, self._place, _told) if found else _Told()

    def _there(self, cancellation: Cancellation) -> Small | None:
        return self._engine.read(self._place.bucket, self._place.key, most=MOST, cancellation=cancellation)

    def add(self, effects: Iterable[Effect], cancellation: Cancellation, where: str = "") -> None:
        """Before they are done. Raises Overtaken when somebody else has written here."""
        self._where = where or self._where
        self._write(self._pending | frozenset(effects), cancellation)

    def remove(self, effects: Iterable[Effect], cancellation: Cancellation) -> None:
        """After they were undone."""
        self._write(self._pending - frozenset(effects), cancellation)

    def _write(self, pending: frozenset[Effect], cancellation: Cancellation) -> None:
        if pending == self._pending and not self._unheard:
            return
        # Two writers never write the same bytes: who was overtaken finds it out by the ETag.
        nonce = secrets.token_hex(8)
        told = {"nonce": nonce, "where": self._where}
        body = encode(VERSION, {**told, "effects": [asdict(effect) for effect in sorted(pending)]})
        before, self._unheard[nonce] = self._etag, pending
        try:
            written = self._put(body, cancellation)
        except ConditionFailed as refused:
            if not self._is_ours(self._there(cancellation)) or self._etag == before:
                self._unheard.pop(nonce, None)
                raise self._overtaken() from refused
            written = self._put(body, cancellation)
        self._etag, self._pending = written.etag, pending
        self._unheard.clear()

    def _put(self, body: bytes, cancellation: Cancellation) -> Small:
        condition = Condition(etag=self._etag) if self._etag else Condition(absent=True)
        place = self._place
        return self._engine.write(place.bucket, place.key, body, JSON, condition, cancellation=cancellation)

    def _overtaken(self) -> Overtaken:
        return Overtaken(
            f"Somebody else has written {self.address} meanwhile.",
            advice="Another deploy of this application runs, or a recovery does. Look who it is, then deploy again.",
        )


@dataclass(frozen=True, slots=True)
class _Told:
    nonce: str = ""
    where: str = ""
    effects: frozenset[Effect] = frozenset()


def _told(told: Any) -> _Told:
    effects = frozenset(_effect(**one) for one in told["effects"])
    return _Told(str(told.get("nonce", "")), str(told.get("where", "")), effects)


def _effect(kind: str, group: str, member: str, port: int, zone: str) -> Effect:
    kinds: dict[str, Kind] = {"deregistered": "deregistered", "standby": "standby", "suspended": "suspended"}
    return Effect(kinds[kind], str(group), str(member), int(port), str(zone))
