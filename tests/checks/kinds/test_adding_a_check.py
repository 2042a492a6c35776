"""docs/adding-a-check.md, as a newcomer follows it: the kind that it shows is one by the contract, and it asks."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ropeway.checks import kinds
from ropeway.checks.kind import Kind
from ropeway.checks.nodes import Mistakes
from ropeway.checks.registry import load_kind
from ropeway.checks.settings import named
from tests.checks import test_kinds as contract
from tests.checks.asking import ask, settings_of

PAGE = (Path(__file__).parents[3] / "docs/adding-a-check.md").read_text(encoding="utf-8")
MODULE = "ropeway.checks.kinds.sqs_queue"


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kind[Any]]:
    """The kind that the page shows: its blocks put together are the file."""
    folder = tmp_path_factory.mktemp("kinds")
    (folder / "sqs_queue.py").write_text(
        "\n\n".join(re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)), encoding="utf-8"
    )
    with pytest.MonkeyPatch.context() as patching:
        patching.setattr(kinds, "__path__", [*kinds.__path__, str(folder)])
        patching.setattr(contract, "file_of", lambda _: folder / "sqs_queue.py")
        yield load_kind("sqs-queue")
        sys.modules.pop(MODULE)


def test_the_page_names_what_is_there():
    for path in re.findall(r"\]\(\.\./([^)]+)\)", PAGE):
        assert (Path(__file__).parents[3] / path).is_file()


def test_what_it_shows_fulfils_the_contract(shown):
    contract.test_a_kind_is_called_as_its_file_and_its_settings_are_too(shown.name)
    contract.test_a_kind_has_words_for_people(shown)
    contract.test_the_settings_are_frozen_and_all_declared(shown)
    for item in named(shown.settings):
        contract.test_the_help_of_a_setting_is_a_sentence(shown, item.setting)
    contract.test_the_example_of_a_kind_is_valid_and_says_what_is_asked(shown)
    contract.test_the_schema_of_a_kind_is_one_and_takes_its_example(shown)
    contract.test_the_actions_and_services_of_a_kind_are_known(shown)
    contract.test_the_actions_that_a_kind_names_when_it_is_denied_are_those_it_declares(shown)


def test_what_it_shows_is_a_kind(shown):
    given = settings_of(shown, "{name: [orders, mails], atMost: 3}")
    assert given.at_most == 3
    assert shown.targets(given) == ("orders", "mails")
    assert shown.subject(given, "mails") == "mails: 3 messages at most"
    with pytest.raises(Mistakes, match="name names a queue twice"):
        settings_of(shown, "name: [orders, orders]")


def test_it_passes_fails_and_is_an_error_as_a_kind_does(shown, aws, without, client_of):
    queue = client_of("sqs").create_queue(QueueName="orders")["QueueUrl"]
    assert ask(shown, "name: orders", aws).verdict == "pass"

    client_of("sqs").send_message(QueueUrl=queue, MessageBody="hello")
    finding = ask(shown, "name: orders", aws)
    assert (finding.verdict, finding.expected, finding.got) == ("fail", "0 messages at most", "1 message")

    finding = ask(shown, "{name: orders, region: eu-west-1}", aws)
    assert (finding.verdict, finding.expected) == ("error", "an answer of AWS")
    assert finding.got.startswith(
        "Could not find the queue orders: AWS answered AWS.SimpleQueueService.NonExistentQueue"
    )
    assert finding.advice == "Check the name, the account and the region."

    finding = ask(shown, "name: orders", without("sqs:GetQueueUrl"))
    assert (finding.verdict, "sqs:GetQueueUrl" in f"{finding.got} {finding.advice}") == ("error", True)
