from __future__ import annotations

import dataclasses
import hashlib
import json
import zipfile
from pathlib import Path

import pytest

from tooling.bundle import BuildError, unpack
from tooling.licences import Package, bill_of_materials, check_licences, notices, packages

SIX = Package(
    "six", "1.17.0", "MIT", (("LICENSE", "Copyright Benjamin\n"),), ("six-1.17.0-py2.py3-none-any.whl", "ab" * 32)
)


@pytest.mark.parametrize("licence", ["MIT", "Apache-2.0 AND BSD-3-Clause", "(MIT OR ISC)"])
def test_a_licence_on_the_list_may_travel(licence):
    assert list(check_licences((dataclasses.replace(SIX, licence=licence),))) == []


@pytest.mark.parametrize("licence", ["GPL-3.0-only", "MIT AND LGPL-2.1-or-later", "Dual License", ""])
def test_any_other_licence_stops_the_build(licence):
    [problem] = check_licences((dataclasses.replace(SIX, licence=licence),))
    assert problem.startswith(
        f"six 1.17.0 is under {licence or 'no stated licence'!r}, which tooling/licences.py does not allow."
    )


def test_a_package_without_a_licence_file_stops_the_build():
    [problem] = check_licences((dataclasses.replace(SIX, texts=()),))
    assert problem == "six 1.17.0 brings no licence file; THIRD_PARTY_NOTICES would lack it."


def wheel_of(folder: Path, metadata: str, name: str = "thing") -> tuple[Path, Path]:
    """A folder with one wheel, and the lock that pins it."""
    (folder / "wheels").mkdir()
    wheel = folder / "wheels" / f"{name.replace('-', '_')}-2.0-py3-none-any.whl"
    info = f"{name.replace('-', '_')}-2.0.dist-info"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("thing.py", "")
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.4\nName: {name}\nVersion: 2.0\n{metadata}\n")
        archive.writestr(f"{info}/LICENSE", "Copyright")
        archive.writestr(f"{info}/RECORD", f"thing.py,,\n{info}/METADATA,,\n{info}/LICENSE,,\n")
    lock = folder / "bundle.txt"
    lock.write_text(f"{name}==2.0 --hash=sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}\n")
    return wheel.parent, lock


def test_a_build_ends_at_a_licence_that_is_not_on_the_list(tmp_path):
    with pytest.raises(
        BuildError, match=r"thing 2\.0 is under 'AGPL-3\.0-only', which tooling/licences\.py does not allow"
    ):
        unpack(*wheel_of(tmp_path, "License-Expression: AGPL-3.0-only"), set(), tmp_path / "lib")


def test_a_build_goes_on_with_one_that_is(tmp_path):
    [package] = unpack(*wheel_of(tmp_path, "License-Expression: MIT"), set(), tmp_path / "lib")
    assert (package.name, package.licence) == ("thing", "MIT")


def test_what_was_read_for_one_package_holds_only_as_long_as_it_says_the_same(tmp_path):
    with pytest.raises(BuildError, match=r"python-dateutil 2\.0 is under 'Proprietary'"):
        unpack(*wheel_of(tmp_path, "License: Proprietary", "python-dateutil"), set(), tmp_path / "lib")


def test_a_package_is_read_from_what_its_wheel_says(tmp_path):
    info = tmp_path / "lib/Some_Thing-2.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: Some.Thing\nVersion: 2.0\nLicense: Apache License 2.0\n"
    )
    (info / "NOTICE").write_text("Made by some.")
    (info / "RECORD").write_text("Some_Thing-2.0.dist-info/NOTICE,,\nSome_Thing-2.0.dist-info/METADATA,,\n")
    (tmp_path / "some_thing-2.0-py3-none-any.whl").write_bytes(b"wheel")
    [package] = packages(tmp_path / "lib", tmp_path)
    assert (package.name, package.version, package.licence) == ("some-thing", "2.0", "Apache-2.0")
    assert package.texts == (("NOTICE", "Made by some."),)


def test_the_notices_hold_every_text_word_for_word():
    text = notices((SIX,))
    assert "six 1.17.0 (MIT)" in text
    assert "--- LICENSE\n\nCopyright Benjamin\n" in text


def test_the_bill_of_materials_names_what_travels_and_is_the_same_each_time():
    bill = bill_of_materials("1.0.0", (SIX,))
    assert bill == bill_of_materials("1.0.0", (SIX,))
    assert bill != bill_of_materials("1.0.1", (SIX,))
    [component] = json.loads(bill)["components"]
    assert component["purl"] == "pkg:pypi/six@1.17.0"
    assert component["hashes"] == [{"alg": "SHA-256", "content": "ab" * 32}]
