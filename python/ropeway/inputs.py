"""How an input of a task is declared, once, and read, once.

A task's inputs are one frozen, keyword-only dataclass. Each field is made by one of the functions below (`text`, `flag`,
`choice`, ...), which carry label, help, default, group and the rest. From the declaration come the CLI option, the block in
`task.json`, the docs' table and the templates' parameters (`make generate`); `read` turns the texts that a door collected into
the typed value, or raises one `InputError` with every problem in it.

The name on the agent is the field's in camelCase (`bucket_name` -> `bucketName`), on the command line with hyphens
(`--bucket-name`).
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, TypeVar

from ropeway.errors import InputError

Kind = Literal["string", "boolean", "int", "pickList", "multiLine", "filePath", "connectedService"]
"""The types of tasks.schema.json (azure-pipelines-task-lib) that we use."""


@dataclass(frozen=True)
class Rule:
    """One `glob=value` line; `line` counts from 1, for messages. A `=` in the glob stands in brackets: `a[=]b/**=value`."""

    pattern: str
    value: str
    line: int


@dataclass(frozen=True)
class NamedRule:
    """One `glob=name=value` line: a metadata entry or a tag for the files that match."""

    pattern: str
    name: str
    value: str
    line: int


@dataclass(frozen=True)
class Pair:
    """One `name=value` line. Of the two, one may hold a `=` (`pairs`: the name, `assignments`: the value)."""

    name: str
    value: str
    line: int


@dataclass(frozen=True)
class Input:
    """The declaration of one input. `read` raises ValueError with what is wrong, worded to follow the input's name.

    `aliases` are names on the agent that it had before; Azure DevOps hands them over under the present one. `never_blank`: a text that is
    given and empty is a variable that nobody has set, and does not mean the default.
    """

    label: str
    help: str
    kind: Kind
    read: Callable[[str], object]
    default: str = ""
    required: bool = False
    group: str = ""
    visible: str = ""
    secret: bool = False
    choices: Mapping[str, str] = field(default_factory=dict)
    open_choices: bool = False
    endpoint_type: str = ""
    on_cli: bool = True
    metavar: str = ""
    aliases: tuple[str, ...] = ()
    never_blank: bool = False


@dataclass(frozen=True)
class Group:
    """A group of inputs in the task's form."""

    name: str
    label: str
    expanded: bool = False


@dataclass(frozen=True)
class Declared:
    """An input with its names: `field` in Python, `name` on the agent, `option` on the command line."""

    field: str
    name: str
    option: str
    input: Input


class Spelling(Protocol):
    """How a door calls an input in its messages: `bucketName` or `--bucket-name`. Takes the field's name."""

    def __call__(self, field: str, /) -> str: ...


class InputsProtocol(Protocol):
    """What a task's inputs dataclass offers beyond its fields."""

    def problems(self, spell: Spelling) -> Iterator[str]:
        """What is wrong with the values taken together, a sentence each."""
        ...


T = TypeVar("T", bound="InputsProtocol")


def camel(name: str) -> str:
    head, *tail = name.split("_")
    return head + "".join(part.capitalize() for part in tail)


def hyphens(name: str) -> str:
    return "--" + name.replace("_", "-")


def declared(inputs: type[Any]) -> tuple[Declared, ...]:
    """The inputs of a dataclass in the order of their declaration."""
    return tuple(
        Declared(f.name, camel(f.name), hyphens(f.name), f.metadata["input"]) for f in dataclasses.fields(inputs)
    )


# --- declaring ---------------------------------------------------------------------------------------------------------


def text(label: str, help: str, *, default: str = "", **rest: Any) -> Any:
    return _declare(Input(label, help, "string", _unicode, default, **rest))


def path(label: str, help: str, *, default: str = "", **rest: Any) -> Any:
    """Names of files may hold any bytes; those that are no UTF-8 stand as os.fsdecode gives them."""
    return _declare(Input(label, help, "filePath", _text, default, **rest))


def flag(label: str, help: str, *, default: bool = False, **rest: Any) -> Any:
    return _declare(Input(label, help, "boolean", _boolean, "true" if default else "false", **rest))


def number(label: str, help: str, *, default: int, at_least: int, at_most: int, **rest: Any) -> Any:
    """A whole number within bounds, both included."""
    return _declare(Input(label, help, "int", _whole_number(at_least, at_most), str(default), **rest))


def choice(
    label: str,
    help: str,
    *,
    choices: Mapping[str, str],
    default: str,
    synonyms: Mapping[str, str] | None = None,
    **rest: Any,
) -> Any:
    """One of `choices` (value -> label), in any case; `synonyms` (other word -> value) keep what an older task was given.

    With `open_choices` the list is an offer and any text is taken.
    """
    read = _text if rest.get("open_choices") else _one_of(choices, synonyms or {})
    return _declare(Input(label, help, "pickList", read, default, choices=choices, **rest))


