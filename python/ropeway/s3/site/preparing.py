"""A release, or the way back to one, is made ready: what can be refused is refused here, by reading only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ropeway.errors import InputError, IntegrityError, NothingMatched, Overtaken
from ropeway.outcome import Cancellation
from ropeway.s3.encryption import Encryption
from ropeway.s3.engine import Headers
from ropeway.s3.site.looking import Survey
from ropeway.s3.site.plan import Terms
from ropeway.s3.site.protecting import check_protected
from ropeway.s3.site.rollback import check_versions, plan_rollback
from ropeway.s3.site.source import SiteObject
from ropeway.s3.site.standing import Identity, Prepared, Site, Standing, read_standing
from ropeway.s3.state.manifest import Manifest, check_id, content_of, read_manifest
from ropeway.s3.state.releases import (
    KEPT,
    History,
    Release,
    State,
    check_content,
    check_forgotten,
    is_older,
)


def prepare_release(
    site: Site,
    identity: Identity,
    source: Sequence[SiteObject],
    terms: Terms,
    *,
    now: float,
    cancellation: Cancellation,
    allow_older: bool = False,
) -> Prepared:
    """Reads only. `now` by the server's clock. Raises InputError for an id that shows something else, or a build older than the live one."""
    check_id(identity.id)
    source = _encrypted(source, site.encryption)
    standing = read_standing(site, cancellation)
    content = content_of((one.key, one.source_sha256, one.headers) for one in source)
    check_content(standing.history, identity.id, content)
    _check_order(standing, identity, allow_older=allow_older)
    over = _over(site, standing, identity.id, content, cancellation)
    plan = _surveyed(site, standing, identity, terms, now=now, cancellation=cancellation).plan(source)
    plan = replace(plan, warnings=(*standing.warnings, *plan.warnings))
    manifest = _to_come(identity, terms, now, _previous(standing, identity.id))
    releasing = _releasing(identity, source, content, now)
    return Prepared(site, standing, plan, manifest, over, releasing)


def _encrypted(source: Sequence[SiteObject], encryption: Encryption) -> Sequence[SiteObject]:
    """Equal headers stay one object."""
    if not encryption.sse:
        return source
    known: dict[Headers, Headers] = {}
    for one in source:
        known.setdefault(one.headers, encryption.on(one.headers))
    return [replace(one, headers=known[one.headers]) for one in source]


def _surveyed(
    site: Site, standing: Standing, identity: Identity, terms: Terms, *, now: float, cancellation: Cancellation
) -> Survey:
    return Survey(
        site.engine,
        site.target,
        standing.live,
        terms,
        now,
        cancellation,
        standing.half_done,
        standing.is_doubted(identity.id),
    )


def _to_come(identity: Identity, terms: Terms, now: float, previous: str) -> Manifest:
    """Without its objects, which are known when they are there."""
    return Manifest(
        identity.id,
        identity.build,
        identity.commit,
        identity.who,
        now,
        previous,
        (),
        terms.protected,
        terms.fingerprinted,
    )


def _releasing(identity: Identity, source: Sequence[SiteObject], content: str, now: float) -> Release:
    return Release(
        identity.id,
        State.STAGED,
        now,
        identity.build,
        content,
        len(source),
        sum(one.size for one in source),
        identity.run,
        identity.commit,
        identity.who,
        identity.attempt,
    )


def prepare_rollback(
    site: Site,
    cancellation: Cancellation,
    *,
    now: float,
    to: str = "",
    expected: str = "",
    shown: Prepared | None = None,
    terms: Terms = Terms(),  # noqa: B008 - frozen
) -> Prepared:
    """To a named release; else the live one where another one ended half-way over it, or the last good one before it. `expected` is what
    is taken back, and must be live, or have ended half-way (empty: whatever is); what was live when `shown` was planned must be so still.
    `now` by the server's clock.

    Reads only. Raises Overtaken when another one is live, InputError or NothingMatched when there is nothing to go back to, RopewayError
    when it cannot be brought back.
    """
    standing = read_standing(site, cancellation)
    history = standing.history
    _check_expected(history, expected)
    if shown:
        _check_as_shown(history, shown.standing.history)
    wanted = _wanted(history, to, expected)
    manifest, over = _manifest(site, wanted, cancellation)
    listed = list(site.engine.list(site.target.bucket, site.target.begins, cancellation=cancellation))
    there = site.target.below(listed)
    given, terms = terms.protected, _with_those_of(terms, *filter(None, (manifest, standing.live)))
    plan = plan_rollback(
        site.target,
        manifest,
        there,
        standing.live,
        terms=terms,
        now=now,
        half_done=standing.half_done,
        encryption=site.encryption,
    )
    warnings = tuple(check_protected(given, site.target, there, plan.steps))
    plan = replace(plan, warnings=warnings, states=site.target.states(listed))
    check_versions(site.engine, plan, cancellation)
    return Prepared(site, standing, plan, manifest, over, None)


