"""obstore (Rust), asynchronous. Large objects come in ranges at once, as its documents advise; parts up are its own."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from pathlib import Path

import obstore
from folder import BUCKET, PREFIX, Listed, files, run, target
from obstore.store import S3Store

RANGE = 8 << 20
RANGES = 8
"""At once, of one object."""


def _store(url: str) -> S3Store:
    trust = {"root_certificate": Path(os.environ["AWS_CA_BUNDLE"]).read_text()} if url.startswith("https") else {}
    return S3Store(
        BUCKET,
        endpoint=url,
        region="us-east-1",
        virtual_hosted_style_request=False,
        client_options={"allow_http": True, **trust},
    )


async def _all(work: Iterable[Callable[[], Awaitable[object]]], at_once: int) -> None:
    """Functions, because obstore begins with the call, not with the await."""
    free = asyncio.Semaphore(at_once)

    async def one(begin: Callable[[], Awaitable[object]]) -> None:
        async with free:
            await begin()

    await asyncio.gather(*(one(each) for each in work))


def _at_once(latency: float, largest: int) -> int:
    return 16 if largest >= RANGE else 256 if latency else 64


def up(folder: str, url: str, latency: float) -> None:
    store, found = _store(url), list(files(folder))
    at_once = _at_once(latency, max(stat.st_size for _, stat, _ in found))
    asyncio.run(_all((partial(obstore.put_async, store, key, Path(path)) for path, _, key in found), at_once))


def down(folder: str, url: str, latency: float) -> None:
    store = _store(url)
    found = [entry for page in obstore.list(store, prefix=PREFIX, chunk_size=1000) for entry in page]
    at_once = _at_once(latency, max(entry["size"] for entry in found))
    asyncio.run(_all((partial(_fetch, store, entry, target(folder, entry["path"])) for entry in found), at_once))


async def _fetch(store: S3Store, entry: dict[str, object], path: str) -> None:
    with open(path, "wb") as file:  # noqa: ASYNC230 - a local file: what asyncio offers is threads
        if entry["size"] > RANGE:
            await _in_ranges(store, entry, file.fileno())
        else:
            got = await obstore.get_async(store, entry["path"])
            async for block in got.stream():
                file.write(block)


async def _in_ranges(store: S3Store, entry: dict[str, object], descriptor: int) -> None:
    async def one(start: int) -> None:
        end = min(start + RANGE, entry["size"])
        os.pwrite(descriptor, await obstore.get_range_async(store, entry["path"], start=start, end=end), start)

    await _all((partial(one, start) for start in range(0, entry["size"], RANGE)), RANGES)


def listing(url: str) -> Listed:
    pages = obstore.list(_store(url), prefix=PREFIX, chunk_size=1000)
    return {entry["path"]: (entry["size"], entry["last_modified"].timestamp()) for page in pages for entry in page}


if __name__ == "__main__":
    run(up, down, listing)
