"""A suite is read whole: what it says, and every mistake with its place and what was meant."""

from __future__ import annotations

import json
from textwrap import dedent
from typing import Any

import jsonschema
import pytest
from ruamel.yaml import YAML

from ropeway.checks.cases import Pace, Terms
from ropeway.checks.registry import all_kinds
from ropeway.checks.schema import suite_schema
from ropeway.checks.secrets import Secrets
from ropeway.checks.suite import Suite, read_suite
from ropeway.checks.variables import Variables
from ropeway.errors import InputError
from ropeway.outcome import Variable

NAME = "ropeway-checks.yml"


def variables(environment: dict[str, Variable] | None = None, **given: Any) -> Variables:
    return Variables(environment=(environment or {}).get, secrets=given.pop("secrets", None) or Secrets(), **given)


def suite(text: str, known: Variables | None = None) -> Suite:
    return read_suite(dedent(text), NAME, known or variables())


def mistakes(text: str, known: Variables | None = None) -> list[str]:
    with pytest.raises(InputError) as wrong:
        suite(text, known)
    return list(wrong.value.problems)


WHOLE = """
    delay: 5s
    within: 20m
    steady: 30s
    soak: 10m
    parallel: 4
    variables:
      host: db.{env.ZONE}
    defaults:
      every: 2s
      severity: warning
    checks:
      database:
        tcp: {address: '{vars.host}:5432'}
        severity: critical
        successes: 2
      closed:
        tcp:
          address: ['{vars.host}:22', '{vars.host}:23']
          open: false
        requires: database
        within: 1m30s
"""


def test_a_suite_is_what_it_says():
    read = suite(WHOLE, variables({"ZONE": Variable("eu")}))

    assert read.terms == Terms(delay=5, within=1200, steady=30, soak=600, parallel=4)
    database, closed = read.checks
    assert (database.name, database.kind.name, database.severity, database.requires) == (
        "database",
        "tcp",
        "critical",
        (),
    )
    assert database.given.address == ("db.eu:5432",)
    assert database.pace == Pace(every=2, successes=2)
    assert (closed.severity, closed.requires, closed.given.open) == ("warning", ("database",), False)
    assert closed.pace == Pace(every=2, within=90)


def test_each_target_is_a_case():
    cases = suite(WHOLE, variables({"ZONE": Variable("eu")})).cases(Secrets())

    assert [case.check.title for case in cases] == ["database", "closed (db.eu:22)", "closed (db.eu:23)"]
    assert [case.check.asks for case in cases] == [
        "db.eu:5432 takes connections",
        "db.eu:22 takes no connections",
        "db.eu:23 takes no connections",
    ]


def test_nothing_but_checks_is_needed():
    read = suite("checks: {port: {tcp: {address: 'a:1'}}}")
    assert (read.terms, read.checks[0].pace, read.checks[0].severity) == (Terms(), Pace(), "critical")


# --- mistakes -------------------------------------------------------------------------------------------------------------------


