"""`ropeway setup connection`: the service connection in an organisation of Azure DevOps, made, compared, changed, and who may use it."""

from __future__ import annotations

import pytest

from tests.secrecy import SECRET_ACCESS_KEY, secret

EXTERNAL_ID = secret("external ID", "hush-external-id")
ROLE = "arn:aws:iam::111122223333:role/deploy"
OIDC = ("--assume-role-arn", ROLE, "--use-oidc")
KEYS = ("--access-key-id", "AKIAIOSFODNN7EXAMPLE")


@pytest.fixture
def connection(ropeway, organization):
    """The command, in that organisation."""

    def run(*arguments, name="aws", **rest):
        where = ("--organization", organization.url, "--project", "Shop", "--connection-name", name)
        return ropeway("setup", "connection", *where, *arguments, **rest)

    organization.install()
    return run


def only(organization):
    [endpoint] = organization.endpoints.values()
    return endpoint


def test_one_without_keys_is_made_and_a_second_run_changes_nothing(connection, organization):
    answer = connection(*OIDC, "--duration-seconds", "3600", "--allowed-account-ids", "111122223333")
    assert answer.code == 0, answer.err
    assert f"service connection aws: role {ROLE}, OIDC true, duration 3600, allowed accounts 111122223333" in answer.out
    assert "with the token from the environment variable AZURE_DEVOPS_EXT_PAT" in answer.err
    made = only(organization)
    assert f"subject: sc://contoso/Shop/aws\nconnectionId: {made['id']}\n" in answer.out
    assert (made["type"], made["authorization"]["scheme"]) == ("RopewayAWS", "UsernamePassword")
    assert made["data"] == {
        "assumeRoleArn": ROLE,
        "useOIDC": "true",
        "durationSeconds": "3600",
        "allowedAccountIds": "111122223333",
    }
    written = list(organization.written)
    again = connection(*OIDC, "--duration-seconds", "3600", "--allowed-account-ids", "111122223333")
    assert (again.code, organization.written) == (0, written)
    assert "The service connection aws of contoso/Shop is as it should be" in again.out


def test_a_dry_run_shows_it_and_changes_nothing(connection, organization):
    answer = connection(*OIDC, "--dry-run")
    assert answer.code == 0
    assert "create" in answer.out
    assert "Dry run: nothing was written." in answer.err
    assert organization.written == []


def test_a_script_reads_id_and_subject(connection, organization):
    answer = connection(*OIDC, "--json")
    assert answer.json["outputs"] == {"subject": "sc://contoso/Shop/aws", "connectionId": only(organization)["id"]}
    assert [step["action"] for step in answer.json["plan"]["steps"]] == ["skip", "create"]


def test_the_subject_has_the_project_as_it_is_called(ropeway, organization):
    """Azure DevOps finds it in any case; IAM compares what the role trusts to the letter."""
    organization.install()
    where = ("--organization", organization.url, "--project", "shop", "--connection-name", "aws")
    answer = ropeway("setup", "connection", *where, *OIDC, "--json")
    assert answer.json["outputs"]["subject"] == "sc://contoso/Shop/aws"


def test_the_subject_has_the_organization_as_it_is_called(ropeway, organization):
    organization.install()
    where = ("--organization", organization.url.replace("contoso", "Contoso"), "--project", "Shop")
    answer = ropeway("setup", "connection", *where, "--connection-name", "aws", *OIDC, "--json")
    assert answer.json["outputs"]["subject"] == "sc://contoso/Shop/aws"


def test_where_nobody_tells_how_the_organization_is_called_it_is_as_it_was_typed(connection, organization):
    organization.may_not.add("GET projectCollections")
    answer = connection(*OIDC, "--json")
    assert (answer.code, answer.json["outputs"]["subject"]) == (0, "sc://contoso/Shop/aws")


def test_one_that_is_there_is_found_in_any_case_and_keeps_its_name(connection, organization):
    connection(*OIDC)
    written = list(organization.written)
    again = connection(*OIDC, "--json", name="AWS")
    assert (again.code, organization.written) == (0, written)
    assert again.json["outputs"]["subject"] == "sc://contoso/Shop/aws"
    assert connection(*OIDC, "--duration-seconds", "3600", name="AWS").code == 0
    assert only(organization)["name"] == "aws"


