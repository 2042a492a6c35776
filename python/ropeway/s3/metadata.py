"""Metadata of any language in headers, which carry ASCII."""

from __future__ import annotations


def in_ascii(value: str) -> str:
    """S3 decodes metadata by RFC 2047 (user guide, "Working with object metadata"); HTTP headers carry no more than ASCII safely."""
    if value.isascii():
        return value
    from email.charset import Charset  # noqa: PLC0415 - 10 ms, for what is rare

    return Charset("utf-8").header_encode(value)


def from_ascii(value: str) -> str:
    """Metadata are anybody's: what only looks as if it were encoded stays as it is."""
    if "=?" not in value:
        return value
    from email.errors import MessageError  # noqa: PLC0415 - as above
    from email.header import decode_header, make_header  # noqa: PLC0415

    try:
        return str(make_header(decode_header(value)))
    except (MessageError, LookupError, UnicodeError):
        return value
