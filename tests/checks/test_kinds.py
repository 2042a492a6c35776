"""A contract over every kind of check: what a newcomer's file must bring along."""

from __future__ import annotations

import ast
import dataclasses
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import jsonschema
import pytest
from botocore.session import Session

from ropeway.checks.kind import Kind
from ropeway.checks.registry import all_kinds, kind_names, load_kind
from ropeway.checks.settings import Setting, Settings, named, schema_of
from tests.checks.asking import settings_of

ROOT = Path(__file__).parents[2]
ALL = all_kinds()
OUR_OWN = {"name", "title", "help"}

each_kind = pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.name)
each_setting = pytest.mark.parametrize(
    ("kind", "setting"),
    [pytest.param(kind, item.setting, id=f"{kind.name}-{item.name}") for kind in ALL for item in named(kind.settings)],
)


def sentence(text: str) -> bool:
    return bool(re.fullmatch(r"[A-Z`].*[.)]", text, re.DOTALL))


def file_of(kind: Kind) -> Path:
    return ROOT / "python/ropeway/checks/kinds" / f"{kind.name.replace('-', '_')}.py"


def named_in_calls(module: Path) -> Iterator[str]:
    """The IAM actions of `action=`: written there, or a constant of the module."""
    tree = ast.parse(module.read_text(encoding="utf-8"))
    constants = {
        target.id: node.value.value
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        for given in (keyword.value for keyword in call.keywords if keyword.arg == "action"):
            if isinstance(given, ast.Constant):
                yield given.value
            elif isinstance(given, ast.Name) and given.id in constants:
                yield constants[given.id]


def test_the_kinds_are_those_of_the_folder():
    files = {path.stem.replace("_", "-") for path in (ROOT / "python/ropeway/checks/kinds").glob("*.py")}
    assert set(kind_names()) == files - {"--init--"}


def test_a_module_that_exports_something_else_is_named(monkeypatch):
    monkeypatch.setattr("ropeway.checks.kinds.tcp.KIND", "no kind")
    with pytest.raises(TypeError, match=r"ropeway/checks/kinds/tcp\.py exports KIND as str, not as a Kind"):
        load_kind("tcp")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("KIND = Kind()", r"NameError: name 'Kind' is not defined"),
        ("KIND = (", r"SyntaxError: '\(' was never closed"),
        ("", r"AttributeError: module .* has no attribute 'KIND'"),
    ],
)
def test_a_module_that_cannot_be_imported_is_named_and_says_why(tmp_path, monkeypatch, text, told):
    (tmp_path / "of_this_test.py").write_text(text)
    monkeypatch.setattr("ropeway.checks.kinds.__path__", [str(tmp_path)])
    monkeypatch.delitem(sys.modules, "ropeway.checks.kinds.of_this_test", raising=False)
    with pytest.raises(ImportError, match=rf"ropeway/checks/kinds/of_this_test\.py cannot be imported: {told}"):
        load_kind("of-this-test")


@pytest.mark.parametrize("name", kind_names())
def test_a_kind_is_called_as_its_file_and_its_settings_are_too(name):
    kind = load_kind(name)
    assert kind.name == name, f"The file is called after the kind: {kind.name} stands in {file_of(kind).name}."
    wanted = f"{name.title().replace('-', '')}Settings"
    assert kind.settings.__name__ == wanted, f"Call the settings of {name} {wanted}."


@each_kind
def test_a_kind_has_words_for_people(kind: Kind):
    assert re.fullmatch(r"[A-Z0-9].*[^.]", kind.title)
    assert sentence(kind.help)


@each_kind
def test_the_settings_are_frozen_and_all_declared(kind: Kind):
    assert issubclass(kind.settings, Settings)
    assert dataclasses.is_dataclass(kind.settings)
    assert kind.settings.__dataclass_params__.frozen  # type: ignore[attr-defined]
    assert all(isinstance(field.metadata.get("setting"), Setting) for field in dataclasses.fields(kind.settings))


@each_setting
def test_the_help_of_a_setting_is_a_sentence(kind: Kind, setting: Setting):
    assert sentence(setting.help), setting.help


@each_kind
def test_the_example_of_a_kind_is_valid_and_says_what_is_asked(kind: Kind):
    given = settings_of(kind, kind.example)
    targets = kind.targets(given)
    assert all(kind.subject(given, target) for target in targets)
    assert targets
    assert len(set(targets)) == len(targets)


@each_kind
def test_the_schema_of_a_kind_is_one_and_takes_its_example(kind: Kind):
    import yaml

    schema = schema_of(kind.settings)
    jsonschema.Draft7Validator.check_schema(schema)
    jsonschema.Draft7Validator(schema).validate(json.loads(json.dumps(yaml.safe_load(kind.example), default=str)))


@each_kind
def test_the_actions_and_services_of_a_kind_are_known(kind: Kind):
    services = set(Session().get_available_services())
    assert set(kind.services) <= services
    assert bool(kind.actions) == bool(kind.services)
    for needed in kind.actions:
        assert re.fullmatch(r"[a-z0-9-]+:[A-Z]\w+", needed.action)
        assert needed.resource == "*" or needed.resource.startswith("arn:{partition}:")


@each_kind
def test_the_actions_that_a_kind_names_when_it_is_denied_are_those_it_declares(kind: Kind):
    missing = set(named_in_calls(file_of(kind))) - {needed.action for needed in kind.actions}
    assert not missing, f"Declare {', '.join(sorted(missing))} in actions=."


def test_an_action_in_a_call_is_found_as_a_literal_and_as_a_constant_of_the_module(tmp_path):
    module = tmp_path / "kind.py"
    module.write_text(
        'READ = "sqs:GetQueueUrl"\ncall(action=READ)\ncall(action="sqs:ListQueues")\ncall(action=given)\n'
    )
    assert list(named_in_calls(module)) == ["sqs:GetQueueUrl", "sqs:ListQueues"]


@each_kind
def test_a_kind_has_tests_of_its_own(kind: Kind):
    tests = ROOT / "tests/checks/kinds" / f"test_{kind.name.replace('-', '_')}.py"
    assert tests.is_file(), (
        f"Write {tests.relative_to(ROOT)}: a pass, a fail and an error, with the words that the user reads."
    )
    told = tests.read_text(encoding="utf-8")
    for verdict in ("pass", "fail", "error"):
        assert f'"{verdict}"' in told, f"No test in {tests.name} looks for the verdict {verdict!r}."