def test_all_mistakes_are_told_at_once_with_their_places_and_what_was_meant():
    assert mistakes("""
        stedy: 30s
        parallel: many
        checks:
          database:
            tcp: {adress: 'db:5432'}
            timeout: 10
          cache:
            tcp: {address: 'cache'}
            requires: [databse]
          shop:
            htpp: {url: 'https://shop'}
    """) == [
        f"{NAME}:2:1: 'stedy' is not a setting of a suite. Did you mean steady?",
        f"{NAME}:3:11: parallel is 'many', which is not a whole number.",
        f"{NAME}:6:10: tcp needs address: Host and port, as `host:port`.",
        f"{NAME}:6:11: 'adress' is not a setting of tcp. Did you mean address?",
        f"{NAME}:7:14: timeout is '10', which is no duration: write 500ms, 30s, 5m, 1h30m or 14d. Did you mean 10s?",
        f"{NAME}:9:20: address is 'cache'; write it as host:port, for example db.internal:5432 or [2001:db8::1]:443.",
        f"{NAME}:10:15: requires: 'databse' is not the name of a check. Did you mean database?",
        f"{NAME}:12:5: 'htpp' is not a setting of a check. Did you mean http?",
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "1:1: The suite has no checks: give it some below checks:, each under a name."),
        ("checks:", "1:8: The suite has no checks: give it some below checks:, each under a name."),
        ("- a", "1:1: the suite is a list; it takes a table of names and values."),
        ("checks: [a]", "1:9: checks is a list; it takes a table of names and values."),
        ("checks: {a: {severity: info}}", "1:13: The check a asks nothing: give it one of "),
        ("checks: {a: {tcp: {address: 'a:1'}, http: {url: 'http://a'}}}", "1:37: The check a asks two things, tcp and http: make two checks of them."),
        ("checks: {a: {tcp: {address: 'a:1'}}, a: {tcp: {address: 'b:1'}}}", "1:38: a is there twice: it stands in line 1 already."),
        ("checks: {a: {tcp: {address: 'a:1'}, requires: a}}", "1:10: The check a requires itself, by way of a: it could never be asked."),
        ("checks: {a: {tcp: {address: 'a:1', open: yes}}}", "1:42: open is 'yes', which is neither true nor false. Did you mean true?"),
        ("checks: {a: {tcp: {address: 'a:1'}, severity: fatal}}", "1:47: severity is 'fatal'; it takes critical, warning, info."),
        ("checks: {a: {tcp: {address: 'a:1'}, jitter: 3}}", "1:13: jitter is 3; it is a share, from 0 to 1."),
        ("checks: {'a,b': {tcp: {address: 'a:1'}}}", "1:10: The name 'a,b' has a comma, which stands between names in the output variables."),
        ("{steady: 1h, checks: {a: {tcp: {address: 'a:1'}}}}", "1:1: steady is 1h, but all of it may take 30m (within): no run could pass."),
        ("tcp: {address: 'a:1'}", "1:1: 'tcp' is not a setting of a suite. There are "),
        ("checks: {a: {tcp: {address: {env.HOST}}}}", '1:29: address is written {env.HOST}, which YAML reads as a table: write it in quotes, "{env.HOST}".'),
        ("checks: {a: {tcp: {address: !!python/name:os.system x}}}", "1:29: The tag tag:yaml.org,2002:python/name:os.system means nothing here: write the value without it."),
        ("checks: [", "1:10: This is no YAML: "),
        ("checks:\n  a: {}\n   b: {}", "3:4: This is no YAML: expected <block end>, but found '<block mapping start>', while parsing a block mapping. Look at the indentation of this line."),
        ("a: 1\n---\nb: 2", "2:1: This is no YAML: but found another document, expected a single document in the stream."),
    ],
)  # fmt: skip
def test_a_mistake_says_where_it_is(text, told):
    assert any(mistake.startswith(f"{NAME}:{told}") for mistake in mistakes(text)), mistakes(text)


def test_a_circle_of_requirements_is_named():
    told = mistakes("""
        checks:
          a: {tcp: {address: 'a:1'}, requires: b}
          b: {tcp: {address: 'a:1'}, requires: [c]}
          c: {tcp: {address: 'a:1'}, requires: a}
    """)
    assert told[0] == f"{NAME}:3:3: The check a requires itself, by way of b: it could never be asked."
    assert len(told) == 3


def test_a_bomb_of_aliases_is_no_suite():
    bomb = "a: &a [x, x, x, x, x, x, x, x, x, x]\n"
    for before, name in zip("abcdefgh", "bcdefghi", strict=True):
        bomb += f"{name}: &{name} [{', '.join([f'*{before}'] * 10)}]\n"

    assert "There is too much in this document: tables, lists or aliases within each other." in mistakes(bomb)[0]


@pytest.mark.parametrize("deep", ["[" * 1000, "{a: " * 200 + "}" * 200])
def test_a_document_that_is_too_deep_is_no_suite(deep):
    assert "There is too much in this document" in mistakes(deep)[0]


def test_a_control_character_is_named():
    assert mistakes("checks: \x01") == [f"{NAME}:1:9: The character U+0001 has no place in YAML."]


# --- variables --------------------------------------------------------------------------------------------------------------------


def address(text: str, known: Variables) -> str:
    return suite(f"checks: {{a: {{tcp: {{address: '{text}'}}}}}}", known).checks[0].given.address[0]


def test_variables_are_put_in():
    known = variables({"PORT": Variable("81")}, release="v7", outputs={"host": "web.example"})
    assert address("{outputs.host}:{env.PORT}", known) == "web.example:81"
    assert address("{release.id}.example:80", known) == "v7.example:80"


@pytest.mark.parametrize("text", ["{1,3}:80", "{}:80", "{{x}}:80", "{a}:80", "${x}:80"])
def test_braces_that_are_no_variable_stay(text):
    assert address(text, variables()) == text


