"""Who signs: each request is read at a real server, by the access key in its Authorization header."""

from __future__ import annotations

import datetime as dt
import json
import os
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ropeway.aws.connection import Connection
from ropeway.aws.keys import shown
from ropeway.aws.session import Aws, connect
from ropeway.errors import AwsError, CredentialsError
from ropeway.wire.sigv4 import Credentials
from tests.aws.asked import (
    KEYS,
    ROLE,
    asked_of_sts,
    assumed,
    caller,
    connection,
    inputs,
    list_bucket,
    renewed_aside,
    signers,
    sts_error,
)
from tests.servers.misbehaving import Answer, Misbehaving

HOST_KEYS = {"AWS_ACCESS_KEY_ID": "AKIAHOSTHOSTHOST0001", "AWS_SECRET_ACCESS_KEY": "host/hush/secret"}


@pytest.fixture
def on_host(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in HOST_KEYS.items():
        monkeypatch.setenv(name, value)


def session(store: Misbehaving, given: Connection | None) -> Aws:
    return connect(inputs(endpoint_url=store.url), given)


def pass_time(aws: Any, seconds: int) -> None:
    now = dt.datetime.now(dt.timezone.utc) + dt.timedelta(seconds=seconds)
    aws._session.get_credentials()._time_fetcher = lambda: now


def origin(store: Misbehaving, given: Connection | None) -> str:
    store.on(caller("111122223333"), method="POST")
    return session(store, given).identity().origin


# --- keys ----------------------------------------------------------------------------------------------------------------


def test_the_keys_of_a_connection_sign_and_not_the_hosts(store: Misbehaving, on_host: None) -> None:
    list_bucket(session(store, connection(**KEYS)))
    assert signers(store) == [KEYS["access_key_id"]]


def test_a_session_token_travels_with_its_keys(store: Misbehaving) -> None:
    list_bucket(
        session(store, connection(access_key_id="ASIATEMPORARY0000001", secret_access_key="s", session_token="tok"))
    )
    assert signers(store) == ["ASIATEMPORARY0000001"]
    assert store.requests[0].headers["x-amz-security-token"] == "tok"


def test_the_keys_of_a_connection_are_named_by_their_ends(store: Misbehaving) -> None:
    assert origin(store, connection(**KEYS)) == "service connection 'prod' (access key AKIA…0001)"
    assert shown("SHORT") == "…"


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({}, "it holds neither an access key nor a role"),
        ({"access_key_id": KEYS["access_key_id"]}, "the access key AKIA…0001 without its secret access key"),
        ({"secret_access_key": "s"}, "a secret access key without the access key id"),
        ({"secret_access_key": "s", "role_arn": ROLE}, "a secret access key without the access key id"),
        ({"session_token": "t", "role_arn": ROLE}, "it holds a session token without an access key"),
        ({"access_key_id": "ASIATEMPORARY0000001", "secret_access_key": "s"}, "ASIA…0001 is a temporary one and needs its session"),
        ({**KEYS, "session_token": "two\nlines"}, "its session token holds a space, a line break or another character"),
        ({**KEYS, "secret_access_key": "a b"}, "its secret access key holds a space"),
        ({**KEYS, "duration_seconds": 899}, "its session duration is 899 seconds, and must lie between 900 and 43200"),
        ({**KEYS, "duration_seconds": 43_201}, "its session duration is 43201 seconds"),
        ({"role_arn": "deploy"}, "its role is 'deploy', which is no role's ARN (arn:PARTITION:iam::ACCOUNT:role/NAME)"),
        ({"role_arn": ROLE, "role_session_name": "a b"}, "its role session name is 'a b': 2 to 64 letters"),
        ({**KEYS, "external_id": "ext"}, "it holds an external id and names no role to assume: name the role"),
        ({"external_id": "ext", "role_session_name": "me"}, "prod': it holds an external id and names no role to assume"),
        ({"role_arn": ROLE, "external_id": "a b"}, "its external id holds a character that AWS does not take"),
    ],
)  # fmt: skip
def test_a_connection_that_cannot_work_is_refused_at_once_and_named(
    store: Misbehaving, on_host: None, given: dict[str, Any], problem: str
) -> None:
    with pytest.raises(CredentialsError) as refused:
        session(store, connection(**given))
    assert refused.value.message.startswith("Could not use service connection 'prod': ")
    assert problem in refused.value.message
    assert store.requests == []


