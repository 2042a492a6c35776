"""The embedded AWS in the hands of its user, and `--local`, which finds or starts it."""

from __future__ import annotations

import pytest


@pytest.fixture
def at_home(ropeway):
    """Whatever was started is stopped; its state lies in this test's own home."""
    yield ropeway
    ropeway("local", "down")


@pytest.fixture
def site(tmp_path):
    (tmp_path / "dist").mkdir()
    (tmp_path / "dist" / "index.html").write_text("<h1>Hello</h1>")
    return tmp_path / "dist"


def test_it_goes_up_holds_what_is_uploaded_is_emptied_and_goes_down(at_home, site, tmp_path):
    assert at_home("local", "status").out == "The embedded AWS is not up. `ropeway local up` starts it.\n"
    assert at_home("local", "up").out.startswith("The embedded AWS is up.\nIt listens at http://127.0.0.1:")
    assert at_home("local", "up").out.startswith("The embedded AWS was up already.\n")
    assert "\nThere is no bucket in it.\n" in at_home("local", "status").out

    uploaded = at_home("s3", "upload", site, "s3://mine/site", "--local", "--create-bucket")
    assert uploaded.code == 0, uploaded.err
    assert "Started" not in uploaded.err
    status = at_home("local", "status").out
    assert "\n  s3://mine: 1 object, 14 bytes\n" in status
    assert "There is no bucket" not in status
    assert "\n  export AWS_ENDPOINT_URL=http://127.0.0.1:" in status

    back = at_home("s3", "download", "s3://mine/site", tmp_path / "back", "--local", "--strip-prefix")
    assert back.code == 0, back.err
    assert (tmp_path / "back" / "index.html").read_text() == "<h1>Hello</h1>"

    assert "s3://mine" not in at_home("local", "reset").out
    assert at_home("local", "down").out == "The embedded AWS is down, and what it held is gone.\n"
    assert at_home("local", "down").out.startswith("The embedded AWS is not up.")
    assert at_home("local", "reset").out.startswith("The embedded AWS is not up.")


def test_local_starts_it_and_says_how_to_stop_it(at_home, site):
    answer = at_home("s3", "upload", site, "s3://mine", "--local", "--create-bucket", "--dry-run")
    assert answer.code == 0, answer.err
    assert answer.err.startswith("Started the embedded AWS at http://127.0.0.1:")
    assert "`ropeway local down` stops it." in answer.err
    told = at_home("local", "status", "--json").json
    assert told.keys() == {"up", "message", "endpointUrl", "pid", "buckets", "environment"}
    assert told["up"] is True
    assert told["environment"]["AWS_ENDPOINT_URL"] == told["endpointUrl"]


def test_json_has_the_same_keys_when_it_is_not_up(ropeway):
    told = ropeway("local", "status", "--json").json
    assert told["up"] is False
    assert told.keys() == {"up", "message", "endpointUrl", "pid", "buckets", "environment"}


@pytest.mark.parametrize("other", [("--endpoint-url", "https://s3.example.com"), ("--profile", "work")])
def test_local_and_another_place_contradict_each_other(ropeway, site, other):
    answer = ropeway("s3", "upload", site, "s3://mine", "--local", *other)
    assert answer.code == 2
    assert answer.err.startswith(f"Error: --local is given, and {other[0]} too: keep one of the two.\n")
    assert ropeway("local", "status").out.startswith("The embedded AWS is not up.")


def test_the_demo_ends_well_and_leaves_nothing_behind(ropeway):
    answer = ropeway("demo")
    assert answer.code == 0, answer.out
    assert "\nThe same: 8 files, " in answer.out
    assert ropeway("local", "status").out.startswith("The embedded AWS is not up.")


def test_without_the_extra_it_says_what_to_install(ropeway, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    answer = ropeway("local", "up")
    assert answer.code == 1
    assert "pip install '.[local]'" in answer.err


def test_a_failure_answers_in_json(ropeway, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    answer = ropeway("local", "up", "--json")
    assert answer.code == 1
    assert answer.json["error"]["advice"] == "Install it, in a checkout of Ropeway: pip install '.[local]'."
