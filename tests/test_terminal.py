"""What a person reads: whole names, sums that add up, errors with a next step, and nothing foreign that acts."""

from __future__ import annotations

import io
from typing import Any

from rich.console import Console

from ropeway import terminal
from ropeway.errors import AccessDenied, Cancelled, InputError, LocalFileError, TransferFailed
from ropeway.outcome import Done, Outcome, Plan, Reason, Stage, Step
from ropeway.version import VERSION


def screen(width: int = 80, *, color: bool = False) -> Console:
    return Console(
        file=io.StringIO(),
        width=width,
        force_terminal=color,
        markup=False,
        highlight=False,
        emoji=False,
        no_color=not color,
    )


def lines(console: Console) -> list[str]:
    return [line.rstrip() for line in console.file.getvalue().splitlines()]


def uploads(count: int) -> tuple[Step[None], ...]:
    return tuple(Step("upload", f"s3://bucket/site/{number}.txt", Reason.NEW, 1024) for number in range(count))


def plan(*steps: Step[Any], title: str = "Upload files") -> Plan[Any]:
    return Plan(title, steps)


def denied(name: str) -> AccessDenied:
    return AccessDenied(
        f"upload {name}", code="AccessDenied", answer="Access Denied", request_id="R1", advice="Ask for s3:PutObject."
    )


# --- the plan ----------------------------------------------------------------------------------------------------------


def test_a_plan_names_each_step_with_action_reason_and_size_below_the_folder_they_share():
    console = screen(width=120)
    terminal.render_plan(
        console,
        plan(
            Step("create", "s3://bucket", Reason.NEW, 0),
            Step("upload", "s3://bucket/site/index.html", Reason.NEW, 1536),
            Step("upload", "s3://bucket/site/assets/app.js", Reason.CONTENT, 10),
            Step("skip", "s3://bucket/site/old.js", Reason.UNCHANGED, 2048),
        ),
    )
    assert lines(console) == [
        "Upload files",
        "",
        "Action  Reason       Size  Below s3://bucket/site/",
        "create  new                s3://bucket",
        "upload  new        1.5 KB  index.html",
        "upload  content  10 bytes  assets/app.js",
        "",
        "In all: create 1 (new), upload 1 (new, 1.5 KB), upload 1 (content, 10 bytes), skip 1 (unchanged, 2.0 KB).",
    ]


def test_what_is_set_up_has_no_sizes_and_lies_in_no_folder_also_where_it_is_there_already():
    console = screen(width=120)
    terminal.render_plan(
        console,
        plan(
            Step("skip", "policy my/one", Reason.UNCHANGED, 0),
            Step("configure", "policy my/other", Reason.SETTINGS, 0),
        ),
        all_steps=True,
    )
    assert lines(console)[2:5] == [
        "Action     Reason           Name",
        "skip       unchanged        policy my/one",
        "configure  settings differ  policy my/other",
    ]


def test_where_the_order_matters_it_is_told_with_how_many_change_in_each_stage():
    new, same = Step("upload", "s3://b/a.js", Reason.NEW, 1), Step("skip", "s3://b/b.html", Reason.UNCHANGED, 1)
    page = Step("upload", "s3://b/c.html", Reason.CONTENT, 1)
    stages = (Stage("assets", (new,)), Stage("files", (same,)), Stage("pages", (page,)), Stage("workers", ()))
    console = screen(width=120)
    terminal.render_plan(console, Plan("Release 42", (new, same, page), stages=stages))
    assert lines(console)[-1] == "In this order: assets (1), pages (1)."


def test_a_long_plan_shows_its_beginning_and_how_many_more_there_are():
    console = screen()
    terminal.render_plan(console, plan(*uploads(2345)))
    shown = lines(console)
    assert sum(".txt" in line for line in shown) == 20
    assert "and 2,325 more" in shown


def test_all_steps_means_all_of_them_and_those_that_do_nothing_too():
    console = screen()
    terminal.render_plan(
        console, plan(*uploads(30), Step("skip", "s3://bucket/site/same.txt", Reason.UNCHANGED, 1)), all_steps=True
    )
    shown = lines(console)
    assert sum(".txt" in line for line in shown) == 31
    assert not any("more" in line for line in shown)


def test_a_plan_with_nothing_to_do_says_what_it_leaves_alone():
    console = screen()
    terminal.render_plan(console, plan(Step("skip", "a.txt", Reason.UNCHANGED, 1024), title="Upload 0 files"))
    assert lines(console) == ["Upload 0 files", "", "In all: skip 1 (unchanged, 1.0 KB)."]


def test_a_long_name_is_folded_and_not_cut():
    console = screen(width=60)
    name = "s3://bucket/" + "x" * 100
    terminal.render_plan(console, plan(Step("upload", name, Reason.NEW, 1)))
    assert "".join(lines(console)[3:]).replace(" ", "").endswith("x" * 100)


def test_blanks_at_the_end_of_a_name_are_a_part_of_it():
    console = screen()
    terminal.render_plan(
        console, plan(Step("upload", "two words  ", Reason.NEW, 1), Step("upload", "x", Reason.NEW, 1))
    )
    assert [line for line in console.file.getvalue().splitlines() if line.endswith("two words  ")]


