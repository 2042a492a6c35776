"""atheris (libFuzzer) on the reader of HTTP answers: `python -m tests.fuzz [RUNS] [FOLDER]`, ten million runs if not said otherwise.

What it has found of interest is kept in the folder, and is where the next run begins. docs/engine-proofs.md has the record.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["ropeway.wire"]):
    from ropeway.wire import response  # noqa: F401 - instrumented by being imported here

from tests.fuzz.answers import METHODS, SEEDS, check

DICTIONARY = (
    b"\\x0d\\x0a", b"\\x0d\\x0a\\x0d\\x0a", b"HTTP/1.1 ", b"HTTP/1.0 ", b"100 Continue", b"200 OK", b"204 ", b"304 ", b"503 ", b"Content-Length: ",
    b"Transfer-Encoding: ", b"chunked", b"Connection: ", b"close", b"keep-alive", b"0\\x0d\\x0a\\x0d\\x0a", b"ffffffffffffffff", b"; a=b",
)  # fmt: skip


def one(data: bytes) -> None:
    """The first byte chooses the request's method, the second how the rest is cut."""
    if len(data) >= 2:
        check(data[2:], METHODS[data[0] % len(METHODS)], data[1] + 1)


def main() -> None:
    runs, folder, *more = [*sys.argv[1:], *("10000000", "")[len(sys.argv) - 1 :]]
    corpus = Path(folder or tempfile.mkdtemp(prefix="ropeway-fuzz-"))
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(SEEDS):
        (corpus / f"seed{number}").write_bytes(b"\0\7" + seed)
    words = corpus.with_suffix(".dict")
    words.write_bytes(b"".join(b'"' + word + b'"\n' for word in DICTIONARY))
    sys.stderr.write(f"The corpus is in {corpus}.\n")
    options = [
        f"-runs={runs}",
        f"-dict={words}",
        "-max_len=2048",
        "-timeout=10",
        "-rss_limit_mb=2048",
        "-print_final_stats=1",
        f"-artifact_prefix={corpus}/",
    ]
    atheris.Setup([sys.argv[0], *options, *more, str(corpus)], one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
