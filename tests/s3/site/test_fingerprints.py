"""Which names are taken for fingerprints: those that the tools make, and no word that a person writes."""

from __future__ import annotations

import hashlib
import random
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ropeway.s3.site.fingerprints import Naming, naming, namings

CERTAIN = [
    # Vite, Rollup, VitePress, SvelteKit, Nuxt, Astro
    "assets/index-C4Zk_2-x.js",
    "assets/index-BfQ9xL2m.css",
    "assets/chunks/theme.B1a2c3D4.js",
    "assets/guide_index.md.C3xYz_1a.lean.js",
    "assets/index-C4Zk_2-x.js.map",
    "_app/immutable/entry/app.DJ3x-1Yz.js",
    "_nuxt/DlAUqK2U.js",
    "_nuxt/builds/meta/0a1b2c3d-0a1b-0a1b-0a1b-0a1b2c3d4e5f.json",
    "_astro/photo.Home_Z1abcd.webp",
    # webpack, Create React App, Docusaurus, Gatsby, Parcel
    "static/js/main.8e0d62a0.js",
    "static/js/787.cd0a8955.chunk.js",
    "static/js/main.8e0d62a0.js.LICENSE.txt",
    "static/css/main.8e0d62a0.css.map",
    "app-2c1b9c0f1ae6b5bd1e8b.js",
    "component---src-pages-index-js-0d3f5a1c2b3d4e5f6a7b.js",
    "static/2a4de2633938377d1347c7fe7d7a2a5b/photo.jpg",
    "src.e31bb0bc.js",
    "assets/images/map-5f1c2d3e4b5a69788796a5b4c3d2e1f0.png",
    "0f3c9a1be2d4f5a6b7c8.png",
    # Next
    "_next/static/chunks/main-0ecc1a5e8d4f9b7d.js",
    "_next/static/css/3f8e1d2c4b5a6978.css",
    "docs/_next/static/zx81AbCdEfGhIjKlMnOpQ/_buildManifest.js",
    # Angular: webpack, then esbuild
    "main.1a2b3c4d5e6f7a8b.js",
    "main-6LBQYX4P.js",
    "chunk-ABCDEFGH.js",
    "styles-5INURTSO.css",
    # Hugo; Sprockets, which Jekyll's assets use
    f"css/main.min.{hashlib.sha256(b'a').hexdigest()}.css",
    f"css/main.{hashlib.sha512(b'a').hexdigest()}.css",
    f"css/main.{hashlib.md5(b'a').hexdigest()}.css",
    "images/peak_hu1a2b3c4d5e6f7a8b1a2b3c4d5e6f7a8b_12345_800x600_resize_q75_box.jpg",
    "images/peak_hu_1a2b3c4d5e6f7a8b.webp",
    f"assets/application-{hashlib.sha256(b'b').hexdigest()}.js",
]

LIKELY = [
    "assets/index-DiwrgTda.js",  # Diwrg and Tda might be words
    "media/logo-ABCDEFGH.png",
    "static/js/main.12345678.js",
    "935f2afb.js",
    "menu-cafe2024.jpg",
    "reports/report-20240131.pdf",
    "assets/user-homePage.js",
    "book/part-Chapter1.js",
    "Kx2_9aQb.png",
]

PLAIN = [
    "index.html",
    "robots.txt",
    "page-0ecc1a5e8d4f9b7d.html",
    "jquery-3.7.1.min.js",
    "bootstrap.bundle.min.js",
    "fonts/inter-latin-variable.woff2",
    "img/face2face.jpg",
    "img/logo-original.png",
    "img/icon-512x512.png",
    "img/facade.png",
    "img/the-facadefacade.png",
    "docs/feedface.txt",
    "docs/my-deadbeef.txt",
    "app.component.js",
    "main.production.js",
    "settings.standard.json",
    "photo-123e4567-e89b-12d3-a456-42661417400f.jpg",
    "_nuxt/builds/latest.json",
    "_app/version.json",
    "static/logo.png",
    "static/00000000000000000000000000000000/photo.jpg",
    "page-data/sq/d/63159454.txt.gz.json",
    "style.css",
    "LICENSE",
    ".well-known/security.txt",
    "8e0d62a",
    "archive.tar.gz",
    "",
]

