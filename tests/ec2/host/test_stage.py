"""A bundle arrives on a host: whole and proved, or not at all."""

from __future__ import annotations

import dataclasses
import gzip
import hashlib
import os
import re
import shutil
import ssl
import stat
import subprocess
import time
import uuid
from pathlib import Path

import pytest
import trustme

from ropeway.ec2.host import HostScripts
from ropeway.errors import InputError
from ropeway.s3.state.releases import State
from tests.ec2.host.machine import Machine
from tests.ec2.trees import File, Link
from tests.servers.web import Page, web_server

TOOLS = (
    "basename bash cat chmod chown cut date df dirname find flock getent grep gzip head id lsblk findmnt ln ls mkdir mv "
    "readlink rm runuser sed setsid sh sha256sum sleep sort stat sync tail tar timeout touch tr"
)
"""What coreutils, util-linux and the like have. (On Amazon Linux, Ubuntu and Debian; the servers of Debian have no curl.)"""


def with_tools(machine: Machine, *more: str) -> None:
    """A PATH with nothing else on it."""
    folder = machine.root / "tools"
    folder.mkdir()
    for name in (*TOOLS.split(), *more):
        found = shutil.which(name)
        assert found, name
        (folder / name).symlink_to(found)
    machine.path = str(folder)


def left_behind(machine: Machine) -> list[str]:
    """What an arrival that failed must not leave."""
    folders = (machine.app / "releases", machine.notes / "incoming", machine.notes / "releases")
    return sorted(path.name for folder in folders for path in folder.iterdir() if path.name != "said")


def test_a_release_lies_beside_the_others_and_nothing_is_switched(shop, machine):
    report = shop.stage(shop.release("1.0 \u00e4/rc", tree={"a/b": File(b"x", 0o755), "link": Link("a/b")}))
    assert (report.ok, report.release, report.live, report.changed) == (True, "1.0 \u00e4/rc", "", False)
    (release,) = (machine.app / "releases").iterdir()
    assert (release / "version").read_text() == "1.0 \u00e4/rc"
    assert stat.S_IMODE((release / "a/b").stat().st_mode) == 0o755
    assert os.readlink(release / "link") == "a/b"
    assert not (machine.app / "current").exists()
    assert shop.states() == {"1.0 \u00e4/rc": "staged"}
    assert left_behind(machine) == [release.name, release.name]  # its notes are called so, too


def test_files_get_the_time_of_their_arrival(shop, machine):
    """A web server whose files all have one time says 304 for another file of the same size."""
    begun = time.time()
    shop.stage(shop.release("1"))
    assert (machine.app / "releases/1/version").stat().st_mtime > begun - 5


def test_the_same_release_again_is_not_fetched_again(shop, web):
    scripts = shop.release("1")
    shop.stage(scripts)
    asked = len(web.asked)
    assert shop.stage(scripts).ok
    assert len(web.asked) == asked


def test_the_same_id_with_other_content_is_an_error_and_changes_nothing(shop, machine):
    shop.stage(shop.release("1"))
    report = shop.stage(shop.release("1", tree={"more": File(b"x")}))
    assert not report.ok
    assert report.why == "Release 1 is here already, with other content: give this one another id."
    assert not (machine.app / "releases/1/more").exists()


@pytest.mark.parametrize("state", [State.FAILED, State.ROLLED_BACK])
def test_one_that_failed_may_be_staged_again(shop, state):
    scripts = shop.release("1")
    shop.stage(scripts)
    shop.mark(scripts, state)
    assert shop.stage(scripts).ok
    assert shop.states() == {"1": "staged"}


def test_a_folder_that_somebody_else_put_there_is_left_alone(shop, machine):
    mine = machine.app / "releases/1/mine"
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")
    report = shop.stage(shop.release("1"))
    assert "Ropeway has not put it there" in report.why
    assert mine.read_text() == "mine"


# --- fetching -----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("tool", ["curl", "wget", "python3"])
def test_any_of_three_tools_will_do(shop, machine, tool):
    with_tools(machine, tool)
    scripts = only_these(shop.release("1"))
    assert shop.stage(scripts).ok
    assert (machine.app / "releases/1/version").read_text() == "1"


