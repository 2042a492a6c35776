"""Where a site and its state lie, who works on it, and whether visitors can read the state."""

from __future__ import annotations

import getpass
import socket
from collections.abc import Iterator
from datetime import datetime, timezone
from urllib.parse import quote, unquote

from ropeway.errors import InputError
from ropeway.outcome import Cancellation, Run, listing
from ropeway.s3.encryption import encryption_of, sealing
from ropeway.s3.engine import ObjectEngine
from ropeway.s3.keys import normal_prefix
from ropeway.s3.site.inputs import SiteInputs
from ropeway.s3.site.plan import SitePlan, Target
from ropeway.s3.site.standing import Identity, Site
from ropeway.s3.state.place import FOLDER, ROOT, SITES, StatePlace, place_at
from ropeway.s3.state.releases import history_place, read_history


def site_of(given: SiteInputs, engine: ObjectEngine) -> Site:
    target = Target(given.bucket_name, normal_prefix(given.target_folder))
    encryption = encryption_of(given)
    return Site(sealing(engine, encryption), target, _state(given, target.prefix), encryption=encryption)


def _state(given: SiteInputs, prefix: str) -> StatePlace:
    """A place of its own may hold the states of many buckets."""
    if given.state_location:
        return _states(given).below(quote(f"s3://{given.bucket_name}/{prefix}", safe=""))
    return _usual(given, prefix)


def _usual(given: SiteInputs, prefix: str) -> StatePlace:
    """Where the state is when nobody names a place."""
    return StatePlace(given.bucket_name, f"{FOLDER}/{SITES}").below(quote(prefix, safe="") or ROOT)


def _states(given: SiteInputs) -> StatePlace:
    if given.state_location:
        return place_at(given.state_location, SITES)
    return StatePlace(given.bucket_name, f"{FOLDER}/{SITES}")


def refuse_second_state(given: SiteInputs, site: Site, cancellation: Cancellation) -> None:
    """For the first release by a state that was named. Raises InputError where the site has one at the usual place, by which a release is live.

    Listed before it is read: whoever names a place may need to read nothing at the usual one (docs/tasks/s3-deploy.md, "IAM policy").
    """
    usual = _usual(given, site.target.prefix)
    place = history_place(usual)
    if site.state == usual or not any(site.engine.list(place.bucket, place.key, cancellation=cancellation)):
        return
    if live := read_history(site.engine, usual, cancellation)[0].live:
        problem = (
            f"s3://{site.target.bucket}/{site.target.prefix} has its state at {usual.address}, by which release {live} is live, and none at "
            f"{site.state.address}: a second state would know nothing of what was released. Nothing was changed."
        )
        raise InputError([problem]).advised(
            "Leave stateLocation out, or move the state while nobody deploys: aws s3 mv --recursive "
            f"{usual.address}/ {site.state.address}/ (deleteUnknown does not help)."
        )


# --- other sites ----------------------------------------------------------------------------------------------------------------


def refuse_swallowing(given: SiteInputs, site: Site, plan: SitePlan, cancellation: Cancellation) -> None:
    """Raises InputError where what is to be changed belongs to another site, which lies below this one's prefix.

    Found are those whose state lies where this one's does, in the bucket itself, or anywhere below the prefix.
    """
    if not plan.todo:
        return
    for prefix in _sites_below(given, site, plan, cancellation):
        below = prefix[len(site.target.begins) :] + "/"
        if theirs := [one.step.name for one in plan.todo if one.key.startswith(below)]:
            bucket = f"s3://{site.target.bucket}"
            problem = (
                f"{bucket}/{site.target.begins} has another site of Ropeway's below it, {bucket}/{prefix}, and this would change "
                f"{listing(theirs, 3)}. Nothing was changed."
            )
            raise InputError([problem]).advised(
                f"Name the right targetFolder, or protect the other site (protected: {below}**)."
            )


def _sites_below(given: SiteInputs, site: Site, plan: SitePlan, cancellation: Cancellation) -> Iterator[str]:
    """Their prefixes, as far as one of their releases is live."""
    for place in sorted({*_places(given, site, cancellation), *_found(plan)}, key=lambda one: one.address):
        prefix = _prefix_of(place, given.bucket_name)
        is_below = prefix.startswith(site.target.begins) and prefix != site.target.prefix
        if prefix and is_below and read_history(site.engine, place, cancellation)[0].live:
            yield prefix


def _found(plan: SitePlan) -> Iterator[StatePlace]:
    return (StatePlace(plan.target.bucket, key) for key in plan.states)


def _places(given: SiteInputs, site: Site, cancellation: Cancellation) -> Iterator[StatePlace]:
    """Where this site's state is, and where it would be if nobody had named a place."""
    folders = {
        _states(given): f"s3://{given.bucket_name}/{site.target.begins}" if given.state_location else site.target.begins
    }
    folders.setdefault(StatePlace(given.bucket_name, f"{FOLDER}/{SITES}"), site.target.begins)
    for folder, begins in folders.items():
        for one in site.engine.list(folder.bucket, f"{folder.key}/{quote(begins, safe='')}", cancellation=cancellation):
            yield folder.below(one.key[len(folder.key) + 1 :].partition("/")[0])


def _prefix_of(place: StatePlace, bucket: str) -> str:
    """Of the site whose state lies there; empty where it is one of another bucket, or a whole bucket."""
    name = unquote(place.key.rpartition("/")[2])
    if name.startswith("s3://"):
        return name.removeprefix(f"s3://{bucket}/") if name.startswith(f"s3://{bucket}/") else ""
    in_bucket = place.bucket == bucket and place.key.startswith(f"{FOLDER}/{SITES}/")
    return name if in_bucket and name != ROOT else ""


# --- who ------------------------------------------------------------------------------------------------------------------------


def identity_of(release: str, run: Run) -> Identity:
    """`release` empty: the number of the build, and where there is none, the time."""
    number = variable(run, "Build.BuildNumber")
    release = release or number or f"{datetime.now(timezone.utc):%Y%m%dT%H%M%SZ}"
    who = variable(run, "Release.Deployment.RequestedFor") or variable(run, "Build.RequestedFor") or _user(run)
    return Identity(release, number, variable(run, "Build.SourceVersion"), who, run_of(run), attempt_of(run))


def run_of(run: Run) -> str:
    """Which build, and which stage of it; empty where there is no pipeline. A later attempt at the stage is the same run."""
    build = variable(run, "Build.BuildId") or variable(run, "Release.ReleaseId")
    stage = variable(run, "System.StageName") or variable(run, "Release.EnvironmentName")
    return f"{build}/{stage}" if build and stage else ""


def attempt_of(run: Run) -> str:
    """Which try of the stage it is, from 1; empty where there is no pipeline."""
    return variable(run, "System.StageAttempt") or variable(run, "Release.AttemptNumber")


def owner_of(run: Run, *, public: bool) -> str:
    """Who holds the lock, for whoever waits. A place that visitors can read is told no names."""
    number = variable(run, "Build.BuildNumber") or variable(run, "Release.ReleaseName")
    stage = variable(run, "System.StageName") or variable(run, "Release.EnvironmentName")
    if number:
        return f"build {number}{f', stage {stage}' if stage else ''}"
    return "a command line" if public else _user(run) or "a command line"


def _user(run: Run) -> str:
    if variable(run, "Build.BuildNumber"):
        return ""
    try:
        return f"{getpass.getuser()} on {socket.gethostname()}"
    except (KeyError, OSError):  # a container may run under a number that has no name
        return ""


def variable(run: Run, name: str) -> str:
    found = run.variable(name)
    return found.text if found else ""
