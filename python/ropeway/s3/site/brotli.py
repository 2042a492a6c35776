"""Brotli, once, before the upload. Python has none of its own; Node has, and on an agent there is always one: the launcher runs on it.

One Node presses all files: starting one takes longer than most files do. The same bytes give the same bytes, as long as it is the same Node.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from typing import IO

from ropeway.checks.running import group_of_its_own
from ropeway.errors import LocalFileError
from ropeway.outcome import SOON, Cancellation

NODE = "ROPEWAY_NODE"
"""Set by the launcher (tasks/launcher/launch.js): the Node that runs it."""

PRESS = """
'use strict';
const fs = require('fs');
const zlib = require('zlib');
const { pipeline } = require('stream');

const { BROTLI_PARAM_QUALITY, BROTLI_MAX_QUALITY, BROTLI_PARAM_SIZE_HINT } = zlib.constants;
const left = fs.readFileSync(0, 'utf8').split('\\n').filter(Boolean).reverse();

function next() {
  if (!left.length) return;
  const { source, target, size } = JSON.parse(left.pop());
  const press = zlib.createBrotliCompress({
    params: { [BROTLI_PARAM_QUALITY]: BROTLI_MAX_QUALITY, [BROTLI_PARAM_SIZE_HINT]: size },
  });
  pipeline(fs.createReadStream(source), press, fs.createWriteStream(target), (error) => {
    if (error) {
      fs.writeSync(2, error.message + '\\n');
      process.exit(1);
    }
    next();
  });
}

for (let at = 0; at < 4; at++) next(); // libuv works on four at a time
"""
LAST = 2000
"""Bytes of what Node said last."""


def brotli_if_smaller(targets: Mapping[str, str], cancellation: Cancellation) -> frozenset[str]:
    """`targets`: source -> what is to be written. Those sources whose target was written: it is smaller. Raises LocalFileError."""
    if not targets:
        return frozenset()
    _press(targets, cancellation)
    return frozenset(_smaller(targets))


def _smaller(targets: Mapping[str, str]) -> Iterator[str]:
    for source, target in targets.items():
        try:
            if os.path.getsize(target) < os.path.getsize(source):
                yield source
            else:
                os.unlink(target)
        except OSError as error:
            raise LocalFileError(f"Could not compress {source} to {target}: {error.strerror}.") from error


def _press(targets: Mapping[str, str], cancellation: Cancellation) -> None:
    node = _node()
    with tempfile.TemporaryFile() as asked, tempfile.TemporaryFile() as said:
        asked.writelines(_lines(targets))
        asked.seek(0)
        code = _ended(_started(node, asked, said), cancellation)
        if code != 0:
            raise LocalFileError(f"Could not compress with Brotli: {node} ended with {code}: {_last(said)}")


def _lines(targets: Mapping[str, str]) -> Iterator[bytes]:
    for source, target in targets.items():
        size = os.path.getsize(source)
        yield json.dumps({"source": source, "target": target, "size": size}).encode() + b"\n"


def _node() -> str:
    if node := os.environ.get(NODE) or shutil.which("node"):
        return node
    raise LocalFileError(
        "Brotli needs Node, and there is no program node on the PATH.",
        advice="Install Node 20 or newer, or use gzip in ropeway.yml, which needs nothing.",
    )


def _started(node: str, asked: IO[bytes], said: IO[bytes]) -> subprocess.Popen[bytes]:
    """Without what the pipeline sets for Nodes of its own: NODE_OPTIONS and the like are none of ours."""
    environment = {name: text for name, text in os.environ.items() if not name.upper().startswith("NODE_")}
    alone = group_of_its_own(windows=os.name == "nt")
    try:
        return subprocess.Popen(  # noqa: S603 - the Node of the agent, or of the user's PATH, with the text above
            [node, "-e", PRESS], stdin=asked, stdout=subprocess.DEVNULL, stderr=said, env=environment, **alone
        )
    except OSError as error:
        raise LocalFileError(f"Could not run {node}: {error.strerror}.") from error


def _ended(process: subprocess.Popen[bytes], cancellation: Cancellation) -> int:
    try:
        while True:
            cancellation.check()
            try:
                return process.wait(SOON)
            except subprocess.TimeoutExpired:
                continue
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def _last(said: IO[bytes]) -> str:
    said.seek(max(said.seek(0, os.SEEK_END) - LAST, 0))
    lines = said.read().decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else "it said nothing."