def only_these(scripts: HostScripts) -> HostScripts:
    """The script adds the usual folders to PATH, where this machine has its other tools."""

    class Only(HostScripts):
        def _script(self, *given, **values):
            script = super()._script(*given, **values)
            added = "PATH=${PATH:+$PATH:}/usr/"
            assert added in script.text
            return dataclasses.replace(script, text=script.text.replace(added, "_="))

    return Only(**{field.name: getattr(scripts, field.name) for field in dataclasses.fields(scripts)})


def test_without_any_of_them_it_says_so(shop, machine):
    with_tools(machine)
    report = shop.stage(only_these(shop.release("1")))
    assert report.why == "There is no curl, no wget and no python3 to fetch the bundle with."


DENIED = Page(
    b'<?xml version="1.0"?>\n<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>', 403
)


@pytest.mark.parametrize("tool", ["curl", "wget", "python3"])
def test_a_denial_is_never_taken_for_a_bundle(shop, machine, web, tool):
    with_tools(machine, tool)
    scripts = only_these(shop.release("1"))
    web.answers[f"/{scripts.bundle.name}"] = DENIED
    asked = len(web.asked)
    report = shop.stage(scripts)
    assert "(AccessDenied: Request has expired)" in report.why
    assert len(web.asked) - asked == (
        3 if tool == "wget" else 1
    )  # it would be denied again; but wget does not tell 403 from 503
    assert left_behind(machine) == []


def test_a_page_that_says_200_is_not_one_either(shop, machine, web):
    scripts = shop.release("1")
    web.answers[f"/{scripts.bundle.name}"] = Page(DENIED.body)
    report = shop.stage(scripts)
    assert f"did not arrive whole: {len(DENIED.body)} of {scripts.bundle.size} bytes with the sha256" in report.why
    assert left_behind(machine) == []


def test_wrong_bytes_of_the_right_length_are_refused(shop, machine, web):
    scripts = shop.release("1")
    body = bytearray(Path(scripts.bundle.path).read_bytes())
    body[20] ^= 1
    web.answers[f"/{scripts.bundle.name}"] = Page(bytes(body))
    report = shop.stage(scripts)
    assert f"and not {scripts.bundle.sha256}." in report.why
    assert left_behind(machine) == []


@pytest.mark.parametrize("tool", ["curl", "wget", "python3"])
def test_what_arrives_cut_short_is_fetched_again(shop, machine, web, tool):
    with_tools(machine, tool)
    scripts = only_these(shop.release("1"))
    body = Path(scripts.bundle.path).read_bytes()

    def cut(handler) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body[: len(body) // 2]))

    web.answers[f"/{scripts.bundle.name}"] = [Page(b"busy", 503), cut, Page(body)]
    assert shop.stage(scripts).ok
    assert (machine.app / "releases/1/version").read_text() == "1"


@pytest.mark.parametrize(
    ("tool", "words"),
    [("curl", r"curl: \(7\)"), ("wget", "wget could not reach the server"), ("python3", "urllib.error.URLError")],
)
def test_a_server_that_is_not_there_is_told(shop, machine, tool, words):
    with_tools(machine, tool)
    scripts = dataclasses.replace(only_these(shop.release("1")), url="http://127.0.0.1:9/bundle")
    assert re.match(f"The bundle did not arrive: {words}", shop.stage(scripts).why)


@pytest.mark.parametrize("tool", ["curl", "wget"])
def test_a_certificate_that_the_host_does_not_trust_is_told(shop, machine, tool):
    with_tools(machine, tool)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(tls)
    with web_server(tls) as web:
        scripts = dataclasses.replace(only_these(shop.release("1")), url=web.url("/bundle"))
        assert "certificate" in shop.stage(scripts).why


def test_a_server_that_falls_silent_ends_with_the_time_for_it(shop, web):
    scripts = shop.release("1", stage_seconds=2)
    web.answers[f"/{scripts.bundle.name}"] = lambda _: web.stopped.wait(300)
    assert "did not arrive" in shop.stage(scripts).why


def test_no_log_no_list_of_processes_and_no_report_shows_the_address(shop, machine, web):
    scripts = shop.release("1")
    signature = f"hush{uuid.uuid4().hex}"  # others may be fetching beside us
    scripts = dataclasses.replace(scripts, url=f"{scripts.url}?X-Amz-Signature={signature}")
    seen: list[str] = []

    def look(handler) -> None:
        found = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True)
        seen.extend(found.stdout.splitlines())
        handler.send_error(500)

    web.answers[f"/{scripts.bundle.name}"] = look
    run = machine.run(scripts.stage())
    assert any("curl" in line for line in seen)
    assert not [line for line in seen if signature in line]
    assert signature not in run.stdout + run.stderr
    assert not [log for log in (machine.notes / "log").iterdir() if signature in log.read_text()]


