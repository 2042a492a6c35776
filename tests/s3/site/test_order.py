from __future__ import annotations

import pytest

from ropeway.s3.site.fingerprints import naming
from ropeway.s3.site.order import Group, group_of


@pytest.mark.parametrize(
    ("relative", "group"),
    [
        ("assets/index-C4Zk_2-x.js", Group.ASSETS),
        ("assets/user-homePage.js", Group.ASSETS),
        ("style.css", Group.FILES),
        ("index.xml", Group.FILES),
        ("LICENSE", Group.FILES),
        ("docs/index.html", Group.PAGES),
        ("404.HTM", Group.PAGES),
        ("index.html", Group.ENTRIES),
        ("site.webmanifest", Group.ENTRIES),
        ("app/manifest.json", Group.ENTRIES),
        ("sw.js", Group.WORKERS),
        ("app/Service-Worker.js", Group.WORKERS),
        ("ngsw.json", Group.WORKERS),
    ],
)
def test_a_file_goes_up_with_its_group(relative, group):
    assert group_of(relative, naming(relative)) is group


def test_the_user_may_name_more_entry_points_but_a_worker_stays_last():
    assert group_of("app/boot.js", naming("app/boot.js"), entry=True) is Group.ENTRIES
    assert group_of("sw.js", naming("sw.js"), entry=True) is Group.WORKERS


def test_what_is_named_goes_before_what_names_it():
    assert sorted(Group) == [Group.ASSETS, Group.FILES, Group.PAGES, Group.ENTRIES, Group.WORKERS]
    assert [str(group) for group in Group][:2] == ["fingerprinted assets", "other files"]
