"""`ropeway-app.yml`, as a user writes it, and what is wrong with it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ropeway.ec2.app import HOOKS, App, HookScript, read_app
from ropeway.errors import InputError


def test_everything_that_can_stand_in_it():
    app = read_app(
        "hooks:\n"
        "  ValidateService: {script: s/check.sh, timeout: 1m30s, user: shop}\n"
        "  ApplicationStart: [s/start.sh, {script: s/warm up.sh, timeout: 10s}]\n"
        "shared: [log/, config/secrets.env]\n"
        "owner: shop:www\n"
    )
    assert app == App(
        (
            HookScript("ApplicationStart", "s/start.sh"),
            HookScript("ApplicationStart", "s/warm up.sh", 10),
            HookScript("ValidateService", "s/check.sh", 90, "shop"),
        ),
        ("log/", "config/secrets.env"),
        "shop:www",
    )


@pytest.mark.parametrize("empty", ["", "hooks: ~\n", "hooks: {}\n", "{}", "# nothing\n"])
def test_an_app_may_have_nothing_to_say(empty):
    assert read_app(empty) == App()


def test_hooks_with_nothing_behind_them_are_refused_for_none_would_run():
    with pytest.raises(InputError, match=r"^ropeway-app\.yml:2:1: hooks has nothing behind it: leave it out, or see"):
        read_app("hooks:\n")


def test_every_mistake_is_told_with_its_place():
    with pytest.raises(InputError) as refused:
        read_app(
            "hooks:\n"
            "  AplicationStart: s/start.sh\n"
            "  ApplicationStop: {script: /etc/stop.sh, timeout: 30, runas: root}\n"
            "  ValidateService: {timeout: 2h, script: log/check.sh}\n"
            "shared: [../log, a/b, a//c]\n"
            "owner: who are you\n"
        )
    places = [problem.split(": ")[0] for problem in refused.value.problems]
    assert places == [f"ropeway-app.yml:{at}" for at in ("2:3", "3:29", "3:52", "3:56", "4:20", "5:10", "5:23", "6:8")]
    told = str(refused.value)
    for words in (
        "'AplicationStart' is not an event. Did you mean ApplicationStart?",
        "script is '/etc/stop.sh': a path in the bundle, with slashes, as scripts/start.sh.",
        "timeout is '30', which is no duration",
        "'runas' is not a setting",
        "timeout is from 1s to 1h, in whole seconds.",
        "shared is '../log': a path in the bundle",
    ):
        assert words in told


@pytest.mark.parametrize("timeout", ["0", "500ms", "1500ms", "61m"])
def test_a_time_limit_is_whole_seconds_up_to_an_hour(timeout):
    with pytest.raises(InputError, match="timeout is from 1s to 1h"):
        read_app(f"hooks: {{ApplicationStart: {{script: a.sh, timeout: {timeout}}}}}")


def test_a_hook_without_its_script_is_refused():
    with pytest.raises(InputError, match="needs script"):
        read_app("hooks: {ApplicationStart: {timeout: 10s}}")


@pytest.mark.parametrize("shared", ["[log/, log]", "[log/, log/old/]", "[a, a]"])
def test_a_shared_path_within_another_is_refused(shared):
    with pytest.raises(InputError, match="or is there twice"):
        read_app(f"shared: {shared}")


def test_a_shared_path_that_would_hide_a_script_is_refused():
    with pytest.raises(InputError, match=r"scripts would hide the script scripts/start\.sh of ApplicationStart"):
        read_app("hooks: {ApplicationStart: scripts/start.sh}\nshared: scripts/")


@given(st.sampled_from(HOOKS), st.text())
def test_whatever_is_named_as_a_script_stays_in_the_release(event, path):
    """Either it is refused, or it is a plain path downwards that a tab or a line break cannot split."""
    quoted = '"' + "".join(f"\\U{ord(one):08x}" for one in path) + '"'
    try:
        (hook,) = read_app(f"hooks: {{{event}: {quoted}}}").hooks
    except InputError:
        return
    assert hook.script == path
    assert path.isprintable()
    assert not path.startswith("/")
    assert ".." not in path.split("/")
    assert "" not in path.split("/")


def test_the_example_in_the_docs_is_one():
    page = Path(__file__).parents[2] / "docs/ropeway-app.md"
    app = read_app(page.read_text("utf-8").partition("```yaml\n")[2].partition("```")[0])
    assert {hook.event for hook in app.hooks} == set(HOOKS) - {"BeforeInstall"}
    assert (app.shared, app.owner) == (("log/", "config/secrets.env"), "shop:shop")
