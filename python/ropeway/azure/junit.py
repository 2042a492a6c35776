"""The results of checks and instances as Azure DevOps's Tests tab reads them: JUnit, one case for each check and target, and for each instance.

What the tab shows of a case: its message and text where it did not pass, and system-out (azure-pipelines-agent,
Agent.Plugins/TestResultParser and TestResults/JunitResultReader.cs).
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Iterator, Sequence

from ropeway.checked import CheckResult, Word, told, word
from ropeway.rolled import InstanceResult
from ropeway.sanitise import lines, one_line

TAGS: dict[Word, str] = {"fail": "failure", "error": "error", "skipped": "skipped"}
"""A warning that did not pass is a failed test too: the tab knows no other."""


def write_junit(
    path: str, suite: str, results: Sequence[CheckResult], instances: Sequence[InstanceResult] = ()
) -> None:
    """A file that replaces what was there. What XML cannot hold, `one_line` has made visible."""
    words = Counter([*map(word, results), *map(_word, instances)])
    count = len(results) + len(instances)
    sums = {"tests": count, "failures": words["fail"], "errors": words["error"], "skipped": words["skipped"]}
    file = ET.Element("testsuites")
    cases = ET.SubElement(
        file, "testsuite", {"name": one_line(suite), **{name: str(sum) for name, sum in sums.items()}}
    )
    for result in results:
        _case(cases, result)
    for instance in instances:
        _instance(cases, instance)
    ET.ElementTree(file).write(path, encoding="utf-8", xml_declaration=True)


def _case(cases: ET.Element, result: CheckResult) -> None:
    name, kind = one_line(result.check.title), one_line(result.check.kind)
    case = ET.SubElement(cases, "testcase", name=name, classname=kind, time=f"{result.seconds:.3f}")
    if tag := TAGS.get(word(result)):
        message = result.why if result.skipped or not result.last else result.last.got
        unwell = ET.SubElement(case, tag, message=one_line(message), type=result.check.severity)
        unwell.text = "\n".join(one_line(f"{label}: {text}") for label, text in told(result))
    ET.SubElement(case, "system-out").text = "\n".join(_attempts(result))


def _attempts(result: CheckResult) -> Iterator[str]:
    yield one_line(f"Asked {result.asked:,} times: {result.check.asks}")
    for attempt in result.attempts:
        finding = attempt.finding
        yield one_line(
            f"{finding.verdict} after {attempt.at:.1f} s, answered in {attempt.seconds:.2f} s: {finding.got}"
        )


# --- instances ----------------------------------------------------------------------------------------------------------------


def _word(instance: InstanceResult) -> Word:
    """Who was put back has not taken the release; who was never begun was not tried."""
    if instance.ok:
        return "pass"
    if instance.fate == "not begun" and not instance.why:
        return "skipped"
    return "error" if instance.fate in {"unknown", "unproved"} else "fail"


def _instance(cases: ET.Element, instance: InstanceResult) -> None:
    name = one_line(instance.instance.title)
    case = ET.SubElement(cases, "testcase", name=name, classname="instance", time=f"{instance.seconds:.3f}")
    if tag := TAGS.get(_word(instance)):
        message = instance.why or instance.fate
        unwell = ET.SubElement(case, tag, message=one_line(message), type=instance.fate)
        unwell.text = one_line(message)
    ET.SubElement(case, "system-out").text = "\n".join(_steps(instance))


def _steps(instance: InstanceResult) -> Iterator[str]:
    before, live = instance.instance.live or "nothing", instance.live or "unknown or nothing"
    yield one_line(f"Batch {instance.instance.batch or '-'}; live before: {before}; live now: {live}")
    for step in instance.steps:
        yield one_line(f"{step.name}: {step.why or 'done'} ({step.seconds:.1f} s)")
        yield from (f"  {line}" for line in lines(step.printed))