def test_a_variable_that_is_meant_as_it_is_stands_in_double_braces():
    assert address("{{env.PORT}}:80", variables()) == "{env.PORT}:80"


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("env.HOTS", "{env.HOTS}: there is no variable HOTS here. Check its spelling, and whether this stage has it."),
        ("outputs.hots", "{outputs.hots}: 'hots' is not among the outputs of this run. Did you mean host?"),
        ("vars.x", "{vars.x}: there are no variables of this suite."),
        ("release.id", "{release.id} is not known here: say which release was deployed (releaseId)."),
        ("release.name", "'release.name' is not a variable. Did you mean release.id?"),
        ("relase.id", "'relase.id' is not a variable. Did you mean release.id?"),
    ],
)
def test_a_variable_that_is_not_there_is_a_mistake(name, told):
    known = variables(outputs={"host": "web"})
    assert mistakes(f"checks: {{a: {{tcp: {{address: '{{{name}}}:80'}}}}}}", known) == [f"{NAME}:1:29: {told}"]


@pytest.mark.parametrize("nothing", ["[]", "''", "['']", "[ '', '' ]", "'{vars.empty}'", "['{vars.empty}']"])
def test_a_check_that_is_given_no_target_is_a_mistake_and_never_passes_unasked(nothing):
    text = f"variables: {{empty: ''}}\nchecks: {{quiet: {{alarm: {{name: {nothing}}}}}}}"
    (told,) = mistakes(text)
    assert "alarm needs name: Names of the alarms" in told


@pytest.mark.parametrize(
    "asked",
    [
        "http: {url: https://a.b/, body: '{outputs.mark}'}",
        "http: {url: https://a.b/, body: {contains: [shop, '{outputs.mark}']}}",
        "http: {url: https://a.b/, body: {contains: shop, sha256: '{outputs.mark}'}}",
        "http: {url: https://a.b/, headers: {server: {matches: '{outputs.mark}'}}}",
        "http: {url: https://a.b/, finalUrl: '{outputs.mark}'}",
        "http: {url: https://a.b/, json: {version: {matches: '{outputs.mark}'}}}",
        "website: {url: https://a.b/, ignore: '{outputs.mark}'}",
        "command: {command: ls, output: '{outputs.mark}'}",
        "dns: {name: a.b, aliasOf: '{outputs.mark}'}",
        "lambda-invoke: {function: f, version: '{outputs.mark}'}",
        "lambda-invoke: {function: f, qualifier: '{outputs.mark}'}",
        "s3-object: {object: s3://b/k, version: '{outputs.mark}'}",
        "tls: {address: a.b, issuer: '{outputs.mark}'}",
    ],
)
def test_what_is_expected_is_not_nothing_when_a_variable_is_empty(asked):
    (told,) = mistakes(f"checks: {{app: {{{asked}}}}}", variables(outputs={"mark": ""}))
    assert "is empty, which any answer would pass: see whether its variable has a value." in told


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("{checks: {app: {http: {url: https://a.b/, body: }}}}", "body"),
        ("{checks: {app: {http: {url: https://a.b/, release: }}}}", "release"),
        ("{checks: {app: {http: {url: https://a.b/, json: {status: }}}}}", "json.status"),
        ("{checks: {app: {http: {url: https://a.b/, json: {status: {'!=': }}}}}}", "json.status !="),
        ("{checks: {app: {website: {url: https://a.b/, errorPage: }}}}", "errorPage"),
        ("{checks: {app: {lambda-invoke: {function: f, qualifier: }}}}", "qualifier"),
        ("{soak: , checks: {app: {tcp: {address: 'a:1'}}}}", "soak"),
        ("{checks: {app: {tcp: {address: 'a:1'}, failures: }}}", "failures"),
    ],
)
def test_what_a_blank_variable_of_the_pipeline_leaves_is_not_taken_for_left_out(text, name):
    """`body: ${{ parameters.mark }}` in a suite of the step is a `body:` with nothing behind it: any answer would pass."""
    (told,) = mistakes(text)
    assert f": {name} has nothing behind it: leave it out, or see whether its variable has a value." in told


def test_null_is_nothing_on_purpose():
    (check,) = suite("checks: {app: {http: {url: https://a.b/, body: null, json: {error: null}}, severity: ~}}").checks
    assert (check.severity, check.given.body, check.given.json["error"][0].value) == ("critical", None, None)


def test_a_variable_that_is_not_there_hides_no_other_mistake():
    text = """
    checks:
      port:
        tcp: {adress: 'db:1', open: maybe}
        every: '{env.NOPE}'
        sevrity: critical
      web:
        tcp: {address: '{env.NOPE}', opn: true}
    """
    assert [line.split(": ", 1)[1] for line in mistakes(text)] == [
        "tcp needs address: Host and port, as `host:port`.",
        "'adress' is not a setting of tcp. Did you mean address?",
        "open is 'maybe', which is neither true nor false.",
        "{env.NOPE}: there is no variable NOPE here. Check its spelling, and whether this stage has it.",
        "'sevrity' is not a setting of a check. Did you mean severity?",
        "{env.NOPE}: there is no variable NOPE here. Check its spelling, and whether this stage has it.",
        "'opn' is not a setting of tcp. Did you mean open?",
    ]


