from __future__ import annotations

import os
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ropeway import inputs as declare
from ropeway.aws.connection import AwsInputs
from ropeway.azure.environment import AgentEnvironment
from ropeway.azure.inputs import read, secrets
from ropeway.errors import InputError
from tests.azure.task_lib import TaskLib

WORK = os.path.abspath("/agent/_work/1/s")
STAGE = "Check its spelling, and whether its variable group or template is part of this stage."


@dataclass(frozen=True, kw_only=True)
class Inputs(AwsInputs):
    bucket_name: str = declare.text("Bucket", "", required=True)
    flatten_folders: bool = declare.flag("Flatten", "")
    source_folder: str = declare.path("Folder", "")
    default_folder: str = declare.path("Folder with a default", "", default="dist")
    glob_expressions: tuple[str, ...] = declare.lines("Globs", "", default="**")
    max_concurrency: int = declare.number("At once", "", default=32, at_least=1, at_most=512)
    customer_key: str = declare.text("Key", "", secret=True)


def environment(**texts: str) -> AgentEnvironment:
    given_texts = {"bucketName": "b", **texts}
    return AgentEnvironment.take(
        {
            "SYSTEM_DEFAULTWORKINGDIRECTORY": WORK,
            **{f"INPUT_{name.upper()}": text for name, text in given_texts.items()},
        }
    )


def problems(**texts: str) -> tuple[str, ...]:
    with pytest.raises(InputError) as refused:
        read(Inputs, environment(**texts))
    return refused.value.problems


def test_inputs_are_read_by_their_names_on_the_agent() -> None:
    given_inputs = read(Inputs, environment(bucketName=" my-bucket ", flattenFolders="True", maxConcurrency="4"))
    assert (given_inputs.bucket_name, given_inputs.flatten_folders, given_inputs.max_concurrency) == (
        "my-bucket",
        True,
        4,
    )


def test_an_input_that_is_absent_and_one_that_is_empty_mean_the_default() -> None:
    assert read(Inputs, environment()) == read(Inputs, environment(flattenFolders="", globExpressions=" \r\n"))
    assert read(Inputs, environment()).glob_expressions == ("**",)


def test_all_problems_are_told_at_once_by_the_names_that_the_pipeline_uses() -> None:
    assert problems(bucketName="", flattenFolders="yes", maxConcurrency="0") == (
        "bucketName is required.",
        "flattenFolders is 'yes', which is neither true nor false.",
        "maxConcurrency is 0; it must lie between 1 and 512.",
    )


def test_both_connections_are_refused() -> None:
    (problem,) = problems(awsConnection="1", awsCredentials="2")
    assert problem.startswith("awsConnection and awsCredentials are both set")


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_multi_line_input_may_have_any_line_ends(end: str) -> None:
    text = end.join(["**/*.html", "", "  !drafts/** "])
    assert read(Inputs, environment(globExpressions=text)).glob_expressions == ("**/*.html", "!drafts/**")


def test_a_relative_path_starts_at_the_working_directory_and_an_absolute_one_is_kept() -> None:
    assert read(Inputs, environment(sourceFolder="dist/site")).source_folder == os.path.join(WORK, "dist/site")
    assert read(Inputs, environment(sourceFolder=os.path.abspath("/else"))).source_folder == os.path.abspath("/else")
    assert read(Inputs, environment()).default_folder == os.path.join(WORK, "dist")


def test_an_empty_path_is_the_working_directory_because_the_agent_makes_it_so() -> None:
    assert read(Inputs, environment(sourceFolder=WORK)).source_folder == WORK
    assert read(Inputs, environment(sourceFolder="")).source_folder == ""


def test_a_macro_that_the_agent_has_left_is_an_error_that_names_input_and_variable() -> None:
    assert problems(bucketName="$(Bucket.Name)-$(env)", sourceFolder="$(Build.Typo)/dist", maxConcurrency="$(n)") == (
        f"bucketName holds $(Bucket.Name), and there is no variable of that name here. {STAGE}",
        f"bucketName holds $(env), and there is no variable of that name here. {STAGE}",
        f"sourceFolder holds $(Build.Typo), and there is no variable of that name here. {STAGE}",
        f"maxConcurrency holds $(n), and there is no variable of that name here. {STAGE}",
    )


