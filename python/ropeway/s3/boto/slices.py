"""A range of a local file as the body of a request."""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

from ropeway.errors import RopewayError
from ropeway.s3.boto.flow import Stop
from ropeway.s3.checksums import ALGORITHMS, Crc32, Digest, proof_in
from ropeway.s3.engine import Put, Sent
from ropeway.s3.files import Same, changed, unreadable

if TYPE_CHECKING:
    from typing_extensions import Self

D = TypeVar("D", bound=Digest)

BLOCK = 256 * 1024
"""Bytes read, hashed or told of at once."""


class Slice:
    """`length` bytes of the file from `offset` on. Holds an open file and no bytes, and can be read again from its start.

    botocore reads it (to sign it, to send it, and once more for each retry). A failure in `read` is raised again at the end of
    the with-block, as botocore wraps what comes out of a body.
    """

    def __init__(self, put: Put, offset: int, length: int, *, same: Same, sent: Sent, stop: Stop) -> None:
        self.length = length
        self._put = put
        self._same = same
        self._offset = offset
        self._sent = sent
        self._stop = stop
        self._at = 0
        self._sending = self._answered = False
        self._told = 0
        self._failure: RopewayError | None = None
        self._crc: Crc32 | None = None

    def __enter__(self) -> Self:
        try:
            self._file = open(self._put.path, "rb", buffering=0)
        except OSError as error:
            raise unreadable(self._put, error) from error
        self._checked_or_closed()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
        if self._failure is not None and self._failure is not error:
            raise self._failure from None

    def _checked_or_closed(self) -> None:
        try:
            self.check_unchanged()
            self.seek(0)
        except BaseException:
            self._file.close()
            raise

    # --- what botocore calls ---------------------------------------------------------------------------------------------

    def __len__(self) -> int:
        return self.length

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """A seek is how a retry begins, too: what it had sent is taken back."""
        self._told_of(-self._told)
        self._sending = False
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self.length}[whence]
        self._at = start + offset
        self._file.seek(self._offset + self._at)
        return self._at

    def read(self, size: int | None = -1) -> bytes:
        left = self.length - self._at
        wanted = left if size is None or size < 0 else min(size, left)
        if not wanted:  # all of it is sent, and may arrive whatever happens
            return b""
        try:
            if not self._answered:
                self._stop.check()
            return self._read(wanted)
        except RopewayError as failure:
            self._failure = failure
            raise

    def on_the_wire(self) -> None:
        """From here on what is read is sent."""
        self._sending = True

    def _read(self, wanted: int) -> bytes:
        try:
            block = self._file.read(wanted)
        except OSError as error:
            raise unreadable(self._put, error) from error
        if not block:
            raise changed(self._put, f"it ended at byte {self._offset + self._at:,}")
        self._at += len(block)
        if self._sending and (self._at - self._told >= BLOCK or self._at == self.length):
            self._told_of(self._at - self._told)
        return block

    def _told_of(self, count: int) -> None:
        if count:
            self._told += count
            self._sent(count)

    # --- what it is checked by -------------------------------------------------------------------------------------------

    def crc32(self) -> int:
        """Reads the slice once, the first time."""
        if self._crc is None:
            self._crc = self._through(Crc32())
        return self._crc.value

    def md5(self) -> str:
        """In base64, as Content-MD5 (RFC 1864) has it."""
        return base64.b64encode(self._through(ALGORITHMS["MD5"]()).digest()).decode()

    def verify(self, answer: Mapping[str, Any], what: str) -> None:
        """Raises IntegrityError when the store's answer speaks of other bytes than these, as far as it says.

        What has arrived is looked at to the end, even when the run stops meanwhile.
        """
        self._answered, self._sending, self._told = True, False, 0
        if (proof := proof_in(answer)) is None:
            return
        ours = self._crc if self._crc and proof.algorithm == "CRC32" else self._through(proof.start())
        proof.check(ours, what, advice="What S3 holds is damaged: run again to replace it.")

    def _through(self, digest: D) -> D:
        self.seek(0)
        while block := self.read(BLOCK):
            digest.update(block)
        self.seek(0)
        return digest

    def fileno(self) -> int:
        return self._file.fileno()

    def check_unchanged(self) -> None:
        """Raises LocalFileError when the file is not the one that was planned any more."""
        self._same.check(self._file.fileno())
