"""An `Aws` that is connected when it is first asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from ropeway.aws.connection import AwsInputs, Connection, Network
from ropeway.aws.session import connect, connect_later
from ropeway.errors import InputError
from tests.secrecy import SECRET_ACCESS_KEY

KEYS = Connection("keys of the test", "AKIDEXAMPLE", SECRET_ACCESS_KEY)


def test_nothing_is_missing_until_aws_is_asked():
    later = connect_later(AwsInputs(), KEYS)
    with pytest.raises(InputError, match="region"):
        later.client("s3")
    with pytest.raises(InputError, match="region"):
        _ = later.region


def test_then_it_is_what_connect_makes():
    inputs = AwsInputs(region_name="eu-west-1")
    later, at_once = connect_later(inputs, KEYS), connect(inputs, KEYS)

    assert (later.region, later.origin()) == (at_once.region, at_once.origin())
    assert later.s3("bucket").url == at_once.s3("bucket").url
    assert later.client("elbv2").meta.endpoint_url == at_once.client("elbv2").meta.endpoint_url


def test_it_is_connected_once():
    later = connect_later(AwsInputs(region_name="eu-west-1"), KEYS)
    assert later.client("s3") is later.client("s3")


def test_the_way_to_other_servers_needs_neither_region_nor_identity():
    network = Network(proxy_url="http://proxy.example:3128", bypass=(r"near\.example",))
    later = connect_later(AwsInputs(), None, network=network)

    assert later.way("https://far.example/").proxy_url == "http://proxy.example:3128"
    assert later.way("https://near.example/").proxy_url == ""


def test_who_is_trusted_is_the_same(certificate_authority):
    network = Network(ca_file=str(certificate_authority))
    inputs = AwsInputs(region_name="eu-west-1")
    joined = connect_later(inputs, KEYS, network=network).way("https://a.example/").ca_file

    assert joined
    assert Path(str(joined)).read_bytes().endswith(certificate_authority.read_bytes())
    assert connect_later(inputs, KEYS, network=Network(verify=False)).way("https://a.example/").ca_file is False
