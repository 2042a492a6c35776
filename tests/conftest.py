"""What every test stands on: an environment without a trace of this machine, and real servers on 127.0.0.1.

aws environment    nothing of AWS, a pipeline or a proxy leaks in; HOME is a folder of the test (for every test)
embedded           the embedded AWS of this worker        s3, bucket             a client of it, a fresh bucket in it
                                                           acl_bucket             one that takes ACLs, public ones too
embedded_tls       the same over https                    certificate_authority  the file with the authority to trust
seaweed            a real, strict S3, one for the run     seaweed_s3, seaweed_bucket
misbehaving        a server that answers what it is told
extension          the built .vsix
"""

from __future__ import annotations

import dataclasses
import os
import shutil
import ssl
import tempfile
import uuid
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import boto3
import botocore.session
import pytest
import trustme
from botocore.config import Config
from hypothesis import HealthCheck, settings

from ropeway.aws.connection import Connection
from ropeway.local.embedded import EmbeddedAws
from ropeway.local.instances.fleet import FLEET
from ropeway.local.server import embedded as embedded_aws
from tests import leaks
from tests.secrecy import SECRET_ACCESS_KEY
from tests.servers.misbehaving import Misbehaving, misbehaving_server
from tests.servers.seaweed import Seaweed
from tests.servers.seaweed import seaweed as seaweed_server

botocore.session.create_loader = lru_cache(botocore.session.create_loader)  # type: ignore[attr-defined]
"""Sessions share what they read: EC2's model alone is megabytes of JSON, and reading it anew for each test was a third of the run."""

LEAKS = (
    "AWS_",
    "BOTO_",
    "INPUT_",
    "ENDPOINT_",
    "SECRET_",
    "SECUREFILE_",
    "AGENT_",
    "BUILD_",
    "SYSTEM_",
    "RELEASE_",
    "VSTS_",
    "ROPEWAY_",
)
XDG = ("XDG_STATE_HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME")
PROXIES = {
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
}


def _leaked() -> list[str]:
    return [name for name in os.environ if name.upper().startswith(LEAKS) or name.upper() in PROXIES]


def _at_home(home: Path) -> dict[str, str]:
    """The variables that say: this is the user's folder, there is no AWS in it, and this machine is none of AWS's."""
    folders = dict.fromkeys(("HOME", "USERPROFILE", "LOCALAPPDATA", "APPDATA"), str(home))
    files = {"AWS_CONFIG_FILE": str(home / "aws-config"), "AWS_SHARED_CREDENTIALS_FILE": str(home / "aws-credentials")}
    return {**folders, **files, "AWS_EC2_METADATA_DISABLED": "true"}


