from __future__ import annotations

import dataclasses
import json

import pytest

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