def test_what_a_newer_version_of_the_extension_has_in_it_stays(connection, organization):
    connection(*OIDC)
    organization.newer_fields.add("tagSession")
    only(organization)["data"]["tagSession"] = "true"
    assert connection(*OIDC, "--duration-seconds", "3600").code == 0
    assert only(organization)["data"] == {
        "assumeRoleArn": ROLE,
        "useOIDC": "true",
        "durationSeconds": "3600",
        "tagSession": "true",
    }


def test_keys_come_from_the_environment_and_are_never_shown(connection, organization, monkeypatch):
    monkeypatch.setenv("ROPEWAY_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY)
    monkeypatch.setenv("ROPEWAY_EXTERNAL_ID", EXTERNAL_ID)
    answer = connection(*KEYS, "--assume-role-arn", ROLE)
    assert answer.code == 0, answer.err
    assert only(organization)["authorization"]["parameters"] == {
        "username": "AKIAIOSFODNN7EXAMPLE",
        "password": SECRET_ACCESS_KEY,
        "externalId": EXTERNAL_ID,
    }
    assert SECRET_ACCESS_KEY not in answer.out + answer.err


def test_an_external_id_without_a_role_is_refused_here_and_not_by_the_first_task(connection, organization, monkeypatch):
    monkeypatch.setenv("ROPEWAY_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY)
    monkeypatch.setenv("ROPEWAY_EXTERNAL_ID", EXTERNAL_ID)
    answer = connection(*KEYS)
    assert (answer.code, organization.before) == (2, [])
    assert "ROPEWAY_EXTERNAL_ID is given, and --assume-role-arn is not" in " ".join(answer.err.split())


def test_keys_come_from_a_prompt(connection, organization, monkeypatch):
    monkeypatch.setattr("typer.prompt", lambda label, **_: SECRET_ACCESS_KEY)
    assert connection(*KEYS, "--ask-secret-access-key").code == 0
    assert only(organization)["authorization"]["parameters"]["password"] == SECRET_ACCESS_KEY


def test_the_token_comes_from_a_prompt(connection, organization, monkeypatch):
    monkeypatch.delenv("AZURE_DEVOPS_EXT_PAT")
    monkeypatch.setattr("typer.prompt", lambda label, **_: organization.token)
    answer = connection(*OIDC, "--ask-token", "--dry-run")
    assert (answer.code, "with the token from the prompt" in answer.err) == (0, True)


def test_a_token_of_entra_id_or_of_a_job_is_a_bearer_token(connection, organization, monkeypatch):
    organization.token = "hush-header.hush-claims.hush-signature"
    monkeypatch.delenv("AZURE_DEVOPS_EXT_PAT")
    monkeypatch.setenv("SYSTEM_ACCESSTOKEN", organization.token)
    answer = connection(*OIDC, "--dry-run")
    assert (answer.code, "with the token from the environment variable SYSTEM_ACCESSTOKEN" in answer.err) == (0, True)


def test_no_argument_takes_a_secret(connection):
    answer = connection(*KEYS, "--secret-access-key", SECRET_ACCESS_KEY[:8])
    assert answer.code == 2
    assert "No such option: --secret-access-key" in answer.err


def test_what_differs_is_told_and_changed_and_the_rest_stays(connection, organization):
    connection(*OIDC, "--duration-seconds", "3600")
    id = only(organization)["id"]
    only(organization)["serviceEndpointProjectReferences"].append(
        {"projectReference": {"id": "5f0c", "name": "Other"}, "name": "aws-of-other", "description": ""}
    )
    dry = connection(*OIDC, "--duration-seconds", "7200", "--dry-run")
    assert "service connection aws: duration 3600 -> 7200" in dry.out
    assert only(organization)["data"]["durationSeconds"] == "3600"
    organization.projects.add("5f0c")
    assert connection(*OIDC, "--duration-seconds", "7200").code == 0
    assert only(organization)["data"]["durationSeconds"] == "7200"
    assert only(organization)["id"] == id
    names = [one["name"] for one in only(organization)["serviceEndpointProjectReferences"]]
    assert names == ["aws", "aws-of-other"]


BOTH = ("--allowed-account-ids", "111122223333", "--allowed-account-ids", "444455556666")


def test_the_same_accounts_in_other_words_are_no_change(connection, organization):
    connection(*OIDC, *BOTH)
    only(organization)["data"]["allowedAccountIds"] = "444455556666, 111122223333"
    written = list(organization.written)
    again = connection(*OIDC, *BOTH)
    assert (again.code, organization.written) == (0, written), again.out


def test_a_second_run_with_keys_needs_no_secret_and_says_what_it_could_not_compare(
    connection, organization, monkeypatch
):
    monkeypatch.setenv("ROPEWAY_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY)
    connection(*KEYS)
    written = list(organization.written)
    again = connection(*KEYS)
    assert (again.code, organization.written) == (0, written)
    assert "Warning: The secrets were not compared, since Azure DevOps shows none" in again.err
    monkeypatch.delenv("ROPEWAY_SECRET_ACCESS_KEY")
    assert (connection(*KEYS).code, organization.written) == (0, written)


def test_secrets_are_written_again_when_somebody_says_so(connection, organization, monkeypatch):
    monkeypatch.setenv("ROPEWAY_SECRET_ACCESS_KEY", "hush-wrong")
    connection(*KEYS)
    monkeypatch.setenv("ROPEWAY_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY)
    assert "secrets: written again" in connection(*KEYS, "--replace-secrets").out
    assert only(organization)["authorization"]["parameters"]["password"] == SECRET_ACCESS_KEY


@pytest.mark.parametrize("before", ["nothing", "another session"])
def test_no_connection_is_left_without_its_secret(connection, organization, monkeypatch, before):
    """Azure DevOps gives no secret back, so a change would lose it."""
    if before != "nothing":
        monkeypatch.setenv("ROPEWAY_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY)
        connection(*KEYS)
        monkeypatch.delenv("ROPEWAY_SECRET_ACCESS_KEY")
    written = list(organization.written)
    answer = connection(*KEYS, "--role-session-name", "other")
    assert (answer.code, organization.written) == (2, written)
    assert "the secret access key is needed. Next: Put it into ROPEWAY_SECRET_ACCESS_KEY" in " ".join(
        answer.err.split()
    )


def test_an_external_id_is_not_lost_with_a_change_either(connection, organization, monkeypatch):
    monkeypatch.setenv("ROPEWAY_EXTERNAL_ID", EXTERNAL_ID)
    connection("--assume-role-arn", ROLE)
    monkeypatch.delenv("ROPEWAY_EXTERNAL_ID")
    answer = connection("--assume-role-arn", ROLE, "--duration-seconds", "900")
    assert answer.code == 2
    assert "may have an external ID" in answer.err
    assert connection("--assume-role-arn", ROLE, "--duration-seconds", "900", "--replace-secrets").code == 0


# --- who may use it -----------------------------------------------------------------------------------------------------------


def test_one_pipeline_may_use_it_or_all_of_them(connection, organization):
    organization.definitions |= {number: _pipeline(number, name) for number, name in ((4, "site"), (5, "other"))}
    assert connection(*OIDC, "--pipelines", "site").code == 0
    id = only(organization)["id"]
    assert (organization.lets(4, "endpoint", id), organization.lets(5, "endpoint", id)) == (True, False)
    written = list(organization.written)
    assert connection(*OIDC, "--pipelines", "site").code == 0
    assert organization.written == written
    assert "all pipelines may use it" in connection(*OIDC, "--all-pipelines").out
    assert organization.lets(5, "endpoint", id)
    written = list(organization.written)
    assert connection(*OIDC, "--all-pipelines").code == 0
    assert organization.written == written


def test_a_pipeline_that_is_not_there_is_told_before_anything_is_made(connection, organization):
    answer = connection(*OIDC, "--pipelines", "sight")
    assert (answer.code, organization.written) == (2, [])
    assert "There is no pipeline sight in Shop." in answer.err


def _pipeline(number, name):
    return {"id": number, "name": name, "queueStatus": "enabled", "process": {"type": 2, "yamlFilename": "a.yml"}}


# --- the extension ------------------------------------------------------------------------------------------------------------


def test_the_extension_is_installed_when_somebody_says_so(connection, organization):
    organization.installed.clear()
    refused = connection(*OIDC)
    assert (refused.code, organization.written) == (2, [])
    assert "The extension ropeway.ropeway is not installed in contoso. Next: Give --install-extension" in " ".join(
        refused.err.split()
    )
    answer = connection(*OIDC, "--install-extension")
    assert answer.code == 0, answer.err
    assert organization.written == ["POST InstalledExtensionsByName", "POST endpoints"]
    assert connection(*OIDC, "--install-extension").code == 0
    assert len(organization.written) == 2


def test_one_that_is_not_to_be_had_is_told(connection, organization):
    organization.installed.clear()
    organization.marketplace.clear()
    answer = connection(*OIDC, "--install-extension")
    assert answer.code == 1
    assert "Could not install the extension ropeway.ropeway: Azure DevOps answered: The extension" in answer.err
    assert organization.written == []


def test_one_that_is_disabled_is_told(connection, organization):
    organization.installed["ropeway.ropeway"]["installState"]["flags"] = "disabled"
    answer = connection(*OIDC)
    assert answer.code == 2
    assert "there is no connection type RopewayAWS" in answer.err


# --- refusals -----------------------------------------------------------------------------------------------------------------


def test_one_of_another_type_is_never_changed(connection, organization):
    connection(*OIDC)
    only(organization)["type"] = "AWS"
    written = list(organization.written)
    answer = connection(*OIDC)
    assert (answer.code, organization.written) == (2, written)
    assert "There is a service connection aws of the type AWS, which Ropeway has not made." in answer.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "There is no identity: give --assume-role-arn, or --access-key-id, or both."),
        (("--use-oidc",), "--use-oidc needs --assume-role-arn"),
        ((*OIDC, *KEYS), "--use-oidc and --access-key-id are both given"),
        (("--assume-role-arn", "deploy"), "write it as arn:…:iam::111122223333:role/deploy"),
        ((*OIDC, "--duration-seconds", "60"), "it must be from 900 to 43200"),
        ((*OIDC, "--allowed-account-ids", "12"), "which is no account id (12 digits)"),
        ((*OIDC, "--pipelines", "a", "--all-pipelines"), "keep one of the two"),
        ((*OIDC, "--extension", "ropeway"), "write it as publisher.name"),
    ],
    ids=["nobody", "no role", "both", "no ARN", "short", "account", "whom", "extension"],
)
def test_what_cannot_be_meant_is_refused(connection, organization, arguments, said):
    answer = connection(*arguments)
    assert (answer.code, organization.before) == (2, [])
    assert said in answer.err


def test_no_token_is_told_with_the_ways_to_give_one(connection, monkeypatch):
    monkeypatch.delenv("AZURE_DEVOPS_EXT_PAT")
    answer = connection(*OIDC)
    assert answer.code == 1
    assert "There is no token for Azure DevOps." in answer.err
    assert "AZURE_DEVOPS_EXT_PAT" in answer.err
    assert "--ask-token" in answer.err


def test_a_token_that_is_not_accepted_is_told_with_where_it_came_from(connection, monkeypatch):
    monkeypatch.setenv("AZURE_DEVOPS_EXT_PAT", "hush-another-token")
    answer = connection(*OIDC)
    assert answer.code == 1
    assert "did not accept the token from the environment variable AZURE_DEVOPS_EXT_PAT" in answer.err


def test_a_project_that_is_not_there_is_told(ropeway, organization):
    where = ("--organization", organization.url, "--project", "Shoppe", "--connection-name", "aws")
    answer = ropeway("setup", "connection", *where, *OIDC)
    assert answer.code == 1
    assert "TF200016: The following project does not exist: Shoppe" in answer.err
    assert "Check the name of the project" in answer.err


def test_what_the_owner_of_the_token_may_not_do_is_told(connection, organization):
    organization.may_not.add("POST endpoints")
    answer = connection(*OIDC)
    assert answer.code == 1
    assert "Could not make the service connection aws: Azure DevOps answered: Access denied" in answer.err
    assert "The owner of the token may not do this" in answer.err