def lines(label: str, help: str, *, default: str = "", **rest: Any) -> Any:
    """Non-blank lines, trimmed, as a tuple. Comments are left in: globs have a rule of their own for them."""
    return _declare(Input(label, help, "multiLine", _lines, default, **rest))


def document(label: str, help: str, **rest: Any) -> Any:
    """A text of several lines, as it is."""
    return _declare(Input(label, help, "multiLine", _as_it_is, **rest))


def assignments(label: str, help: str, **rest: Any) -> Any:
    """Lines of `name=value`, each name once. The value may hold a `=`, the name may not."""
    return _declare(Input(label, help, "multiLine", _assignments, **rest))


def rules(label: str, help: str, *, check: Callable[[str], object] | None = None, **rest: Any) -> Any:
    """`glob=value` lines. `check` raises ValueError for a value that can never do."""
    return _declare(Input(label, help, "multiLine", _rules(check), **rest))


def named_rules(label: str, help: str, *, check: Callable[[str, str], object] | None = None, **rest: Any) -> Any:
    """`glob=name=value` lines. `check` takes name and value."""
    return _declare(Input(label, help, "multiLine", _named_rules(check), **rest))


def pairs(label: str, help: str, *, written: str, **rest: Any) -> Any:
    """Lines as `written` ("key=versionId"), each name once."""
    return _declare(Input(label, help, "multiLine", _pairs(written), **rest))


def connection(label: str, help: str, *, endpoint_type: str, **rest: Any) -> Any:
    """A service connection of this type; its value is the connection's id. Not on the command line."""
    rest = {"on_cli": False, **rest}
    return _declare(Input(label, help, "connectedService", _text, endpoint_type=endpoint_type, **rest))


def _declare(declaration: Input) -> Any:
    # A required input gets a default too, so that fields may stand in any order; `read` refuses it when it is empty.
    # A secret stays out of the repr, which a trace may show.
    default = declaration.read(declaration.default)
    return field(default=default, repr=not declaration.secret, metadata={"input": declaration})


# --- reading -----------------------------------------------------------------------------------------------------------


def read(inputs: type[T], texts: Mapping[str, str], spell: Spelling) -> T:
    """The typed inputs from `texts` (field name -> text; absent means the default, and so does empty, but for what is `never_blank`).

    Raises InputError that names every problem.
    """
    problems: list[str] = []
    values = {}
    for item in declared(inputs):
        try:
            values[item.field] = _value(item.input, texts.get(item.field))
        except ValueError as wrong:
            problems.append(f"{spell(item.field)} {wrong}")
    if problems:
        raise InputError(problems)
    result = inputs(**values)
    if problems := list(result.problems(spell)):
        raise InputError(problems)
    return result


def _value(declaration: Input, given: str | None) -> object:
    if given and given.strip():
        return declaration.read(given)
    if declaration.never_blank and given is not None:
        raise ValueError(f"is empty, and would mean nothing; leave it out, or write {declaration.default}.")
    if declaration.required and not declaration.default:
        raise ValueError("is required.")
    return declaration.read(declaration.default)


def _text(given: str) -> str:
    return given.strip()


def _unicode(given: str) -> str:
    """A command line may hold any bytes; keys and headers may not."""
    if re.search("[\ud800-\udfff]", given):
        raise ValueError("holds bytes that are no UTF-8.")
    return _text(given)


def _boolean(given: str) -> bool:
    """In any case, as `${{ parameters.x }}` gives True and False (the agent hands booleans over as text)."""
    words = {"true": True, "false": False}
    if (word := given.strip().lower()) not in words:
        raise ValueError(f"is {given.strip()!r}, which is neither true nor false.")
    return words[word]


def _whole_number(at_least: int, at_most: int) -> Callable[[str], int]:
    def read_number(given: str) -> int:
        try:
            value = int(given)
        except ValueError:
            raise ValueError(f"is {given.strip()!r}, which is not a whole number.") from None
        if not at_least <= value <= at_most:
            raise ValueError(f"is {value}; it must lie between {at_least} and {at_most}.")
        return value

    return read_number


def _one_of(choices: Mapping[str, str], synonyms: Mapping[str, str]) -> Callable[[str], str]:
    by_fold = {value.casefold(): value for value in choices} | {word.casefold(): synonyms[word] for word in synonyms}

    def read_choice(given: str) -> str:
        given = given.strip()
        if given.casefold() not in by_fold:
            raise ValueError(f"is {given!r}; {_nearest(given, choices)}")
        return by_fold[given.casefold()]

    return read_choice


