"""A plan in words: its title, a row for each instance, and the scripts that hosts will run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ropeway.ec2.balancing.seats import Survey
from ropeway.ec2.batches import Cut
from ropeway.ec2.course import Course
from ropeway.ec2.goal import Goal
from ropeway.ec2.host import HostScripts
from ropeway.ec2.inputs import EC2DeployInputs
from ropeway.ec2.model import Found
from ropeway.outcome import counted, listing
from ropeway.rolled import PlannedInstance, PlannedScript


def title(goal: Goal, course: Course, given: EC2DeployInputs) -> str:
    count = len(course.todo)
    begin = verb(goal)
    if not count:
        return f"{begin} {given.application}: it is on all {counted(len(course.found), 'instance')} already"
    return f"{begin} {given.application} on {counted(count, 'instance')}"


def verb(goal: Goal) -> str:
    return f"Deploy {goal.release} of" if goal.kind == "deploy" else f"Roll back to {goal.release} of"


def warnings(found: Sequence[Found], given: EC2DeployInputs) -> Iterator[str]:
    """Of problems a dry run alone: else they are failures, and told as such."""
    for one in found:
        for words in (*(one.problems if given.dry_run else ()), *one.warnings):
            yield f"{one.target.title}: {words}"


def rows(found: Sequence[Found], course: Course, made: Cut, balance: Survey) -> Iterator[PlannedInstance]:
    numbers = {target: batch.number for batch in made.batches for target in batch.targets}
    places = balance.where
    for one in sorted(found, key=lambda one: (numbers.get(one.target, 0) or len(found) + 1, one.target)):
        target = one.target
        notes = tuple(filter(None, (one.volume, places.get(target.id, ""))))
        number = numbers.get(target, 0)
        live = one.live if one.report else "?"
        yield PlannedInstance(target.id, target.name, target.zone, live, number, _why(one, course, number), notes)


def _why(found: Found, course: Course, number: int) -> str:
    if found.problems:
        return " ".join(found.problems)
    if not number:
        return f"it has {course.release} already"
    if found.half_way:
        return "an earlier switch did not come to its end"
    if found.live == course.release:
        return "switched again" if found.serving else "what is live is not healthy"
    return ""


def scripts(hosts: HostScripts, course: Course) -> Iterator[PlannedScript]:
    """The real ones, but for the address of the bundle."""
    if there := [one.target.title for one in course.found if one.ready and one.target not in course.todo]:
        yield PlannedScript(f"validate, on {listing(there, 3)}", hosts.validate().text)
    if not course.todo:
        return
    every = counted(len(course.todo), "instance")
    yield PlannedScript(f"stage, on {every}", hosts.stage().text)
    by_live: dict[str, list[str]] = {}
    for one in course.found:
        if one.target in course.todo:
            by_live.setdefault(one.live, []).append(one.target.title)
    for live, titles in by_live.items():
        words = f"switch over {live or 'nothing'}, on {listing(titles, 3)}"
        yield PlannedScript(words, hosts.switch(over=live, force=True).text)
