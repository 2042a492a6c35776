"""Templates, by the examples of learn.microsoft.com/azure/devops/pipelines/process/template-expressions and template-parameters."""

from __future__ import annotations

import pytest

from tests.pipelines.expanding import TemplateError, expand
from tests.pipelines.expressions import ExpressionError
from tests.pipelines.parameters import ParameterError


@pytest.fixture
def expanded(tmp_path):
    """`expanded(pipeline, **{"steps/a.yml": ...})`: what becomes of it, with these templates beside it."""

    def make(pipeline: str, given=None, **templates: str):
        for name, text in {"azure-pipelines.yml": pipeline, **templates}.items():
            file = tmp_path / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        return expand(tmp_path / "azure-pipelines.yml", given, {"shared": tmp_path / "shared"})

    return make


def scripts(pipeline) -> list[str]:
    return [step["script"] for step in pipeline["steps"]]


TOOLS = """
parameters:
  - {name: tool, type: string, default: msbuild, values: [msbuild, dotnet]}
  - {name: debug, type: boolean, default: false}
  - {name: many, type: number, default: 2}
  - {name: before, type: stepList, default: []}
  - {name: rest, type: object, default: {}}
steps:
  - ${{ parameters.before }}
  - ${{ if eq(parameters.tool, 'msbuild') }}:
      - script: msbuild
  - ${{ elseif eq(parameters.tool, 'dotnet') }}:
      - script: dotnet ${{ parameters.many }}
  - ${{ else }}:
      - script: nothing
  - script: tool ${{ parameters.debug }}
    env:
      ${{ if parameters.debug }}:
        TOOL_DEBUG: ${{ parameters.debug }}
      ${{ insert }}: ${{ parameters.rest }}
"""
USE = "steps:\n  - template: tools.yml\n    parameters: {}\n"


def test_defaults_choose_and_a_boolean_in_a_text_is_written_out(expanded):
    made = expanded(USE, **{"tools.yml": TOOLS})
    assert scripts(made) == ["msbuild", "tool False"]
    assert made["steps"][-1]["env"] == {}


def test_what_is_given_chooses_and_a_whole_expression_keeps_its_type(expanded):
    use = USE.replace("{}", "{tool: dotnet, debug: 'true', many: 3, before: [{script: first}], rest: {A: 1}}")
    made = expanded(use, **{"tools.yml": TOOLS})
    assert scripts(made) == ["first", "dotnet 3", "tool True"]
    assert made["steps"][-1]["env"] == {"TOOL_DEBUG": True, "A": 1}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("{colour: red}", "Unexpected parameter 'colour'"),
        ("{tool: make}", "The 'tool' parameter value 'make' is not one of msbuild, dotnet."),
        ("{debug: perhaps}", "The 'debug' parameter value 'perhaps' is not a valid Boolean."),
        ("{debug: $(debug)}", r"The 'debug' parameter value '\$\(debug\)' is not a valid Boolean."),
        ("{many: some}", "The 'many' parameter value 'some' is not a valid Number."),
        ("{tool: [a]}", "The 'tool' parameter is not a valid String."),
        ("{before: first}", "The 'before' parameter is not a valid StepList."),
    ],
)
def test_a_wrong_value_is_refused(expanded, given, message):
    with pytest.raises(ParameterError, match=message):
        expanded(USE.replace("{}", given), **{"tools.yml": TOOLS})


def test_a_parameter_without_a_default_must_be_given(expanded):
    needs = "parameters:\n  - {name: solution, type: string}\nsteps: []\n"
    with pytest.raises(ParameterError, match=r"A value for the 'solution' parameter must be provided\."):
        expanded("steps:\n  - template: needs.yml\n", **{"needs.yml": needs})


JOBS = """
parameters:
  - {name: jobs, type: jobList, default: []}
jobs:
  - ${{ each job in parameters.jobs }}:
      - ${{ each pair in job }}:
          ${{ if ne(pair.key, 'steps') }}:
            ${{ pair.key }}: ${{ pair.value }}
        steps:
          - script: before
          - ${{ job.steps }}
          - script: after
"""


def test_each_goes_over_lists_and_over_what_an_object_has(expanded):
    use = """
jobs:
  - template: jobs.yml
    parameters:
      jobs:
        - job: A
          displayName: The first
          steps: [{script: own}]
        - job: B
          steps: []
"""
    made = expanded(use, **{"jobs.yml": JOBS})
    assert made["jobs"] == [
        {
            "job": "A",
            "displayName": "The first",
            "steps": [{"script": "before"}, {"script": "own"}, {"script": "after"}],
        },
        {"job": "B", "steps": [{"script": "before"}, {"script": "after"}]},
    ]