def _nearest(given: str, choices: Mapping[str, str]) -> str:
    offered = ", ".join(value or '""' for value in choices)
    by_fold = {value.casefold(): value for value in choices}
    import difflib  # noqa: PLC0415 - only who errs pays for it

    near = difflib.get_close_matches(given.casefold(), by_fold, n=1)
    return f"did you mean {by_fold[near[0]]}? It takes {offered}." if near else f"it takes {offered}."


def _lines(given: str) -> tuple[str, ...]:
    return tuple(line.strip() for line in _split(given) if line.strip())


def _split(given: str) -> list[str]:
    """As YAML and the agent know lines. str.splitlines knows more, which names of files may hold."""
    return re.split(r"\r\n|[\r\n]", given)


def _numbered(given: str) -> Iterator[tuple[int, str]]:
    for at, line in enumerate(_split(given), 1):
        if line.strip() and not line.lstrip().startswith("#"):
            yield at, line.strip()


def _rules(check: Callable[[str], object] | None) -> Callable[[str], tuple[Rule, ...]]:
    def read_rules(given: str) -> tuple[Rule, ...]:
        return tuple(_rule(at, line, check) for at, line in _numbered(given))

    return read_rules


def _rule(at: int, line: str, check: Callable[[str], object] | None) -> Rule:
    pattern, equals, value = _after_glob(line)
    if not (pattern and equals and value):
        raise ValueError(f"line {at} is {line!r}; write it as glob=value, for example **/*.html=no-cache.")
    if re.search(r"\*.*=", value):
        raise ValueError(
            f"line {at} is {line!r}: its glob ends at the first =, so that its value would be {value!r}. Write a = of the glob as [=]."
        )
    _checked(at, lambda: _unicode(value))
    if check:
        _checked(at, lambda: check(value))
    return Rule(pattern, value, at)


def _named_rules(check: Callable[[str, str], object] | None) -> Callable[[str], tuple[NamedRule, ...]]:
    def read_rules(given: str) -> tuple[NamedRule, ...]:
        return tuple(_named_rule(at, line, check) for at, line in _numbered(given))

    return read_rules


def _named_rule(at: int, line: str, check: Callable[[str, str], object] | None) -> NamedRule:
    pattern, first, rest = _after_glob(line)
    name, second, value = (part.strip() for part in rest.partition("="))
    if not (pattern and first and name and second):
        raise ValueError(f"line {at} is {line!r}; write it as glob=name=value, for example **=team=web.")
    _checked(at, lambda: _unicode(name + value))
    if check:
        _checked(at, lambda: check(name, value))
    return NamedRule(pattern, name, value, at)


def _after_glob(line: str) -> tuple[str, str, str]:
    """The glob, the first `=` that is none of it, and what stands behind."""
    glob = re.match(r"(\[=\]|[^=])*", line)
    end = glob.end() if glob else 0  # it matches every line
    return line[:end].strip(), line[end : end + 1], line[end + 1 :].strip()


def _pairs(written: str) -> Callable[[str], tuple[Pair, ...]]:
    def read_pairs(given: str) -> tuple[Pair, ...]:
        found: dict[str, Pair] = {}
        _refuse_doubtful(given)
        for pair in (_pair(at, line, written) for at, line in _numbered(given)):
            if (first := found.setdefault(pair.name, pair)) is not pair:
                raise ValueError(f"line {pair.line} is about {pair.name} again, as line {first.line}.")
        return tuple(found.values())

    return read_pairs


def _refuse_doubtful(given: str) -> None:
    """A name may begin with #. Who gives one must not have it passed over as a comment."""
    for at, line in enumerate(_split(given), 1):
        if re.match(r"\s*#\S.*=", line):
            raise ValueError(
                f"line {at} is {line.strip()!r}: a comment begins with # and a blank; a name that begins with # cannot be given here."
            )


def _pair(at: int, line: str, written: str) -> Pair:
    name, equals, value = (part.strip() for part in line.rpartition("="))
    if not (name and equals and value):
        raise ValueError(f"line {at} is {line!r}; write it as {written}.")
    return Pair(name, value, at)


def _as_it_is(given: str) -> str:
    return given if given.strip() else ""


def _assignments(given: str) -> tuple[Pair, ...]:
    found: dict[str, Pair] = {}
    for at, line in _numbered(given):
        name, equals, value = (part.strip() for part in line.partition("="))
        if not (name and equals):
            raise ValueError(f"line {at} is {line!r}; write it as name=value.")
        if (first := found.setdefault(name, pair := Pair(name, value, at))) is not pair:
            raise ValueError(f"line {at} is about {name} again, as line {first.line}.")
    return tuple(found.values())


def _checked(at: int, check: Callable[[], object]) -> None:
    try:
        check()
    except ValueError as wrong:
        raise ValueError(f"line {at}: {wrong}") from None
