"""Markdown as it is rendered: by GitHub's own renderer (cmark-gfm), and by markdown-it with all that it links by itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser

import cmarkgfm
from cmarkgfm.cmark import Options
from markdown_it import MarkdownIt

EXTENSIONS = ["table", "autolink", "strikethrough", "tasklist"]


def github(markdown: str) -> str:
    """HTML is let through, and footnotes are on: what somebody could do is to be seen."""
    options = Options.CMARK_OPT_UNSAFE | Options.CMARK_OPT_FOOTNOTES
    return str(cmarkgfm.markdown_to_html_with_extensions(markdown, options, EXTENSIONS))


def markdown_it(markdown: str) -> str:
    """Azure DevOps renders by it. `linkify` makes a link of readme.md, too."""
    return str(MarkdownIt("gfm-like", {"html": True, "linkify": True}).render(markdown))


RENDERERS: Mapping[str, Callable[[str], str]] = {"GitHub": github, "markdown-it": markdown_it}


@dataclass
class Page:
    """`tags` are those that are opened, in order; `texts` what stands in each heading, paragraph and cell, as one reads it."""

    tags: list[tuple[str, tuple[tuple[str, str | None], ...]]] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    comments: list[str] = field(default_factory=list)

    def cells(self, columns: int) -> list[list[str]]:
        """The rows of all tables of so many columns, their heads too."""
        rows: list[list[str]] = []
        place = 0
        for tag, _ in self.tags:
            if tag == "tr":
                rows.append([])
            if tag in {"td", "th"}:
                rows[-1].append(self.texts[place])
            place += tag in BLOCKS
        return [row for row in rows if len(row) == columns]


BLOCKS = {"h1", "h2", "h3", "h4", "h5", "h6", "p", "td", "th"}


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.page = Page()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        if tag == "code" and not attributes:  # a part of a text
            return
        self.page.tags.append((tag, tuple(attributes)))
        if tag == "br":
            self.handle_data("\n")
        if tag in BLOCKS:
            self.page.texts.append("")

    def handle_data(self, data: str) -> None:
        if self.page.texts:
            self.page.texts[-1] += data.replace("\xa0", " ")

    def handle_comment(self, data: str) -> None:
        self.page.comments.append(data)

    handle_decl = unknown_decl = handle_pi = handle_comment


def page(markdown: str, renderer: str) -> Page:
    reader = _Reader()
    reader.feed(RENDERERS[renderer](markdown))
    reader.close()
    reader.page.texts = [text.rstrip("\n") for text in reader.page.texts]  # between the blocks
    return reader.page
