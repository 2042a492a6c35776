"""A deploy to many instances asks AWS for all of them at once, going and coming back: the bench of docs/ec2-proofs.md, scaled down."""

import json

import pytest
from bench.ec2_fleet import Fleet, rounds

from tests.servers.misbehaving import Request
from tests.servers.ssm_between import ssm_between

MANY = 60
"""More than fit into one command."""


@pytest.fixture
def fleet(embedded, tmp_path):
    with ssm_between(embedded.endpoint_url) as between:
        yield Fleet(embedded, between, tmp_path, MANY, slowest=0.3)


def test_no_request_is_made_for_a_single_instance_neither_forward_nor_back(fleet):
    hosts = fleet.stand_in.hosts
    first = fleet.deploy("v1")
    assert (first.result, {host.live for host in hosts.values()}) == ("healthy", {"v1"})

    hosts[max(hosts)].breaks = "v2"
    second = fleet.deploy("v2")

    assert (second.result, second.code) == ("rolledBack", 1)
    assert [(host.live, host.states["v2"]) for host in hosts.values()] == [("v1", "rolledBack")] * MANY
    for one, looks in ((first, 2), (second, 1)):  # once more where it went well: who has come meanwhile
        assert max(one.rounds) == 2, "one call for each command of 50"
        asked = one.requests
        assert asked["DescribeInstances"] == looks
        assert asked["DescribeInstanceStatus"] == 1
        assert asked["DescribeInstanceInformation"] == 2
        assert asked.total() - asked["ListCommandInvocations"] < MANY


# --- how it counts --------------------------------------------------------------------------------------------------------------


def ssm(name, **body):
    return Request("POST", "/", {"x-amz-target": f"AmazonSSM.{name}"}, json.dumps(body).encode())


def listed(command, **more):
    return ssm("ListCommandInvocations", CommandId=command, **more)


SENT = ssm("SendCommand", InstanceIds=["i-1"])
GOT = ssm("GetCommandInvocation", CommandId="a", InstanceId="i-1")
OTHER = Request("GET", "/bucket/key", {}, b"")


@pytest.mark.parametrize(
    ("requests", "calls"),
    [
        ([OTHER, SENT, OTHER], []),
        ([SENT, SENT, listed("a"), listed("b"), listed("a"), listed("b"), listed("b")], [2, 2, 1]),
        ([SENT, listed("a"), listed("a", NextToken="50"), listed("b"), listed("a")], [3, 1]),
        ([SENT, listed("a"), GOT, GOT, GOT, OTHER, listed("a")], [4, 1]),
        ([SENT, listed("a"), SENT, listed("b"), listed("b")], [1, 1, 1]),
    ],
    ids=["none", "one after the other", "in pages", "each instance by itself", "the next script"],
)
def test_a_round_ends_where_a_command_is_asked_for_again_or_the_next_is_sent(requests, calls):
    assert list(rounds(requests)) == calls
