"""A deployer in a process of its own: takes the lock, says so, and works until it is lost or a line comes in."""

from __future__ import annotations

import sys
import threading
import time
from types import SimpleNamespace

from ropeway.aws.connection import Connection
from ropeway.errors import RopewayError
from ropeway.outcome import Run
from ropeway.s3.state.lock import locked
from ropeway.s3.state.place import StatePlace
from tests.s3.boto_kit import ENGINES
from tests.secrecy import SECRET_ACCESS_KEY


def say(*words: object) -> None:
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


def main(kind: str, endpoint: str, access_key_id: str, bucket: str, name: str, lasts: str) -> None:
    told = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.readline(), told.set()), daemon=True).start()
    (engine_kind,) = [one for one in ENGINES if one.name == kind]
    known = Connection("a test", access_key_id=access_key_id, secret_access_key=SECRET_ACCESS_KEY)
    server = SimpleNamespace(endpoint_url=endpoint, connection=known)
    place = StatePlace(bucket, "state/lock.json")
    try:
        with (
            engine_kind.at(server) as engine,
            locked(engine, place, name, "a test", Run(), wait=30, lasts=float(lasts)) as lock,
        ):
            say("held")
            while not told.is_set():
                lock.check()
                time.sleep(0.01)
        say("ended")
    except RopewayError as error:
        say(type(error).__name__, error)


if __name__ == "__main__":
    main(*sys.argv[1:])
