"""Who made what travels in the bundle, under which licence, and whether that licence may travel."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

# SPDX names. A package may travel when every licence that it names is among these.
# MPL-2.0 asks that what it covers stays open; it travels unchanged, as source.
ALLOWED = {"Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT", "MPL-2.0", "PSF-2.0"}
# What older packages write instead of an SPDX expression.
SPELLINGS = {"Apache License 2.0": "Apache-2.0"}
# What was read in a package's own licence files, because what it states does not say all. It holds as long as it states that.
READ = {
    (
        "botocore",
        "Apache-2.0",
    ): "Apache-2.0 AND MIT AND MPL-2.0",  # parts of requests and urllib3, Mozilla's authorities
    ("python-dateutil", "Dual License"): "Apache-2.0 AND BSD-3-Clause",
}


@dataclass(frozen=True)
class Package:
    """A package of the bundle. `texts` are (file name, text) of its licences and notices, `wheel` its file and that file's SHA-256."""

    name: str
    version: str
    licence: str
    texts: tuple[tuple[str, str], ...]
    wheel: tuple[str, str]


def packages(installed: Path, wheelhouse: Path) -> tuple[Package, ...]:
    """The packages that were installed into a folder, by name."""
    found = (_package(item, wheelhouse) for item in importlib.metadata.distributions(path=[str(installed)]))
    return tuple(sorted(found, key=lambda package: package.name))


def _package(item: importlib.metadata.Distribution, wheelhouse: Path) -> Package:
    name = re.sub(r"[-_.]+", "-", item.metadata["Name"]).lower()
    licence = item.metadata["License-Expression"] or item.metadata["License"] or ""
    [wheel] = wheelhouse.glob(f"{name.replace('-', '_')}-{item.version}-*.whl")
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    spdx = READ.get((name, licence)) or SPELLINGS.get(licence, licence)
    return Package(name, item.version, spdx, tuple(_texts(item)), (wheel.name, digest))


def _texts(item: importlib.metadata.Distribution) -> Iterator[tuple[str, str]]:
    for file in sorted(item.files or []):
        if ".dist-info" in file.parts[0] and re.match(r"(licen[cs]e|notice|copying|authors)", file.name, re.IGNORECASE):
            yield file.name, file.read_text(encoding="utf-8")


def check_licences(carried: tuple[Package, ...]) -> Iterator[str]:
    """A sentence for each package that may not travel."""
    for package in carried:
        named = set(re.findall(r"[\w.+-]+", package.licence)) - {"AND", "OR", "WITH"}
        if not named or named - ALLOWED:
            yield (
                f"{package.name} {package.version} is under {package.licence or 'no stated licence'!r}, which tooling/licences.py does "
                "not allow. Read its licence file; then add it there, or take another package."
            )
        if not package.texts:
            yield f"{package.name} {package.version} brings no licence file; THIRD_PARTY_NOTICES would lack it."


def notices(carried: tuple[Package, ...]) -> str:
    """THIRD_PARTY_NOTICES: each package with its licence and notice files, word for word."""
    head = "Ropeway carries these packages, unchanged but for parts that were left out, each under its own licence.\n"
    return head + "".join(_notice(package) for package in carried)


def _notice(package: Package) -> str:
    title = f"{package.name} {package.version} ({package.licence})"
    texts = "".join(f"\n--- {name}\n\n{text.strip()}\n" for name, text in package.texts)
    return f"\n{'=' * 80}\n{title}\n{'=' * 80}\n{texts}"


def bill_of_materials(version: str, carried: tuple[Package, ...]) -> str:
    """CycloneDX 1.6 as JSON. The same packages give the same bytes: its serial number is made from them, and it holds no time."""
    components = [_component(package) for package in carried]
    serial = uuid.uuid5(uuid.NAMESPACE_URL, json.dumps([version, components]))
    ropeway = {
        "type": "application",
        "bom-ref": "ropeway",
        "name": "ropeway",
        "version": version,
        "licenses": [{"expression": "MIT"}],
    }
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{serial}",
        "version": 1,
        "metadata": {"component": ropeway},
        "components": components,
        "dependencies": [{"ref": "ropeway", "dependsOn": [component["bom-ref"] for component in components]}],
    }
    return json.dumps(document, indent=2) + "\n"


def _component(package: Package) -> dict[str, object]:
    purl = f"pkg:pypi/{package.name}@{package.version}"
    return {
        "type": "library",
        "bom-ref": purl,
        "name": package.name,
        "version": package.version,
        "purl": purl,
        "licenses": [{"expression": package.licence}],
        "hashes": [{"alg": "SHA-256", "content": package.wheel[1]}],
    }
