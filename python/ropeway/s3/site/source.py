"""The folder of a site, read: each file becomes one object, and so does each redirect. Every file is hashed, each time."""

from __future__ import annotations

import hashlib
import os
import posixpath
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from ropeway.checks.suite_file import FILE as SUITE
from ropeway.errors import InputError, LocalFileError, NothingMatched
from ropeway.outcome import Cancellation, listing
from ropeway.s3.engine import Headers
from ropeway.s3.globs import Globs, idle
from ropeway.s3.keys import keys_for
from ropeway.s3.site.becoming import ASK_FIRST, Fate, Fates
from ropeway.s3.site.brotli import brotli_if_smaller
from ropeway.s3.site.gzipped import gzip_if_smaller
from ropeway.s3.site.order import Group, is_page
from ropeway.s3.site.publishing import published
from ropeway.s3.site.redirects import FILE as REDIRECTS
from ropeway.s3.site.redirects import INDEX, Redirect, read_redirects
from ropeway.s3.site.settings import FILE as SETTINGS
from ropeway.s3.site.settings import SiteSettings
from ropeway.s3.walk import LocalFile, pick_files, without_leftovers

STATE = ".ropeway"
OWN_FILES = (REDIRECTS, SETTINGS, SUITE)
EVERYTHING = ("**",)
CHUNK = 1 << 20
KEPT_NAMES = re.compile(r"(^|/)(index|[1-5][0-9][0-9])\.html?$")
"""Pages that are found by their whole name: index and error documents."""


@dataclass(frozen=True, slots=True)
class SiteObject:
    """An object as it shall be. `key` is below the site's prefix; `path` is the file that is sent, size in bytes, mtime in nanoseconds.

    `sha256` and `md5` (hex) are of the bytes that are sent; `source_sha256` of those before compressing, which no other version of
    zlib changes. `lasting`: an asset that old pages may name, kept when it is gone from the source.
    """

    key: str
    path: str
    size: int
    mtime_ns: int
    sha256: str
    md5: str
    source_sha256: str
    headers: Headers
    group: Group
    lasting: bool = False


def read_site(
    folder: str,
    settings: SiteSettings,
    spool: str,
    cancellation: Cancellation,
    *,
    globs: Sequence[str] = EVERYTHING,
    index: str = INDEX,
    may_be_empty: bool = False,
    own: Sequence[str] = (),
    warn: Callable[[str], None] = lambda _: None,
) -> tuple[SiteObject, ...]:
    """In the order of their keys. `spool` is an empty folder for what is made on the way: it must be there while objects are sent. `own` are
    paths of files that are none of the site, wherever they lie; `warn` is told, in sentences, what else is left out.

    Raises NothingMatched for a folder without files, InputError for files that would share a key, LocalFileError.
    """
    picked, _ = without_leftovers(pick_files(folder, globs, cancellation))
    for line in idle(globs, (file.relative for file in picked), root=folder) if picked else ():
        warn(
            f"globExpressions: {line} matches nothing in {folder}. What is not picked is deleted from the site, if it is there."
        )
    picked, private = published(picked, own)
    for words in private:
        warn(words)
    files = [file for file in picked if file.relative not in OWN_FILES]
    if not files and not may_be_empty:
        raise NothingMatched(
            f"The source {folder} has no files: a release of it would delete the whole site.",
            advice="Check that the build has run and where it writes to.",
        )
    redirects = _redirects(picked, index)
    _refuse_state([*(file.relative for file in files), *(one.key for one in redirects)])
    _refuse_clashes(settings, files, redirects, index)
    fates = Fates(settings, [file.relative for file in files])
    fated = [(file, fates.fate(file.relative)) for file in files]
    spooled = _Spool(spool)
    pressed = _brotlied(fated, spooled, cancellation)
    objects = [_of_file(file, fate, settings, spooled, cancellation, pressed=pressed) for file, fate in fated]
    objects += [_of_redirect(redirect, spooled) for redirect in redirects]
    keys_for("", [one.key for one in objects], flatten=False)
    _refuse_changed(files)
    return tuple(sorted(objects, key=lambda one: one.key))


def key_of(relative: str, settings: SiteSettings) -> str:
    """The key of a file, below the prefix."""
    strips = settings.extensionless and is_page(relative) and not KEPT_NAMES.search(relative)
    return relative.rpartition(".")[0] if strips else relative


# --- files --------------------------------------------------------------------------------------------------------------------


