from __future__ import annotations

import json
import tempfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ropeway.aws.proxies import Proxies
from ropeway.azure.environment import AgentEnvironment, mangled
from ropeway.errors import InputError
from ropeway.outcome import Variable
from tests.azure.task_lib import TaskLib

CONTRACT = {
    "INPUT_BUCKETNAME": "b",
    "ENDPOINT_AUTH_11aa": '{"scheme":"None"}',
    "ENDPOINT_URL_11aa": "https://aws.amazon.com/",
    "ENDPOINT_AUTH_PARAMETER_SYSTEMVSSCONNECTION_ACCESSTOKEN": "jobtoken",
    "SECRET_MY_TOKEN": "hush",
    "SECUREFILE_NAME_22": "key.pem",
    "SECUREFILE_TICKET_22": "ticket",
    "VSTS_PUBLIC_VARIABLES": '["Build.BuildNumber"]',
    "VSTS_SECRET_VARIABLES": '["my.token"]',
    "VSTS_TASKVARIABLE_X": "x",
}
REST = {"PATH": "/bin", "BUILD_BUILDNUMBER": "7", "AWS_PROFILE": "mine"}


def test_inputs_endpoints_and_secrets_leave_the_process_and_are_kept() -> None:
    environ = {**CONTRACT, **REST}
    environment = AgentEnvironment.take(environ)
    assert environ == REST
    assert environment.input("bucketName") == "b"
    assert environment.authorization("11aa") == '{"scheme":"None"}'
    assert environment.variable("my.token") == "hush"
    assert environment.variable("Build.BuildNumber") == "7"


def test_a_variable_is_secret_under_whatever_name_it_is_handed_over() -> None:
    environment = AgentEnvironment.take({**CONTRACT, **REST, "TOKEN_OF_THE_STEP": "hush", "EMPTY": ""})
    assert environment.pipeline_variable("my.token") == Variable("hush", secret=True)
    assert environment.pipeline_variable("TOKEN_OF_THE_STEP") == Variable("hush", secret=True)
    assert environment.pipeline_variable("Build.BuildNumber") == Variable("7")
    assert environment.pipeline_variable("EMPTY") == Variable("")
    assert environment.pipeline_variable("none") is None


def test_nothing_of_it_is_in_its_repr() -> None:
    assert repr(AgentEnvironment.take({**CONTRACT, **REST})) == "AgentEnvironment()"


def test_what_is_not_there_is_empty() -> None:
    environment = AgentEnvironment.take({})
    assert environment.input("bucketName") == environment.authorization("x") == environment.variable("x") == ""
    assert environment.host_type == environment.working_directory == ""
    assert environment.temp_directory == tempfile.gettempdir()


@pytest.mark.parametrize("host", ["build", "release", "Deployment"])
def test_the_host_type_is_told(host: str) -> None:
    assert AgentEnvironment.take({"SYSTEM_HOSTTYPE": host}).host_type == host.lower()


@given(st.text("abcXYZ. -_/é", min_size=1))
def test_names_are_written_as_microsofts_own_library_writes_them(task_lib: TaskLib, name: str) -> None:
    variables = {mangled(name): "public", f"SECRET_{mangled(name)}": "private"}
    assert task_lib.read(variables, ("getVariable", name)) == ["private"]
    assert AgentEnvironment.take(dict(variables)).variable(name) == "private"
    assert AgentEnvironment.take({mangled(name): "public"}).variable(name) == "public"


def proxied(**variables: str) -> str:
    return AgentEnvironment.take(variables).network.proxy_url


def test_the_agents_proxy_is_used_with_user_and_password_encoded() -> None:
    assert proxied() == ""
    assert proxied(AGENT_PROXYURL="http://proxy:8080") == "http://proxy:8080"
    login = {"AGENT_PROXYUSERNAME": r"CORP\me", "SECRET_AGENT_PROXYPASSWORD": "p@ss:w/rd%"}
    assert proxied(AGENT_PROXYURL="http://proxy:8080", **login) == "http://CORP%5Cme:p%40ss%3Aw%2Frd%25@proxy:8080"
    assert proxied(AGENT_PROXYURL="proxy:8080", **login).endswith("rd%25@proxy:8080")
    assert proxied(AGENT_PROXYURL="http://old:one@proxy", **login).endswith("rd%25@proxy")


@pytest.mark.parametrize("address", ["http://[proxy:8080", "http://me:pass\uff0fhush@proxy"])
def test_a_proxy_that_is_no_address_is_told_as_that_and_shows_no_password(address: str) -> None:
    network = AgentEnvironment.take({"AGENT_PROXYURL": address, "AGENT_PROXYUSERNAME": "me"}).network
    with pytest.raises(InputError, match="The agent's proxy is no address of a proxy") as told:
        Proxies(network, print).proxy_url_for("https://example.com")
    assert "hush" not in str(told.value)


def test_the_password_of_the_proxy_is_in_no_repr() -> None:
    login = {"AGENT_PROXYUSERNAME": "me", "SECRET_AGENT_PROXYPASSWORD": "hush"}
    assert "hush" not in repr(AgentEnvironment.take({"AGENT_PROXYURL": "http://proxy", **login}).network)


def test_the_agents_certificates_are_used() -> None:
    network = AgentEnvironment.take({"AGENT_CAINFO": "/ca.pem"}).network
    assert (network.ca_file, network.verify) == ("/ca.pem", True)
    assert AgentEnvironment.take({"AGENT_SKIPCERTVALIDATION": "True"}).network.verify is False
    assert AgentEnvironment.take({"AGENT_SKIPCERTVALIDATION": "False"}).network.verify is True


def test_what_the_agent_reaches_without_its_proxy_is_reached_without_it() -> None:
    patterns = [r".*\.corp\.example", r"10\.0\."]
    network = AgentEnvironment.take({"AGENT_PROXYBYPASSLIST": json.dumps(patterns)}).network
    assert network.bypass == tuple(patterns)


@pytest.mark.parametrize("text", ["*.corp", "7", "null"])
def test_a_bypass_list_that_is_none_is_an_input_error(text: str) -> None:
    with pytest.raises(
        InputError, match=r"^The variable Agent\.ProxyBypassList is '.*', which is no JSON list of patterns\.$"
    ):
        _ = AgentEnvironment.take({"AGENT_PROXYBYPASSLIST": text}).network
