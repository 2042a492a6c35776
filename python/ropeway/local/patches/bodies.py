"""What is sent is what is stored: bodies in aws-chunked framing are unpacked whole, bodies of any content type are left alone."""

from __future__ import annotations

from moto.moto_server.werkzeug_app import BackendRequest
from moto.s3.responses import S3Response

from ropeway.local.patches.patch import Patch, Refused


def unpacked(framed: bytes) -> tuple[bytes, dict[str, str]]:
    """Body and trailers of an aws-chunked body, signed or not (S3 API reference, "Signature calculations ... chunked upload").

    Raises ValueError for a frame that is cut short.
    """
    view = memoryview(framed)
    parts: list[memoryview] = []
    at = 0
    while True:
        end = framed.index(b"\r\n", at)
        size = int(framed[at:end].partition(b";")[0], 16)
        at = end + 2
        if not size:
            return b"".join(parts), _trailers(framed[at:])
        if len(view) < at + size + 2:
            raise ValueError("the last chunk is cut short")
        parts.append(view[at : at + size])
        at += size + 2


def _trailers(lines: bytes) -> dict[str, str]:
    pairs = (line.partition(":") for line in lines.decode("latin-1").splitlines() if line)
    return {name.strip().lower(): value.strip() for name, _, value in pairs}


def _unpack(request: S3Response, framed: bytes) -> bytes:
    try:
        body, request.trailers = unpacked(framed)
    except ValueError:
        raise _incomplete() from None
    expected = request.headers.get("x-amz-decoded-content-length")
    if expected is not None and int(expected) != len(body):
        raise _incomplete()
    return body


def _incomplete() -> Refused:
    message = "You did not provide the number of bytes specified by the Content-Length HTTP header"
    return Refused(400, "IncompleteBody", message)


def _mend() -> None:
    S3Response.trailers = {}
    # moto's own copies the body once a chunk: 100 MB would be copied a hundred times.
    S3Response._handle_encoded_body = _unpack  # noqa: SLF001 - this is what we mend
    S3Response._handle_v4_chunk_signatures = lambda request, framed, _: _unpack(request, framed)  # noqa: SLF001
    # A file whose content type is that of a form is still a file; only POST sends forms.
    BackendRequest.want_form_data_parsed = property(lambda request: request.method == "POST")


PATCH = Patch(
    "Chunked bodies are stored as they were before, cut ones refused; a form's content type loses no bytes.", mend=_mend
)