def test_all_parameters_are_handed_on_but_some(expanded):
    hands = """
parameters:
  - {name: stage, type: string}
  - {name: tool, type: string, default: dotnet}
  - {name: debug, type: boolean, default: true}
steps:
  - template: tools.yml
    parameters:
      ${{ each parameter in parameters }}:
        ${{ if notIn(parameter.key, 'stage') }}:
          ${{ parameter.key }}: ${{ parameter.value }}
"""
    made = expanded(
        "steps:\n  - template: steps/hands.yml\n    parameters: {stage: x}\n",
        **{"steps/hands.yml": hands, "steps/tools.yml": TOOLS},
    )
    assert scripts(made) == ["dotnet 2", "tool True"]


def test_a_key_that_comes_twice_is_refused(expanded):
    twice = "parameters:\n  - {name: more, type: object}\nsteps:\n  - script: a\n    ${{ insert }}: ${{ parameters.more }}\n"
    with pytest.raises(TemplateError, match="'SCRIPT' is already defined"):
        expanded("steps:\n  - template: a.yml\n    parameters: {more: {SCRIPT: b}}\n", **{"a.yml": twice})


def test_a_pipeline_extends_a_template_of_another_repository_whose_own_includes_are_beside_it(expanded):
    base = "parameters:\n  - {name: steps, type: stepList}\nstages:\n  - stage: a\n    jobs:\n      - template: job.yml\n        parameters: {steps: ['${{ parameters.steps }}']}\n"
    job = (
        "parameters:\n  - {name: steps, type: stepList}\njobs:\n  - job: one\n    steps: ['${{ parameters.steps }}']\n"
    )
    made = expanded(
        "trigger: none\nextends:\n  template: base.yml@shared\n  parameters:\n    steps: [{script: mine}]\n",
        **{"shared/base.yml": base, "shared/job.yml": job},
    )
    assert made == {
        "trigger": "none",
        "stages": [{"stage": "a", "jobs": [{"job": "one", "steps": [{"script": "mine"}]}]}],
    }


REFUSES = """
parameters:
  - {name: steps, type: stepList}
stages:
  - stage: a
    jobs:
      - job: one
        steps:
          - ${{ each step in parameters.steps }}:
              - ${{ each pair in step }}:
                  ${{ if ne(pair.value, 'CmdLine@2') }}:
                    ${{ pair.key }}: ${{ pair.value }}
                  ${{ if eq(pair.value, 'CmdLine@2') }}:
                    '${{ pair.value }}': error
"""


def test_what_a_template_rejects_by_a_key_that_no_step_has_is_named(expanded):
    """The example of learn.microsoft.com/azure/devops/pipelines/yaml-schema/extends."""
    use = "extends:\n  template: refuses.yml\n  parameters:\n    steps: [{}]\n"
    assert expanded(use.format("{bash: echo}"), **{"refuses.yml": REFUSES})["stages"]
    with pytest.raises(TemplateError, match=r"^Unexpected value 'CmdLine@2'$"):
        expanded(use.format("{bash: echo}, {task: CmdLine@2}"), **{"refuses.yml": REFUSES})


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("other.yml", "File other.yml not found, which azure-pipelines.yml includes."),
        ("a.yml@nobody", "Repository 'nobody'"),
    ],
)
def test_a_template_that_is_not_there_is_named(expanded, template, message):
    with pytest.raises(TemplateError, match=message):
        expanded(f"steps:\n  - template: {template}\n")


def test_a_template_that_includes_itself_ends(expanded):
    with pytest.raises(TemplateError, match="more than 20 templates deep"):
        expanded("steps:\n  - template: a.yml\n", **{"a.yml": "steps:\n  - template: a.yml\n"})


def test_what_a_file_says_of_variables_is_known_and_no_other(expanded):
    assert scripts(
        expanded("variables: {os: linux}\nsteps:\n  - script: ${{ variables.os }}-${{ variables.other }}\n")
    ) == ["linux-"]
    with pytest.raises(ExpressionError, match="Key not found 'os'"):
        expanded("steps:\n  - script: ${{ parameters.os }}\n")


def test_a_macro_and_a_runtime_expression_are_left_alone(expanded):
    text = "steps:\n  - script: $(a) $[ variables.b ]\n    condition: eq(variables['c'], 'd')\n"
    assert expanded(text)["steps"] == [{"script": "$(a) $[ variables.b ]", "condition": "eq(variables['c'], 'd')"}]