def test_what_only_looks_like_a_macro_is_left_alone() -> None:
    text = "a$()b\n$[x]\n$(1)\n!(x)$y"
    assert read(Inputs, environment(globExpressions=text)).glob_expressions == tuple(text.split("\n"))


def test_a_secret_that_is_a_macro_is_told_and_one_that_holds_one_is_not() -> None:
    assert problems(customerKey="$(Key)") == (
        f"customerKey holds $(Key), and there is no variable of that name here. {STAGE}",
    )
    assert read(Inputs, environment(customerKey="pa$(ss)word")).customer_key == "pa$(ss)word"


def test_the_texts_of_secret_inputs_are_masked_but_not_a_macro_which_a_message_names() -> None:
    assert list(secrets(Inputs, environment(customerKey="hush", bucketName="b"))) == ["hush"]
    assert list(secrets(Inputs, environment(customerKey="$(Key)"))) == []


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=6))
def test_no_message_shows_a_secret(text: str) -> None:
    hidden = f"{text}\N{SNOWMAN}{text}"
    for problem in problems(bucketName="", flattenFolders="maybe", maxConcurrency="x", customerKey=hidden):
        assert hidden not in problem


# --- against azure-pipelines-task-lib ----------------------------------------------------------------------------------

env_text = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)
words = st.sampled_from(["true", "TRUE", "True", "false", "FALSE", "False", "tRuE", ""])


@given(words)
def test_booleans_are_those_of_task_lib(task_lib: TaskLib, word: str) -> None:
    expected = task_lib.read({"INPUT_FLATTENFOLDERS": word}, ("getBoolInput", "flattenFolders"))
    assert [read(Inputs, environment(flattenFolders=word)).flatten_folders] == expected


@given(st.sampled_from(["yes", "1", "on", "truee", "$true", "0"]))
def test_what_is_no_boolean_is_an_error_where_task_lib_says_false(task_lib: TaskLib, word: str) -> None:
    assert task_lib.read({"INPUT_FLATTENFOLDERS": word}, ("getBoolInput", "flattenFolders")) == [False]
    assert problems(flattenFolders=word) == (f"flattenFolders is {word!r}, which is neither true nor false.",)


@given(env_text.filter(lambda text: "$(" not in text))
def test_texts_are_those_of_task_lib_but_trimmed(task_lib: TaskLib, text: str) -> None:
    # The agent trims inputs itself; a value that comes from a macro it does not.
    (expected,) = task_lib.read({"INPUT_CUSTOMERKEY": text}, ("getInput", "customerKey"))
    assert read(Inputs, environment(customerKey=text)).customer_key == (expected or "").strip()


@given(st.lists(st.text("ab*!/# .", max_size=5), max_size=5))
def test_lines_are_those_of_task_lib_but_trimmed_and_a_blank_one_is_none(task_lib: TaskLib, members: list[str]) -> None:
    text = "\n".join(members)
    (expected,) = task_lib.read({"INPUT_GLOBEXPRESSIONS": text}, ("getDelimitedInput", "globExpressions", "\n"))
    trimmed = tuple(line.strip() for line in expected if line.strip())
    assert read(Inputs, environment(globExpressions=text)).glob_expressions == (trimmed or ("**",))


@given(st.sampled_from([WORK, f"{WORK}/dist", "/else", WORK + "/../s", ""]))
def test_a_path_is_that_of_task_lib(task_lib: TaskLib, path: str) -> None:
    variables = {"INPUT_SOURCEFOLDER": path, "BUILD_SOURCESDIRECTORY": WORK}
    given_path, supplied = task_lib.read(
        variables, ("getPathInput", "sourceFolder"), ("filePathSupplied", "sourceFolder")
    )
    assert read(Inputs, environment(sourceFolder=path)).source_folder == (given_path or "")
    # Whether a path was supplied, task-lib can only guess from where it leads; so what an empty one means is the same place.
    assert supplied == (os.path.normpath(path or os.getcwd()) != WORK)
