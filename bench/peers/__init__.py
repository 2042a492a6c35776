"""Uploads, no-ops and downloads side by side with the peers: s5cmd, rclone, both AWS CLIs, boto3, awscrt and obstore.

    python -m bench.peers                                   everything, five rounds: hours
    python -m bench.peers --quick                           one round of small cases: some minutes
    python -m bench.peers --way http --case small --peer ropeway --peer s5cmd --rounds 9
    python -m bench.peers --report FILE                     tables and plots of what was measured before, into docs/

Every run is verified. What is measured goes to a JSON file as it comes in, so that a run that was ended is not lost.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import datetime, timezone
from pathlib import Path

from bench.peers import peers, report, servers, trees
from bench.peers.runs import Bench, Sample, Way

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "build" / "bench" / "peers.json"
WAYS = {
    "http": Way(),
    "tls": Way(tls=True),
    "http30": Way(latency=30),
    "tls30": Way(tls=True, latency=30),
}
REAL = "seaweed"


def main(arguments: Sequence[str] = ()) -> None:
    given = _parser().parse_args(arguments)
    if given.report:
        return report.write(json.loads(given.report.read_text(encoding="utf-8")))
    found = _known(given)
    _save(given.results, found)
    for sample in _samples(given, found["peers"]):
        found["samples"].append(asdict(sample) | {"version": found["peers"][sample.peer]["version"]})
        _save(given.results, found)
        _say(sample)
    print(report.as_markdown(found))
    return None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.peers", description="Side by side with the peers.")
    parser.add_argument("--way", action="append", choices=[*WAYS, REAL], help="server and protocol; none: all")
    parser.add_argument("--case", action="append", choices=[*trees.CASES], help="none: all")
    parser.add_argument(
        "--what", action="append", choices=["up", "same", "down"], help="same: nothing changed; none: all"
    )
    parser.add_argument("--peer", action="append", choices=[*peers.ALL], help="none: all")
    parser.add_argument("--rounds", type=int, default=5, help="interleaved; the median counts (default 5)")
    parser.add_argument("--quick", action="store_true", help="smaller cases, one round")
    parser.add_argument(
        "--patience",
        type=float,
        default=float("inf"),
        metavar="SECONDS",
        help="a peer that took longer for a case sits out its further rounds; the table says how many there were",
    )
    parser.add_argument("--results", type=Path, default=RESULTS, metavar="FILE", help="JSON; what is there is added to")
    parser.add_argument("--report", type=Path, metavar="FILE", help="write docs/performance.md and its plots from this")
    return parser


def _known(given: argparse.Namespace) -> dict[str, object]:
    """What was measured before, if anything, and what this run is."""
    names = given.peer or list(peers.ALL)
    here = [(peer, version, why) for peer, version, why in peers.here(names)]
    for peer, _, why in here:
        if why:
            print(f"{peer.name} is absent: {why}", file=sys.stderr)
    found = json.loads(given.results.read_text(encoding="utf-8")) if given.results.exists() else {}
    told = {
        peer.name: {"version": version, "how": peer.how, "absent": why, "ours": peer.ours}
        for peer, version, why in here
    }
    return {
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, {platform.system()} {platform.release()}",
        "date": f"{datetime.now(timezone.utc):%Y-%m-%d}",
        "cases": found.get("cases", {}) | {name: case.title for name, case in _cases(given).items()},
        "peers": found.get("peers", {}) | told,
        "samples": found.get("samples", []),
    }


def _cases(given: argparse.Namespace) -> dict[str, trees.Case]:
    cases = trees.QUICK if given.quick else trees.CASES
    return {name: case for name, case in cases.items() if name in (given.case or cases)}


def _samples(given: argparse.Namespace, known: dict[str, dict[str, object]]) -> Iterator[Sample]:
    chosen = [peers.ALL[name] for name in given.peer or peers.ALL if not known[name]["absent"]]
    wanted = tuple(given.what or ("up", "same", "down"))
    with contextlib.ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=_memory(), prefix="ropeway-bench-")))
        bench = Bench(servers.compiled(scratch), scratch)
        ways = [_way(name, stack, scratch) for name in given.way or [*WAYS, REAL]]
        for case in _cases(given).values():
            tree = trees.make(case, scratch)
            for way in ways:
                tired: set[str] = set()
                for number in range(1 if given.quick else given.rounds):
                    for peer in chosen:
                        if peer.name in tired:
                            continue
                        taken = list(bench.round(peer, tree, way, wanted, number))
                        yield from taken
                        if any(sample.seconds > given.patience for sample in taken):
                            tired.add(peer.name)
            tree.forget()


def _way(name: str, stack: contextlib.ExitStack, scratch: Path) -> Way:
    return Way(real=stack.enter_context(servers.real(scratch))) if name == REAL else WAYS[name]


def _memory() -> str | None:
    """Files lie in memory where that is offered: no disk is measured."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


def _save(path: Path, found: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.write_text(json.dumps(found, indent=1), encoding="utf-8")
    part.replace(path)


def _say(sample: Sample) -> None:
    what = f"{sample.way:12} {sample.case:6} {sample.what:4} {sample.peer:13}"
    took = f"{sample.seconds:7.2f} s {sample.cpu:7.2f} s {sample.megabytes:5.0f} MB {sample.requests:6} requests"
    print(f"{what} {took} {sample.connections:5} connections {sample.in_flight:4} at once  {sample.error}", flush=True)
