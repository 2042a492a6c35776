"""Options come from declarations: each input that is for the command line has one, and what is given arrives as text."""

from __future__ import annotations

import os

import pytest

from ropeway.inputs import Rule
from tests.cli.carrying import CarryInputs


@pytest.fixture
def given(ropeway, carry):
    """The inputs that the task got from a command line."""

    def run(*arguments: str, **more) -> CarryInputs:
        inputs: list[CarryInputs] = []
        carry(seen=inputs.append)
        answer = ropeway("s3", "upload", "--bucket-name", "bucket", *arguments, **more)
        assert answer.code == 0, answer.err
        return inputs[0]

    return run


def test_what_is_not_given_has_its_default(given):
    assert given() == CarryInputs(bucket_name="bucket")


def test_a_text_is_taken(given):
    assert given("--source-folder", "dist").source_folder == "dist"


def test_a_flag_is_set_and_taken_back(given):
    assert given("--flatten-folders").flatten_folders is True
    assert given("--flatten-folders", "--no-flatten-folders").flatten_folders is False


def test_each_occurrence_of_a_list_is_a_line(given):
    taken = given("--glob-expressions", "**", "--glob-expressions", "!**/*.map")
    assert taken.glob_expressions == ("**", "!**/*.map")


def test_one_occurrence_may_hold_several_lines(given):
    assert given("--labels", "*.html=a\n*.js=b").labels == (Rule("*.html", "a", 1), Rule("*.js", "b", 2))


def test_a_choice_is_taken_in_any_case(given):
    assert given("--colour", "BLUE").colour == "blue"


def test_a_number_is_read(given):
    assert given("--max-concurrency", "7").max_concurrency == 7


def test_all_problems_are_named_at_once_as_they_were_typed(ropeway, carry):
    carry()
    answer = ropeway(
        "s3", "upload", "--bucket-name", "b", "--colour", "bleu", "--max-concurrency", "x", "--labels", "q"
    )
    assert answer.code == 2
    assert answer.err.splitlines() == [
        "Error: --max-concurrency is 'x', which is not a whole number.",
        "Error: --labels line 1 is 'q'; write it as glob=value, for example **/*.html=no-cache.",
        "Error: --colour is 'bleu'; did you mean blue? It takes red, blue.",
        "Next: `ropeway s3 upload --help` says what each option takes.",
    ]
    assert answer.out == ""


def test_an_input_that_is_for_agents_only_has_no_option(ropeway, carry):
    carry()
    help = ropeway("s3", "upload", "--help").out
    assert "--aws-connection" not in help
    assert "--python-path" not in help
    assert ropeway("s3", "upload", "--aws-connection", "x").code == 2


# --- secrets -----------------------------------------------------------------------------------------------------------


def test_a_secret_comes_from_the_environment(given, monkeypatch):
    monkeypatch.setenv("ROPEWAY_CUSTOMER_KEY", "s3cret")
    assert given().customer_key == "s3cret"


def test_a_secret_is_asked_for_and_not_shown(given, monkeypatch):
    asked = []
    monkeypatch.setattr("getpass.getpass", lambda prompt, **_: asked.append(prompt) or "typed")
    assert given("--ask-customer-key").customer_key == "typed"
    assert asked


def test_a_secret_that_is_asked_for_and_not_given_stops_the_command(ropeway, carry, monkeypatch):
    def interrupted(_prompt, **_):
        raise KeyboardInterrupt

    monkeypatch.setattr("getpass.getpass", interrupted)
    carry(seen=pytest.fail)
    answer = ropeway("s3", "upload", "--bucket-name", "bucket", "--ask-customer-key")
    assert answer.code == 130
    assert answer.err.splitlines()[-1] == "Stopped: Customer key was asked for and not given. Nothing was done."


def test_a_secret_cannot_be_an_argument(ropeway, carry):
    carry()
    answer = ropeway("s3", "upload", "--bucket-name", "bucket", "--customer-key", "s3cret")
    assert answer.code == 2
    assert "No such option: --customer-key" in answer.err


def test_a_problem_with_a_secret_names_where_it_came_from(ropeway, carry, monkeypatch):
    monkeypatch.setattr(CarryInputs, "problems", lambda self, spell: iter([f"{spell('customer_key')} is no key."]))
    carry()
    answer = ropeway("s3", "upload", "--bucket-name", "bucket")
    assert "Error: ROPEWAY_CUSTOMER_KEY is no key." in answer.err


def test_help_says_where_a_secret_is_taken_from(ropeway, carry):
    carry()
    assert "environment variable `ROPEWAY_CUSTOMER_KEY`" in " ".join(ropeway("s3", "upload", "--help").out.split())


# --- every task --------------------------------------------------------------------------------------------------------


def test_a_group_of_the_form_is_a_part_of_the_help(ropeway, carry):
    carry()
    help = ropeway("s3", "upload", "--help").out
    labels = help[help.index("\nLabels\n") :]
    assert "  --labels LINE\n      Lines of `glob=value`. May be given several times, once for each line.\n" in labels


def test_the_environment_is_left_alone(ropeway, carry):
    before = dict(os.environ)
    carry()
    ropeway("s3", "upload", "--bucket-name", "bucket")
    assert dict(os.environ) == before
