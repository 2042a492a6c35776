"""Fails whichever test prints a secret, and shows none: a plugin of pytest, registered by conftest.py, in every worker.

It reads what each test left in pytest's capture or took out of it (capsys, capfd), what the processes that a test started
wrote to pipes, and what the stand-ins for agents and terminals hand to `watch`: their streams, and the files that a task leaves to an agent.
"""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typing_extensions import Self

from tests.secrecy import leaked, without_secrets

_printed: dict[str, list[str]] = {}
_lock = threading.Lock()


def watch(where: str, printed: str | bytes) -> None:
    """This was printed there. What is handed over piece by piece is read as one text, when the phase of the test ends."""
    text = printed.decode("utf-8", "replace") if isinstance(printed, bytes) else printed
    with _lock:
        _printed.setdefault(where, []).append(text)


def watch_files(folder: Path) -> None:
    """All that lies in a folder of which an agent may show the files."""
    for path in folder.rglob("*"):
        if path.is_file():
            watch(f"the file {path.name}", path.read_bytes())


def _taken() -> dict[str, str]:
    with _lock:
        taken = {where: "".join(parts) for where, parts in _printed.items()}
        _printed.clear()
    return taken


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    report: Any = yield
    printed = _taken() | {name: text for name, text in report.sections if name.endswith(report.when)}
    leaks = {where: kinds for where, text in printed.items() if (kinds := leaked(text))}
    told = [f"{item.nodeid} printed a secret: {', '.join(sorted(leaks[where]))} in {where}" for where in leaks]
    if report.failed and leaked(report.longreprtext):
        told.append(without_secrets(report.longreprtext))
    if told:
        report.outcome = "failed"
        report.longrepr = "\n".join(told)
        report.sections = [(name, without_secrets(text)) for name, text in report.sections]
    return report


def pytest_configure(config: pytest.Config) -> None:
    patch = pytest.MonkeyPatch()
    config.add_cleanup(patch.undo)
    patch.setattr(subprocess, "Popen", _Popen)
    patch.setattr(pytest.CaptureFixture, "readouterr", _readouterr)


# --- what a test took out of pytest's capture ----------------------------------------------------------------------------------

_captured = pytest.CaptureFixture.readouterr


def _readouterr(fixture: pytest.CaptureFixture[Any]) -> Any:
    captured = _captured(fixture)
    watch("stdout", captured.out)
    watch("stderr", captured.err)
    return captured


# --- what processes wrote --------------------------------------------------------------------------------------------------------


class _Popen(subprocess.Popen):  # type: ignore[type-arg]
    """Its pipes are watched, but not what a library asks another program for: botocore asks one for keys."""

    def __init__(self, *args: Any, **rest: Any) -> None:
        super().__init__(*args, **rest)
        self._name = str(self.args if isinstance(self.args, (str, bytes)) else Path(self.args[0]).name)
        self._is_watched = not _asked_by_a_library()
        if self._is_watched:
            self.stdout, self.stderr = self._tee(self.stdout, "stdout"), self._tee(self.stderr, "stderr")

    def _tee(self, stream: Any, kind: str) -> Any:
        return stream and _Tee(stream, f"{kind} of {self._name}")

    def communicate(self, *args: Any, **rest: Any) -> Any:
        written = super().communicate(*args, **rest)
        if self._is_watched:
            for kind, text in zip(("stdout", "stderr"), written, strict=True):
                watch(f"{kind} of {self._name}", text or "")
        return written


def _asked_by_a_library() -> bool:
    frame: Any = sys._getframe(2)
    while frame.f_code.co_filename == subprocess.__file__:
        frame = frame.f_back
    return "site-packages" in frame.f_code.co_filename


class _Tee:
    """A pipe from a process. Whoever reads it by its descriptor has to `watch`, or to `communicate`."""

    def __init__(self, stream: Any, where: str) -> None:
        self._stream = stream
        self._where = where

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def _told(self, read: Any) -> Any:
        watch(self._where, read)
        return read

    def read(self, *size: int) -> Any:
        return self._told(self._stream.read(*size))

    def readline(self, *size: int) -> Any:
        return self._told(self._stream.readline(*size))

    def __iter__(self) -> Iterator[Any]:
        return map(self._told, self._stream)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.close()
