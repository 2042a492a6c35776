"""A job of Azure DevOps on a machine that has AWS identities of its own. Each is told apart by its access key."""

from __future__ import annotations

import datetime as dt
import json
import os
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from ropeway.aws import roles
from ropeway.aws.connection import AwsInputs
from ropeway.aws.session import Aws, connect
from ropeway.azure.endpoints import connection
from ropeway.azure.environment import AgentEnvironment
from ropeway.outcome import Run
from ropeway.s3.wire import WireEngine
from ropeway.tasks.task import introduce
from tests.aws.asked import renewed_aside
from tests.leaks import watch
from tests.secrecy import SECRET_ACCESS_KEY, SESSION_TOKEN
from tests.servers.azure_devops import ACCESS_TOKEN, PATH, AzureDevOps
from tests.servers.identities import ACCOUNT, ROLE, Identities
from tests.servers.misbehaving import Answer, Misbehaving

ID = "0f5c1a3e-9d0b-4a55-8a3e-1c2d3e4f5a6b"

OURS, VARIABLE = "AKIACONNECTION000009", "AKIAVARIABLE00000002"
ENV, FILE, PROCESS = "AKIAENVIRONMENT00003", "AKIAFILE000000000004", "AKIAPROCESS000000005"
CONTAINER, INSTANCE = "ASIACONTAINER0000006", "ASIAINSTANCE00000007"
TEMPORARY = "ASIATEMPORARY0000008"
SOURCES = ("env", "pod", "file", "process", "container", "instance")
"""Of the machine itself, in the order in which they count."""
SESSION, SECOND = "ASIASESSION000000001", "ASIASESSION000000002"


class Time:
    """Passes when it is told to, for everybody. A clock may be ahead of it, by seconds."""

    def __init__(self) -> None:
        self.passed = 0.0

    def clock(self, ahead: float = 0.0) -> Any:
        return lambda: time.time() + ahead + self.passed

    def now(self) -> dt.datetime:
        """The machine's own clock."""
        return dt.datetime.fromtimestamp(self.clock()(), dt.timezone.utc)


