"""A site whose pages say what they need, visitors who look whether it is there, and deployers who are killed and stopped."""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.servers.misbehaving import Answer, Misbehaving, Request, _forwarded, misbehaving_server

ROOT = Path(__file__).parents[3]
PREFIX = "docs"
WRITES = {"PUT", "POST", "DELETE"}

SETTINGS = """site:
  fingerprinted: lib/**
  headers:
    "*.css": {{cacheControl: max-age={age}, metadata: {{release: "{release}"}}, tags: {{kind: style}}}}
"""


# --- a site -------------------------------------------------------------------------------------------------------------------


def asset(key: str) -> bytes:
    """What a file holds whose name changes with its bytes."""
    return f"the bytes of {key}\n".encode()


@dataclass(frozen=True)
class Site:
    """One release. Each page names, a line each, a style sheet, assets with a fingerprint in the name, one that only a glob knows, and a
    picture that no other release has, where `plain` says so."""

    release: str
    files: dict[str, bytes]

    @classmethod
    def drawn(cls, release: int, chance: random.Random, *, plain: bool) -> Site:
        shared = [f"assets/chunk-{chance.getrandbits(32):08x}c0ffee12.js" for _ in range(6)]
        pictures = [f"img/of{release}-{number}.png" for number in range(3)] if plain else []
        files = {name: asset(name) for name in (*shared, f"lib/v{release}.js")}
        files |= {"style.css": f"/* {chance.random()} */".encode(), "sw.js": f"// {release}".encode()}
        files |= {name: asset(name) for name in pictures}
        for page in ("index.html", "404.html", "de/index.html", *(f"p/{n}.html" for n in range(8))):
            if page.startswith("p/") and chance.random() < 0.2:
                continue  # pages come and go
            named = [
                *chance.sample(shared, 2),
                f"lib/v{release}.js",
                "style.css",
                *chance.sample(pictures, min(1, len(pictures))),
            ]
            files[page] = "\n".join([f"release {release}", *named]).encode()
        files["_redirects"] = f"/latest /p/{release}.html\n".encode()
        files[f"p/{release}.html"] = b"what it leads to"
        files["ropeway.yml"] = SETTINGS.format(age=chance.choice((60, 300)), release=release).encode()
        return cls(str(release), files)

    def at(self, folder: Path) -> Path:
        """Written to a folder of its own."""
        whole = folder / f"release-{self.release}"
        for name, body in self.files.items():
            (whole / name).parent.mkdir(parents=True, exist_ok=True)
            (whole / name).write_bytes(body)
        return whole


# --- visitors -----------------------------------------------------------------------------------------------------------------


def is_fingerprinted(key: str) -> bool:
    return key.startswith(("assets/", "lib/"))


@dataclass(frozen=True)
class Found:
    """What a browser is given; `leads` is where a redirect leads to."""

    body: bytes
    etag: str
    modified: str
    leads: str


@dataclass
class Visitors:
    """They read pages, and all that these name, again and again. `wrong` is what they missed; `seen` counts the pages."""

    url: str
    bucket: str
    chance: random.Random
    wrong: list[str] = field(default_factory=list)
    seen: int = 0
    _own: Any = field(default_factory=threading.local)

    @contextmanager
    def reading(self) -> Iterator[Visitors]:
        ended = threading.Event()
        threads = [threading.Thread(target=self._read, args=(ended, self.chance.random())) for _ in range(2)]
        for thread in threads:
            thread.start()
        try:
            yield self
        finally:
            ended.set()
            for thread in threads:
                thread.join()

    def _read(self, ended: threading.Event, seed: float) -> None:
        chance = random.Random(seed)
        try:
            while not ended.is_set():
                self.visit(
                    chance.choice(
                        ["index.html", "404.html", "de/index.html", "latest", *(f"p/{n}.html" for n in range(8))]
                    )
                )
                time.sleep(0.02)
        except Exception as error:  # noqa: BLE001 - whatever it is, the test must hear of it
            self.wrong.append(f"a visitor broke down: {error!r}")
        finally:
            self._own.line.close()

    def visit(self, page: str) -> None:
        found = self._get(page)
        if found is None:
            return
        self.seen += 1
        for problem in self._missed(page, found):
            self.wrong.append(problem)

    def _missed(self, page: str, found: Found) -> Iterator[str]:
        if found.leads:
            if self._get(found.leads[1:]) is None and self._still(page, found):
                yield f"{page} leads to {found.leads}, which is not there"
            return
        release, *named = found.body.decode().split("\n")
        for key in named:
            there = self._get(key)
            if there is None and (is_fingerprinted(key) or self._still(page, found)):
                yield f"{page} ({release}) names {key}, which is not there"
            elif there and is_fingerprinted(key) and there.body != asset(key):
                yield f"{page} ({release}) names {key}, which holds {there.body[:40]!r}"

    def _still(self, page: str, found: Found) -> bool:
        """Whether the page is still that one. Of a name that stays the same nobody promises what an older page finds there."""
        return self._get(page) == found

    def _get(self, key: str) -> Found | None:
        if not hasattr(self._own, "line"):
            self._own.line = HTTPConnection(urlsplit(self.url).netloc, timeout=60)
        self._own.line.request("GET", f"/{self.bucket}/{PREFIX}/{key}")
        answer = self._own.line.getresponse()
        body = answer.read()
        if answer.status == HTTPStatus.NOT_FOUND:
            return None
        if answer.status != HTTPStatus.OK:
            raise AssertionError(f"{key}: {answer.status} {body[:200]!r}")
        leads = answer.getheader("x-amz-website-redirect-location") or ""
        return Found(body, answer.headers["ETag"], answer.headers["Last-Modified"], leads)


