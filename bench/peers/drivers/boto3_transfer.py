"""boto3's TransferManager, as `upload_file` uses it, one for all files; 10 requests at once are its default, 20 here."""

from __future__ import annotations

import boto3
from boto3.s3.transfer import TransferConfig, create_transfer_manager
from botocore.config import Config
from folder import BUCKET, PREFIX, Listed, files, run, target

CONCURRENCY = 20


def _client(url: str) -> object:
    return boto3.client("s3", endpoint_url=url, config=Config(max_pool_connections=CONCURRENCY))


def up(folder: str, url: str, _latency: float) -> None:
    client = _client(url)
    with create_transfer_manager(client, TransferConfig(max_concurrency=CONCURRENCY)) as manager:
        futures = [manager.upload(path, BUCKET, key) for path, _, key in files(folder)]
        for future in futures:
            future.result()


def down(folder: str, url: str, _latency: float) -> None:
    client = _client(url)
    keys = [entry["Key"] for page in _pages(client) for entry in page.get("Contents", ())]
    with create_transfer_manager(client, TransferConfig(max_concurrency=CONCURRENCY)) as manager:
        futures = [manager.download(BUCKET, key, target(folder, key)) for key in keys]
        for future in futures:
            future.result()


def _pages(client: object) -> object:
    return client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=f"{PREFIX}/")


def listing(url: str) -> Listed:
    entries = (entry for page in _pages(_client(url)) for entry in page.get("Contents", ()))
    return {entry["Key"]: (entry["Size"], entry["LastModified"].timestamp()) for entry in entries}


if __name__ == "__main__":
    run(up, down, listing)