@pytest.mark.parametrize(
    "url", ['http://a/"b', "http://a/ b", "http://a/\n-o/etc/passwd", "http://a/\\x", "http://a/\u00e4", ""]
)
def test_an_address_that_a_tool_could_misread_is_not_sent(shop, url):
    with pytest.raises(InputError):
        dataclasses.replace(shop.release("1"), url=url).stage()


# --- the disk -------------------------------------------------------------------------------------------------------------------------


def test_a_disk_that_is_too_full_is_told_before_anything_is_fetched(shop, machine, web):
    tools = machine.root / "tools"
    tools.mkdir()
    (tools / "df").write_text("#!/bin/sh\necho Avail\necho 5000000\n")
    (tools / "df").chmod(0o755)
    machine.path = f"{tools}:{os.environ['PATH']}"
    asked = len(web.asked)
    report = shop.stage(shop.release("1"))
    assert report.why == "The disk is too full: 4 MB are free below /opt/my shop, and the release takes 33 MB."
    assert report.free == 5_000_000
    assert len(web.asked) == asked


def test_a_system_that_does_not_say_how_much_is_free_is_not_called_full(shop, machine):
    tools = machine.root / "tools"
    tools.mkdir()
    (tools / "df").write_text("#!/bin/sh\necho 'df: no file systems processed' >&2\nexit 1\n")
    (tools / "df").chmod(0o755)
    machine.path = f"{tools}:{os.environ['PATH']}"
    report = shop.stage(shop.release("1"))
    assert (report.ok, report.why, report.free) == (True, "", -1)


def test_what_failed_does_not_fill_the_disk(shop, machine):
    """Nobody comes to the end of a deployment, where old releases go, as long as each of them fails."""
    shop.live("1")
    for id in ("2", "3", "4"):
        scripts = shop.release(id, {"ValidateService": "#!/bin/sh\nexit 1\n"})
        assert shop.stage(scripts).ok
        assert not shop.switch(scripts, over="1").ok
        assert shop.rollback(scripts, "1").ok
    assert shop.stage(shop.release("5")).ok
    assert shop.states() == {"5": "staged", "1": "healthy", "4": "failed"}
    assert sorted(path.name for path in (machine.app / "releases").iterdir()) == ["1", "4", "5"]


def test_what_an_arrival_left_that_was_killed_makes_room_for_the_next_one(shop, machine):
    """Else one that filled the disk would keep out every other."""
    shop.live("1")
    for left in (
        machine.app / "releases/.2.part/release",
        machine.app / "releases/.gone.0",
        machine.notes / "incoming",
    ):
        left.mkdir(parents=True, exist_ok=True)
        (left / "half").write_bytes(b"x" * 1_000_000)
    tools = machine.root / "tools"
    tools.mkdir()
    (tools / "df").write_text(
        '#!/bin/sh\ncd "$INSTANCE_ROOT/opt/my shop"\n[ -e releases/.2.part ] || [ -e releases/.gone.0 ] || '
        '[ -e .ropeway/incoming/half ] || exec /bin/df "$@"\necho Avail\necho 5000000\n'
    )
    (tools / "df").chmod(0o755)
    machine.path = f"{tools}:{os.environ['PATH']}"
    assert shop.status().free >= 8_000_000, "who looks first must know that it goes before a release arrives"
    assert shop.stage(shop.release("3")).ok