@dataclass
class Machine:
    """An agent's machine with AWS, Azure DevOps and its own metadata services around it."""

    aws: Misbehaving
    devops: Misbehaving
    metadata: Misbehaving
    identities: Identities
    tokens: AzureDevOps
    time: Time
    monkeypatch: pytest.MonkeyPatch
    folder: Path
    handed: dict[str, str] = field(default_factory=dict)
    masked: list[str] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    engine: str = "boto3"

    # --- what the agent hands over -----------------------------------------------------------------------------------

    def job(self) -> None:
        """What every job of a service has."""
        self.handed |= {
            "ENDPOINT_URL_SYSTEMVSSCONNECTION": f"{self.devops.url}/example/",
            "ENDPOINT_AUTH_PARAMETER_SYSTEMVSSCONNECTION_ACCESSTOKEN": ACCESS_TOKEN,
            "SYSTEM_OIDCREQUESTURI": f"{self.devops.url}{PATH}",
        }

    def endpoint(self, parameters: Mapping[str, str], data: Mapping[str, str]) -> None:
        authorization = {"scheme": "UsernamePassword", "parameters": dict(parameters)}
        self.handed[f"ENDPOINT_AUTH_{ID}"] = json.dumps(authorization)
        self.handed[f"ENDPOINT_DATA_{ID}"] = json.dumps(dict(data))

    def variables(self, given: Mapping[str, str]) -> None:
        self.handed |= {f"AWS_{name.upper()}": text for name, text in given.items()}

    # --- what the machine has of its own -----------------------------------------------------------------------------

    def has(self, *sources: str) -> None:
        for source in sources:
            getattr(self, f"_{source}")()

    def _env(self) -> None:
        self.monkeypatch.setenv("AWS_ACCESS_KEY_ID", ENV)
        self.monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY)
        self.identities.users[ENV] = ""

    def _pod(self) -> None:
        """Of Kubernetes: a token in a file, and the role that trusts it."""
        (self.folder / "token").write_text(self.tokens.new())
        self.monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(self.folder / "token"))
        self.monkeypatch.setenv("AWS_ROLE_ARN", ROLE)
        self.monkeypatch.setenv("AWS_ROLE_SESSION_NAME", "pod")

    def _file(self) -> None:
        keys = f"[default]\naws_access_key_id={FILE}\naws_secret_access_key={SECRET_ACCESS_KEY}\n"
        Path(os.environ["AWS_SHARED_CREDENTIALS_FILE"]).write_text(keys)
        self.identities.users[FILE] = ""

    def _process(self) -> None:
        script = self.folder / "keys.py"
        keys = {"Version": 1, "AccessKeyId": PROCESS, "SecretAccessKey": SECRET_ACCESS_KEY}
        script.write_text(f"print({json.dumps(json.dumps(keys))})")
        Path(os.environ["AWS_CONFIG_FILE"]).write_text(f"[default]\ncredential_process={sys.executable} {script}\n")
        self.identities.users[PROCESS] = ""

    def _container(self) -> None:
        self.monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"{self.metadata.url}/container")
        self.metadata.on(Answer(200, body=self._temporary(CONTAINER)), target="/container$")

    def _instance(self) -> None:
        self.monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", self.metadata.url)
        self.monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "false")
        self.metadata.on(Answer(200, body=b"imds-token"), method="PUT", target="/latest/api/token")
        self.metadata.on(Answer(200, body=self._temporary(INSTANCE)), target="security-credentials/web$")
        self.metadata.on(Answer(200, body=b"web"), target="/security-credentials/$")

    def _temporary(self, key: str) -> bytes:
        self.identities.users[key] = SESSION_TOKEN
        until = f"{self.time.now() + dt.timedelta(hours=6):%Y-%m-%dT%H:%M:%SZ}"
        keys = {"Code": "Success", "AccessKeyId": key, "SecretAccessKey": SECRET_ACCESS_KEY, "Token": SESSION_TOKEN}
        return json.dumps({**keys, "Expiration": until}).encode()

    # --- what happens ------------------------------------------------------------------------------------------------

    def connect(self, **given: str) -> Aws:
        environment = AgentEnvironment.take(dict(self.handed))
        # This AWS does not lie where AWS lies: its STS counts only where somebody demands an account.
        allowed = () if "endpoint_url" in given else (ACCOUNT,)
        inputs = AwsInputs(region_name="eu-west-1", allowed_account_ids=allowed, **given)
        found = connection(inputs, environment)
        return connect(inputs, found, network=environment.network, mask=self.masked.append, debug=self.note)

    def act(self, **given: str) -> str:
        """As a task does: says who acts, then asks S3. Answers with what it said."""
        aws = self.connect(**given)
        introduce(aws, Run(self))
        ASKS[self.engine](aws)
        return self.told[-1]

    def note(self, message: str) -> None:
        watch("what is told", f"{message}\n")
        self.told.append(message)

    def progress(self, _: object) -> None: ...

    def wears(self, aws: Any) -> None:
        """From now on the session ends by this machine's clock, which passes only as it is told."""
        self.monkeypatch.setattr(roles, "_now", self.time.now)
        aws._session.get_credentials()._time_fetcher = self.time.now


def ask_s3(aws: Aws) -> None:
    aws.client("s3", retries={"total_max_attempts": 1}).list_objects_v2(Bucket="bucket")
    renewed_aside()


def ask_by_wire(aws: Aws) -> None:
    WireEngine(aws.s3, concurrency=1).probe("bucket", "")


ASKS = {"boto3": ask_s3, "wire": ask_by_wire}


def before(server: Misbehaving, answer: Answer, **when: Any) -> None:
    """Before all that the server was told so far."""
    server.on(answer, **when)
    server._rules.insert(0, server._rules.pop())


KEYS = {"username": OURS, "password": SECRET_ACCESS_KEY}
WITH_TOKEN = {"username": TEMPORARY, "password": SECRET_ACCESS_KEY, "sessionToken": SESSION_TOKEN}
ASSUMES = {"assumeRoleArn": ROLE}
FEDERATED = {"assumeRoleArn": ROLE, "useOIDC": "true"}
IN_VARIABLES = {"AccessKeyID": VARIABLE, "SecretAccessKey": SECRET_ACCESS_KEY}


@dataclass(frozen=True)
class Row:
    """`parameters` and `data` of a connection, else the `variables` AWS.*, else only the machine from its source `first` on."""

    signs: str
    origin: str
    parameters: Mapping[str, str] | None = None
    data: Mapping[str, str] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)
    first: str = "env"
    input: str = "aws_connection"
    sts: tuple[str, ...] = ()

    def set_up(self, machine: Machine) -> dict[str, str]:
        """Everything below the row's own source is there. Answers with the inputs."""
        machine.has(*SOURCES[SOURCES.index(self.first) :])
        machine.variables(self.variables)
        if self.parameters is None:
            return {}
        if not self.variables:
            machine.variables({"AccessKeyID": VARIABLE, "SecretAccessKey": SECRET_ACCESS_KEY})
        machine.endpoint(self.parameters, self.data)
        return {self.input: ID}
