from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ropeway.azure import commands
from ropeway.azure.commands import Command
from tests.azure.agent import Read, read_command
from tests.azure.task_lib import TaskLib

PIECES = ("%", "%AZP25", "%0A", "%3B", "%5D", ";", "]", "[", "=", "\r", "\n", "##vso[", " ")
texts = st.lists(st.sampled_from(PIECES) | st.text(max_size=4), max_size=8).map("".join)
names = st.sampled_from(["task.setvariable", "task.logissue", "task.complete"])
values = texts.filter(lambda text: text and not text.startswith("="))
properties = st.dictionaries(st.sampled_from(["variable", "type", "isoutput", "result"]), values)


@given(names, properties, texts)
def test_the_agent_reads_back_what_was_written(name: str, given_properties: dict[str, str], data: str) -> None:
    line = str(Command(name, data, tuple(given_properties.items())))
    assert len(line.split("\n")) == len(line.split("\r")) == 1
    assert read_command(line) == Read(name, given_properties, data)


@given(names, properties, texts | st.text(st.characters()))
def test_the_text_is_that_of_microsofts_own_library(
    task_lib: TaskLib, name: str, given_properties: dict[str, str], data: str
) -> None:
    assert str(Command(name, data, tuple(given_properties.items()))) == task_lib.command(name, given_properties, data)


def test_a_property_without_a_value_is_left_out() -> None:
    assert str(Command("task.logissue", "", (("type", "error"), ("code", "")))) == "##vso[task.logissue type=error;]"
    assert str(Command("task.debug", "x", (("code", ""),))) == "##vso[task.debug]x"


@pytest.mark.parametrize(
    ("name", "given_properties"),
    [("task", ()), ("task.a b", ()), ("task.a]x", ()), ("task.a", (("a;b", "c"),)), ("task.a", (("a", "=b"),))],
)
def test_what_the_agent_would_read_as_something_else_is_refused(
    name: str, given_properties: tuple[tuple[str, str], ...]
) -> None:
    with pytest.raises(ValueError, match=r"area\.event|property|leading ="):
        Command(name, "", given_properties)


def test_the_commands_read_as_microsoft_documents_them() -> None:
    made = [
        commands.set_variable("listFile", "/tmp/a;b]%", output=True),
        commands.set_variable("token", "s3cret", secret=True),
        commands.complete("SucceededWithIssues", "50 % done"),
        commands.log_issue("error", "two\nlines"),
        commands.set_progress(42, "Uploading"),
        commands.debug("x"),
        commands.upload_summary("/tmp/summary.md"),
    ]
    assert [str(command) for command in made] == [
        "##vso[task.setvariable variable=listFile;isoutput=true;issecret=false;]/tmp/a;b]%AZP25",
        "##vso[task.setvariable variable=token;isoutput=false;issecret=true;]s3cret",
        "##vso[task.complete result=SucceededWithIssues;]50 %AZP25 done",
        "##vso[task.logissue type=error;]two%0Alines",
        "##vso[task.setprogress value=42;]Uploading",
        "##vso[task.debug]x",
        "##vso[task.uploadsummary]/tmp/summary.md",
    ]


def test_each_line_of_a_secret_is_masked_as_it_is_and_as_it_would_be_shown() -> None:
    made = commands.set_secrets(" first\r\n\n##[x]%\n")
    assert [str(command) for command in made] == [
        "##vso[task.setsecret]first",
        "##vso[task.setsecret]##[x]%AZP25",
        "##vso[task.setsecret]**[x]%AZP25",
    ]


def test_a_secret_variable_of_several_lines_is_refused_without_showing_it() -> None:
    with pytest.raises(ValueError, match="several lines; token has them") as refused:
        commands.set_variable("token", "hush\nhush", secret=True)
    assert "hush" not in str(refused.value)


def test_the_name_of_a_test_run_has_an_end() -> None:
    command = str(commands.publish_test_results("/r.xml", "Ropeway: Ask 2 checks of " + "deep/" * 90))
    assert f";runTitle=Ropeway: Ask 2 checks of {'deep/' * 35};" in command


def test_test_results_are_published_without_failing_the_step_by_themselves() -> None:
    command = commands.publish_test_results("/agent/_temp/ropeway-1/TEST-RopewayCheck.xml", "Ropeway: Check 2; things")
    assert str(command) == (
        "##vso[results.publish type=JUnit;mergeResults=true;runTitle=Ropeway: Check 2%3B things;publishRunAttachments=true;"
        "failTaskOnFailedTests=false;testRunSystem=Ropeway;resultFiles=/agent/_temp/ropeway-1/TEST-RopewayCheck.xml;]"
    )