def test_no_secret_of_a_connection_is_in_the_refusal(store: Misbehaving) -> None:
    with pytest.raises(CredentialsError) as refused:
        session(
            store, connection(secret_access_key="hush 1", session_token="hush 2", external_id="hush 3", role_arn=ROLE)
        )
    assert "hush" not in str(refused.value)


def test_all_that_is_wrong_with_a_connection_is_said_at_once(store: Misbehaving) -> None:
    with pytest.raises(CredentialsError) as refused:
        session(store, connection(access_key_id=KEYS["access_key_id"], duration_seconds=1))
    assert "without its secret access key; its session duration is 1 seconds" in refused.value.message


PARTITIONS = [("aws", "eu-west-1"), ("aws-cn", "cn-north-1"), ("aws-us-gov", "us-gov-west-1")]


@pytest.mark.parametrize(("partition", "region"), PARTITIONS)
def test_roles_of_every_partition_are_taken(store: Misbehaving, partition: str, region: str) -> None:
    store.on(assumed("ASIAROLE000000000001"), method="POST")
    role = ROLE.replace(":aws:", f":{partition}:")
    list_bucket(connect(inputs(endpoint_url=store.url, region_name=region), connection(**KEYS, role_arn=role)))
    assert [asked["RoleArn"] for asked in asked_of_sts(store)] == [role]


def test_a_role_of_another_partition_than_the_regions_is_refused_at_once(store: Misbehaving, on_host: None) -> None:
    role = ROLE.replace(":aws:", ":aws-cn:")
    with pytest.raises(CredentialsError) as refused:
        session(store, connection(**KEYS, role_arn=role))
    assert refused.value.message == (
        f"Could not use service connection 'prod': its role is of the partition aws-cn ({role}), and the region eu-west-1 lies in aws."
    )
    assert store.requests == []


def test_a_region_of_a_stores_own_is_of_no_partition(store: Misbehaving) -> None:
    store.on(assumed("ASIAROLE000000000001"), method="POST")
    list_bucket(connect(inputs(endpoint_url=store.url, region_name="garage"), connection(**KEYS, role_arn=ROLE)))
    assert signers(store) == ["ASIAROLE000000000001"]


# --- roles ---------------------------------------------------------------------------------------------------------------


def test_a_role_is_assumed_by_the_connections_keys_as_the_connection_says(store: Misbehaving, on_host: None) -> None:
    store.on(assumed("ASIAROLE000000000001"), method="POST")
    given = connection(**KEYS, role_arn=ROLE, external_id="ext-1", role_session_name="release-7", duration_seconds=1800)
    list_bucket(session(store, given))
    [asked] = asked_of_sts(store)
    assert asked["signer"] == KEYS["access_key_id"]
    assert asked["Action"] == "AssumeRole"
    assert (asked["RoleArn"], asked["ExternalId"]) == (ROLE, "ext-1")
    assert (asked["RoleSessionName"], asked["DurationSeconds"]) == ("release-7", "1800")
    assert signers(store) == ["ASIAROLE000000000001"]


def test_a_role_session_is_called_ropeway_and_has_no_external_id_unless_told(store: Misbehaving) -> None:
    store.on(assumed("ASIAROLE000000000001"), method="POST")
    list_bucket(session(store, connection(**KEYS, role_arn=ROLE)))
    [asked] = asked_of_sts(store)
    assert (asked["RoleSessionName"], asked["DurationSeconds"]) == ("ropeway", "3600")
    assert "ExternalId" not in asked


def test_a_role_without_keys_is_assumed_by_the_host(store: Misbehaving, on_host: None) -> None:
    store.on(assumed("ASIAROLE000000000001"), method="POST")
    list_bucket(session(store, connection(role_arn=ROLE, external_id="ext-1")))
    [asked] = asked_of_sts(store)
    assert asked["signer"] == HOST_KEYS["AWS_ACCESS_KEY_ID"]
    assert asked["ExternalId"] == "ext-1"
    assert signers(store) == ["ASIAROLE000000000001"]