# Eight letters, and more of them with digits: what people put behind a hyphen.
WORDS = [
    "homePage",
    "DarkMode",
    "JavaDocs",
    "Chapter1",
    "Section2",
    "Windows7",
    "HTMLPage",
    "JSONData",
    "chartSVG",
    "parseURL",
    "Web2Site",
    "Mp3Files",
    "Log4Java",
    "H264Clip",
    "IPv4Addr",
    "iPhone12",
    "iPadPro2",
    "eBook123",
    "MacOSX11",
    "Win32API",
    "Page2of3",
    "DataGrid",
    "GitHubCI",
    "YouTubeX",
    "WordPres",
    "OpenHour",
    "LinkedIn",
    "ThumbsUp",
    "ScrollUp",
    "HowToUse",
    "WhoWeAre",
    "FollowUs",
    "McDonald",
    "DropIn_2",
    "Room101b",
    "Nov2024b",
    "2024Q3v2",
    "en_US_v2",
    "TypeText",
    "SubMenu1",
    "template",
    "Template",
    "TEMPLATE",
    "VERSION3",
    "RELEASE2",
    "MP4VIDEO",
    "overview",
    "internal",
    "external",
    "original",
    "thumbnail",
    "download",
]


@pytest.mark.parametrize("path", CERTAIN)
def test_names_of_the_tools_are_certain(path):
    assert naming(path) is Naming.CERTAIN


@pytest.mark.parametrize("path", LIKELY)
def test_what_a_person_might_have_written_is_only_likely(path):
    assert naming(path) is Naming.LIKELY


@pytest.mark.parametrize("path", PLAIN)
def test_names_without_a_fingerprint_are_plain(path):
    assert naming(path) is Naming.PLAIN


@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize("form", ["{}.js", "img/a-{}.png", "a.{}.css", "the-big-{}.min.js"])
def test_no_word_freezes_a_file_for_a_year(word, form):
    assert naming(form.format(word)) is not Naming.CERTAIN


@given(st.dates(), st.sampled_from(["%Y%m%d", "%Y-%m-%d", "%d%m%Y", "%Y%m%d%H%M%S", "%Y%j"]))
def test_no_date_freezes_a_file_for_a_year(day, form):
    assert naming(f"reports/report-{day.strftime(form)}.pdf") is not Naming.CERTAIN


def drawn(alphabet, length, count=2000):
    chance = random.Random(f"{alphabet}{length}")
    return ["".join(chance.choices(alphabet, k=length)) for _ in range(count)]


@pytest.mark.parametrize(
    ("form", "alphabet", "length", "least"),
    [
        ("assets/index-{}.js", string.ascii_letters + string.digits + "_-", 8, 0.92),
        ("main.{}.js", "0123456789abcdef", 8, 0.89),
        ("main.{}.js", "0123456789abcdef", 20, 0.999),
        ("chunk-{}.js", string.ascii_uppercase + "234567", 8, 1),
    ],
    ids=["vite", "webpack:8", "webpack", "esbuild"],
)
def test_most_of_what_a_tool_draws_is_known_in_its_company(form, alphabet, length, least):
    found = namings(form.format(text) for text in drawn(alphabet, length))
    assert sum(what is Naming.CERTAIN for what in found.values()) / len(found) >= least


def test_a_neighbour_speaks_for_a_name_in_its_folder_and_for_no_plain_word():
    found = namings(
        [
            "assets/index-C4Zk_2-x.js",
            "assets/index-DiwRGTda.js",
            "assets/user-homePage.js",
            "assets/icon-ThumbsUp.svg",
            "other/index-DiwRGTda.js",
        ]
    )
    assert [what.value for what in found.values()] == ["certain", "certain", "likely", "likely", "likely"]
