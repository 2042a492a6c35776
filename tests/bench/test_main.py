"""`python -m bench` says what there is, and runs what is asked for."""

import pytest

from bench import __main__ as bench
from bench import memory, peers


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
    refused = capsys.readouterr().err
    assert f"there is no bench memroy; there are {', '.join(bench.benches())}" in refused
    assert "memory" in bench.benches()


def test_options_are_handed_to_the_bench_that_has_some(capsys, monkeypatch):
    handed = []
    monkeypatch.setattr(peers, "main", handed.append)
    bench.main(["peers", "--quick", "--way", "tls"])
    assert handed == [["--quick", "--way", "tls"]]
    with pytest.raises(SystemExit):
        bench.main(["memory", "--quick"])
    assert "--quick: peers alone has options" in capsys.readouterr().err
