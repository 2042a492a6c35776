"""A suite: the text of `ropeway-checks.yml`, read whole, with the place of every mistake."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Any, cast

from ropeway.checked import PlannedCheck, Severity
from ropeway.checks.cases import Case, Pace, Terms
from ropeway.checks.forms import secrets_of
from ropeway.checks.kind import Kind
from ropeway.checks.nodes import Mistake, Mistakes, Node, Table, mistake, text_of
from ropeway.checks.options import Options, SuiteSettings
from ropeway.checks.registry import kind_names, load_kind
from ropeway.checks.secrets import Secrets
from ropeway.checks.settings import named, read, table_of
from ropeway.checks.variables import Variables
from ropeway.checks.words import unknown
from ropeway.checks.yaml import parse
from ropeway.errors import InputError

OWN = ("variables", "checks")
REQUIRES = "requires"
LONGEST_NAME = 100


@dataclass(frozen=True)
class Check:
    """One check of a suite. `given` are the settings of its kind."""

    name: str
    kind: Kind[Any]
    given: Any
    severity: Severity
    requires: tuple[str, ...]
    pace: Pace

    def cases(self, secrets: Secrets) -> Iterator[Case]:
        """One for each target. What is told of it is masked."""
        targets = tuple(dict.fromkeys(self.kind.targets(self.given)))
        for target in targets:
            asks = secrets.masked(self.kind.subject(self.given, target))
            shown = secrets.masked(target) if len(targets) > 1 else ""
            planned = PlannedCheck(self.name, self.kind.name, shown, self.severity, asks, self.requires)
            yield Case(planned, self.pace, self.kind, self.given, target)


@dataclass(frozen=True)
class Suite:
    checks: tuple[Check, ...]
    terms: Terms

    def cases(self, secrets: Secrets) -> tuple[Case, ...]:
        return tuple(case for check in self.checks for case in check.cases(secrets))

    def only(self, patterns: Sequence[str]) -> Suite:
        """The checks whose names match one of the patterns, and what these require. Raises InputError."""
        names = [check.name for check in self.checks]
        problems = [_no_match(pattern, names) for pattern in patterns if not fnmatch.filter(names, pattern)]
        if problems:
            raise InputError(problems)
        chosen = {name for pattern in patterns for name in fnmatch.filter(names, pattern)}
        while more := {name for check in self.checks if check.name in chosen for name in check.requires} - chosen:
            chosen |= more
        return Suite(tuple(check for check in self.checks if check.name in chosen), self.terms)


def _no_match(pattern: str, names: Sequence[str]) -> str:
    return unknown(pattern, names, "the name of a check, nor does it match one")


def read_suite(text: str, source: str, variables: Variables) -> Suite:
    """`source` names the text in messages. Raises InputError with every mistake in it: `file:line:column: what is wrong`.

    The secrets among the settings are known to `variables.secrets` from here on.
    """
    try:
        suite = _suite(parse(text), variables)
    except Mistakes as wrong:
        ordered = sorted(dict.fromkeys(wrong.mistakes), key=lambda one: (one.at.line, one.at.column))
        # What a variable has brought may be secret, and a message tells what is wrong with it.
        told = (f"{source}:{one.at.line}:{one.at.column}: {variables.secrets.masked(one.words)}" for one in ordered)
        raise InputError(list(told)) from None
    for check in suite.checks:
        for secret in secrets_of(check.given):
            variables.secrets.add(secret)
    return suite


# --- the whole --------------------------------------------------------------------------------------------------------------


def _suite(node: Node, variables: Variables) -> Suite:
    whole = table_of(node, "the suite")
    wrong: list[Mistake] = list(_unknown_settings(whole))
    variables = _gather(wrong, lambda: _own_variables(whole, variables)) or variables
    terms = _gather(wrong, lambda: _settings(whole, variables))
    options = (terms and terms.defaults) or Options()
    checks = _gather(wrong, lambda: _checks(whole, variables, options)) or ()
    if wrong:
        raise Mistakes(*wrong)
    return Suite(checks, cast("SuiteSettings", terms).terms)


def _unknown_settings(whole: Table) -> Iterator[Mistake]:
    known = [*OWN, *(item.name for item in named(SuiteSettings))]
    for key, _ in whole.entries:
        if key.text not in known:
            hint = " A check stands below checks:, under a name of its own." if key.text in kind_names() else ""
            yield Mistake(key.at, unknown(key.text, known, "a setting of a suite") + hint)


def _own_variables(whole: Table, variables: Variables) -> Variables:
    given = whole.get("variables")
    return variables if given is None else variables.with_own(table_of(given, "variables"))


def _settings(whole: Table, variables: Variables) -> SuiteSettings:
    known = {item.name for item in named(SuiteSettings)}
    own = Table(tuple(entry for entry in whole.entries if entry[0].text in known), whole.at)
    return variables.expanded(own, lambda node: read(SuiteSettings, node, "the suite"))


def _checks(whole: Table, variables: Variables, defaults: Options) -> tuple[Check, ...]:
    given = whole.get("checks")
    table = table_of(given, "checks") if given else None
    if not table or not table.entries:
        raise mistake(given or whole, "The suite has no checks: give it some below checks:, each under a name.")
    wrong: list[Mistake] = []
    found = [
        _gather(wrong, lambda key=key, node=node: _check(key.text, node, variables, defaults))
        for key, node in table.entries
    ]
    wrong += _names(table)
    wrong += _requirements(table, {key.text: _required(node) for key, node in table.entries})
    if wrong:
        raise Mistakes(*wrong)
    return tuple(check for check in found if check)


def _gather(wrong: list[Mistake], make: Any) -> Any:
    """What is made, or None and its mistakes among the others."""
    try:
        return make()
    except Mistakes as more:
        wrong.extend(more.mistakes)
        return None


# --- one check --------------------------------------------------------------------------------------------------------------


def _check(name: str, node: Node, variables: Variables, defaults: Options) -> Check:
    table = table_of(node, f"The check {name}")
    wrong: list[Mistake] = []
    kind = _gather(wrong, lambda: _kind(name, table))
    options = _gather(wrong, lambda: _options(name, table, variables)) or Options()
    given = kind and _gather(
        wrong, lambda: variables.expanded(_below(table, kind.name), lambda node: read(kind.settings, node, kind.name))
    )
    if wrong:
        raise Mistakes(*wrong)
    severity = options.severity or defaults.severity or "critical"
    pace = _pace(options, defaults, gently=kind.runs, answers=kind.answers(given))
    return Check(name, kind, given, cast("Severity", severity), _required(table), pace)


def _kind(name: str, table: Table) -> Kind[Any]:
    kinds = kind_names()
    found = [key for key, _ in table.entries if key.text in kinds]
    if not found:
        if any(key.text not in _offered() for key, _ in table.entries):
            raise Mistakes  # a name that is misspelt is told already
        raise mistake(table, f"The check {name} asks nothing: give it one of {', '.join(kinds)}.")
    if len(found) > 1:
        raise Mistakes(
            Mistake(
                found[1].at,
                f"The check {name} asks two things, {found[0].text} and {found[1].text}: make two checks of them.",
            )
        )
    return load_kind(found[0].text)


def _below(table: Table, name: str) -> Node:
    return next(node for key, node in table.entries if key.text == name)


def _options(name: str, table: Table, variables: Variables) -> Options:
    known = {item.name for item in named(Options)}
    offered = _offered()
    wrong = [
        Mistake(key.at, unknown(key.text, offered, "a setting of a check"))
        for key, _ in table.entries
        if key.text not in offered
    ]
    own = Table(tuple(entry for entry in table.entries if entry[0].text in known), table.at)
    options = _gather(wrong, lambda: variables.expanded(own, lambda node: read(Options, node, f"The check {name}")))
    if wrong:
        raise Mistakes(*wrong)
    return cast("Options", options)


def _offered() -> list[str]:
    return [*(item.name for item in named(Options)), REQUIRES, *kind_names()]


def _pace(options: Options, defaults: Options, *, gently: bool, answers: int) -> Pace:
    told = {
        field.name: value
        for field in fields(Pace)
        for value in [_first(getattr(options, field.name, None), getattr(defaults, field.name, None))]
        if value is not None
    }
    return Pace(**{**told, "gently": gently, "answers": answers})


def _first(*values: Any) -> Any:
    return next((value for value in values if value is not None), None)


# --- names ------------------------------------------------------------------------------------------------------------------


def _names(table: Table) -> Iterator[Mistake]:
    for key, _ in table.entries:
        if not key.text.strip() or len(key.text) > LONGEST_NAME:
            yield Mistake(key.at, f"The name of a check has 1 to {LONGEST_NAME} characters.")
        elif "," in key.text:
            yield Mistake(
                key.at, f"The name {key.text!r} has a comma, which stands between names in the output variables."
            )


def _required(node: Node) -> tuple[str, ...]:
    given = node.get(REQUIRES) if isinstance(node, Table) else None
    items = () if given is None else getattr(given, "items", (given,))
    return tuple(text_of(item, REQUIRES) for item in items)


def _requirements(table: Table, requires: dict[str, tuple[str, ...]]) -> Iterator[Mistake]:
    for key, node in table.entries:
        for name in requires[key.text]:
            at = (node.get(REQUIRES) if isinstance(node, Table) else None) or node
            if name not in requires:
                yield Mistake(at.at, f"requires: {unknown(name, requires, 'the name of a check')}")
        if key.text in _all_required(key.text, requires):
            yield Mistake(
                key.at,
                f"The check {key.text} requires itself, by way of {', '.join(requires[key.text])}: it could never be asked.",
            )


def _all_required(name: str, requires: dict[str, tuple[str, ...]]) -> set[str]:
    found: set[str] = set()
    left: list[str] = list(requires[name])
    while left:
        one = left.pop()
        if one not in found:
            found.add(one)
            left += requires.get(one, ())
    return found


def used_services(kinds: Iterable[Kind[Any]]) -> tuple[str, ...]:
    """Botocore's names of the services that these kinds call."""
    return tuple(sorted({service for kind in kinds for service in kind.services}))
