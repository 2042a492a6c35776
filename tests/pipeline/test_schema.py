"""What the schema of our steps takes and refuses, and what becomes of somebody else's when it is put onto that."""

from __future__ import annotations

import pytest
from jsonschema import Draft7Validator

from ropeway.errors import InputError
from ropeway.inputs import declared
from ropeway.pipeline.schema import onto, tasks_schema
from ropeway.registry import all_tasks
from tests.tooling.declaring import ferry

FERRY = {"task": "RopewayFerry@3", "inputs": {"harbour": "Kiel"}}
THEIRS = {
    "$id": "theirs",
    "definitions": {
        "task": {
            "properties": {"task": {"anyOf": [{"enum": ["CmdLine@2"]}, {"enum": ["ropewayferry@3"], "was": "old"}]}},
            "anyOf": [
                {"properties": {"task": {"pattern": "^CmdLine@2$"}}},
                {"properties": {"task": {"pattern": "^RopewayFerry@3$"}}, "was": "old"},
                {"properties": {"task": {"pattern": "^RopewayFerry@2$"}}},
            ],
        }
    },
}


def wrong(pipeline: object) -> list[str]:
    return [error.message for error in Draft7Validator(tasks_schema([ferry()])).iter_errors(pipeline)]


def with_inputs(**inputs: object) -> dict:
    return {"steps": [{**FERRY, "inputs": {**FERRY["inputs"], **inputs}}]}


def test_both_are_schemas(public_schema_of_tasks):
    Draft7Validator.check_schema(tasks_schema(all_tasks()))
    Draft7Validator.check_schema(public_schema_of_tasks)


@pytest.fixture
def public_schema_of_tasks():
    return onto(THEIRS, all_tasks())


@pytest.mark.parametrize(
    "pipeline",
    [
        {"steps": [FERRY]},
        {"stages": [{"jobs": [{"strategy": {"runOnce": {"on": {"failure": {"steps": [FERRY]}}}}}]}]},
        {"steps": [{"${{ if true }}": [FERRY]}]},
        {"jobs": [{"${{ each x in y }}": {"steps": [FERRY]}}]},
        {"steps": [{"task": "CmdLine@2", "inputs": {"whatever": 1}}, {"script": "echo"}, "${{ parameters.more }}"]},
        {"parameters": [{"name": "task", "default": None}], "variables": {"task": "a text of theirs"}},
        with_inputs(speed=7, lights=True, flag="red", hold="$(folder)", crew="one\ntwo", portOfCall="anywhere"),
        with_inputs(speed="7", lights="True", flag="${{ parameters.flag }}", harbour=7),
        with_inputs(
            **{"${{ if true }}": {"lights": "$(lights)"}, "${{ each p in q }}": {"${{ p.key }}": "${{ p.value }}"}}
        ),
        {"steps": [{"task": "RopewayFerry@3", "inputs": {"${{ if true }}": {"harbour": "Kiel"}}}]},
    ],
    ids=lambda pipeline: str(pipeline)[:60],
)
def test_what_is_right_is_taken_wherever_it_stands(pipeline):
    assert wrong(pipeline) == []


@pytest.mark.parametrize(
    ("pipeline", "said"),
    [
        ({"steps": [{"task": "RopewayFery@3"}]}, "'RopewayFery@3' is not one of ['RopewayFerry@3']"),
        ({"steps": [{"task": "RopewayFerry@3"}]}, "'inputs' is a required property"),
        ({"steps": [{"task": "RopewayFerry@3", "inputs": {}}]}, "'harbour' is a required property"),
        (
            {"stages": [{"jobs": [{"steps": [{"${{ if true }}": [{**FERRY, "inputs": {}}]}]}]}]},
            "'harbour' is a required",
        ),
        (with_inputs(colour="red"), "'colour' does not match any of the regexes"),
        (with_inputs(**{"${{ if true }}": {"colour": "red"}}), "{'colour': 'red'} is not valid under any"),
        (with_inputs(speed="fast"), "'fast' is not valid under any"),
        (with_inputs(lights="perhaps"), "'perhaps' is not valid under any"),
        (with_inputs(flag="blue"), "'blue' is not valid under any"),
        (with_inputs(crew=["one", "two"]), "['one', 'two'] is not of type"),
    ],
    ids=lambda value: str(value)[:60],
)
def test_what_is_wrong_is_refused_wherever_it_stands(pipeline, said):
    (message,) = wrong(pipeline)
    assert message.startswith(said)


@pytest.mark.parametrize("task", all_tasks(), ids=lambda task: task.name)
def test_each_input_is_described_as_its_task_declares_it(task):
    described = tasks_schema(all_tasks())["definitions"][task.name]["properties"]
    assert described.keys() == {item.name for item in declared(task.inputs)}
    for item in declared(task.inputs):
        assert item.input.help in described[item.name]["description"]


# --- onto another one ------------------------------------------------------------------------------------------------------


def test_ours_take_the_place_of_older_ones_and_the_rest_stays():
    whole = onto(THEIRS, [ferry()])
    task = whole["definitions"]["task"]
    assert [one["enum"] for one in task["properties"]["task"]["anyOf"]] == [["CmdLine@2"], ["RopewayFerry@3"]]
    patterns = [one["properties"]["task"]["pattern"] for one in task["anyOf"]]
    assert patterns == ["^CmdLine@2$", "^RopewayFerry@2$", "^RopewayFerry@3$"]
    assert "was" not in str(whole)
    assert whole["$id"] == "theirs"


def test_what_it_is_put_onto_is_not_changed():
    before = str(THEIRS)
    onto(THEIRS, [ferry()])
    assert str(THEIRS) == before


def test_twice_is_once():
    once = onto(THEIRS, all_tasks())
    assert onto(once, all_tasks()) == once


@pytest.mark.parametrize("theirs", [{}, {"definitions": []}, {"definitions": {"task": {"anyOf": [], "properties": 1}}}])
def test_what_is_no_schema_of_azure_pipelines_is_refused(theirs):
    with pytest.raises(InputError, match="no schema of Azure Pipelines"):
        onto(theirs, [ferry()])