def pytest_configure(config: pytest.Config) -> None:
    """What fixtures of a wider scope than a test see; `hermetic` does the same for each test."""
    config.pluginmanager.register(leaks)
    for name in [*_leaked(), *(name for name in XDG if name in os.environ)]:
        del os.environ[name]
    # readline, which pytest imports, sets these behind Python's back: children would fold their lines at 80.
    for name in ("COLUMNS", "LINES"):
        os.environ.pop(name, None)
        os.unsetenv(name)
    home = Path(tempfile.mkdtemp(prefix="ropeway-tests-"))
    config.add_cleanup(lambda: shutil.rmtree(home, ignore_errors=True))
    os.environ.update(_at_home(home))
    # How long an example takes, or the making of one, says more about the machine than about the code.
    settings.register_profile("without deadlines", deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.load_profile("without deadlines")


@pytest.fixture(autouse=True)
def hermetic(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home, and the environment of a machine that knows neither AWS nor a pipeline. Its home is returned."""
    home = tmp_path_factory.mktemp("home")
    for name in _leaked():
        monkeypatch.delenv(name)
    for name, value in _at_home(home).items():
        monkeypatch.setenv(name, value)
    for name in XDG:
        monkeypatch.delenv(name, raising=False)
    return home


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """`-n auto`: most tests wait for processes and servers rather than compute."""
    return (os.cpu_count() or 1) + 2


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whoever needs the extension first builds it, and the others wait for that: minutes on a busy machine, before a test begins."""
    for item in items:
        if "extension" in getattr(item, "fixturenames", ()) and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(900))


_ended: set[str] = set()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> Iterator[None]:
    """What the instances of a module run ends with it: hundreds of services would go on beside the tests that follow."""
    yield
    if nextitem is None or nextitem.path != item.path:
        for host in FLEET.all():
            if host.has_run and host.id not in _ended:
                _ended.add(host.id)
                FLEET.destroy(host)


# --- the embedded AWS ----------------------------------------------------------------------------------------------------


class _Known(EmbeddedAws):
    """Any secret will do for it: the tests use one that is found wherever it is printed."""

    @property
    def connection(self) -> Connection:
        return dataclasses.replace(super().connection, secret_access_key=SECRET_ACCESS_KEY)


@pytest.fixture(scope="session")
def embedded() -> Iterator[EmbeddedAws]:
    with embedded_aws() as running:
        yield _Known(running.endpoint_url)


@pytest.fixture(scope="session")
def s3(embedded: EmbeddedAws) -> Iterator[Any]:
    """A boto3 client of the embedded S3. It does not try again: a test wants the first answer."""
    client = boto3.client(
        "s3",
        endpoint_url=embedded.endpoint_url,
        region_name=embedded.region,
        aws_access_key_id=embedded.connection.access_key_id,
        aws_secret_access_key=embedded.connection.secret_access_key,
        config=Config(retries={"max_attempts": 0}),
    )
    yield client
    client.close()


@pytest.fixture
def bucket(s3: Any) -> str:
    """A bucket that no other test has."""
    name = f"bucket-{uuid.uuid4().hex[:12]}"
    s3.create_bucket(Bucket=name)
    return name


@pytest.fixture
def acl_bucket(s3: Any) -> str:
    """A bucket as they were before April 2023: it takes ACLs, public ones too. Others refuse them, as AWS does."""
    name = f"bucket-{uuid.uuid4().hex[:12]}"
    s3.create_bucket(Bucket=name, ObjectOwnership="ObjectWriter")
    s3.delete_public_access_block(Bucket=name)
    return name


@pytest.fixture(scope="session")
def _authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="session")
def certificate_authority(_authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with the authority that signed the certificates of the tests' servers."""
    path = tmp_path_factory.mktemp("authority") / "ca.pem"
    _authority.cert_pem.write_to_path(path)
    return path


@pytest.fixture(scope="session")
def embedded_tls(_authority: trustme.CA) -> Iterator[EmbeddedAws]:
    """The embedded AWS over https: the same buckets as `embedded`. A proxy may know it as `store`."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    _authority.issue_cert("127.0.0.1", "0.0.0.0", "store").configure_cert(tls)
    with embedded_aws(tls=tls) as running:
        yield _Known(running.endpoint_url)


# --- a real S3 -----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def seaweed(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Iterator[Seaweed]:
    """SeaweedFS: strict about signatures and checksums. Started once for all workers, stopped when the last one ends."""
    base = tmp_path_factory.getbasetemp()
    with seaweed_server((base if worker_id == "master" else base.parent) / "seaweed") as running:
        yield running


@pytest.fixture(scope="session")
def seaweed_s3(seaweed: Seaweed) -> Iterator[Any]:
    client: Any = seaweed.client()
    yield client
    client.close()


@pytest.fixture
def seaweed_bucket(seaweed_s3: Any) -> Iterator[str]:
    name = f"bucket-{uuid.uuid4().hex[:12]}"
    seaweed_s3.create_bucket(Bucket=name)
    yield name
    seaweed_s3.delete_bucket(Bucket=name)  # with all that is in it: this server allows that


# --- a bad S3 ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def misbehaving() -> Iterator[Misbehaving]:
    with misbehaving_server() as running:
        yield running


# --- the extension -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def extension(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """The built .vsix, made once for all workers."""
    from tests.vsix.building import built_once

    base = tmp_path_factory.getbasetemp()
    return built_once((base if worker_id == "master" else base.parent) / "extension")


# --- a folder that ignores case ------------------------------------------------------------------------------------------


@pytest.fixture
def caseless(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is there is found by each spelling, as in a folder of Windows that Linux has mounted."""

    def found(path: str) -> bool:
        folder, name = os.path.split(os.fspath(path))
        there = os.listdir(folder) if os.path.isdir(folder) else []
        return name.lower() in {other.lower() for other in there}

    monkeypatch.setattr(os.path, "lexists", found)
