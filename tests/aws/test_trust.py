"""Whom the clients trust: the usual authorities, the environment's, the agent's own, or anybody."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme
from botocore.exceptions import SSLError

from ropeway.aws.connection import Network
from ropeway.aws.session import Aws, connect
from ropeway.errors import LocalFileError
from tests.aws.asked import KEYS, connection, inputs, list_bucket
from tests.aws.tls import TlsStore, tls_store


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def tls(authority: trustme.CA) -> Iterator[TlsStore]:
    with tls_store(authority.issue_cert("127.0.0.1")) as running:
        yield running


@pytest.fixture
def pem(authority: trustme.CA, tmp_path: Path) -> str:
    path = tmp_path / "own.pem"
    authority.cert_pem.write_to_path(path)
    return str(path)


def trusting(store: TlsStore, network: Network) -> Aws:
    return connect(inputs(endpoint_url=store.url), connection(**KEYS), network=network)


def test_an_unknown_authority_is_not_trusted(tls: TlsStore) -> None:
    with pytest.raises(SSLError):
        trusting(tls, Network()).client("s3").list_objects_v2(Bucket="bucket")
    assert (tls.handshakes, tls.asked) == (1, 0)


def test_an_authority_of_the_agent_is_trusted(tls: TlsStore, pem: str) -> None:
    list_bucket(trusting(tls, Network(ca_file=pem)))
    assert tls.asked == 1


@pytest.mark.parametrize("name", ["AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE"])
def test_the_authorities_of_the_environment_are_trusted(
    name: str, tls: TlsStore, pem: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, pem)
    list_bucket(trusting(tls, Network()))
    assert tls.asked == 1


@pytest.mark.parametrize("name", ["AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE"])
def test_an_authority_of_the_agent_is_trusted_beside_the_others(
    name: str, tls: TlsStore, pem: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other.pem"
    trustme.CA().cert_pem.write_to_path(other)
    monkeypatch.setenv(name, pem)
    list_bucket(trusting(tls, Network(ca_file=str(other))))
    assert tls.asked == 1


def test_an_agent_that_verifies_nothing_trusts_anybody_and_no_library_warns_of_it(tls: TlsStore) -> None:
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        list_bucket(trusting(tls, Network(verify=False)))
    assert tls.asked == 1
    assert [str(warning.message) for warning in told] == []


@pytest.mark.parametrize("setting", ["the agent's", "AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE"])
@pytest.mark.parametrize(
    ("holds", "told"),
    [
        (None, r"Could not read the CA file .*given.pem: No such file or directory\."),
        ("hello", r"The CA file .*given.pem holds no certificate in PEM form \(\w+\)\."),
    ],
)
def test_a_ca_file_that_is_absent_or_no_certificate_is_named(
    setting: str, holds: str | None, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "given.pem"
    if holds:
        path.write_text(holds)
    if setting != "the agent's":
        monkeypatch.setenv(setting, str(path))
    network = Network(ca_file=str(path) if setting == "the agent's" else "")
    with pytest.raises(LocalFileError, match=told):
        connect(inputs(), connection(**KEYS), network=network)
