"""A key may hold any character, a line break too."""

from __future__ import annotations

from typing import Any

from moto.core.base_backend import BaseBackend
from moto.s3.models import S3Backend

from ropeway.local.patches.patch import Patch


def _mend() -> None:
    plain = BaseBackend.url_paths

    def with_line_breaks(backend: S3Backend) -> dict[str, Any]:
        # The dot of moto's own pattern matches no line break.
        return {path.replace("<key_name>.+", r"<key_name>[\s\S]+"): to for path, to in plain.fget(backend).items()}

    S3Backend.url_paths = property(with_line_breaks)


PATCH = Patch("Keys with line breaks work.", mend=_mend)