def test_what_a_variable_holds_is_text_and_no_yaml():
    known = variables({"EVIL": Variable("a:1'}}, b: {tcp: {address: 'b:2")})
    assert mistakes("checks: {a: {tcp: {address: '{env.EVIL}'}}}", known)[0].startswith(f"{NAME}:1:29: address is ")


def test_a_number_may_come_from_a_variable():
    known = variables({"LIMIT": Variable("3")})
    assert suite("{parallel: '{env.LIMIT}', checks: {a: {tcp: {address: 'a:1'}}}}", known).terms.parallel == 3


@pytest.mark.parametrize("name", ["PIN", "DB_PASSWORD"])
def test_a_secret_variable_that_is_too_short_to_be_masked_is_a_mistake_that_does_not_show_it(name):
    text = f"checks: {{port: {{tcp: {{address: 'db:{{env.{name}}}'}}}}}}"
    (told,) = mistakes(text, variables({name: Variable("917", secret=name == "PIN")}))
    assert told.endswith(f"{{env.{name}}} has fewer than 4 characters: so short a secret cannot be masked.")
    assert "917" not in told


def test_secret_variables_are_masked_from_here_on():
    secrets = Secrets()
    known = variables(
        {
            "HOST": Variable("hidden.example", secret=True),
            "API_TOKEN": Variable("tok-12345"),
            "ZONE": Variable("eu-west"),
        },
        secrets=secrets,
    )
    suite("""
        variables: {t: '{env.API_TOKEN}', z: '{env.ZONE}'}
        checks: {a: {tcp: {address: '{env.HOST}:1'}}}
    """, known)  # fmt: skip

    assert secrets.masked("hidden.example tok-12345 eu-west") == "*** *** eu-west"


def test_what_is_wrong_with_a_secret_is_told_without_it():
    known = variables({"PLACE": Variable("hidden-place", secret=True)})
    [told] = mistakes("checks: {a: {tcp: {address: '{env.PLACE}'}}}", known)
    assert told.startswith(f"{NAME}:1:29: address is '***'; write it as host:port")


# --- selection --------------------------------------------------------------------------------------------------------------------

THREE = "checks: {db: {tcp: {address: 'a:1'}}, shop eu: {tcp: {address: 'a:1'}, requires: db}, shop us: {tcp: {address: 'a:1'}}}"


@pytest.mark.parametrize(
    ("patterns", "names"),
    [(["db"], ["db"]), (["shop *"], ["db", "shop eu", "shop us"]), (["*us", "db"], ["db", "shop us"])],
)
def test_checks_are_chosen_by_name_with_what_they_require(patterns, names):
    assert [check.name for check in suite(THREE).only(patterns).checks] == names


def test_a_choice_that_matches_nothing_is_a_mistake():
    with pytest.raises(InputError) as wrong:
        suite(THREE).only(["db", "shop uk", "xyz*"])
    assert wrong.value.problems == (
        "'shop uk' is not the name of a check, nor does it match one. Did you mean shop us?",
        "'xyz*' is not the name of a check, nor does it match one. There are db, shop eu, shop us.",
    )


# --- the schema ---------------------------------------------------------------------------------------------------------------------


def valid(text: str) -> bool:
    schema = suite_schema(all_kinds())
    jsonschema.Draft7Validator.check_schema(schema)
    return jsonschema.Draft7Validator(schema).is_valid(json.loads(json.dumps(YAML(typ="safe").load(dedent(text)))))


def test_the_schema_takes_what_is_read():
    assert valid(WHOLE)
    assert valid(THREE)
    assert valid("{parallel: '{env.LIMIT}', checks: {a: {tcp: {address: 'a:1', open: '{env.OPEN}'}}}}")


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        "checks: {}",
        "checks: {a: {}}",
        "stedy: 1s\nchecks: {a: {tcp: {address: 'a:1'}}}",
        "checks: {a: {tcp: {adress: 'a:1'}}}",
        "checks: {a: {tcp: {address: 'a:1'}, timeout: 10}}",
        "checks: {a: {tcp: {address: 'a:1'}, severity: fatal}}",
        "checks: {a: {tcp: {address: 'a:1'}, http: {url: 'http://a'}}}",
    ],
)
def test_the_schema_refuses_what_is_a_mistake(text):
    assert not valid(text)
    assert mistakes(text)
