"""S3's documents: whatever the order, whole or nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ropeway.s3.wire.xml import element, read

KEY = "<Key>a</Key>"
SIZE = "<Size>1</Size>"
OWNER = "<Owner><ID>1</ID><DisplayName>d</DisplayName></Owner>"


@pytest.mark.parametrize("entry", [KEY + SIZE + OWNER, OWNER + SIZE + KEY, SIZE + OWNER + KEY])
def test_the_order_of_a_listing_does_not_matter(entry):
    found = read(f"<L><Contents>{entry}</Contents><Name>b</Name><Contents>{entry}</Contents></L>".encode(), "Contents")
    assert found.root == "L"
    assert found.top == {"Name": "b"}
    assert [(each["Key"], each["Size"]) for each in found.entries] == [("a", "1")] * 2
    assert all("ID" not in each for each in found.entries)


def test_entries_may_lie_deeper():
    tags = read(b"<Tagging><TagSet><Tag><Key>k</Key><Value>v</Value></Tag></TagSet></Tagging>", "Tag")
    assert tags.entries == [{"Key": "k", "Value": "v"}]


def test_blanks_come_before_what_took_its_time():
    assert read(b"   \n  <?xml version='1.0'?><R><ETag>e</ETag></R>").top == {"ETag": "e"}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"  ",
        b"not xml",
        b"<html><p>Welcome</html>",
        b"<L><Contents><Key>a</Key></Contents>",
        b"<L/><L/>",
        b'<!DOCTYPE L [<!ENTITY x "y">]><L><Key>&x;</Key></L>',
        b'<!DOCTYPE L SYSTEM "http://127.0.0.1:9/"><L/>',
        b"<L><Key>&nbsp;</Key></L>",
        b"<L>\xff</L>",
        b"<L>" * 11 + b"</L>" * 11,
        b"<L>" + b"<Contents/>" * 10_002 + b"</L>",
        b"<L>" + b"".join(b"<n%d/>" % number for number in range(102)) + b"</L>",
    ],
)
def test_what_is_no_whole_document_is_none(body):
    found = read(body, "Contents")
    assert (found.root, found.top, found.entries) == ("", {}, [])


@given(st.text(st.characters(blacklist_categories=("Cs", "Cc")), max_size=50), st.sampled_from(["", "\r", "\n", "\t"]))
def test_a_text_that_is_written_is_read_again(text, control):
    assert read(f"<R>{element('Key', text + control + '.')}</R>".encode()).top == {"Key": text + control + "."}


@pytest.mark.parametrize("encoding", ["bogus", "zip", "idna", "utf-7"])
def test_a_document_is_utf_8_whatever_it_says(encoding):
    assert read(f'<?xml version="1.0" encoding="{encoding}"?><R><K>\u00e4</K></R>'.encode()).top == {"K": "\u00e4"}


def test_a_page_of_a_listing_is_not_too_long():
    entry = b"<Contents><Key>a</Key><Owner><ID>1</ID></Owner></Contents>"
    assert len(read(b"<L>" + entry * 1000 + b"</L>", "Contents").entries) == 1000


@given(st.binary(max_size=200))
def test_no_bytes_do_more_than_be_no_document(body):
    read(body, "Contents")