def _with_those_of(terms: Terms, *manifests: Manifest) -> Terms:
    """Nobody who rolls back has the settings of the site."""
    protected = (glob for one in manifests for glob in one.protected)
    fingerprinted = (glob for one in manifests for glob in one.fingerprinted)
    return replace(
        terms,
        protected=tuple(dict.fromkeys((*terms.protected, *protected))),
        fingerprinted=tuple(dict.fromkeys((*terms.fingerprinted, *fingerprinted))),
    )


def _check_expected(history: History, expected: str) -> None:
    taken = {history.live, history.half_done.id} if history.half_done else {history.live}
    if expected and expected not in taken:
        raise Overtaken(
            f"Release {history.live or 'none'} is live, and not {expected}, which was to be taken back. Nothing was changed.",
            advice="Somebody else has deployed since. Look at the releases, and roll theirs back if it is to go.",
        )


def _check_as_shown(history: History, shown: History) -> None:
    if (history.live, history.half_done) != (shown.live, shown.half_done):
        now = history.half_done.id if history.half_done else history.live
        was = shown.half_done.id if shown.half_done else shown.live
        raise Overtaken(
            f"Somebody else has deployed or rolled back since this rollback was planned: {now} is there, and not {was}. Nothing was changed.",
            advice="Look at the releases (ropeway s3 releases), and roll back again if it is still wanted.",
        )


def _wanted(history: History, to: str, expected: str) -> Release:
    if to:
        return _named(history, to)
    # What ended half-way over the one that is to go was another's: who takes that one back goes further.
    half_done = history.half_done if not expected or expected != history.live else None
    if found := history.live_release if half_done else history.before(history.live):
        return found
    raise NothingMatched(
        f"There is no release before {half_done.id if half_done else history.live or 'the first one'} to go back to.",
        advice="Name one (ropeway s3 releases lists them), or deploy an earlier build.",
    )


def _named(history: History, to: str) -> Release:
    found = history.find(to)
    if found is None:
        known = ", ".join(one.id for one in history.releases[-10:]) or "none"
        raise InputError([f"There is no release {to}. The last ones are: {known}."])
    return found


def _check_order(standing: Standing, identity: Identity, *, allow_older: bool) -> None:
    live = standing.history.live_release
    if live and not allow_older and is_older(identity.build, live.build):
        raise InputError(
            [
                f"Build {identity.build} is older than {live.build}, which is live (release {live.id}). Nothing was changed."
            ]
        ).advised("Roll back instead, or set allowOlder.")


def _manifest(site: Site, wanted: Release, cancellation: Cancellation) -> tuple[Manifest, str]:
    if found := read_manifest(site.engine, site.state, wanted.id, cancellation):
        return found
    if wanted.state in {State.STAGED, State.FAILED}:
        raise NothingMatched(
            f"Release {wanted.id} was never whole ({wanted.state}): there is nothing to go back to.",
            advice="Deploy it once more, or name another one.",
        )
    raise IntegrityError(
        f"Release {wanted.id} has no manifest at {site.state.address} any more: nobody knows what it was.",
        advice="Somebody deleted it. Deploy it once more from its build.",
    )


def _previous(standing: Standing, release: str) -> str:
    if standing.history.live != release:
        return standing.history.live
    return standing.live.previous if standing.live else ""


def _over(site: Site, standing: Standing, release: str, content: str, cancellation: Cancellation) -> str:
    """The ETag of the manifest that this id has. Others are written where nothing is.

    Only a release that the history knows can have one, or that it has forgotten; where it was deleted, it may have forgotten all.
    """
    history = standing.history
    known = history.find(release) is not None
    if not known and standing.etag and len(history.releases) < KEPT:
        return ""
    found = read_manifest(site.engine, site.state, release, cancellation)
    if found and not known:
        check_forgotten(release, found[0].content, content)
    return found[1] if found else ""
