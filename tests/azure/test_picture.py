"""The picture of a plan in the summary: a bar for each stage."""

from __future__ import annotations

from dataclasses import replace

from ropeway.azure.summary import summary
from ropeway.outcome import Done, Plan, Reason, Stage, Step
from tests.azure.plans import denied, outcome, skip, upload
from tests.azure.test_summary import rendered


def staged(**stages) -> Plan:
    groups = tuple(Stage(name.replace("_", " "), tuple(steps)) for name, steps in stages.items())
    return Plan("Release 42", tuple(step for stage in groups for step in stage.steps), stages=groups)


def told(plan, of=None):
    """The rows of the picture, and what the squares mean."""
    seen = rendered(summary(plan, of))
    at = seen.index(["Order", "Stage", "Changes", "Size", ""])
    end = next(n for n, one in enumerate(seen) if n > at and isinstance(one, str))
    return seen[at + 1 : end], seen[end]


def deleted(name="s3://b/old.html"):
    return Step("delete", name, Reason.GONE, 100)


def copied(name="s3://b/style.css"):
    return Step("copy", name, Reason.HEADERS, 512)


def test_each_stage_has_a_bar_with_a_square_for_each_object():
    made = staged(assets=[upload(), upload(), skip()], files=[copied()], what_is_gone=[deleted()])
    rows, legend = told(made)
    assert rows == [
        ["1", "assets", "2", "3.0 KB", "🟩🟩⬜"],
        ["2", "files", "1", "512 bytes", "🟦"],
        ["3", "what is gone", "1", "100 bytes", "🟥"],
    ]
    assert legend == "🟩 to upload · 🟦 to copy: other headers, or brought back · 🟥 to delete · ⬜ as it was"


def test_a_stage_that_holds_nothing_is_left_out():
    rows, _ = told(staged(assets=[], pages=[upload()]))
    assert [row[:2] for row in rows] == [["1", "pages"]]


def test_what_was_not_done_is_black():
    made = staged(assets=[upload(), upload()], pages=[upload(), skip()])
    first, second, *_ = made.steps
    failed = replace(outcome(made, Done(first), Done(second, error=denied("a"))), error=denied("a"))
    rows, legend = told(made, failed)
    assert rows == [["1", "assets", "1 of 2", "3.0 KB", "🟩⬛"], ["2", "pages", "0 of 1", "1.5 KB", "⬜⬛"]]
    assert legend == "🟩 uploaded · ⬜ as it was · ⬛ not done"


def test_a_big_site_has_bars_that_compare_and_nothing_small_is_lost():
    rows, _ = told(staged(assets=[upload()] * 3 + [skip()] * 9997, pages=[upload()] * 5000, what_is_gone=[deleted()]))
    assert [row[4] for row in rows] == ["🟩" + "⬜" * 24, "🟩" * 12, "🟥"]


def test_a_plan_without_stages_has_no_picture():
    assert "🟩" not in summary(Plan("Upload", (upload(),)), None)
