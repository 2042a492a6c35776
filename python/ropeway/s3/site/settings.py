"""`ropeway.yml`, beside or in a site: what its files become. Every mistake is told with its place."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ropeway.checks.nodes import Mistake, Mistakes, Node, mistake
from ropeway.checks.settings import Form, Settings, flag, mapping, of, read, record, schema_of, table_of, text, texts
from ropeway.errors import InputError
from ropeway.s3.globs import Glob
from ropeway.s3.headers import MOST_METADATA, MOST_TAGS, check_metadata, check_tag
from ropeway.s3.site.spelling import glob_problem

FILE = "ropeway.yml"
ALL = frozenset({"**", "**/*"})


def _header(value: str) -> None:
    if not re.fullmatch(r"[\t\x20-\x7e]*", value):
        raise ValueError(f"is {value!r}: an HTTP header carries printable ASCII only.")
    if value != value.strip():
        raise ValueError(f"is {value!r}: HTTP takes the blanks off its ends, so that S3 would keep something else.")


def _content_type(value: str) -> None:
    _header(value)
    if not value:
        raise ValueError(
            "is empty, and S3 would make it binary/octet-stream: leave it out, and the type goes by the extension."
        )


def _globs(pattern: str) -> None:
    if wrong := glob_problem(pattern):
        raise ValueError(wrong)


@dataclass(frozen=True, kw_only=True)
class HeaderSettings(Settings):
    """What one rule says; None where it says nothing and the default stands. An empty text: none is sent; a type there always is."""

    cache_control: str | None = text(
        "For whom and how long it may be kept, as `public, max-age=300`.", default=None, check=_header
    )
    content_type: str | None = text(
        "Instead of the one by extension.", default=None, schema={"minLength": 1}, check=_content_type
    )
    content_encoding: str | None = text(
        "How the file is encoded as it is, for example `br`. It is not compressed then.", default=None, check=_header
    )
    content_disposition: str | None = text("For example `attachment`.", default=None, check=_header)
    content_language: str | None = text("For example `de-AT`.", default=None, check=_header)
    storage_class: str | None = text(
        "For example `INTELLIGENT_TIERING`.", default=None, schema={"pattern": "^[A-Z_]*$"}, check=_header
    )
    metadata: dict[str, str] = mapping("Metadata entries by name.")
    tags: dict[str, str] = mapping("Tags by name.")

    def problems(self) -> Iterator[str]:
        for check, pairs in ((check_metadata, self.metadata), (check_tag, self.tags)):
            for name, value in pairs.items():
                try:
                    check(name, value)
                except ValueError as wrong:
                    yield str(wrong)
        if len(self.tags) > MOST_TAGS:
            yield f"This gives {len(self.tags)} tags; an object has at most {MOST_TAGS}."
        size = sum(len((name + value).encode()) for name, value in self.metadata.items())
        if size > MOST_METADATA:
            yield f"This gives {size:,} bytes of metadata; S3 keeps at most {MOST_METADATA:,}."


@dataclass(frozen=True)
class HeaderRule:
    """The headers of the files that the glob matches and no rule above it."""

    pattern: str
    glob: Glob
    headers: HeaderSettings


def _read_rules(node: Node, name: str) -> tuple[HeaderRule, ...]:
    rules: list[HeaderRule] = []
    wrong: list[Mistake] = []
    for key, value in table_of(node, name).entries:
        try:
            if rules and rules[-1].pattern in ALL:
                raise mistake(key, f"{key.text} never counts: {rules[-1].pattern} above it matches every file.")
            rules.append(HeaderRule(key.text, _glob(key), read(HeaderSettings, value, key.text)))
        except Mistakes as more:
            wrong.extend(more.mistakes)
    if wrong:
        raise Mistakes(*wrong)
    return tuple(rules)


def _glob(key: Node) -> Glob:
    pattern = getattr(key, "text", "")
    if wrong := glob_problem(pattern):
        raise mistake(key, f"The glob of a rule {wrong}")
    try:
        return Glob(pattern)
    except InputError as problem:
        raise mistake(key, problem.message) from None


RULES = Form(
    "globs, each with headers",
    {"type": "object", "additionalProperties": schema_of(HeaderSettings)},
    _read_rules,
    HeaderSettings,
)


@dataclass(frozen=True, kw_only=True)
class SiteSettings(Settings):
    """Globs are matched against paths below the source folder, by Azure's rules."""

    headers: tuple[HeaderRule, ...] = of(
        RULES, "Headers by glob; the first rule that matches a file counts.", default=()
    )
    fingerprinted: tuple[str, ...] = texts(
        "Files whose names change with their bytes, beside those whose names show it.", check=_globs
    )
    not_fingerprinted: tuple[str, ...] = texts("Files whose names look as if, and do not.", check=_globs)
    entry_points: tuple[str, ...] = texts(
        "Files that go up after all pages, beside the first page, manifests and workers.", check=_globs
    )
    gzip: tuple[str, ...] = texts("Files that are stored compressed where that is smaller.", check=_globs)
    brotli: tuple[str, ...] = texts(
        "Files that are stored compressed by Brotli where that is smaller. It needs Node, which an agent has. No browser without Brotli can read them.",
        check=_globs,
    )
    extensionless: bool = flag(
        "`about.html` becomes the object `about`. Index pages, and error pages such as `404.html`, keep their names."
    )
    protected: tuple[str, ...] = texts("Objects below the prefix that are never deleted or overwritten.", check=_globs)


@dataclass(frozen=True, kw_only=True)
class RopewayFile(Settings):
    """The whole of `ropeway.yml`."""

    site: SiteSettings | None = record(SiteSettings, "What the files of the site become.")


def read_settings(given: str, source: str = FILE) -> SiteSettings:
    """`source` names the text in messages. Raises InputError with every mistake in it: `file:line:column: what is wrong`."""
    from ropeway.checks.yaml import parse  # noqa: PLC0415 - most sites have no settings: start-up counts

    try:
        return read(RopewayFile, parse(given), source).site or SiteSettings()
    except Mistakes as wrong:
        ordered = sorted(dict.fromkeys(wrong.mistakes), key=lambda one: (one.at.line, one.at.column))
        raise InputError([f"{source}:{one.at.line}:{one.at.column}: {one.words}" for one in ordered]) from None