def test_a_role_without_keys_on_a_host_without_credentials_is_an_error(store: Misbehaving) -> None:
    with pytest.raises(
        CredentialsError, match="the role of service connection 'prod': it holds no access key, and this machine has no"
    ):
        session(store, connection(role_arn=ROLE)).client("s3")


def test_no_role_is_assumed_before_a_client_is_wanted(store: Misbehaving) -> None:
    aws = session(store, connection(**KEYS, role_arn=ROLE))
    assert store.requests == []
    store.on(assumed("ASIAROLE000000000001"), method="POST")
    aws.client("s3")
    assert len(store.requests) == 1


def test_a_role_and_who_assumed_it_are_told(store: Misbehaving, on_host: None) -> None:
    store.on(assumed("ASIAROLE000000000001"), method="POST", times=1)
    assert origin(store, connection(**KEYS, role_arn=ROLE)) == (
        f"role {ROLE}, assumed with service connection 'prod' (access key AKIA…0001)"
    )


def test_a_role_of_the_host_names_connection_and_host(store: Misbehaving, on_host: None) -> None:
    store.on(assumed("ASIAROLE000000000001"), method="POST", times=1)
    assert origin(store, connection(role_arn=ROLE)) == (
        f"role {ROLE} of service connection 'prod', assumed with the host: environment variables (access key AKIA…0001)"
    )


def test_keys_that_run_out_are_renewed_while_the_task_runs(store: Misbehaving) -> None:
    store.on(assumed("ASIAFIRST00000000001"), method="POST", times=1)
    store.on(assumed("ASIASECOND0000000001", seconds=7200), method="POST")
    aws = session(store, connection(**KEYS, role_arn=ROLE))
    list_bucket(aws)
    pass_time(aws, 3500)
    list_bucket(aws)
    list_bucket(aws)
    assert signers(store) == ["ASIAFIRST00000000001", "ASIASECOND0000000001", "ASIASECOND0000000001"]
    assert store.requests[-1].headers["x-amz-security-token"] == "hush-token-of-ASIASECOND0000000001"
    assert [asked["signer"] for asked in asked_of_sts(store)] == [KEYS["access_key_id"]] * 2


def test_a_signer_of_our_own_is_given_the_renewed_keys(store: Misbehaving) -> None:
    store.on(assumed("ASIAFIRST00000000001"), method="POST", times=1)
    store.on(assumed("ASIASECOND0000000001", seconds=7200), method="POST", times=1)
    store.on(sts_error(403, "AccessDenied", "not authorized to perform: sts:AssumeRole"), method="POST")
    aws = session(store, connection(**KEYS, role_arn=ROLE))
    provide = aws.s3("bucket").credentials
    assert provide() is provide()
    assert provide() == Credentials("ASIAFIRST00000000001", "s", "hush-token-of-ASIAFIRST00000000001")
    pass_time(aws, 3500)
    assert provide().access_key == "ASIASECOND0000000001"
    pass_time(aws, 7200)
    with pytest.raises(CredentialsError, match=f"Could not assume role {ROLE} with service connection 'prod'"):
        provide()


def test_a_session_that_aws_calls_expired_is_renewed_before_its_time(store: Misbehaving) -> None:
    store.on(assumed("ASIAFIRST00000000001"), method="POST", times=1)
    store.on(assumed("ASIASECOND0000000001"), method="POST")
    address = session(store, connection(**KEYS, role_arn=ROLE)).s3("bucket")
    first = address.credentials()
    address.renew()
    second = address.credentials()
    assert (first.access_key, second.access_key) == ("ASIAFIRST00000000001", "ASIASECOND0000000001")
    assert address.credentials() is second
    assert len(asked_of_sts(store)) == 2


