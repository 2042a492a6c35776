"""The AWS common runtime's S3 client, straight from Python. With checksums, as the SDKs that stand on it send them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import datetime
from urllib.parse import quote, urlsplit
from xml.etree import ElementTree as ET

from awscrt.auth import AwsCredentialsProvider
from awscrt.http import HttpHeaders, HttpRequest
from awscrt.io import ClientTlsContext, TlsContextOptions
from awscrt.s3 import (
    S3ChecksumAlgorithm,
    S3ChecksumConfig,
    S3ChecksumLocation,
    S3Client,
    S3RequestTlsMode,
    S3RequestType,
    create_default_s3_signing_config,
)
from folder import BUCKET, PREFIX, Listed, files, run, target

REGION = "us-east-1"
PART = 8 << 20
NONE: Mapping[str, str] = {}
SENT = S3ChecksumConfig(
    algorithm=S3ChecksumAlgorithm.CRC32, location=S3ChecksumLocation.HEADER, validate_response=False
)
VERIFIED = S3ChecksumConfig(validate_response=True)


class Client:
    """It derives the number of its connections from the throughput that it is told to reach: 25 by itself, 250 for 100 Gbit/s."""

    def __init__(self, url: str, latency: float) -> None:
        self._host = urlsplit(url).netloc
        secured = url.startswith("https")
        credentials = AwsCredentialsProvider.new_static(
            os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"]
        )
        self._client = S3Client(
            region=REGION,
            part_size=PART,
            tls_mode=S3RequestTlsMode.ENABLED if secured else S3RequestTlsMode.DISABLED,
            tls_connection_options=_tls() if secured else None,
            signing_config=create_default_s3_signing_config(region=REGION, credential_provider=credentials),
            throughput_target_gbps=100 if latency else None,
        )

    def begin(
        self, type: S3RequestType, method: str, path: str, headers: Mapping[str, str] = NONE, **more: object
    ) -> object:
        request = HttpRequest(method, path, HttpHeaders([("Host", self._host), *headers.items()]))
        return self._client.make_request(type=type, request=request, **more).finished_future


def _tls() -> object:
    options = TlsContextOptions()
    options.override_default_trust_store_from_path(None, os.environ["AWS_CA_BUNDLE"])
    connection = ClientTlsContext(options).new_connection_options()
    connection.set_server_name("localhost")
    return connection


def _path(key: str) -> str:
    return f"/{BUCKET}/{quote(key)}"


def up(folder: str, url: str, latency: float) -> None:
    client = Client(url, latency)
    futures = [
        client.begin(
            S3RequestType.PUT_OBJECT,
            "PUT",
            _path(key),
            {"Content-Length": str(stat.st_size), "Content-Type": "application/octet-stream"},
            send_filepath=path,
            checksum_config=SENT,
        )
        for path, stat, key in files(folder)
    ]
    for future in futures:
        future.result()


def down(folder: str, url: str, latency: float) -> None:
    """What fits in a part is asked for plainly: the client's own way for larger ones begins with a HEAD."""
    client = Client(url, latency)
    futures = [
        client.begin(
            S3RequestType.GET_OBJECT if size > PART else S3RequestType.DEFAULT,
            "GET",
            _path(key),
            operation_name="GetObject",
            recv_filepath=target(folder, key),
            checksum_config=VERIFIED,
        )
        for key, (size, _) in _listed(client).items()
    ]
    for future in futures:
        future.result()


def _listed(client: Client) -> Listed:
    found: Listed = {}
    token = ""
    while True:
        page = _page(client, token)
        for entry in page.iterfind("{*}Contents"):
            modified = datetime.fromisoformat(entry.findtext("{*}LastModified").replace("Z", "+00:00"))
            found[entry.findtext("{*}Key")] = (int(entry.findtext("{*}Size")), modified.timestamp())
        token = page.findtext("{*}NextContinuationToken") or ""
        if not token:
            return found


def _page(client: Client, token: str) -> ET.Element:
    more = f"continuation-token={quote(token, safe='')}&" if token else ""
    body = bytearray()
    client.begin(
        S3RequestType.DEFAULT,
        "GET",
        f"/{BUCKET}?{more}list-type=2&prefix={PREFIX}%2F",
        operation_name="ListObjectsV2",
        on_body=lambda chunk, **_: body.extend(chunk),
    ).result()
    return ET.fromstring(bytes(body))


def listing(url: str) -> Listed:
    return _listed(Client(url, 0.0))


if __name__ == "__main__":
    run(up, down, listing)
