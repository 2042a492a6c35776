"""The addresses in pages and style sheets; the rest is asked of whole sites in kinds/test_website.py."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ropeway.checks.net.messages import origin
from ropeway.checks.net.pages import Named, named_in_css, named_in_html

HERE = "https://www.example.com/docs/page.html"


@pytest.mark.parametrize(
    ("html", "found"),
    [
        ("<a href='/a?b=1&amp;c=2#part'>", [("/a?b=1&c=2", "page")]),
        ("<a href=''><a href='#top'><a href='mailto:a@b.example'><a href='javascript:go()'><img src='data:,x'>", []),
        ("<A HREF=x.html>", [("/docs/x.html", "page")]),
        ("<a href='//www.example.com/y'>", [("/y", "page")]),
        ("<img srcset='a,b.png 1x, c.png 2x,d.png'>", [("/docs/a,b.png", "image"), ("/docs/c.png", "image"), ("/docs/d.png", "image")]),
        ("<picture><source srcset='a.webp'></picture>", [("/docs/a.webp", "image")]),
        ("<script src=a.js></script><script src=b.json type=application/json></script>", [("/docs/a.js", "script"), ("/docs/b.json", "file")]),
        ("<script>let a = '<img src=no.png>'</script>", []),
        ("<link rel=stylesheet href=a.css><link rel='alternate' href=b.xml><link href=c>", [("/docs/a.css", "style")]),
        ("<link rel=preload as=script href=a.js><link rel=modulepreload href=b.mjs>", [("/docs/a.js", "script"), ("/docs/b.mjs", "script")]),
        ("<link rel=manifest href=a.webmanifest>", [("/docs/a.webmanifest", "file")]),
        ("<video src=a.mp4 poster=b.jpg></video>", [("/docs/a.mp4", "file"), ("/docs/b.jpg", "image")]),
        ("<svg><use xlink:href='icons.svg#i'/><image href='a.png'/></svg>", [("/docs/icons.svg", "file"), ("/docs/a.png", "image")]),
        ("<style>a { background: url( 'a.png' ) }</style><p style='background:url(b.png)'>url(c.png)</p>", [("/docs/a.png", "file"), ("/docs/b.png", "file")]),
        ("<base href='/other/'><img src=a.png>", [("/other/a.png", "image")]),
        ("<a href='http://h:99999/'><a href='http://h:x/'><a href='http://'><a href='http://a..b/'>", []),
        ("<base href='http://[half'><img src=a.png>", [("/docs/a.png", "image")]),
        ("<!-- <img src=a.png> --><img src='http://[half'>", []),
        ("<img src=a.png><img src=a.png>", [("/docs/a.png", "image")]),
        ("<![if !IE]><img src=a.png><![endif]>", [("/docs/a.png", "image")]),
        ("<![ x ><img src=a.png><![a[<img src=b.png>", [("/docs/a.png", "image")]),
    ],
)  # fmt: skip
def test_what_a_page_names(html: str, found: list[tuple[str, str]]):
    assert named_in_html(html, HERE) == tuple(Named(f"https://www.example.com{path}", role) for path, role in found)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("css", "found"),
    [
        ("@import 'a.css'; @import url(b.css) print;", [("a.css", "style"), ("b.css", "style")]),
        ("/* url(no.png) */ a { src: url(\"x y.woff2\") format('woff2'), url(z.ttf) }", [("x y.woff2", "file"), ("z.ttf", "file")]),
        ("a { fill: url(#gradient); background: url(data:image/png;base64,AA) }", []),
        ("/* never closed url(a.png)", []),
    ],
)  # fmt: skip
def test_what_a_style_sheet_names(css: str, found: list[tuple[str, str]]):
    root = "https://www.example.com/docs/"
    assert named_in_css(css, f"{root}site.css") == tuple(Named(root + path, role) for path, role in found)  # type: ignore[arg-type]


@given(
    st.text(st.sampled_from("<>/'\"= #&;:()@,abchrefscimgluty!-[]\n")),
    st.sampled_from(["", "<img srcset='", "<a href=", "<style>", "<base href='http://[", "<a href='http://"]),
)
def test_no_page_is_too_broken_to_be_read(text: str, begin: str):
    for named in (*named_in_html(begin + text, HERE), *named_in_css(text, HERE)):
        assert named.url.startswith(("http://", "https://"))
        assert "#" not in named.url
        assert origin(named.url)[1]