def test_keys_that_no_session_holds_cannot_be_renewed(store: Misbehaving, on_host: None) -> None:
    address = session(store, None).s3("bucket")
    kept = address.credentials()
    address.renew()
    assert address.credentials() is kept


def test_keys_that_come_almost_worn_out_are_renewed_before_the_first_request(store: Misbehaving) -> None:
    store.on(assumed("ASIAFIRST00000000001", seconds=60), method="POST", times=1)
    store.on(assumed("ASIASECOND0000000001"), method="POST")
    list_bucket(session(store, connection(**KEYS, role_arn=ROLE)))
    assert signers(store) == ["ASIASECOND0000000001"]


def test_the_shortest_session_is_not_renewed_for_every_request(store: Misbehaving) -> None:
    store.on(assumed("ASIAROLE000000000001", seconds=900), method="POST")
    aws = session(store, connection(**KEYS, role_arn=ROLE, duration_seconds=900))
    for _ in range(5):
        list_bucket(aws)
    assert len(asked_of_sts(store)) == 1


def test_a_renewal_that_fails_is_not_tried_with_every_request_while_the_session_still_does(store: Misbehaving) -> None:
    store.on(assumed("ASIAFIRST00000000001"), method="POST", times=1)
    store.on(sts_error(403, "AccessDenied", "not authorized to perform: sts:AssumeRole"), method="POST", times=2)
    store.on(assumed("ASIASECOND0000000001", seconds=7200), method="POST")
    aws = session(store, connection(**KEYS, role_arn=ROLE))
    provide = aws.s3("bucket").credentials
    provide()
    pass_time(aws, 2800)
    for _ in range(20):
        assert provide().access_key == "ASIAFIRST00000000001"
        renewed_aside()
    assert len(asked_of_sts(store)) == 2
    pass_time(aws, 3500)  # now it has to be: nobody waits, and what STS says counts
    with pytest.raises(CredentialsError, match=f"Could not assume role {ROLE} with service connection 'prod'"):
        provide()
    assert provide().access_key == "ASIASECOND0000000001"


def test_nobody_waits_for_a_renewal_whose_keys_are_still_good(store: Misbehaving) -> None:
    store.on(assumed("ASIAFIRST00000000001"), method="POST", times=1)
    store.on(replace(assumed("ASIASECOND0000000001", seconds=7200), delay=2), method="POST")
    aws = session(store, connection(**KEYS, role_arn=ROLE))
    provide = aws.s3("bucket").credentials
    provide()
    pass_time(aws, 2800)
    began = time.monotonic()
    assert {provide().access_key for _ in range(20)} == {"ASIAFIRST00000000001"}
    assert time.monotonic() - began < 1
    renewed_aside()
    assert provide().access_key == "ASIASECOND0000000001"
    assert len(asked_of_sts(store)) == 2


def test_who_must_have_new_keys_waits_for_the_renewal_that_is_under_way(store: Misbehaving) -> None:
    store.on(assumed("ASIAFIRST00000000001"), method="POST", times=1)
    store.on(replace(assumed("ASIASECOND0000000001", seconds=7200), delay=1), method="POST")
    aws = session(store, connection(**KEYS, role_arn=ROLE))
    provide = aws.s3("bucket").credentials
    provide()
    pass_time(aws, 2800)
    assert provide().access_key == "ASIAFIRST00000000001"
    while len(asked_of_sts(store)) < 2:
        time.sleep(0.01)
    pass_time(aws, 3500)
    assert provide().access_key == "ASIASECOND0000000001"
    assert len(asked_of_sts(store)) == 2


def test_a_role_that_can_no_longer_be_assumed_in_the_middle_of_a_task_is_told_as_that(store: Misbehaving) -> None:
    store.on(assumed("ASIAFIRST00000000001"), method="POST", times=1)
    store.on(sts_error(403, "AccessDenied", "not authorized to perform: sts:AssumeRole"), method="POST")
    aws = session(store, connection(**KEYS, role_arn=ROLE))
    list_bucket(aws)
    pass_time(aws, 3500)
    with pytest.raises(CredentialsError, match=f"Could not assume role {ROLE} with service connection 'prod'"):
        list_bucket(aws)


