"""The kind `lambda-invoke`, asked of functions that the embedded AWS really runs."""

from __future__ import annotations

import io
import json
import uuid
import zipfile
from collections.abc import Callable
from typing import Any

import pytest

from ropeway.checks.kinds.lambda_invoke import KIND
from ropeway.checks.nodes import Mistakes
from tests.checks.asking import ask, settings_of


def zipped(body: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("app.py", body)
    return buffer.getvalue()


@pytest.fixture
def function(client_of: Callable[..., Any]) -> Callable[..., str]:
    """Makes a function of that body; answers with its name."""

    def make(body: str, region: str = "us-east-1", **more: Any) -> str:
        name = f"f{uuid.uuid4().hex[:8]}"
        trust = json.dumps({"Version": "2012-10-17", "Statement": []})
        role = client_of("iam").create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
        code = {"Code": {"ZipFile": zipped(body)}, "Runtime": "python3.12", "Handler": "app.handler", "Role": role}
        client_of("lambda", region).create_function(FunctionName=name, **code, **more)
        return name

    return make


ECHO = "def handler(event, context): return {'asked': event, 'status': 'ok', 'release': '41'}"


def test_a_function_that_answers_passes_and_its_log_is_told(aws, function):
    name = function("def handler(*_):\n print('warming up')\n return 1")
    finding = ask(KIND, f"function: {name}", aws, timeout=20)
    assert (finding.verdict, finding.expected, finding.got) == ("pass", "an answer", "version $LATEST answers")
    assert "log: warming up" in finding.details
    assert finding.request_ids


def test_one_that_raises_fails_with_its_error(aws, function):
    name = function("def handler(event, context): raise KeyError('order')")
    finding = ask(KIND, f"function: {name}", aws, timeout=20)
    assert (finding.verdict, finding.got) == ("fail", "Unhandled error: KeyError: 'order'")
    assert finding.advice == "See its log."


def test_the_event_is_handed_over_and_the_answer_is_looked_into(aws, function):
    name = function(ECHO)
    good = f"{{function: {name}, payload: {{n: 2}}, json: {{status: ok, asked.n: {{'>=': 2}}}}}}"
    assert ask(KIND, good, aws, timeout=20).verdict == "pass"
    finding = ask(KIND, f"{{function: {name}, payload: {{n: 2}}, json: {{asked.n: 3}}}}", aws, timeout=20)
    assert (finding.verdict, finding.expected, finding.got) == ("fail", "asked.n == 3", "asked.n is 2")


def test_the_release_that_was_deployed_must_answer(aws, function):
    yaml = f"{{function: {function(ECHO)}, release: release}}"
    assert ask(KIND, yaml, aws, timeout=20, release="41").verdict == "pass"
    finding = ask(KIND, yaml, aws, timeout=20, release="42")
    assert (finding.verdict, finding.expected, finding.got) == ("fail", 'release "42"', 'release "41"')
    unsaid = ask(KIND, yaml, aws, timeout=20)
    assert (unsaid.verdict, unsaid.got) == ("error", "no word of which release it is")
    nothing = ask(KIND, yaml.replace("release: release", "release: build"), aws, timeout=20, release="42")
    assert (nothing.verdict, nothing.got) == ("fail", "no release at build")
    unfit = ask(KIND, yaml.replace("release: release", "release: length(build)"), aws, timeout=20, release="42")
    assert unfit.verdict == "fail"
    assert unfit.got.startswith("what length(build) cannot be taken of: ")


def test_a_release_that_is_a_number_is_the_one_of_that_name(aws, function):
    yaml = f"{{function: {function('def handler(*_): return dict(build=4711)')}, release: build}}"
    assert ask(KIND, yaml, aws, timeout=20, release="4711").verdict == "pass"
    assert ask(KIND, yaml, aws, timeout=20, release="4712").got == 'release "4711"'


def test_an_alias_that_leads_to_another_version_fails(aws, function, client_of):
    name, made = function("def handler(*_): return 'first'"), client_of("lambda")
    first = made.publish_version(FunctionName=name)["Version"]
    made.create_alias(FunctionName=name, Name="live", FunctionVersion=first)
    made.update_function_code(FunctionName=name, ZipFile=zipped("def handler(*_): return 'second'"))
    second = made.publish_version(FunctionName=name)["Version"]
    yaml = f"{{function: {name}, qualifier: live, version: '{second}'}}"
    finding = ask(KIND, yaml, aws, timeout=20)
    assert (finding.verdict, finding.expected, finding.got) == ("fail", f"version {second}", f"version {first}")
    assert finding.advice == "Point the alias to the version that was deployed."
    made.update_alias(FunctionName=name, Name="live", FunctionVersion=second)
    assert ask(KIND, yaml, aws, timeout=20).verdict == "pass"


def test_one_that_is_not_there_is_an_error(aws):
    finding = ask(KIND, "function: nobodys", aws)
    assert finding.verdict == "error"
    assert "ResourceNotFoundException" in finding.got
    assert finding.advice == "Check the name, the account and the region."


def test_an_arn_says_its_own_region(aws, function, client_of):
    name = function(ECHO, region="eu-west-1")
    arn = client_of("lambda", "eu-west-1").get_function(FunctionName=name)["Configuration"]["FunctionArn"]
    assert ask(KIND, f"function: {arn}", aws, timeout=20).verdict == "pass"
    assert ask(KIND, f"{{function: {name}, region: eu-west-1}}", aws, timeout=20).verdict == "pass"
    assert ask(KIND, f"function: {name}", aws, timeout=20).verdict == "error"


def test_a_missing_permission_is_an_error_that_names_it(without, function):
    finding = ask(KIND, f"function: {function(ECHO)}", without("lambda:InvokeFunction"), timeout=20)
    assert finding.verdict == "error"
    assert "lambda:InvokeFunction" in f"{finding.got} {finding.advice}"


def test_two_qualifiers_are_a_mistake_of_the_suite():
    arn = "arn:aws:lambda:eu-west-1:123456789012:function:shop:live"
    with pytest.raises(Mistakes, match="function is an ARN with a qualifier, and qualifier is set too"):
        settings_of(KIND, f"{{function: '{arn}', qualifier: beta}}")
