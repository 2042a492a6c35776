"""What came of a release, in words and output variables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from ropeway.checked import CheckResult
from ropeway.errors import ChecksFailed, IntegrityError, RopewayError
from ropeway.outcome import Done, Output, counted
from ropeway.s3.site.planning import SitePlanned, known_outputs
from ropeway.s3.site.standing import Prepared

MOST_PATHS = 500
"""A variable is no place for more; the list file has them all."""


@dataclass
class Ended:
    """What has come of a run so far: `live` is the release that visitors see, `result` the output variable."""

    results: list[Done[Any]] = field(default_factory=list)
    live: str = ""
    result: str = "failed"


def title(planned: SitePlanned, prepared: Prepared, ended: Ended) -> str:
    target = prepared.site.target
    where, own = f"s3://{target.bucket}/{target.prefix}", prepared.manifest.id
    if ended.result == "rolledBack":
        return f"Release {own} was taken back from {where}: {ended.live} is live again"
    if ended.result == "failed":
        return (
            f"Not finished: {planned.title}" if ended.live != own else f"Release {own} is live at {where}, and failed"
        )
    if not planned.releases:
        return f"Rolled {where} back to release {own}: {_done(ended.results)}"
    return f"Released {own} to {where}: {_done(ended.results)}"


def outputs(planned: SitePlanned, prepared: Prepared, ended: Ended) -> Iterator[Output]:
    yield from known_outputs(planned.order.given, prepared, planned.website, planned.after)
    yield Output("changedPaths", "\n".join(_paths(prepared)))
    yield Output("liveRelease", ended.live)
    yield Output("result", ended.result)
    done = [one.step for one in ended.results if one.error is None]
    for name, action in (("filesUploaded", "upload"), ("filesCopied", "copy"), ("filesDeleted", "delete")):
        yield Output(name, str(sum(1 for step in done if step.action == action)))
    yield Output("bytesUploaded", str(sum(step.size for step in done if step.action == "upload")))
    yield Output("filesUnchanged", str(sum(1 for one in prepared.plan.steps if one.step.action == "skip")))


def half_done(error: RopewayError, prepared: Prepared) -> str:
    live = prepared.standing.history.live
    stays = f"release {live} is still the live one by the list" if live else "no release is live by the list"
    return (
        f"{error.advice} What was not begun is as it was, and {stays}. Deploy again, or roll back, and what is half done is finished."
    ).strip()


def with_words(error: RopewayError, words: str, *, advice: str = "") -> ChecksFailed | IntegrityError:
    kind = IntegrityError if isinstance(error, IntegrityError) else ChecksFailed
    return kind(f"{error.message} {words}", advice=advice or error.advice)


def _done(results: list[Done[Any]]) -> str:
    done = [one.step.action for one in results if one.error is None]
    words = {"upload": "uploaded", "copy": "copied", "delete": "deleted"}
    parts = [f"{counted(done.count(action), 'object')} {word}" for action, word in words.items() if action in done]
    return ", ".join(parts) or "no object changed"


def _paths(prepared: Prepared) -> list[str]:
    """As visitors ask for them, when the prefix is the root of the site."""
    keys = [one.key for one in prepared.plan.todo]
    return [f"/{quote(key, safe='/~')}" for key in keys] if len(keys) <= MOST_PATHS else ["/*"]


def vouched(results: Iterable[CheckResult]) -> bool:
    """A suite in which nothing has passed, because all of it may fail, says nothing good of a release."""
    return any(one.verdict == "pass" for one in results)
