"""Lambda functions of the embedded AWS run: what a caller sees."""

from __future__ import annotations

import base64
import io
import json
import time
import uuid
import zipfile
from dataclasses import dataclass
from typing import Any

import pytest
from botocore.exceptions import ClientError


def zipped(**files: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in files.items():
            archive.writestr(f"{name}.py", text)
    return buffer.getvalue()


@dataclass
class Function:
    client: Any
    name: str

    def invoke(self, event: Any = None, **more: Any) -> tuple[Any, dict[str, Any]]:
        """The payload, and the rest of the answer."""
        told = self.client.invoke(FunctionName=self.name, Payload=json.dumps(event), **more)
        payload = told["Payload"].read()
        return json.loads(payload) if payload else None, told


@pytest.fixture(scope="module")
def role(client_of):
    trust = {"Version": "2012-10-17", "Statement": []}
    name = f"r{uuid.uuid4().hex[:8]}"
    made = client_of("iam").create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))
    return made["Role"]["Arn"]


@pytest.fixture
def function(client_of, role):
    def make(body: str, *, handler: str = "app.handler", **more: Any) -> Function:
        name = f"f{uuid.uuid4().hex[:8]}"
        given = {"Runtime": "python3.12", "Role": role, "Handler": handler, "Code": {"ZipFile": zipped(app=body)}}
        client_of("lambda").create_function(FunctionName=name, **{"Timeout": 30, **given, **more})
        return Function(client_of("lambda"), name)

    return make


def test_a_handler_answers_what_it_was_asked(function):
    payload, told = function("def handler(event, context): return {'twice': event['n'] * 2}").invoke({"n": 21})
    assert payload == {"twice": 42}
    assert (told["StatusCode"], told.get("FunctionError"), told["ExecutedVersion"]) == (200, None, "$LATEST")


def test_its_error_is_told_as_lambda_tells_it(function):
    payload, told = function("def handler(event, context): raise KeyError('order')").invoke()
    assert (told["StatusCode"], told["FunctionError"]) == (200, "Unhandled")
    assert (payload["errorType"], payload["errorMessage"]) == ("KeyError", "'order'")
    assert "app.py" in payload["stackTrace"][0]


@pytest.mark.parametrize(
    ("body", "handler", "kind", "message"),
    [
        ("import nothing_of_that_name", "app.handler", "Runtime.ImportModuleError", "Unable to import module 'app'"),
        ("", "app.handler", "Runtime.HandlerNotFound", "Handler 'handler' missing on module 'app'"),
        ("", "handler", "Runtime.MalformedHandlerName", "Bad handler 'handler'"),
        ("def handler(*_): return {1, 2}", "app.handler", "Runtime.MarshalError", "Unable to marshal response"),
        ("import os\ndef handler(*_): os._exit(3)", "app.handler", "Runtime.ExitError", "exit status 3"),
    ],
    ids=["import", "handler", "malformed", "marshal", "exit"],
)
def test_what_is_wrong_with_it_is_named(function, body, handler, kind, message):
    payload, told = function(body, handler=handler).invoke()
    assert (told["FunctionError"], payload["errorType"]) == ("Unhandled", kind)
    assert message in payload["errorMessage"]


def test_it_has_its_time_and_no_more(function):
    body = "import subprocess\ndef handler(*_): subprocess.run(['sleep', '600'])"
    payload, told = function(body, Timeout=1).invoke()
    assert (told["FunctionError"], payload["errorType"]) == ("Unhandled", "Sandbox.Timedout")
    assert payload["errorMessage"].endswith("Task timed out after 1.00 seconds")


def test_its_log_is_told_to_who_asks_for_it(function):
    made = function("import sys\ndef handler(*_):\n print('out')\n print('err', file=sys.stderr)")
    told = made.invoke(LogType="Tail")[1]
    log = base64.b64decode(told["LogResult"]).decode()
    assert log.startswith("START RequestId: ")
    assert "out\nerr\n" in log
    assert "REPORT RequestId" in log
    assert "LogResult" not in made.invoke()[1]


def test_versions_and_aliases_run_what_they_name(function):
    made = function("def handler(*_): return 'first'")
    first = made.client.publish_version(FunctionName=made.name)["Version"]
    made.client.create_alias(FunctionName=made.name, Name="live", FunctionVersion=first)
    made.client.update_function_code(FunctionName=made.name, ZipFile=zipped(app="def handler(*_): return 'second'"))
    assert made.invoke()[0] == "second"
    for qualifier in (first, "live"):
        payload, told = made.invoke(Qualifier=qualifier)
        assert (payload, told["ExecutedVersion"]) == ("first", first)
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        made.invoke(Qualifier="99")


def test_it_has_its_environment_and_its_context(function):
    body = (
        "import os\ndef handler(_, context): return [os.environ['STAGE'], context.function_name, 'HOME' in os.environ]"
    )
    made = function(body, Environment={"Variables": {"STAGE": "test"}})
    assert made.invoke()[0] == ["test", made.name, False]


def test_its_clients_find_the_embedded_aws(function, bucket):
    body = "import boto3\ndef handler(*_): return [b['Name'] for b in boto3.client('s3').list_buckets()['Buckets']]"
    assert bucket in function(body, Timeout=60).invoke()[0]


def test_they_find_it_while_another_one_asks_for_tls(function, bucket, embedded_tls):
    body = "import boto3\ndef handler(*_): return [b['Name'] for b in boto3.client('s3').list_buckets()['Buckets']]"
    assert bucket in function(body, Timeout=60).invoke()[0]


def test_an_event_is_taken_and_runs_later_a_dry_run_never(function, s3, bucket):
    body = f"import boto3\ndef handler(event, _): boto3.client('s3').put_object(Bucket='{bucket}', Key=event)"
    made = function(body, Timeout=60)
    assert made.invoke("dry", InvocationType="DryRun")[1]["StatusCode"] == 204
    assert made.invoke("later", InvocationType="Event")[1]["StatusCode"] == 202
    deadline = time.monotonic() + 120
    while "Contents" not in s3.list_objects_v2(Bucket=bucket) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert [found["Key"] for found in s3.list_objects_v2(Bucket=bucket)["Contents"]] == ["later"]


def test_another_language_is_said_not_to_run(client_of, role):
    name = f"f{uuid.uuid4().hex[:8]}"
    client_of("lambda").create_function(
        FunctionName=name, Runtime="nodejs22.x", Role=role, Handler="a.b", Code={"ZipFile": zipped(a="")}
    )
    with pytest.raises(ClientError, match=r"NotImplemented.*only Python runs"):
        client_of("lambda").invoke(FunctionName=name)