def test_markup_and_escape_sequences_in_a_name_print_as_themselves():
    console = screen(color=True)
    terminal.render_plan(
        console, plan(Step("upload", "[red]x :boom: \x1b]0;title\x07\x1b[31m##vso[task.setvariable]", Reason.NEW, 1))
    )
    shown = console.file.getvalue()
    assert "[red]x :boom: " in shown
    assert "\x1b[31m" not in shown
    assert "\x1b]0" not in shown
    assert "##vso[" not in shown


# --- the outcome -------------------------------------------------------------------------------------------------------


def test_an_outcome_that_is_as_planned_tells_how_fast_it_was_and_repeats_no_sums():
    steps = (*uploads(3), Step("skip", "s3://bucket/site/same.txt", Reason.UNCHANGED, 512))
    console = screen()
    terminal.render_outcome(
        console,
        Outcome("Uploaded 3 files", plan(*steps), tuple(Done(step, 1.0) for step in steps[:3]), (), seconds=1.5),
    )
    assert lines(console) == [
        "Uploaded 3 files in 1.5 s (2.0 KB/s)",
    ]


def test_an_outcome_that_failed_tells_what_failed_and_what_was_not_begun():
    steps = uploads(5)
    results = (Done(steps[0]), Done(steps[1], error=denied("1.txt")), Done(steps[2], error=denied("2.txt")))
    error = TransferFailed("Two files failed.", [denied("1.txt"), denied("2.txt")])
    console = screen(width=120)
    terminal.render_outcome(console, Outcome("Uploaded 1 file", plan(*steps), results, (), seconds=192, error=error))
    assert lines(console) == [
        "Uploaded 1 file in 3 min 12 s (5 bytes/s)",
        "",
        "Action  Reason  Count    Size",
        "upload  new         1  1.0 KB",
        "upload  new         2  2.0 KB  failed",
        "upload  new         2  2.0 KB  not done",
        "",
        "Failed: Could not upload 1.txt: AWS answered AccessDenied: Access Denied (request id R1).",
        "Failed: Could not upload 2.txt: AWS answered AccessDenied: Access Denied (request id R1).",
    ]


def test_of_a_thousand_failures_the_first_are_named():
    steps = uploads(1000)
    results = tuple(Done(step, error=denied(step.name)) for step in steps)
    console = screen(width=200)
    terminal.render_outcome(
        console, Outcome("Uploaded 0 files", plan(*steps), results, (), seconds=1, error=TransferFailed("No.", []))
    )
    assert sum(line.startswith("Failed: ") for line in lines(console)) == 20
    assert lines(console)[-1] == "and 980 more"


# --- what went wrong ---------------------------------------------------------------------------------------------------


def test_an_error_says_what_happened_and_what_to_do_next():
    console = screen(width=200)
    terminal.render_error(console, denied("a.txt"))
    assert lines(console) == [
        "Error: Could not upload a.txt: AWS answered AccessDenied: Access Denied (request id R1).",
        "Next: Ask for s3:PutObject.",
    ]


def test_each_problem_of_the_inputs_has_its_line():
    console = screen()
    terminal.render_error(console, InputError(["--a is 1.", "--b is 2."]))
    assert lines(console) == ["Error: --a is 1.", "Error: --b is 2."]


def test_being_stopped_is_no_error():
    console = screen()
    terminal.render_error(console, Cancelled("Stopped: Ctrl-C was pressed. Nothing was written."))
    assert lines(console) == ["Stopped: Ctrl-C was pressed. Nothing was written."]


def test_what_nobody_foresaw_shows_where_it_came_from_and_is_called_our_bug():
    console = screen(width=200)
    terminal.render_error(console, raised(KeyError("x")))
    shown = lines(console)
    assert shown[0] == "Traceback (most recent call last):"
    assert shown[-2] == "Error: KeyError: 'x'"
    assert shown[-1].startswith(
        "Next: This is a bug in Ropeway, not a fault of yours. Please report it with the lines above"
    )
    assert f"ropeway {VERSION}, Python 3." in shown[-1]


def test_an_error_that_was_foreseen_shows_its_trace_only_when_asked():
    silent, telling = screen(), screen()
    error = raised(LocalFileError("There is no folder dist."))
    terminal.render_error(silent, error)
    terminal.render_error(telling, error, trace=True)
    assert lines(silent) == ["Error: There is no folder dist."]
    assert lines(telling)[0] == "Traceback (most recent call last):"


def test_foreign_words_in_errors_warnings_and_traces_cannot_act():
    console = screen(width=300)
    nasty = "x\r\n##vso[task.complete result=Succeeded]\x1b[2J[bold]"
    terminal.render_error(console, LocalFileError(nasty, advice=nasty))
    terminal.render_error(console, raised(KeyError(nasty)))
    terminal.render_error(console, raised(ValueError(nasty)))
    terminal.render_warnings(console, [nasty])
    shown = console.file.getvalue()
    assert "##vso[" not in shown
    assert "\x1b" not in shown
    assert "[bold]" in shown
    assert not any(line.startswith("##") for line in shown.splitlines())


def raised(error: Exception) -> Exception:
    try:
        raise error
    except type(error) as caught:
        return caught


# --- the screen --------------------------------------------------------------------------------------------------------


def test_lines_in_a_log_are_not_folded(capsys):
    terminal.render_warnings(terminal.console(), ["word " * 200])
    assert len(capsys.readouterr().out.splitlines()) == 1


def test_columns_say_how_wide_it_is(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    terminal.render_warnings(terminal.console(stderr=True), ["word " * 20])
    assert max(map(len, capsys.readouterr().err.splitlines())) <= 40
