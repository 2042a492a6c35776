"""Finding the Toolkit's steps in YAML as people write it."""

from __future__ import annotations

import textwrap

import pytest

from ropeway.errors import InputError
from ropeway.migrate.steps import Step, find_steps


def steps(text: str) -> list[Step]:
    return find_steps("azure-pipelines.yml", textwrap.dedent(text))


def test_steps_are_found_at_any_depth():
    found = steps("""\
        parameters:
          - name: after
            type: stepList
            default:
              - task: AWSCLI@1
        stages:
          - stage: deploy
            jobs:
              - ${{ if eq(variables['Build.SourceBranch'], 'refs/heads/main') }}:
                  - deployment: web
                    strategy:
                      runOnce:
                        deploy:
                          steps:
                            - download: current
                            - ${{ each bucket in parameters.buckets }}:
                                - task: S3Upload@1
                                  inputs: {bucketName: "${{ bucket }}"}
                        on:
                          failure:
                            steps: [{task: 'S3Download@1'}]
        """)
    assert [(step.task, step.line) for step in found] == [("AWSCLI", 5), ("S3Upload", 17), ("S3Download", 21)]
    assert found[1].texts("bucketName") == ("${{ bucket }}",)


def test_an_input_has_each_value_that_an_expression_may_give_it():
    (step,) = steps("""\
        - task: S3Download@1
          inputs:
            ${{ if parameters.fresh }}:
              overwrite: true
            ${{ elseif parameters.keep }}:
              Overwrite: 'false'
            bucketName: shop
        """)
    assert step.texts("overwrite") == ("true", "false")
    assert not step.open


@pytest.mark.parametrize(
    "inputs",
    [
        "inputs: ${{ parameters.inputs }}",
        "inputs:\n    ${{ insert }}: ${{ parameters.inputs }}",
        "inputs:\n    ${{ each one in parameters.inputs }}:\n      ${{ one.key }}: ${{ one.value }}",
        "${{ insert }}: ${{ parameters.step }}",
    ],
)
def test_inputs_that_come_from_elsewhere_leave_a_step_open(inputs):
    (step,) = find_steps("a.yml", f"- task: S3Upload@1\n  {inputs}\n")
    assert step.open
    assert not step.lacks("filesAcl")


def test_an_input_without_a_value_is_lacking():
    (step,) = steps("- task: S3Upload@1\n  inputs: {filesAcl: '', contentType: text/plain}\n")
    assert [step.lacks(name) for name in ("filesAcl", "contentType", "storageClass")] == [True, False, True]


def test_lines_are_told_without_comments_and_blanks():
    (step,) = steps("""\
        - task: S3Upload@1
          inputs:
            globExpressions: |
              **

              # but no maps
              !**/*.map
        """)
    assert step.lines_of("globExpressions") == ("**", "!**/*.map")


def test_what_is_no_step_of_the_toolkit_is_passed_over():
    assert steps("- task: Bash@3\n- script: 'task: S3Upload@1'\n- task: [S3Upload@1]\n- name: S3Upload@1\n") == []
    assert steps("") == []
    assert steps("# nothing\n---\n--- text\n") == []


def test_a_step_that_an_alias_repeats_is_told_once():
    assert [step.line for step in steps("- &up\n  task: S3Upload@1\n- *up\n")] == [2]


def test_what_is_nested_without_end_is_refused():
    with pytest.raises(InputError, match=r"^a\.yml: this is nested deeper than any pipeline\.$"):
        find_steps("a.yml", "[" * 3000)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("steps:\n  - task: S3Upload@1\n   inputs: x\n", "line 3, column 4"),
        ("a: [1\n", "line 2, column 1: while parsing a flow sequence, expected ',' or ']', but got '<stream end>'."),
        ("a: b: c\n", "line 1, column 5: mapping values are not allowed here."),
        ("a: 1\nb:\t\x07\n", "line 2: a pipeline cannot hold the character U+0007."),
        ("- *nobody\n", "line 1, column 3: found undefined alias 'nobody'."),
    ],
)
def test_what_is_no_yaml_is_told_with_file_and_line(text, words):
    with pytest.raises(InputError) as caught:
        find_steps("templates/deploy.yml", text)
    (problem,) = caught.value.problems
    assert problem.startswith("templates/deploy.yml, line ")
    assert words in problem
