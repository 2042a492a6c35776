"""Which files of a folder are no files of the site, though they lie in it: what Ropeway reads there, and what nobody publishes."""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Iterable, Sequence

from ropeway.errors import LocalFileError
from ropeway.outcome import counted, listing
from ropeway.s3.walk import LocalFile

PRIVATE = re.compile(r"(^|/)(\.(git|hg|svn)(/|$)|\.env(\.[^/]*)?$)")
"""Working copies with all of their history, and files of secrets."""


def published(files: Iterable[LocalFile], own: Sequence[str]) -> tuple[list[LocalFile], tuple[str, ...]]:
    """Without what is none of the site, and sentences of what is left out. `own` are paths of files that Ropeway is given by inputs."""
    names = {os.path.basename(path) for path in own if path}
    public, private = [], []
    for file in files:
        if PRIVATE.search(file.relative):
            private.append(file.relative)
        elif not (posixpath.basename(file.relative) in names and _is_one_of(file, own)):
            public.append(file)
    if not private:
        return public, ()
    words = (
        f"{counted(len(private), 'file')} of the source not released, because nobody is to read them: {listing(sorted(private))}. "
        "Working copies (.git) and .env files are never published."
    )
    return public, (words,)


def _is_one_of(file: LocalFile, own: Sequence[str]) -> bool:
    try:
        return any(path and os.path.exists(path) and os.path.samefile(path, file.path) for path in own)
    except OSError as error:
        raise LocalFileError(f"Could not read {file.path}: {error.strerror}.") from error
