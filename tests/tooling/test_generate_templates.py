"""The generated blocks of the YAML templates."""

from __future__ import annotations

from typing import get_args

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ropeway.inputs import Kind
from ropeway.registry import load_task
from tests.tooling.declaring import ferry
from tooling.generate.templates import (
    PARAMETER_TYPES,
    _scalar,
    job_blocks,
    release_blocks,
    stage_blocks,
    step_blocks,
)


def test_each_kind_of_input_has_its_type_of_parameter():
    parameters = {parameter["name"]: parameter for parameter in yaml.safe_load(step_blocks(ferry())["parameters"])}

    assert parameters["harbour"] == {"name": "harbour", "displayName": "Harbour", "type": "string"}
    assert parameters["speed"] == {"name": "speed", "displayName": "Speed", "type": "number", "default": 12}
    assert parameters["lights"] == {"name": "lights", "displayName": "Lights", "type": "boolean", "default": False}
    assert parameters["flag"]["values"] == ["red", "none"]
    assert parameters["crew"]["default"] == "**"
    assert "values" not in parameters["portOfCall"]


def test_every_kind_is_known():
    assert set(PARAMETER_TYPES) == set(get_args(Kind))


def test_a_step_hands_its_parameters_to_the_task_and_leaves_an_empty_connection_out():
    assert step_blocks(ferry())["inputs"].splitlines()[:3] == [
        "${{ if ne(parameters.link, '') }}:",
        "  link: ${{ parameters.link }}",
        "harbour: ${{ parameters.harbour }}",
    ]


def test_a_job_hands_on_all_but_what_it_declares_itself():
    blocks = job_blocks(ferry(), without={"hold"})

    assert "hold" not in blocks["parameters"] + blocks["arguments"]
    assert blocks["arguments"].splitlines()[0] == "link: ${{ parameters.link }}"


def test_a_stage_declares_the_same_and_hands_it_on_by_itself():
    assert stage_blocks(ferry(), without={"hold"}) == {
        "parameters": job_blocks(ferry(), without={"hold"})["parameters"]
    }


def test_what_takes_back_is_handed_nothing_that_only_a_deploy_has():
    back = release_blocks(load_task("s3_deploy"), without={"mode", "sourceFolder"})["back"]
    assert "bucketName: ${{ parameters.bucketName }}" in back.splitlines()
    assert not {"releaseId", "settings", "mode", "sourceFolder"} & {
        line.partition(":")[0] for line in back.splitlines()
    }


@given(st.text(st.characters(exclude_categories=["C", "Zl", "Zp"])))
def test_a_text_in_yaml_is_read_back_as_it_was(text):
    assert yaml.safe_load(f"a: {_scalar(text)}")["a"] == text


@pytest.mark.parametrize("word", ["true", "No", "off", "null", "1", "**", "", "2024-01-01", "a: b", "x #y", "~"])
def test_a_text_that_yaml_takes_for_something_else_is_quoted(word):
    assert _scalar(word) == f'"{word}"'
