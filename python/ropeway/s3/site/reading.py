"""The source of a release with its settings, as the inputs name them."""

from __future__ import annotations

import os
import shutil
import tempfile
import weakref
from collections.abc import Sequence
from dataclasses import dataclass, replace

from ropeway.errors import InputError, LocalFileError
from ropeway.outcome import Cancellation
from ropeway.s3.site.redirects import INDEX
from ropeway.s3.site.settings import FILE, SiteSettings, read_settings
from ropeway.s3.site.source import SiteObject, read_site


@dataclass(frozen=True)
class Source:
    """What the site becomes. What was compressed for it lies in the folder `spool`, until it is closed or nobody holds it any more."""

    settings: SiteSettings
    objects: tuple[SiteObject, ...]
    spool: str
    warnings: tuple[str, ...] = ()

    def close(self) -> None:
        """An agent's process ends at once: nothing is tidied up after it."""
        shutil.rmtree(self.spool, ignore_errors=True)


@dataclass(frozen=True)
class Described:
    """The settings of a source as they are given: their text, or the file that holds it (both empty: what is found). `suite` is the checks file, `index` the name
    of what is shown for a folder.
    """

    text: str = ""
    file: str = ""
    protected: tuple[str, ...] = ()
    suite: str = ""
    index: str = INDEX


def read_source(
    folder: str,
    described: Described,
    cancellation: Cancellation,
    *,
    globs: Sequence[str],
    may_be_empty: bool,
) -> Source:
    """Raises InputError for settings that are wrong, and as `read_site` does."""
    settings = _settings(folder, described)
    spool, warnings = tempfile.mkdtemp(prefix="ropeway-"), list[str]()
    own = (described.file, described.suite)
    try:
        objects = read_site(
            folder,
            settings,
            spool,
            cancellation,
            globs=globs,
            index=described.index,
            may_be_empty=may_be_empty,
            own=own,
            warn=warnings.append,
        )
    except BaseException:
        shutil.rmtree(spool, ignore_errors=True)
        raise
    source = Source(settings, objects, spool, tuple(warnings))
    weakref.finalize(source, shutil.rmtree, spool, ignore_errors=True)
    return source


def _settings(folder: str, described: Described) -> SiteSettings:
    found = _read(folder, described)
    return replace(found, protected=(*found.protected, *described.protected))


def _read(folder: str, described: Described) -> SiteSettings:
    if described.text:
        return read_settings(described.text, "settings")
    path = described.file or _found(folder)
    return read_settings(_text(path), path) if path else SiteSettings()


def _found(folder: str) -> str:
    """In the source, or beside it. Two are one too many: nobody would know which of them counts."""
    whole = os.path.abspath(folder)
    places = [os.path.join(whole, FILE), os.path.join(os.path.dirname(whole), FILE)]
    there = [os.path.relpath(place) for place in places if os.path.isfile(place)]
    if len(there) > 1:
        raise InputError([f"There are two settings of this site: {there[0]} and {there[1]}."]).advised(
            "Delete one, or name the one that counts (settingsFile)."
        )
    return there[0] if there else ""


def _text(path: str) -> str:
    try:
        with open(path, encoding="utf-8-sig") as file:
            return file.read()
    except FileNotFoundError:
        raise InputError([f"There are no settings at {path} (settingsFile)."]) from None
    except UnicodeDecodeError as wrong:
        raise InputError([f"{path} is no UTF-8: byte {wrong.start}."]) from None
    except OSError as wrong:
        raise LocalFileError(f"Could not read {path}: {wrong.strerror}.") from wrong