def test_a_disk_that_fills_up_leaves_nothing_half_done(shop, machine):
    """Here files may not grow over a limit, which to tar is the same: a write that fails."""
    scripts = shop.release("1", tree={"big": File(b"\0" * 3_000_000)})
    report = shop.stage(
        scripts, before="trap '' XFSZ; ulimit -f 2000; "
    )  # 1 MB in the blocks of sh, 2 MB in those of bash
    assert report.why.startswith("The bundle cannot be unpacked: ")
    assert not (machine.app / "releases/1").exists()
    assert shop.states() == {}
    assert shop.stage(scripts).ok
    assert (machine.app / "releases/1/big").stat().st_size == 3_000_000


def test_a_bundle_that_is_no_archive_is_refused(shop, machine, web):
    scripts = shop.release("1")
    body = gzip.compress(b"this is no tar archive" * 100)
    bundle = dataclasses.replace(scripts.bundle, sha256=hashlib.sha256(body).hexdigest(), size=len(body))
    web.answers[f"/{bundle.name}"] = Page(body)
    report = shop.stage(dataclasses.replace(scripts, bundle=bundle, url=web.url(f"/{bundle.name}")))
    assert report.why.startswith("The bundle cannot be unpacked: ")
    assert shop.states() == {}


def test_one_that_was_interrupted_is_staged_again_from_the_start(shop, machine, web):
    """The instance goes down while it unpacks: what lies there then is no release to anybody."""
    scripts = shop.release("1")
    for half in (machine.app / "releases/.1.part/release", machine.notes / "releases/1", machine.notes / "incoming"):
        half.mkdir(parents=True)
    (machine.app / "releases/.1.part/release/half").write_text("x")
    (machine.notes / "releases/1/state").write_text("staged\n")
    (machine.notes / "incoming" / scripts.bundle.name).write_bytes(b"half")
    assert shop.status().releases == ()
    refused = shop.report(scripts, scripts.switch(over=""), "switch")
    assert refused.why == "Release 1 is not on this instance."
    assert shop.stage(scripts).ok
    assert not (machine.app / "releases/1/half").exists()
    assert (machine.app / "releases/1/version").read_text() == "1"


# --- what outlives releases ---------------------------------------------------------------------------------------------------------------


def test_shared_paths_are_linked_into_each_release(shop, machine):
    shared = machine.app / "shared"
    (shared / "conf").mkdir(parents=True)
    (shared / "conf/secrets.env").write_text("hush")
    for id in ("1", "2"):
        shop.stage(
            shop.release(id, shared=("log/", "conf/secrets.env"), tree={"log/.gitkeep": File(), "conf/a": File(b"a")})
        )
    (machine.app / "releases/1/log/app.log").write_text("from 1")
    second = machine.app / "releases/2"
    assert (second / "log/app.log").read_text() == "from 1"
    assert (second / "conf/secrets.env").read_text() == "hush"
    assert (second / "conf/a").read_text() == "a"


def test_a_shared_file_must_be_there_before(shop, machine):
    report = shop.stage(shop.release("1", shared=("conf/secrets.env",)))
    assert report.why == (
        f"{machine.app}/shared/conf/secrets.env is not there, and the release needs it: put it there, or take it out of shared."
    )
    assert shop.states() == {}


def test_a_release_belongs_to_whom_it_should(shop, machine):
    me = f"{os.getuid()}:{os.getgid()}"
    shop.stage(shop.release("1", owner=me, shared=("log/",)))
    assert (machine.app / "releases/1/version").stat().st_uid == os.getuid()
    report = shop.stage(shop.release("2", owner="nobody-knows-this-one"))
    assert report.why == "The release cannot be given to nobody-knows-this-one."
    assert set(shop.states()) == {"1"}


def test_a_folder_that_cannot_be_made_is_told(shop, machine):
    machine.app.parent.mkdir(parents=True)
    machine.app.write_text("a file")
    report = shop.stage(shop.release("1"))
    assert report.why.startswith("The folder /opt/my shop cannot be made: ")
