"""Expressions, by the examples and the tables of learn.microsoft.com/azure/devops/pipelines/process/expressions."""

from __future__ import annotations

import pytest

from tests.pipelines.expressions import ExpressionError, Strict, evaluate

NAMED = {
    "variables": {"letters": "ABC", "Build.Reason": "Manual", "empty": ""},
    "parameters": Strict({"flag": False, "list": ["a", 1, True], "object": {"id": 7}, "none": []}),
    "item": {"key": "k", "value": 2},
}


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("true", True),
        ("TRUE", True),
        ("-1.2", -1.2),
        ("'It''s OK'", "It's OK"),
        ("variables.letters", "ABC"),
        ("variables['Build.Reason']", "Manual"),
        ("variables['noSuch']", None),
        ("variables.LETTERS", "ABC"),
        ("parameters.list[1]", 1),
        ("parameters.list[7]", None),
        ("parameters.object.id", 7),
        ("parameters.object.other", None),
        ("item.value", 2),
        ("and(eq(variables.letters, 'abc'), ne(1, 2))", True),
        ("contains('ABCDE', 'bcd')", True),
        ("endsWith('ABCDE', 'DE')", True),
        ("startsWith('ABCDE', 'AB')", True),
        ("in('B', 'A', 'B', 'C')", True),
        ("notIn('D', 'A', 'B', 'C')", True),
        ("ge(5, 5)", True),
        ("gt(5, 2)", True),
        ("lt('a', 'B')", True),
        ("le(2, 2)", True),
        ("not(eq(1, 2))", True),
        ("or(eq(1, 1), eq(2, 3))", True),
        ("coalesce(variables.empty, variables.none, 'works')", "works"),
        ("format('Hello {0} {1}', 'John', 'Doe')", "Hello John Doe"),
        ("format('{{ and }}')", "{ and }"),
        ("join(';', parameters.list)", "a;1;True"),
        ("length(parameters.list)", 3),
        ("containsValue(parameters.list, 'A')", True),
        ("upper('a')", "A"),
        # The right one is made what the left one is; every text but the empty one is true.
        ("eq(1, '1')", True),
        ("eq('1', 1)", True),
        ("eq(1, 'one')", False),
        ("eq(parameters.flag, 'false')", False),
        ("eq(parameters.flag, '')", True),
        ("eq(variables.none, '')", True),
        ("eq('', variables.none)", True),
        ("and(parameters.none, true)", True),
        ("and(variables.empty, true)", False),
    ],
)
def test_an_expression_has_the_value_that_microsoft_says(expression, value):
    found = evaluate(expression, NAMED)
    assert (type(found), found) == (type(value), value)


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("parameters.undefined", "Key not found 'undefined'"),
        ("nobody.knows", "Unrecognized value: 'nobody'"),
        ("shout('a')", "Unrecognized function: 'shout'"),
        ("eq(1, 2", "Unexpected symbol: 'the end'"),
        ("eq(1, 2))", "Unexpected symbol: '\\)'"),
        ('"a"', "Unexpected symbol"),
        ("gt(1, 'one')", "Unable to convert"),
    ],
)
def test_what_has_no_value_is_an_error(expression, message):
    with pytest.raises(ExpressionError, match=message):
        evaluate(expression, NAMED)