class _Spool:
    """Names of files that are made on the way."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._count = 0

    def name(self) -> str:
        self._count += 1
        return os.path.join(self._folder, f"{self._count:06}")


def _brotlied(fated: Iterable[tuple[LocalFile, Fate]], spool: _Spool, cancellation: Cancellation) -> Mapping[str, str]:
    """Path of the file -> path of what is sent in its place, where that is smaller."""
    targets = {file.path: spool.name() for file, fate in fated if fate.brotli}
    smaller = brotli_if_smaller(targets, cancellation)
    return {path: target for path, target in targets.items() if path in smaller}


def _of_file(
    file: LocalFile,
    fate: Fate,
    settings: SiteSettings,
    spool: _Spool,
    cancellation: Cancellation,
    *,
    pressed: Mapping[str, str],
) -> SiteObject:
    sha256, md5 = digests(file.path, cancellation)
    made = SiteObject(
        key_of(file.relative, settings),
        file.path,
        file.size,
        file.mtime_ns,
        sha256,
        md5,
        sha256,
        fate.headers,
        fate.group,
        fate.lasting,
    )
    if target := pressed.get(file.path):
        return _sent_from(made, "br", target, cancellation)
    return _gzipped(made, spool.name(), cancellation) if fate.gzip else made


def _gzipped(whole: SiteObject, target: str, cancellation: Cancellation) -> SiteObject:
    if not gzip_if_smaller(whole.path, target, cancellation):
        return whole
    return _sent_from(whole, "gzip", target, cancellation)


def _sent_from(whole: SiteObject, encoding: str, path: str, cancellation: Cancellation) -> SiteObject:
    found = os.stat(path)
    sha256, md5 = digests(path, cancellation)
    return replace(
        whole,
        path=path,
        size=found.st_size,
        mtime_ns=found.st_mtime_ns,
        sha256=sha256,
        md5=md5,
        headers=replace(whole.headers, content_encoding=encoding),
    )


def digests(path: str, cancellation: Cancellation) -> tuple[str, str]:
    """SHA-256, and the MD5 that many an ETag is, in hex. Raises LocalFileError."""
    sha256, md5 = hashlib.sha256(), hashlib.md5(usedforsecurity=False)
    try:
        with open(path, "rb") as file:
            while chunk := file.read(CHUNK):
                cancellation.check()
                sha256.update(chunk)
                md5.update(chunk)
    except OSError as error:
        raise LocalFileError(f"Could not read {path}: {error.strerror}.") from error
    return sha256.hexdigest(), md5.hexdigest()


def _refuse_changed(files: Iterable[LocalFile]) -> None:
    """What was hashed and what was pressed must be one content. Later changes the engine sees, by size and time."""
    try:
        changed = [file.relative for file in files if _stamp(file.path) != (file.size, file.mtime_ns)]
    except OSError as error:
        raise LocalFileError(f"Could not read {error.filename}: {error.strerror}.") from error
    if changed:
        raise LocalFileError(
            f"The source was written to while it was read: {listing(changed)}. Nothing was changed.",
            advice="Deploy when the build has ended.",
        )


def _stamp(path: str) -> tuple[int, int]:
    found = os.stat(path)
    return found.st_size, found.st_mtime_ns


def _refuse_state(keys: Iterable[str]) -> None:
    if own := [key for key in keys if STATE in key.split("/")[:-1]]:
        raise InputError([f"The source has files where Ropeway keeps its state: {listing(own)}."]).advised(
            f"Take the folder {STATE} out of the source, and out of {REDIRECTS}."
        )


# --- redirects ------------------------------------------------------------------------------------------------------------------


def _redirects(files: Iterable[LocalFile], index: str) -> tuple[Redirect, ...]:
    file = next((file for file in files if file.relative == REDIRECTS), None)
    if file is None:
        return ()
    try:
        with open(file.path, encoding="utf-8-sig") as opened:
            return read_redirects(opened.read(), index)
    except UnicodeDecodeError as wrong:
        raise InputError([f"{REDIRECTS} is no UTF-8: byte {wrong.start}."]) from None
    except OSError as error:
        raise LocalFileError(f"Could not read {file.path}: {error.strerror}.") from error


def _of_redirect(redirect: Redirect, spool: _Spool) -> SiteObject:
    path = spool.name()
    with open(path, "wb"):
        pass
    found = os.stat(path)
    nothing = hashlib.sha256().hexdigest()
    md5 = hashlib.md5(usedforsecurity=False).hexdigest()
    headers = Headers(
        content_type="text/html; charset=utf-8", cache_control=ASK_FIRST, website_redirect=redirect.target
    )
    group = _group_of_redirect(redirect.key)
    return SiteObject(redirect.key, path, 0, found.st_mtime_ns, nothing, md5, nothing, headers, group)


def _group_of_redirect(key: str) -> Group:
    """After the pages that it leads to; one with the name of a picture or a script, which pages name, before them."""
    is_file = "." in posixpath.basename(key) and not is_page(key)
    return Group.FILES if is_file else Group.ENTRIES


def _refuse_clashes(
    settings: SiteSettings, files: Sequence[LocalFile], redirects: Iterable[Redirect], index: str
) -> None:
    problems = list(_clashes(settings, files, redirects, index))
    if problems:
        raise InputError(problems)


def _picked_twice(files: Sequence[LocalFile], one: Sequence[str], other: Sequence[str]) -> list[str]:
    first, second = Globs(one), Globs(other)
    return [file.relative for file in files if first.matches(file.relative) and second.matches(file.relative)]


def _clashes(
    settings: SiteSettings, files: Sequence[LocalFile], redirects: Iterable[Redirect], index: str
) -> Iterator[str]:
    taken: dict[str, str] = {}
    for file in files:
        key = key_of(file.relative, settings)
        if key in taken:
            yield f"{taken[key]} and {file.relative} would both be the object {key}: extensionless takes the .html off."
        taken[key] = file.relative
    if both := _picked_twice(files, settings.gzip, settings.brotli):
        yield f"{SETTINGS}: gzip and brotli both pick {listing(both)}: an object is stored in one encoding."
    if both := _picked_twice(files, settings.fingerprinted, settings.not_fingerprinted):
        yield f"{SETTINGS}: fingerprinted and notFingerprinted both pick {listing(both)}: keep one of the two."
    led = {redirect.key: redirect for redirect in redirects}
    for redirect in led.values():
        if redirect.key in taken:
            yield f"{REDIRECTS}:{redirect.line}: redirects {redirect.key}, which is the file {taken[redirect.key]}."
        # S3 user guide, "Configuring an index document": /old without an object is answered by a redirect to /old/.
        bare = redirect.leads_to
        if redirect.key == f"{bare}/{index}" and bare not in taken and bare not in led:
            yield f"{REDIRECTS}:{redirect.line}: leads in a circle: there is no object {bare}, and S3 leads /{bare} back to /{bare}/."
