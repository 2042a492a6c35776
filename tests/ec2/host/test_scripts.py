"""The scripts themselves: any text survives, nothing else is in them, and their last word cannot be forged."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ropeway.aws.run_command.model import HostRun, Script
from ropeway.ec2.app import App
from ropeway.ec2.bundle import Bundle
from ropeway.ec2.host import HostScripts, folder_problems, output_of
from ropeway.ec2.host.names import LONGEST, id_of, name_of
from ropeway.ec2.model import Deployment, HostReport, Layout
from ropeway.errors import InputError
from ropeway.s3.state.manifest import check_id
from ropeway.s3.state.releases import State

BUNDLE = Bundle("", "0" * 64, "1" * 64, 1000, 4096, 3, App())
SCRIPTS = HostScripts(
    Layout("/opt/shop"),
    Deployment("shop", "web", "d-1", "42"),
    BUNDLE,
    "https://example.com/bundle",
    nonce="5eed5eed5eed5eed",
)


def scripts_of(one: HostScripts) -> dict[str, Script]:
    return {
        "status": one.status(),
        "validate": one.validate(),
        "stage": one.stage(),
        "switch": one.switch(over="41"),
        "rollback": one.rollback(to="41"),
        "mark": one.mark("42", State.HEALTHY),
        "prune": one.prune(),
    }


# --- what goes out --------------------------------------------------------------------------------------------------------------------

TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=30)


@settings(max_examples=50)
@given(TEXTS, TEXTS, TEXTS, TEXTS)
def test_any_text_reaches_the_host_as_it_is_and_as_nothing_more(application, group, id, folder):
    """A shell that reads the values says them back; no word of them is a command to it."""
    one = HostScripts(Layout(folder), Deployment(application, group, id[:5], "42"))
    values = one.switch(over="").text.partition("umask 022")[0]
    says = "".join(f'printf "%s\\0" "${name}"\n' for name in ("application", "group", "deployment_id", "folder"))
    ran = subprocess.run(["/bin/bash", "-c", values + says], capture_output=True, check=True, env={"PATH": "/nowhere"})
    assert (ran.stdout.decode(), ran.stderr) == (
        "".join(f"{text}\0" for text in (application, group, id[:5], folder)),
        b"",
    )


@given(st.text(min_size=1, max_size=100))
def test_a_release_has_a_name_that_needs_no_care_and_leads_back_to_it(id):
    try:
        check_id(id)
        name = name_of(id)
    except InputError:
        return
    assert id_of(name) == id
    assert name.isascii()
    assert not set(name) & set("/\\\"'$`*?[]{}()<>|&;!# \t\n~") - {"~"}
    assert name not in {".", ".."}
    assert not name.startswith(".")
    assert len(name) <= LONGEST


@given(st.text(max_size=20), st.text(max_size=20))
def test_two_releases_never_share_a_name(one, other):
    assert (name_of(one) == name_of(other)) == (one == other)


def test_an_id_that_is_too_long_for_a_folder_is_refused():
    with pytest.raises(InputError, match="too long for the name of a folder: 900 characters"):
        name_of("\u20ac" * 100)


@pytest.mark.parametrize("folder", ["/opt/shop", "/srv/my shop", "/a"])
def test_folders_that_can_be(folder):
    assert not list(folder_problems(folder))


@pytest.mark.parametrize(
    "folder", ["", "/", "opt/shop", "/opt/", "/opt//shop", "/opt/../etc", "/opt/./x", "/opt/\n", "C:\\shop"]
)
def test_folders_that_cannot(folder):
    assert list(folder_problems(folder))


def test_scripts_are_far_below_what_ssm_takes():
    """64 KB with all parameters (SSM API reference, SendCommand)."""
    assert max(len(script.text.encode()) for script in scripts_of(SCRIPTS).values()) < 12_000


def test_scripts_ask_for_bash_and_for_more_time_than_their_hooks():
    for name, script in scripts_of(SCRIPTS).items():
        assert script.text.startswith("#!/bin/bash\n"), name
    assert SCRIPTS.switch(over="").seconds > SCRIPTS.hook_seconds


@pytest.mark.parametrize("script", ["validate", "switch", "rollback"])
def test_hooks_that_may_take_two_days_are_in_a_script_that_ssm_takes(script):
    """More than 172,800 s is refused once instances are out of their load balancers, and then nobody can be put back either."""
    one = scripts_of(replace(SCRIPTS, hook_seconds=2880 * 60))[script]
    assert one.seconds == 172_800
    assert "hook_seconds=172680\n" in one.text
    assert SCRIPTS.stage().seconds > SCRIPTS.stage_seconds


def test_the_address_of_the_bundle_is_in_one_script_alone():
    assert [name for name, script in scripts_of(SCRIPTS).items() if SCRIPTS.url in script.text] == ["stage"]
    assert SCRIPTS.url not in repr(SCRIPTS)


@pytest.mark.parametrize("name", scripts_of(SCRIPTS))
def test_shellcheck_has_nothing_to_say(name, tmp_path):
    """Of the whole script as it is sent; values that a step does not need are no harm."""
    file = tmp_path / f"{name}.sh"
    file.write_text(scripts_of(SCRIPTS)[name].text)
    tool = shutil.which("shellcheck", path=str(Path(sys.executable).parent))
    assert tool, "it comes with requirements/dev.txt"
    found = subprocess.run(
        [tool, "--norc", "--shell=bash", "--severity=warning", "--exclude=SC2034", str(file)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (found.stdout, found.returncode) == ("", 0)


# --- what comes back ----------------------------------------------------------------------------------------------------------------------


def said(stdout: str) -> HostReport | None:
    return SCRIPTS.report(HostRun("i-1", "Success", 0, stdout), "switch")


FIELDS = {
    "step": "switch", "ok": True, "changed": True, "release": "42", "live": "42", "state": "live", "previous": "", "hook": "",
    "why": "", "warning": "", "log": "", "mount": "", "disk": "", "free": 1, "releases": [["42", "live", "ab"]],
}  # fmt: skip


def line(nonce: str = SCRIPTS.nonce, **changed: object) -> str:
    return f"ropeway:{nonce} {json.dumps({**FIELDS, **changed})}"


def test_a_report_is_the_first_line():
    report = said(line() + "\nropeway:x {}\nbye\n")
    assert report is not None
    assert (report.ok, report.live, report.live_state, report.find("42").content) == (True, "42", State.LIVE, "ab")
    assert output_of(HostRun("i", "Success", stdout=line() + "\nhello\nbye\n")) == "hello\nbye\n"
    assert output_of(HostRun("i", "Success", stdout="sh: not found\n")) == "sh: not found\n"


@pytest.mark.parametrize(
    "stdout",
    [
        "",
        "hello\n" + line(),
        " " + line(),
        line(nonce="0123456789abcdef"),
        line(nonce=""),
        line()[:200],
        line(ok=1),
        line(ok="true"),
        line(changed=None),
        line(step="dance"),
        line(state="splendid"),
        line(free="much"),
        line(releases=[["42"]]),
        line(releases=None),
        line(why=7),
        f"ropeway:{SCRIPTS.nonce} []",
        f"ropeway:{SCRIPTS.nonce} " + "[" * 100_000,
    ],
)
def test_anything_else_is_no_report(stdout):
    assert said(stdout) is None


def test_another_run_of_the_same_release_has_another_nonce():
    again = HostScripts(SCRIPTS.layout, SCRIPTS.deployment, SCRIPTS.bundle, SCRIPTS.url)
    assert again.report(HostRun("i", "Success", 0, line()), "switch") is None


@given(st.text(max_size=60).filter(lambda text: "\0" not in text))
@settings(max_examples=30)
def test_what_bash_tells_of_a_text_is_that_text(text):
    """Byte by byte: bash knows no Unicode where it must not trust the locale."""
    body = Path(__file__).parents[3] / "python/ropeway/ec2/host/common.sh"
    function = "json() {" + body.read_text().partition("json() {")[2].partition("\n}\n")[0] + "\n}\n"
    encoded = text.encode(errors="surrogatepass")
    ran = subprocess.run(
        ["bash", "-c", f'{function}\njson "$1" 500; printf %s "$REPLY"', "bash", encoded],
        capture_output=True,
        check=True,
    )
    told = ran.stdout.decode("ascii")
    report = said(line().replace('"why": ""', f'"why": "{told}"'))
    assert report is not None
    assert report.why == encoded.decode(errors="replace")


def test_an_application_cannot_forge_the_last_word(shop, machine):
    """It may know everything, the nonce too: what it prints comes behind our line."""
    scripts = shop.release(
        "1", {"ValidateService": '#!/bin/sh\ncat "$INSTANCE_ROOT/lie"\ncat "$INSTANCE_ROOT/lie" >&2\nexit 1\n'}
    )
    lie = line(nonce=scripts.nonce, step="switch", ok=True, release="1", live="1")
    (machine.root / "lie").write_text(f"\n{lie}\n")
    shop.stage(scripts)
    run = machine.run(scripts.switch(over=""))
    assert lie in run.stdout
    report = scripts.report(run, "switch")
    assert report is not None
    assert not report.ok


def test_a_long_output_leaves_the_report_whole_and_its_end_is_told(shop, machine):
    body = '#!/bin/sh\ni=0\nwhile [ $i -lt 3000 ]; do echo "line $i \u00e4\u00e4\u00e4\u00e4\u00e4\u00e4\u00e4\u00e4"; i=$((i+1)); done\n'
    good = shop.release("1", {"ApplicationStart": body})
    shop.stage(good)
    run = machine.run(good.switch(over=""))
    assert good.report(run, "switch").ok
    assert len(run.stdout.encode()) < 2_400  # SSM's listing tells 2,500 characters
    assert run.stdout.endswith("line 2999 " + "\u00e4" * 8 + "\n")
    bad = shop.release("2", {"ApplicationStart": body + "exit 1\n"})
    shop.stage(bad)
    run = machine.run(bad.switch(over="1"))
    assert bad.report(run, "switch").hook == "ApplicationStart"
    assert 15_000 < len(run.stdout.encode()) < 24_000  # GetCommandInvocation tells 24,000
    log = Path(bad.report(run, "switch").log)
    assert log.read_text().count("line ") == 3000
    first = output_of(run).splitlines()[0]
    said = re.fullmatch(
        r"\((\d+) bytes before this: see /opt/my shop/(\.ropeway/log/.*-switch\.log) on the instance\)", first
    )
    assert said, first
    assert machine.app / said[2] == log
    assert int(said[1]) + 18_000 == log.stat().st_size