def test_an_sts_at_fault_is_not_blamed_on_the_role(store: Misbehaving, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    store.on(sts_error(503, "ServiceUnavailable", "The service is unavailable."), method="POST")
    with pytest.raises(AwsError, match="AWS answered ServiceUnavailable") as down:
        session(store, connection(**KEYS, role_arn=ROLE)).client("s3")
    assert down.value.advice == "The fault is at the other end: run again later."


def test_a_denied_role_says_what_its_trust_policy_needs(store: Misbehaving) -> None:
    store.on(sts_error(403, "AccessDenied", "User: u is not authorized to perform: sts:AssumeRole"), method="POST")
    with pytest.raises(CredentialsError) as denied:
        session(store, connection(**KEYS, role_arn=ROLE)).client("s3")
    assert denied.value.message == (
        f"Could not assume role {ROLE} with service connection 'prod' (access key AKIA…0001): AWS answered AccessDenied: "
        "User: u is not authorized to perform: sts:AssumeRole (request id STS42)."
    )
    assert "trust policy must name this identity (and ask for the external id" in denied.value.advice


def test_a_duration_that_the_role_does_not_permit_is_an_error_in_sts_words(store: Misbehaving) -> None:
    words = "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
    store.on(sts_error(400, "ValidationError", words), method="POST")
    with pytest.raises(
        CredentialsError, match="AWS answered ValidationError: The requested DurationSeconds exceeds"
    ) as wrong:
        session(store, connection(**KEYS, role_arn=ROLE, duration_seconds=43_200)).client("s3")
    assert "the role must permit the duration" in wrong.value.advice


def test_a_session_that_is_over_when_it_comes_is_told(store: Misbehaving) -> None:
    store.on(assumed("ASIAROLE000000000001", seconds=-5), method="POST")
    with pytest.raises(
        CredentialsError, match=rf"The session of role {ROLE} was over when it came: it ended at .*, and was sent at"
    ):
        session(store, connection(**KEYS, role_arn=ROLE)).client("s3")


# --- the host's own chain ------------------------------------------------------------------------------------------------


def test_without_a_connection_the_environment_of_the_host_counts(store: Misbehaving, on_host: None) -> None:
    list_bucket(session(store, None))
    assert signers(store) == [HOST_KEYS["AWS_ACCESS_KEY_ID"]]
    assert origin(store, None) == "the host: environment variables (access key AKIA…0001)"


def test_without_a_connection_a_profile_of_the_host_counts(store: Misbehaving, monkeypatch: pytest.MonkeyPatch) -> None:
    Path(os.environ["AWS_SHARED_CREDENTIALS_FILE"]).write_text(
        "[work]\naws_access_key_id=AKIAFILEFILEFILE0002\naws_secret_access_key=s\n"
    )
    monkeypatch.setenv("AWS_PROFILE", "work")
    list_bucket(session(store, None))
    assert signers(store) == ["AKIAFILEFILEFILE0002"]
    assert origin(store, None) == "the host: shared credentials file, profile work (access key AKIA…0002)"


def test_a_profile_that_is_named_beats_every_identity_of_the_environment(
    store: Misbehaving, on_host: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    Path(os.environ["AWS_SHARED_CREDENTIALS_FILE"]).write_text(
        "[work]\naws_access_key_id=AKIAFILEFILEFILE0002\naws_secret_access_key=s\n"
    )
    (tmp_path / "token").write_text("a.pods.token")
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(tmp_path / "token"))
    monkeypatch.setenv("AWS_ROLE_ARN", ROLE)
    monkeypatch.setenv("AWS_PROFILE", "other")
    aws = connect(inputs(endpoint_url=store.url), None, profile="work")
    list_bucket(aws)
    assert signers(store) == ["AKIAFILEFILEFILE0002"]
    assert asked_of_sts(store) == []
    assert aws.origin() == "the host: shared credentials file, profile work (access key AKIA…0002)"


def test_a_profile_that_is_named_may_still_assume_its_role_with_the_environments_keys(
    store: Misbehaving, on_host: None
) -> None:
    store.on(assumed("ASIAPROFILE000000001"), method="POST")
    Path(os.environ["AWS_CONFIG_FILE"]).write_text(f"[profile work]\nrole_arn={ROLE}\ncredential_source=Environment\n")
    list_bucket(connect(inputs(endpoint_url=store.url), None, profile="work"))
    assert [asked["signer"] for asked in asked_of_sts(store)] == [HOST_KEYS["AWS_ACCESS_KEY_ID"]]
    assert signers(store) == ["ASIAPROFILE000000001"]


def test_without_a_connection_a_role_of_a_profile_is_assumed_and_told_without_a_key_that_will_change(
    store: Misbehaving, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.on(assumed("ASIAPROFILE000000001"), method="POST", times=1)
    Path(os.environ["AWS_CONFIG_FILE"]).write_text(
        "[profile base]\naws_access_key_id=AKIABASEBASEBASE0001\naws_secret_access_key=s\n"
        f"[profile work]\nrole_arn={ROLE}\nsource_profile=base\n"
    )
    monkeypatch.setenv("AWS_PROFILE", "work")
    assert origin(store, None) == "the host: a role that profile work assumes"
    assert [asked["signer"] for asked in asked_of_sts(store)] == ["AKIABASEBASEBASE0001", "ASIAPROFILE000000001"]


def test_without_a_connection_a_credential_process_of_the_host_counts(store: Misbehaving, tmp_path: Path) -> None:
    script = tmp_path / "keys.py"
    keys = {"Version": 1, "AccessKeyId": "AKIAPROCESSPROCESS03", "SecretAccessKey": "s"}
    script.write_text(f"print({json.dumps(json.dumps(keys))})")
    Path(os.environ["AWS_CONFIG_FILE"]).write_text(f"[default]\ncredential_process={sys.executable} {script}\n")
    list_bucket(session(store, None))
    assert signers(store) == ["AKIAPROCESSPROCESS03"]
    assert origin(store, None).startswith("the host: credential process of profile default")


def test_without_a_connection_the_role_of_an_instance_counts(store: Misbehaving, imds: Misbehaving) -> None:
    until = f"{dt.datetime.now(dt.timezone.utc) + dt.timedelta(hours=6):%Y-%m-%dT%H:%M:%SZ}"
    keys = {"Code": "Success", "AccessKeyId": "ASIAINSTANCE00000001", "SecretAccessKey": "s", "Token": "t"}
    imds.on(Answer(200, body=json.dumps({**keys, "Expiration": until}).encode()), target="security-credentials/web$")
    imds.on(Answer(200, body=b"web"), target="/latest/meta-data/iam/security-credentials/$")
    list_bucket(session(store, None))
    assert signers(store) == ["ASIAINSTANCE00000001"]
    assert origin(store, None) == "the host: EC2 instance role"


def test_without_a_connection_and_without_credentials_it_says_what_to_give(store: Misbehaving) -> None:
    aws = session(store, None)
    with pytest.raises(CredentialsError) as none:
        aws.client("s3")
    assert str(none.value).startswith(
        "There are no AWS credentials. In a pipeline, give a service connection or the variables"
    )


def test_half_a_key_pair_in_the_environment_names_the_missing_half(
    store: Misbehaving, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAHOSTHOSTHOST0001")
    with pytest.raises(CredentialsError, match="Partial credentials found in env, missing: AWS_SECRET_ACCESS_KEY"):
        session(store, None).client("s3")


def test_a_profile_that_does_not_exist_is_an_error_even_with_a_connection(
    store: Misbehaving, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "gone")
    with pytest.raises(CredentialsError, match=r"The config profile \(gone\) could not be found\. Check its name"):
        session(store, connection(**KEYS))


def test_a_credential_process_that_fails_is_an_error_and_not_passed_over(store: Misbehaving, imds: Misbehaving) -> None:
    Path(os.environ["AWS_CONFIG_FILE"]).write_text("[default]\ncredential_process=false\n")
    with pytest.raises(CredentialsError, match="Error when retrieving credentials from custom-process"):
        session(store, None).client("s3")
    assert imds.requests == []
