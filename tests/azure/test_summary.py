from __future__ import annotations

from markdown_it import MarkdownIt

from ropeway.azure.summary import summary
from ropeway.outcome import Done, Reason
from tests.azure.plans import HOSTILE, denied, outcome, plan, skip, upload


def rendered(markdown: str) -> list[list[str] | str]:
    """What a reader sees: headings and paragraphs as texts, rows of tables as lists of texts."""
    seen: list[list[str] | str] = []
    for token in MarkdownIt("commonmark").enable("table").parse(markdown):
        if token.type == "tr_open":
            seen.append([])
        elif token.type == "inline":
            text = "".join(child.content for child in token.children or [])
            in_row = token.level >= 4  # table > thead or tbody > tr > td
            if in_row and isinstance(seen[-1], list):
                seen[-1].append(text)
            else:
                seen.append(text)
    return seen


def test_a_run_is_summed_up_with_a_table_of_reasons_and_the_steps() -> None:
    steps = [skip(), upload("s3://bucket/a", reason=Reason.CONTENT), upload("s3://bucket/b")]
    assert rendered(summary(plan(*steps), outcome(plan(*steps), Done(steps[1]), Done(steps[2])))) == [
        "Uploaded 2 files to s3://bucket",
        ["Action", "Reason", "Result", "Count", "Size"],
        ["upload", "content", "done", "1", "1.5 KB"],
        ["upload", "new", "done", "1", "1.5 KB"],
        ["skip", "unchanged", "left as it is", "1", "10 bytes"],
        ["in all", "", "", "3", "3.0 KB"],
        "3 steps",
        ["Action", "Reason", "Result", "Size", "Name"],
        ["upload", "content", "done", "1.5 KB", "s3://bucket/a"],
        ["upload", "new", "done", "1.5 KB", "s3://bucket/b"],
        ["skip", "unchanged", "left as it is", "10 bytes", "s3://bucket/kept.txt"],
        "Took 3 min 12 s, by boto3.",
    ]


def test_a_dry_run_is_marked_as_one() -> None:
    assert rendered(summary(plan(upload(), warnings=("Nothing matched *.html.",)), None)) == [
        "Upload 2 files to s3://bucket",
        "Dry run: nothing was written.",
        "Warning: Nothing matched *.html.",
        ["Action", "Reason", "Result", "Count", "Size"],
        ["upload", "new", "planned", "1", "1.5 KB"],
        ["in all", "", "", "1", "1.5 KB"],
        "1 step",
        ["Action", "Reason", "Result", "Size", "Name"],
        ["upload", "new", "planned", "1.5 KB", "s3://bucket/a.txt"],
    ]


def test_a_failure_tells_its_reason_and_each_thing_that_failed() -> None:
    steps = [upload("s3://bucket/a"), upload("s3://bucket/b"), upload("s3://bucket/c")]
    failed = outcome(plan(*steps), Done(steps[0], error=denied("a")), Done(steps[1]), error=denied("a"))
    seen = rendered(summary(plan(*steps), failed))
    why = "Could not upload a: AWS answered AccessDenied: Access Denied (request id R1)."
    assert seen[1] == f"Failed: {why}"
    assert seen[seen.index("1 failure") + 2] == ["s3://bucket/a", why]
    assert [row[2] for row in seen if isinstance(row, list) and len(row) == 5 and row[4].startswith("s3:")] == [
        "failed",
        "done",
        "not done",
    ]


def test_a_warning_of_plan_and_outcome_is_told_once() -> None:
    planned = plan(warnings=("Nothing matched.",))
    seen = rendered(summary(planned, outcome(planned, warnings=("Nothing matched.", "One was empty."))))
    assert seen[1:3] == ["Warning: Nothing matched.", "Warning: One was empty."]


def test_names_and_messages_stay_in_their_cells_as_they_are() -> None:
    steps = [upload(HOSTILE)]
    shown = r"s3://bucket/a|`b` **vso[task.complete result=Failed;]\nx.txt"
    text = summary(plan(*steps), outcome(plan(*steps), Done(steps[0], error=denied("<script>"))))
    assert [row[4] for row in rendered(text) if isinstance(row, list) and len(row) == 5][-1] == shown
    assert "<script>" not in text
    assert "##vso" not in text


def test_long_lists_are_cut_off_and_say_so() -> None:
    steps = [upload(f"s3://bucket/{at}") for at in range(1000)]
    results = [Done(step, error=denied("x")) for step in steps]
    seen = rendered(summary(plan(*steps), outcome(plan(*steps), *results)))
    assert "1,000 failures, the first 50" in seen
    assert "1,000 steps, the first 100" in seen
    assert len(seen) < 170


def test_nothing_to_do_is_told_in_a_line() -> None:
    assert rendered(summary(plan(), outcome(plan()))) == [
        "Uploaded 2 files to s3://bucket",
        "Took 3 min 12 s, by boto3.",
    ]
