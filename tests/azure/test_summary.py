from __future__ import annotations

from markdown_it import MarkdownIt

from ropeway.azure.summary import summary
from ropeway.errors import RopewayError
from ropeway.outcome import Done, Outcome, Plan, Reason
from tests.azure.plans import HOSTILE, denied, outcome, plan, skip, upload
from tests.checked import ALL, failing, passing


def rendered(markdown: str) -> list[list[str] | str]:
    """What a reader sees: headings and paragraphs as texts, rows of tables as lists of texts."""
    seen: list[list[str] | str] = []
    for token in MarkdownIt("commonmark").enable("table").parse(markdown):
        if token.type == "tr_open":
            seen.append([])
        elif token.type == "inline":
            text = "".join(child.content for child in token.children or []).replace("\xa0", " ")
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


def test_sizes_and_results_stay_in_one_line_beside_a_long_name() -> None:
    kept = skip("n" * 500)
    assert "|left&nbsp;as&nbsp;it&nbsp;is|10&nbsp;bytes|nnn" in summary(plan(kept), outcome(plan(kept)))


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


def test_an_error_of_several_lines_keeps_them_and_none_of_them_means_anything() -> None:
    error = RopewayError("2 of 3 failed.\ni-1 printed last:\n- <b>no</b> database\n---\n1. | end", advice="Mend it.")
    (_, failed, *_) = rendered(summary(plan(), outcome(plan(), error=error)))
    assert (
        failed == "Failed: 2 of 3 failed.<br>i-1 printed last:<br>- <b>no</b> database<br>---<br>1. | end<br>Mend it."
    )
    assert "<br>".join(summary(plan(), outcome(plan(), error=error)).split("<br>")[2:4]) == (
        "- &#60;b&#62;no&#60;/b&#62; database<br>---"
    )


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


CHECKS = Plan[None]("Check 4 things", (), checks=tuple(result.check for result in ALL))


def test_checks_are_a_table_with_what_did_not_pass_first_and_all_there_is_to_say_of_that() -> None:
    assert rendered(summary(CHECKS, Outcome("2 of 4 did not pass", CHECKS, (), (), 12.0, checks=ALL))) == [
        "2 of 4 did not pass",
        "4 checks: 1 passed, 1 skipped, 1 failed, 1 could not be asked",
        ["Result", "Severity", "Check", "Got", "Asked", "Ended after"],
        ["⛔ error", "critical", "queue", "Could not read the alarm: AWS answered AccessDenied", "1", "0.5 s"],
        ["❌ fail", "critical", "api (10.0.0.7)", "status 503", "5", "8.2 s"],
        ["⏭️ skipped", "critical", "login", "api did not pass.", "0", ""],
        ["✅ pass", "critical", "home", "status 200", "1", "0.2 s"],
        "⛔ queue",
        ["alarm", "error"],
        ["Expected", "status 200"],
        ["Got", "Could not read the alarm: AWS answered AccessDenied"],
        ["Ended", "Denied."],
        ["Try", "Look at the service's log."],
        ["Request ids", "R0"],
        ["Detail", "Service Unavailable"],
        "❌ api (10.0.0.7)",
        ["http", "fail"],
        ["Expected", "status 200"],
        ["Got", "status 503"],
        ["Ended", "Not green within 10 s."],
        ["Try", "Look at the service's log."],
        ["Before", "fail after 2.0 s: status 500"],
        ["Before", "fail after 4.0 s: status 502"],
        ["Request ids", "R8"],
        ["Detail", "Service Unavailable"],
        "⏭️ login",
        ["http", "skipped"],
        ["Ended", "api did not pass."],
        "Took 12.0 s.",
    ]


def test_a_dry_run_of_checks_asked_nothing() -> None:
    plan = Plan[None]("Check 1 thing", (), checks=(passing().check,))
    assert rendered(summary(plan, None)) == [
        "Check 1 thing",
        "Dry run: nothing was asked.",
        "1 check",
        ["Severity", "Kind", "Check", "Asks"],
        ["critical", "http", "home", "https://home.test/ answers 200"],
    ]


def test_many_checks_that_do_not_pass_are_cut_off_and_say_so() -> None:
    results = tuple(failing(f"api{at}") for at in range(300))
    seen = rendered(summary(CHECKS, Outcome("Checked", CHECKS, (), (), 1.0, checks=results)))
    assert "300 checks: 300 failed, the first 200" in seen
    assert "250 more that did not pass stand in the log and in the test results." in seen
