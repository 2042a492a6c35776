"""The ledger of input names only grows."""

from __future__ import annotations

import json
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ropeway import inputs
from tests.tooling.declaring import FerryInputs, ferry, with_input
from tooling.generate import GenerateError
from tooling.generate.ledger import grown

KEY = "RopewayFerry@3"
FERRY = ["crew", "flag", "harbour", "hold", "lights", "link", "portOfCall", "speed"]


def test_the_names_of_a_new_task_are_written_down():
    assert json.loads(grown("", [ferry()])) == {KEY: FERRY}


def test_a_new_input_is_added():
    after = grown(grown("", [ferry()]), [with_input(sail=inputs.text("Sail", "Which."))])
    assert json.loads(after)[KEY] == sorted([*FERRY, "sail"])


def test_an_input_that_is_gone_is_refused_with_what_to_do():
    before = json.dumps({KEY: [*FERRY, "sail"]})

    with pytest.raises(GenerateError) as refused:
        grown(before, [ferry()])

    assert str(refused.value) == (
        "RopewayFerry@3: the input sail is in tooling/ledgers/inputs.json, but is not declared any more; pipelines that set it would fail. "
        "Keep it; or, if it has a new name, give the new input aliases=('sail',); "
        "or, if it must go, raise the task's major and leave the old one's list in the ledger as it is."
    )


def test_an_input_with_a_new_name_keeps_the_old_one_as_its_alias():
    before = json.dumps({KEY: [*FERRY, "canvas"]})
    after = grown(before, [with_input(sail=inputs.text("Sail", "Which.", aliases=("canvas",)))])
    assert {"canvas", "sail"} <= set(json.loads(after)[KEY])


def test_another_spelling_is_another_name():
    with pytest.raises(GenerateError, match="the input Harbour"):
        grown(json.dumps({KEY: ["Harbour"]}), [ferry()])


def test_a_new_major_may_drop_an_input_and_the_old_list_stays():
    @dataclass(frozen=True, kw_only=True)
    class Fewer(FerryInputs):
        pass

    before = json.dumps({KEY: [*FERRY, "sail"]})
    assert json.loads(grown(before, [ferry(Fewer, major=4)])) == {KEY: [*FERRY, "sail"], "RopewayFerry@4": FERRY}


@given(
    st.dictionaries(
        st.from_regex(r"Ropeway[A-Z][a-z]{1,8}@[12]", fullmatch=True), st.lists(st.sampled_from(FERRY), unique=True)
    )
)
def test_nothing_that_was_in_the_ledger_is_ever_lost(before):
    after = json.loads(grown(json.dumps(before), [ferry()]))
    assert all(set(names) <= set(after[task]) for task, names in before.items())
    assert grown(json.dumps(after), [ferry()]) == json.dumps(after, indent=2, sort_keys=True) + "\n"
