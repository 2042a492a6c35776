"""Runs beside peers are measured, verified and told as they were: the real task against the null server, and made-up figures in tables."""

import hashlib
import json
from dataclasses import asdict, replace

import pytest

from bench import peers as bench_peers
from bench.peers import peers, report, servers, trees
from bench.peers.runs import Bench, Sample, Way

FEW = trees.Case("few", "few files", lambda: iter([("a/one.html", 5000), ("a/b/none", 0), ("large.bin", 20_000_003)]))


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    scratch = tmp_path_factory.mktemp("bench")
    return Bench(servers.compiled(scratch), scratch)


@pytest.fixture(scope="module")
def tree(bench):
    return trees.make(FEW, bench.scratch)


@pytest.mark.parametrize("way", [Way(), Way(tls=True, latency=5)], ids=lambda way: way.name)
def test_the_task_goes_up_and_down_is_measured_and_right(bench, tree, way):
    up, same, down = bench.round(peers.ALL["ropeway"], tree, way, ("up", "same", "down"), 0)
    assert [sample.error for sample in (up, same, down)] == ["", "", ""]
    assert all(sample.seconds > 0 and sample.cpu > 0 and 10 < sample.megabytes < 200 for sample in (up, same, down))
    assert up.requests >= 3 + 2  # three files, one of them in parts
    assert same.requests < up.requests


def test_a_peer_that_sends_or_writes_something_else_is_found_out(bench, tree):
    idle = replace(peers.ALL["ropeway"], command=lambda job: ["true"], done=0)
    up, down = bench.round(idle, tree, Way(), ("up", "down"), 0)
    assert "3 objects are missing" in up.error
    assert "3 files are missing" in down.error


def test_a_peer_that_fails_is_told_with_its_own_words(bench, tree):
    broken = replace(peers.ALL["ropeway"], command=lambda job: ["sh", "-c", "echo no such thing; exit 3"])
    (up,) = bench.round(broken, tree, Way(), ("up",), 0)
    assert up.error == "ended with 3: no such thing"


def test_other_bytes_of_the_same_length_are_a_difference(tree, tmp_path):
    for name in tree.sizes:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes((tree.folder / name).read_bytes())
    assert trees.first_difference(tree, tmp_path) == ""
    (tmp_path / "a/one.html").write_bytes(bytes(5000))
    assert trees.first_difference(tree, tmp_path) == "a/one.html has other bytes"


def test_a_tree_is_the_same_every_time(tree, tmp_path):
    again = trees.make(FEW, tmp_path)
    same = [hashlib.sha256((one.folder / "large.bin").read_bytes()).digest() for one in (tree, again)]
    assert same[0] == same[1]


def found(*samples):
    told = {
        "ropeway": {"version": "ropeway 1", "how": "the task", "absent": "", "ours": True},
        "s5cmd": {"version": "v2", "how": "as it comes", "absent": "", "ours": False},
        "aws-v2": {"version": "", "how": "as it comes", "absent": "no aws here", "ours": False},
    }
    return {
        "machine": "2 cores", "date": "2026-01-01", "cases": {"small": "5,000 x 4 KiB"}, "peers": told,
        "samples": [asdict(sample) | {"version": told[sample.peer]["version"]} for sample in samples],
    }  # fmt: skip


def sample(peer, number, seconds, cpu, **more):
    return Sample("HTTP", "small", "up", peer, number, seconds=seconds, cpu=cpu, megabytes=30, requests=5000, **more)


def test_the_table_has_the_medians_of_what_went_well_and_says_who_is_ahead_and_who_was_absent():
    text = report.as_markdown(
        found(
            *(sample("ropeway", number, seconds, 1.0) for number, seconds in enumerate((1.0, 9.0, 2.0, 3.0, 2.5))),
            *(sample("s5cmd", number, 3.0, 0.5) for number in range(4)),
            sample("s5cmd", 4, 99.0, 99.0, error="ended with 1: it broke"),
        )
    )
    assert "| ropeway | **2.50** / 1.00 / 30 / 5000 |" in text
    assert "| s5cmd | 3.00 / **0.50** / 30 / 5000 (4) |" in text
    assert "- HTTP, 5,000 x 4 KiB, up: s5cmd 0.50 s of CPU; ours 1.00" in text
    assert "s5cmd 3.00 s of wall" not in text
    assert "| aws-v2 | absent: no aws here |" in text
    assert "- s5cmd, HTTP, small, up (4 runs went well): ended with 1: it broke" in text


def test_what_an_older_version_did_counts_no_more():
    results = found(sample("ropeway", 0, 5.0, 5.0), sample("ropeway", 1, 1.0, 1.0))
    results["samples"][0]["version"] = "ropeway 0"
    assert "| ropeway | **1.00** / **1.00** / 30 / 5000 (1) |" in report.as_markdown(results)


def test_the_page_and_its_plots_are_made_from_the_results(tmp_path, monkeypatch):
    (tmp_path / "images").mkdir()
    (tmp_path / "page.md").write_text(f"before\n{report.BEGIN}\nold\n{report.END}\nafter\n", encoding="utf-8")
    monkeypatch.setattr(report, "DOCS", tmp_path)
    monkeypatch.setattr(report, "PAGE", tmp_path / "page.md")
    results = tmp_path / "results.json"
    results.write_text(
        json.dumps(found(sample("ropeway", 0, 1.0, 1.0), sample("s5cmd", 0, 2.0, 3.0))), encoding="utf-8"
    )
    bench_peers.main(["--report", str(results)])
    page = (tmp_path / "page.md").read_text(encoding="utf-8")
    assert page.startswith("before\n")
    assert page.endswith("after\n")
    assert "old" not in page
    assert "![HTTP](images/performance-http.svg)" in page
    assert (tmp_path / "images/performance-http.svg").read_text(encoding="utf-8").count("<rect") == 5


def test_a_peer_that_is_not_here_is_told(monkeypatch, capsys):
    def absent():
        raise FileNotFoundError("nowhere")

    monkeypatch.setitem(peers.ALL, "s5cmd", replace(peers.ALL["s5cmd"], version=absent))
    ((_, version, why),) = peers.here(["s5cmd"])
    assert (version, why) == ("", "nowhere")


def test_a_way_has_a_name_that_tells_its_latency():
    assert [Way().name, Way(tls=True).name, Way(tls=True, latency=30).name] == ["HTTP", "TLS", "TLS, 30 ms"]
