"""The links on this machine: what starts a task, and the way out."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from requests.utils import get_environ_proxies

from ropeway.aws.rules import resolve
from ropeway.setup.devops import address_of
from ropeway.setup.doctor.case import Case
from ropeway.setup.doctor.link import Found, Link, broken, holds, not_asked

OLDEST = (3, 10)
NAMES = (*(f"python3.{minor}" for minor in range(14, 9, -1)), "python3", "python")
"""As the launcher of the tasks looks for a Python on the path."""
IN_FOLDER = ("python.exe",) if os.name == "nt" else ("bin", "python")
ASK = "import sys; print('.'.join(map(str, sys.version_info[:3])))"
NODES = ("node24", "node20_1")
"""Of an agent that is new enough (3.232)."""
PORTS = {"https": 443}
"""Of a proxy that names none, where it is not 80."""
PATIENCE = 15.0
WAIT = 5.0
"""Seconds for a Python to say its version, and for a proxy to be connected to."""


def _python(case: Case) -> Found:
    seen = []
    for command in _pythons(case.environment):
        version, path = _version(command), " ".join(command)
        if version and tuple(map(int, version.split(".")))[:2] >= OLDEST:
            return holds(f"Python {version} at {path}")
        seen.append(f"{path} is {'Python ' + version if version else 'no Python that runs'}")
    mend = "Install Python 3.10 or newer on the agent, or run UsePythonVersion@0 before the task, or name one in pythonPath."
    return broken("; ".join(seen) or "No Python is on the path", mend)


def _pythons(environment: Mapping[str, str]) -> Iterator[list[str]]:
    """In the order of the launcher: what UsePythonVersion has chosen, the tool cache, the path, and on Windows `py -3`."""
    if location := environment.get("PYTHONLOCATION") or environment.get("pythonLocation"):
        yield [str(Path(location, *IN_FOLDER))]
    if tools := environment.get("AGENT_TOOLSDIRECTORY"):
        yield from ([str(folder.joinpath(*IN_FOLDER))] for folder in _cached(Path(tools, "Python")))
    for name, *arguments in (*((name,) for name in NAMES), *([("py", "-3")] if os.name == "nt" else [])):
        if path := shutil.which(name, path=environment.get("PATH")):
            yield [path, *arguments]


def _cached(root: Path) -> list[Path]:
    """Of the tool cache, releases that are whole, the highest first."""
    whole = [marker.with_suffix("") for marker in root.glob("*/*.complete")]
    releases = [folder for folder in whole if re.fullmatch(r"\d+\.\d+\.\d+", folder.parent.name)]
    return sorted(releases, key=lambda folder: tuple(map(int, folder.parent.name.split("."))), reverse=True)


def _version(command: Sequence[str]) -> str:
    """Empty where it does not run: a placeholder of the Microsoft Store, say."""
    try:
        asked = [*command, "-I", "-c", ASK]
        done = subprocess.run(asked, capture_output=True, text=True, timeout=PATIENCE, check=False)  # noqa: S603 - what the launcher would run
    except (OSError, subprocess.TimeoutExpired):
        return ""
    told = done.stdout.strip()
    return told if re.fullmatch(r"\d+\.\d+\.\d+", told) else ""


def _node(case: Case) -> Found:
    home = case.environment.get("AGENT_HOMEDIRECTORY")
    if not home:
        return not_asked("This machine is no agent; an agent brings its own Node.")
    for name in NODES:
        if (Path(home) / "externals" / name).is_dir():
            return holds(f"{name} of the agent at {home}")
    return broken(
        f"The agent at {home} has neither {' nor '.join(NODES)}", "Update the agent: the tasks need version 3.232.0."
    )


def _proxy(case: Case) -> Found:
    urls = [_of_aws(case)] + ([address_of(case.asked.organization)] if case.asked.organization else [])
    proxies = {proxy for url in urls if (proxy := _proxy_for(url))}
    if not proxies:
        return holds("No proxy")
    for proxy in sorted(proxies):
        try:
            host, port = _place(proxy)
        except ValueError:  # it may hold a password: nothing of it is shown
            return broken("The address of the proxy is none that can be read", "Write HTTPS_PROXY as http://host:port.")
        where = f"{host}:{port}"
        try:
            with socket.create_connection((host, port), timeout=WAIT):
                continue
        except OSError as error:
            return broken(
                f"The proxy {where} cannot be connected to ({error.strerror or error})",
                "Set HTTPS_PROXY to the right one, or name what is reached without it in NO_PROXY.",
            )
    return holds(f"{len(proxies)} in use, and there")


def _place(proxy: str) -> tuple[str, int]:
    """Host and port. Raises ValueError."""
    parts = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
    return parts.hostname or "", parts.port or PORTS.get(parts.scheme, 80)


def _of_aws(case: Case) -> str:
    """STS in the region that is named; which one matters to NO_PROXY alone."""
    region = case.asked.region_name or case.environment.get("AWS_REGION") or "us-east-1"
    return resolve("sts", "find the address of STS", Region=region, UseDualStack=False, UseFIPS=False).url


def _proxy_for(url: str) -> str:
    return str(get_environ_proxies(url).get(urlsplit(url).scheme, ""))


LINKS = (
    Link("python", "A Python of 3.10 or newer, as the tasks look for it", _python),
    Link("node", "The Node that an agent brings", _node),
    Link("proxy", "The proxy of the environment can be connected to", _proxy),
)
