"""Trees of files to deploy, and the same trees as archives."""

from __future__ import annotations

import io
import os
import tarfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Link:
    to: str


@dataclass(frozen=True)
class File:
    body: bytes = b""
    mode: int = 0o644


Tree = Mapping[str, File | Link | None]
"""By path; None is a folder."""


def as_folder(tree: Tree, root: Path) -> Path:
    root.mkdir(parents=True)
    for name, item in tree.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if item is None:
            path.mkdir(exist_ok=True)
        elif isinstance(item, Link):
            os.symlink(item.to, path)
        else:
            path.write_bytes(item.body)
            path.chmod(item.mode)
    return root


def as_tar(tree: Tree, path: Path, mode: str = "w:gz") -> Path:
    with tarfile.open(path, mode) as archive:
        for name, item in tree.items():
            info = tarfile.TarInfo(name)
            info.mtime = 1_700_000_000
            info.uid, info.uname = 1001, "builder"
            if isinstance(item, Link):
                info.type, info.linkname = tarfile.SYMTYPE, item.to
            elif item is None:
                info.type, info.mode = tarfile.DIRTYPE, 0o775
            else:
                info.size, info.mode = len(item.body), item.mode
            archive.addfile(info, io.BytesIO(item.body) if isinstance(item, File) else None)
    return path


def as_zip(tree: Tree, path: Path) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, item in tree.items():
            info = zipfile.ZipInfo(f"{name}/" if item is None else name, (2026, 1, 31, 12, 0, 0))
            info.create_system = 3
            kind, mode = (0o120000, 0o777) if isinstance(item, Link) else (0o100000, getattr(item, "mode", 0))
            info.external_attr = (0o040775 if item is None else kind | mode) << 16
            archive.writestr(info, item.to if isinstance(item, Link) else item.body if item else b"")
    return path


APP: Tree = {
    "bin/serve": File(b"#!/bin/sh\necho serving\n", 0o755),
    "bin/latest": Link("serve"),
    "empty": None,
    "web/index.html": File(b"<h1>shop</h1>" * 500),
    "web/deep/er/\u00e4.txt": File("ä".encode()),
    "web/up": Link("../bin"),
    "nothing": File(),
}
