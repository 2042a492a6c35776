"""What is never shown of a connection. (Its inputs are tested with those of the tasks.)"""

from __future__ import annotations

from ropeway.aws.connection import Connection, Network


def test_no_secret_is_in_the_repr_of_a_connection_or_a_network() -> None:
    given = Connection("c", "AKIA", "hush-1", "hush-2", "arn", "hush-3")
    assert "hush" not in repr(given)
    assert "hush" not in repr(Network(proxy_url="http://user:hush@proxy"))
