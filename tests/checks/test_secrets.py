"""What must not be read in what a check tells."""

from __future__ import annotations

import json
from urllib.parse import quote, quote_plus

import pytest

from ropeway.checks.finding import excerpt, failed
from ropeway.checks.secrets import Secrets


def test_a_text_that_is_known_to_be_secret_is_masked_wherever_it_stands():
    secrets = Secrets()
    secrets.add("open sesame\nsecond line")
    secrets.add("abc")
    finding = failed("open sesame", "x second line y", advice="Say open sesame.", details=("abc open sesame",))

    assert secrets.masked_finding(finding) == failed("***", "x *** y", advice="Say ***.", details=("abc ***",))


@pytest.mark.parametrize("told", [json.dumps, lambda secret: json.dumps(secret).replace("/", "\\/"), quote, quote_plus])
def test_a_secret_is_masked_as_a_server_writes_it_back(told):
    secrets, secret = Secrets(), 'say "open/sesame" + é'
    secrets.add(secret)
    secrets.add("\udcff is no text")  # as Python has what is no UTF-8 in a variable of the process

    assert secrets.masked(f"x {told(secret).removeprefix(chr(34)).removesuffix(chr(34))} y") == "x *** y"


def test_of_a_secret_that_a_text_was_cut_within_nothing_is_told():
    secrets = Secrets()
    secrets.add("open-sesame-of-forty")
    for count in range(4, 20):
        body = f"{'x' * (195 - count)} say=open-sesame-of-forty and more"
        assert "open" not in secrets.masked(f'body "{excerpt(body)}"')
    assert secrets.masked(f'"{excerpt("y" * 300)}"') == f'"{excerpt("y" * 300)}"'


@pytest.mark.parametrize(
    ("told", "masked"),
    [
        ("Authorization: Bearer abc.def", "Authorization: ***"),
        ("set-cookie: session=abc; Path=/", "set-cookie: ***"),
        ("https://ann:hunter22@example.com/", "https://***@example.com/"),
        ("https://b.example/k?X-Amz-Signature=abc&a=1", "https://b.example/k?X-Amz-Signature=***&a=1"),
        ("https://b.example/in?token=abc#x", "https://b.example/in?token=***#x"),
        ("https://b.example/in?id_token=abc&state=1", "https://b.example/in?id_token=***&state=1"),
        ("https://b.example/in?a=1&client_secret=abc", "https://b.example/in?a=1&client_secret=***"),
        ("https://b.example/in?code=abc", "https://b.example/in?code=***"),
        ("https://b.example/in?monkey=abc&decode=1", "https://b.example/in?monkey=abc&decode=1"),
        ('{"access_token": "abc.def", "expires": 3}', '{"access_token": "***", "expires": 3}'),
        ('{"dbPassword":"a\\"b","user":"ann"}', '{"dbPassword":"***","user":"ann"}'),
        ('{"client_secret": "abc...', '{"client_secret": "***'),
        ('{"apiKey": "abc"}', '{"apiKey": "***"}'),
        ('{"status": "ok", "passed": 3}', '{"status": "ok", "passed": 3}'),
    ],
)
def test_places_where_secrets_stand_are_masked(told: str, masked: str):
    assert Secrets().masked(told) == masked
