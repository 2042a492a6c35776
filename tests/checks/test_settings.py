"""Every way to declare a setting: what it reads, what it refuses and in which words, and its JSON Schema."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ropeway.checks import settings
from ropeway.checks.forms import secrets_of
from ropeway.checks.nodes import Mistakes
from ropeway.checks.settings import Settings, read, schema_of
from ropeway.checks.words import duration_of, lasting
from ropeway.checks.yaml import parse


def _even(given: str) -> int:
    if int(given) % 2:
        raise ValueError(f"is {given}, which is odd.")
    return int(given)


def _no_blank(given: str) -> None:
    if " " in given:
        raise ValueError(f"is {given!r}, which has a blank.")


@dataclass(frozen=True, kw_only=True)
class Wheel(Settings):
    """Settings within settings."""

    size: int = settings.whole("Inches.", at_least=1, at_most=30, required=True)
    password: str = settings.text("Of its lock.", check=_no_blank, secret=True)

    def problems(self) -> Iterator[str]:
        if self.size == 13:
            yield "size is 13, which brings no luck."


@dataclass(frozen=True, kw_only=True)
class Car(Settings):
    """One setting of each kind."""

    name: str = settings.text("Its name.")
    class_: str = settings.text("Its class.", default="any")
    tags: tuple[str, ...] = settings.texts("Words for it.")
    seats: int | None = settings.whole("How many.", at_least=1, at_most=9)
    litres: float | None = settings.number("How large.")
    open_top: bool = settings.flag("Whether it is open.")
    rented: bool | None = settings.flag("Whether it is rented.", default=None)
    colour: str = settings.choice("Which.", choices=("red", "grey"), default="red")
    rest_time: float | None = settings.duration("How long.", at_least=1)
    plate: re.Pattern[str] | None = settings.pattern("What it matches.")
    boot: int = settings.size("How much.", default=10)
    doors: int | None = settings.parsed("How many.", word="even number", read=_even)
    gears: tuple[int, ...] = settings.parsed_many("Which.", word="even number", read=_even)
    extra: Any = settings.value("Anything.")
    papers: dict[str, str] = settings.mapping("Its papers.")
    meters: dict[str, Any] = settings.values("What they show.")
    spare: Wheel | None = settings.record(Wheel, "The spare wheel.")
    wheels: tuple[Wheel, ...] = settings.records(Wheel, "The wheels.")
    front: Wheel | None = settings.short(Wheel, "size", "The front wheel.")


def car(text: str) -> Car:
    return read(Car, parse(text), "car")


@pytest.mark.parametrize(
    ("text", "field", "value"),
    [
        ("name: on", "name", "on"),
        ("name: 1.10", "name", "1.10"),
        ("name: ''", "name", ""),
        ("name: ~", "name", ""),
        ("class: a", "class_", "a"),
        ("tags: a", "tags", ("a",)),
        ("tags: [a, no, 0123]", "tags", ("a", "no", "0123")),
        ("seats: 5", "seats", 5),
        ("seats: '5'", "seats", 5),
        ("litres: 1.5", "litres", 1.5),
        ("openTop: true", "open_top", True),
        ("openTop: False", "open_top", False),
        ("rented: false", "rented", False),
        ("colour: GREY", "colour", "grey"),
        ("restTime: 1h30m", "rest_time", 5400.0),
        ("restTime: 1500ms", "rest_time", 1.5),
        ("boot: 2 MB", "boot", 2 << 20),
        ("doors: 4", "doors", 4),
        ("gears: [2, 4]", "gears", (2, 4)),
        ("gears: 6", "gears", (6,)),
        ("extra: [1, 1.5, yes, true, null, '2', 0x1]", "extra", [1, 1.5, "yes", True, None, "2", "0x1"]),
        ("papers: {a: 1, b: no}", "papers", {"a": "1", "b": "no"}),
        ("meters: {a: 1, b: '1'}", "meters", {"a": 1, "b": "1"}),
        ("spare: {size: 14}", "spare", Wheel(size=14)),
        ("wheels: {size: 14}", "wheels", (Wheel(size=14),)),
        ("wheels: [{size: 14}, {size: 15}]", "wheels", (Wheel(size=14), Wheel(size=15))),
        ("front: 16", "front", Wheel(size=16)),
        ("front: {size: 16, password: hush}", "front", Wheel(size=16, password="hush")),
    ],
)
def test_a_value_is_what_its_declaration_says(text, field, value):
    assert getattr(car(text), field) == value


def test_what_is_not_said_has_its_default():
    told = car("{}")
    assert (told.class_, told.colour, told.seats, told.rented, told.papers, told.tags) == (
        "any",
        "red",
        None,
        None,
        {},
        (),
    )


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("name: [a]", "1:7: name is a list; it takes one value."),
        ("name: {a: b}", "1:7: name is a table; it takes one value."),
        ("seats: few", "1:8: seats is 'few', which is not a whole number."),
        ("seats: 0", "1:8: seats is 0; it must be 1 at least and 9 at most."),
        ("litres: 1e3", "1:9: litres is '1e3', which is not a number."),
        ("litres: -1", "1:9: litres is -1; it must be 0 at least."),
        ("openTop: on", "1:10: openTop is 'on', which is neither true nor false. Did you mean true?"),
        ("colour: gray", "1:9: colour is 'gray'; it takes red, grey. Did you mean grey?"),
        ("restTime: 5", "1:11: restTime is '5', which is no duration: write 500ms, 30s, 5m, 1h30m or 14d. Did you mean 5s?"),
        ("restTime: 10ms", "1:11: restTime is 10ms; it must be 1s at least."),
        ("plate: '('", "1:8: plate is '(', which is no regular expression: missing ), unterminated subpattern at position 0."),
        ("boot: much", "1:7: boot is 'much', which is no size: write 512, 64 KB, 10 MB or 1 GB."),
        ("doors: 3", "1:8: doors is 3, which is odd."),
        ("gears: [2, 3, 5]", "1:12: gears is 3, which is odd.\n1:15: gears is 5, which is odd."),
        ("papers: a", "1:9: papers is a text; it takes a table of names and values."),
        ("spare: {}", "1:8: spare needs size: Inches."),
        ("spare: {size: 13}", "1:8: size is 13, which brings no luck."),
        ("wheels: [{size: 14}, {szie: 14}]", "1:23: 'szie' is not a setting of wheels. Did you mean size?\n1:22: wheels needs size: Inches."),
        ("spare: {size: 14, password: abc}", "1:29: password has fewer than 4 characters: so short a secret cannot be masked."),
        ("spare: {size: 14, password: a b}", "1:29: password cannot be what is given (it is not shown, for it is a secret): Of its lock."),
        ("front: 99", "1:8: front is 99; it must be 1 at least and 30 at most."),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_its_place(text, told):
    with pytest.raises(Mistakes) as wrong:
        car(text)
    assert str(wrong.value).splitlines() == told.splitlines()


def test_a_secret_is_found_wherever_it_stands_and_is_in_no_repr():
    told = car(
        "{spare: {size: 14, password: hush-1}, wheels: [{size: 14, password: hush-2}], front: {size: 14, password: hush-3}}"
    )
    assert [text for text in secrets_of(told) if text] == ["hush-1", "hush-2", "hush-3"]
    assert "hush" not in repr(told)


@given(st.integers(1, 10**7))
def test_a_duration_is_written_as_it_is_read(seconds):
    assert duration_of(lasting(float(seconds)), 0) == seconds


def test_a_duration_of_less_than_a_second_is_told_in_milliseconds():
    assert [lasting(seconds) for seconds in (0.0, 0.25, 1.5, 60.0, 90061.0)] == [
        "0ms",
        "250ms",
        "1.5s",
        "1m",
        "1d1h1m1s",
    ]


def test_the_schema_of_all_of_it_is_one():
    schema = schema_of(Car)
    jsonschema.Draft7Validator.check_schema(schema)
    assert schema["properties"]["spare"]["required"] == ["size"]
    assert schema["properties"]["seats"]["description"] == "How many."
    taken = jsonschema.Draft7Validator(schema)
    assert taken.is_valid({"seats": "{env.SEATS}"})
    assert taken.is_valid(
        {"doors": 4, "gears": [2, "4"], "boot": "2 MB", "front": 16, "wheels": {"size": 14}, "restTime": "1h30m"}
    )
    assert not taken.is_valid({"seats": "many"})
    assert not taken.is_valid({"restTime": 5})
