"""The measurements that stand in docs: `python -m bench` runs all of them, `python -m bench memory` some, `--list` none."""

from __future__ import annotations

import argparse
import importlib
import pkgutil

import bench

WITH_OPTIONS = "peers"
SERVER = "null_s3"
"""What they measure against, no bench itself."""


def benches() -> tuple[str, ...]:
    found = (module.name for module in pkgutil.iter_modules(bench.__path__))
    return tuple(sorted(name for name in found if name not in {"__main__", SERVER}))


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measurements.")
    parser.add_argument("names", nargs="*", metavar="BENCH", help=f"one of {', '.join(benches())}; none: all")
    parser.add_argument("--list", action="store_true", help="say what there is, and run nothing")
    given, options = parser.parse_known_args(arguments)
    if options and given.names != [WITH_OPTIONS]:
        parser.error(f"{' '.join(options)}: {WITH_OPTIONS} alone has options")
    if unknown := set(given.names) - set(benches()):
        parser.error(f"there is no bench {', '.join(sorted(unknown))}; there are {', '.join(benches())}")
    for name in given.names or benches():
        module = importlib.import_module(f"bench.{name}")
        title, *_ = (module.__doc__ or "").strip().splitlines()
        print(f"{name}: {title}", flush=True)
        if not given.list:
            module.main(*[options] if options else [])
            print(flush=True)


if __name__ == "__main__":
    main()
