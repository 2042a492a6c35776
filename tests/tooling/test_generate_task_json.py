"""What a task.json says, and the rules that it is held to."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import pytest

from ropeway import inputs
from tests.migrate.test_toolkit import INPUTS, KINDS
from tests.tooling.declaring import EXTRAS, ferry, with_input
from tooling.generate import GenerateError
from tooling.generate.rules import problems
from tooling.generate.task_json import task_json

MANIFESTS = sorted((Path(__file__).parents[2] / "tasks").glob("*/task.json"))


def manifest(task=None) -> dict:
    return json.loads(task_json(task or ferry(), "9.4.2"))


def inputs_of(content: dict) -> dict[str, dict]:
    return {given["name"]: given for given in content["inputs"]}


def shipped(name: str) -> dict:
    (path,) = (path for path in MANIFESTS if path.parent.name == name)
    return json.loads(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: path.parent.name)
def test_a_committed_manifest_keeps_the_rules(path):
    assert list(problems(json.loads(path.read_text(encoding="utf-8")))) == []


@pytest.mark.parametrize(("task", "theirs"), INPUTS)
def test_every_input_of_the_toolkit_is_there_with_the_type_that_takes_its_values(task, theirs):
    ours = inputs_of(shipped(task))[theirs.name]
    assert ours["type"] in KINDS.get(theirs.kind, {theirs.kind})
    assert {*theirs.choices} <= {*ours.get("options", {})}


def test_the_parts_of_a_manifest():
    content = manifest()

    assert content["name"] == "RopewayFerry"
    assert content["version"] == {"Major": 3, "Minor": 4, "Patch": 2}
    assert content["instanceNameFormat"] == "Ferry to $(harbour)"
    assert content["execution"] == {"Node20_1": {"target": "launch.js"}, "Node24": {"target": "launch.js"}}
    assert content["outputVariables"] == [{"name": "carried", "description": "How many things."}]
    assert content["restrictions"] == {"settableVariables": {"allowed": ["carried"]}}
    assert content["groups"] == [{"name": "extras", "displayName": "Extras", "isExpanded": False}]


def test_only_a_task_that_cleans_up_has_a_post_job_step():
    assert "postjobexecution" not in manifest()
    content = manifest(ferry(clean_up=lambda *_: None))
    assert content["postjobexecution"] == {"Node20_1": {"target": "after.js"}, "Node24": {"target": "after.js"}}


def test_the_form_shows_first_what_is_in_no_group_as_it_was_declared():
    names = [given["name"] for given in manifest()["inputs"]]
    assert names == ["link", "harbour", "speed", "flag", "crew", "portOfCall", "lights", "hold"]


def test_each_kind_of_input_has_its_control():
    given = inputs_of(manifest())

    assert given["link"]["type"] == "connectedService:Boat"
    assert (given["harbour"]["type"], given["harbour"]["required"]) == ("string", True)
    assert (given["speed"]["type"], given["speed"]["defaultValue"]) == ("int", "12")
    assert (given["lights"]["type"], given["lights"]["defaultValue"]) == ("boolean", "false")
    assert (given["flag"]["type"], given["flag"]["options"]) == ("pickList", {"red": "Red | white", "none": "None"})
    assert given["hold"]["visibleRule"] == "lights = true && flag != none"
    assert (given["crew"]["type"], given["crew"]["properties"]) == ("multiLine", {"resizable": True, "rows": "4"})
    assert given["portOfCall"]["properties"] == {"EditableOptions": "True"}


def test_former_names_are_aliases():
    task = with_input(sail=inputs.text("Sail", "Which.", aliases=("canvas",)))
    assert inputs_of(manifest(task))["sail"]["aliases"] == ["canvas"]


@pytest.mark.parametrize(
    ("task", "message"),
    [
        (ferry(friendly_name="A ferry with a name of more than forty letters"), "friendlyName"),
        (ferry(id="2b0d4b1e"), "id '2b0d4b1e'"),
        (ferry(name="The Ferry"), "name 'RopewayThe Ferry'"),
        (ferry(step_title="Ferry to $(harbor)"), r"\$\(harbor\), which is no input"),
        (ferry(groups=(EXTRAS, EXTRAS)), "group EXTRAS is there 2 times"),
        (with_input(sail=inputs.text("Sail", "")), "sail lacks helpMarkDown"),
        (with_input(sail=inputs.text("Sail", "Which.", group="rig")), "sail is in the group rig, which is not declared"),
        (with_input(s_4_l=inputs._declare(inputs.Input("Sail", "Which.", "radar", str))), "type 'radar'"),
        (with_input(sail=inputs.text("Sail", "Which.", aliases=("Harbour",))), "input HARBOUR is there 2 times"),
        (with_input(sail=inputs.text("Sail", "Which.", visible="anchor = up")), "about anchor, which is no input"),
        (with_input(sail=inputs.text("Sail", "Which.", visible="flag = blue")), "flag blue, which that input does not take"),
        (with_input(sail=inputs.text("Sail", "Which.", visible="lights is true")), "'lights is true' is not"),
        (with_input(sail=inputs.text("Sail", "Which.", visible="lights = true and speed = 1")), "is not `input operator"),
    ],
)  # fmt: skip
def test_a_declaration_that_makes_no_task_json_is_refused(task, message):
    with pytest.raises(GenerateError, match=message):
        task_json(task, "1.0.0")


@pytest.mark.parametrize(
    "rule",
    ["flag == red", "harbour NotEndsWith x || lights = false", 'harbour != ""', "portOfCall = anywhere", "speed = 3"],
)
def test_a_rule_of_visibility_may_say(rule):
    task_json(with_input(sail=inputs.text("Sail", "Which.", visible=rule)), "1.0.0")


def _set(*where):
    *path, last, value = where

    def change(content):
        for step in path:
            content = content[step]
        content[last] = value

    return change


def _without(key):
    return lambda content: content.pop(key)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_set("comment", "generated"), "the task has the key comment, which nobody knows"),
        (_without("inputs"), "the task lacks inputs"),
        (_without("instanceNameFormat"), "the task lacks instanceNameFormat"),
        (_set("helpUrl", "docs/ferry.md"), "the task has helpUrl 'docs/ferry.md'"),
        (_set("category", "Boats"), "category 'Boats'"),
        (_set("minimumAgentVersion", "4"), "minimumAgentVersion '4'"),
        (_set("version", "Minor", "4"), "each a number"),
        (_set("version", {"Major": 1}), "each a number"),
        (_set("runsOn", ["Server"]), "runsOn holds Server"),
        (_set("visibility", []), "visibility is empty"),
        (_set("execution", "Node10", {"target": "launch.js"}), "execution holds Node10"),
        (_set("restrictions", "commands", {"mode": "restricted"}), "set no command mode"),
        (_set("restrictions", "settableVariables", "allowed", ["carried", "PATH"]), "nothing else"),
        (_set("groups", 0, "name", "others"), "the input lights is in the group extras, which is not declared"),
        (_set("groups", 0, "name", "others"), "the group others holds no input"),
        (_set("groups", 0, "icon", "x"), "the group extras needs name, displayName and isExpanded"),
        (_set("inputs", 1, "name", "har_bour"), "name 'har_bour'"),
        (_set("inputs", 1, "type", "text"), "type 'text'"),
        (_set("inputs", 1, "label", ""), "the input harbour has label ''"),
        (_set("inputs", 1, "validation", {}), "the input harbour has the key validation"),
        (_set("inputs", 2, "defaultValue", "fast"), "the input speed has the default 'fast'"),
        (_set("inputs", 3, "defaultValue", "blue"), "the input flag has the default 'blue'"),
        (_set("inputs", 3, "options", {}), "the input flag needs options"),
        (_set("inputs", 4, "options", {"a": "A"}), "the input crew needs options"),
        (_set("inputs", 4, "properties", "rows", 4), "the property rows: 4"),
        (_set("inputs", 6, "defaultValue", "yes"), "the input lights has the default 'yes'"),
        (_set("outputVariables", 0, "name", "has carried"), "name 'has carried'"),
        (_set("outputVariables", 0, "description", ""), "the output carried has description ''"),
    ],
)  # fmt: skip
def test_a_manifest_that_breaks_a_rule_is_told_which(change, message):
    content = copy.deepcopy(manifest())
    change(content)
    assert any(message in problem for problem in problems(content)), list(problems(content))
