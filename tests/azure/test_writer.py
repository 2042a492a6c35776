from __future__ import annotations

import os
import threading
import time

import pytest

from ropeway.azure.commands import complete
from ropeway.azure.writer import OutputLost, SafeText, Writer


class Pipe:
    def __init__(self) -> None:
        self.reader, self.end = os.pipe()
        self.writer = Writer(self.end)

    def read(self) -> list[str]:
        os.close(self.end)
        with os.fdopen(self.reader, encoding="utf-8", newline="") as reader:
            return reader.read().split("\n")[:-1]


@pytest.fixture
def pipe() -> Pipe:
    return Pipe()


def test_foreign_text_is_made_safe_and_commands_are_not(pipe: Pipe) -> None:
    pipe.writer.say("a ##vso[a.b]\nc", "##[group]")
    pipe.writer.say_lines("d\n\x1b[1me ##[error]")
    pipe.writer.command(complete("Failed", "f"))
    assert pipe.read() == [
        r"##[group]a **vso[a.b]\nc",
        "d",
        r"\x1b[1me **[error]",
        "##vso[task.complete result=Failed;]f",
    ]


def test_a_value_that_is_no_utf_8_is_written_as_far_as_it_goes(pipe: Pipe) -> None:
    pipe.writer.command(complete("Succeeded", "caf\udce9"))
    assert pipe.read() == [r"##vso[task.complete result=Succeeded;]caf\udce9"]


def test_lines_of_many_threads_are_whole_even_in_a_pipe_that_is_full_and_does_not_block(pipe: Pipe) -> None:
    os.set_blocking(pipe.end, False)  # as the launcher's Node leaves it
    said = [f"{name}" * 9000 for name in "abcdefgh"]  # longer than what a pipe takes in one piece
    threads = [threading.Thread(target=lambda line=line: [pipe.writer.say(line) for _ in range(20)]) for line in said]
    for thread in threads:
        thread.start()
    read = bytearray()
    while len(read) < 8 * 20 * 9001:
        time.sleep(0.001)  # a slow reader
        read += os.read(pipe.reader, 65536)
    for thread in threads:
        thread.join()
    assert sorted(read.decode().split("\n")[:-1]) == sorted(said * 20)


def test_once_a_line_is_lost_every_later_one_is_refused(pipe: Pipe) -> None:
    os.close(pipe.reader)
    with pytest.raises(OutputLost):
        pipe.writer.say("nobody hears")
    pipe.reader, again = os.pipe()
    os.dup2(again, pipe.end)
    os.close(again)
    with pytest.raises(OutputLost):
        pipe.writer.say("somebody would hear this, but has not heard what came before")
    assert pipe.read() == []


def test_what_a_library_prints_is_made_safe_line_by_line(pipe: Pipe) -> None:
    stream = SafeText(pipe.writer)
    print("begun ", end="", file=stream)
    print("##vso[a.b]\r\nnext", file=stream, flush=True)
    stream.write("rest")
    stream.finish()
    stream.finish()
    assert pipe.read() == ["begun **vso[a.b]", "next", "rest"]