# --- deployers ------------------------------------------------------------------------------------------------------------------


def _named(request: Request) -> str:
    return f"{request.method} {re.sub('[?].*', '', request.target)}"


def is_of_the_lock(request: Request) -> bool:
    return "lock.json" in request.target


@dataclass
class Deployer:
    """A process of `ropeway`, whose requests are seen on the way. `strike` is done at the request that is the `at`-th to write."""

    proxy: Misbehaving
    upstream: str
    at: int = 0
    strike: Callable[[Deployer, Request], Answer] | None = None
    struck: threading.Event = field(default_factory=threading.Event)
    go_on: threading.Event = field(default_factory=threading.Event)
    words: tuple[str, ...] = ()
    process: Any = None
    written: list[Request] = field(default_factory=list)
    refused: list[Request] = field(default_factory=list)
    woken_at: int | None = None
    _said: str | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def start(self, environment: dict[str, str], *words: str) -> None:
        self.words = words
        command = [sys.executable, "-m", "tests.s3.site.impatient", *words, "--endpoint-url", self.proxy.url]
        self.process = subprocess.Popen(
            command,
            cwd=ROOT,
            env={**os.environ, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def answer(self, request: Request) -> Answer:
        if request.method in WRITES:
            with self._lock:
                self.written.append(request)
                hit = len(self.written) == self.at
            if hit and self.strike:
                answer = self.strike(self, request)
                self.struck.set()
                return answer
        answer = _forwarded(self.upstream, request)
        if answer.status in {HTTPStatus.PRECONDITION_FAILED, HTTPStatus.CONFLICT}:
            self.refused.append(request)
        return answer

    def until_struck(self) -> None:
        """Or ended by itself."""
        while not self.struck.wait(0.02) and self.process.poll() is None:
            pass

    def wake(self) -> None:
        with self._lock:
            self.woken_at = len(self.written)
        self.process.send_signal(signal.SIGCONT)
        self.go_on.set()

    def ended(self) -> tuple[int, str]:
        """Its code, and what it said. May be asked again."""
        if self._said is None:
            self._said, _ = self.process.communicate(timeout=120)
        return self.process.returncode, self._said

    @property
    def after_waking(self) -> list[str]:
        """What it began to write once it was woken, but for its lock."""
        return list(map(_named, self._woken))

    @property
    def accepted(self) -> list[str]:
        """What was not refused of it."""
        return [_named(one) for one in self._woken if one not in self.refused]

    @property
    def _woken(self) -> list[Request]:
        woken = self.written[self.woken_at :] if self.woken_at is not None else []
        return [one for one in woken if not is_of_the_lock(one)]

    @property
    def held(self) -> bool:
        """Whether it had got its lock when it was struck: that is its first write."""
        return self.at > 1


def killed_before(deployer: Deployer, request: Request) -> Answer:
    """The request never arrives."""
    deployer.process.kill()
    deployer.process.wait()
    return Answer(hang_up=True)


def killed_after(deployer: Deployer, request: Request) -> Answer:
    """It is done, and nobody hears of it."""
    answer = _forwarded(deployer.upstream, request)
    deployer.process.kill()
    deployer.process.wait()
    return answer


def stopped(deployer: Deployer, request: Request) -> Answer:
    """The request is done; its answer waits for who is asleep."""
    deployer.process.send_signal(signal.SIGSTOP)
    return _forwarded(deployer.upstream, request)


def stopped_on_the_way(deployer: Deployer, request: Request) -> Answer:
    """The request arrives when it wakes: the window that the lock leaves open."""
    deployer.process.send_signal(signal.SIGSTOP)
    deployer.struck.set()
    deployer.go_on.wait(240)
    return _forwarded(deployer.upstream, request)


@contextmanager
def deployer(
    upstream: str, at: int = 0, strike: Callable[[Deployer, Request], Answer] | None = None
) -> Iterator[Deployer]:
    with misbehaving_server() as proxy:
        made = Deployer(proxy, upstream, at, strike)
        proxy.on(made.answer)
        try:
            yield made
        finally:
            made.go_on.set()
            if made.process and made.process.poll() is None:
                made.process.send_signal(signal.SIGCONT)
                made.process.kill()
            if made.process:
                made.ended()
