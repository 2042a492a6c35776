"""`python -m bench` says what there is, and runs what is asked for."""

import pytest

from bench import __main__ as bench
from bench import memory


def test_the_list_names_every_bench_and_what_it_measures(capsys):
    bench.main(["--list"])
    printed = capsys.readouterr().out
    assert "memory: Peak memory of a whole task" in printed
    assert "null_s3" not in printed


def test_a_bench_is_run_by_its_name(capsys, monkeypatch):
    monkeypatch.setattr(memory, "LOADS", {"one file": memory.Load(1, 100)})
    bench.main(["memory"])
    assert "| one file, up |" in capsys.readouterr().out


def test_a_name_that_is_no_bench_is_refused_with_those_there_are(capsys):
    with pytest.raises(SystemExit):
        bench.main(["memroy"])
    assert "there is no bench memroy; there are memory" in capsys.readouterr().err
