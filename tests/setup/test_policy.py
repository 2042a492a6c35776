"""The least policy: what is in it, what is left out and said to be."""

from __future__ import annotations

import pytest

from ropeway.aws.policy import IamAction
from ropeway.errors import InputError
from ropeway.registry import all_tasks, load_task
from ropeway.setup.policy import ALL, Places, Wanted
from tests.tooling.declaring import ferry

PLACES = Places("b", "site/")


def actions(wanted: Wanted) -> set[str]:
    return {action for statement in wanted.document()["Statement"] for action in statement["Action"]}


def wanted(*whens: str, using: tuple[str, ...] = (), places: Places = PLACES) -> set[str]:
    """Which of a task's actions are taken; each has the letter of its place: conditions are about the ferry's inputs."""
    needs = tuple(IamAction(f"x:{chr(ord('a') + at)}", "*", when) for at, when in enumerate(whens))
    return {action.removeprefix("x:") for action in actions(Wanted((ferry(actions=needs),), places, using))}


@pytest.mark.parametrize(
    ("when", "using", "taken"),
    [
        ("", (), True),
        ("a file may be large", (), True),
        ("lights", (), False),
        ("lights", ("lights",), True),
        ("flag is not none", ("flag",), True),
        ("flag and lights", ("flag",), False),
        ("flag and lights", ("flag", "lights"), True),
        ("flag, or lights", ("lights",), True),
        ("flag or lights", ("speed",), False),
        ("flag; lights and speed", ("speed",), False),
        ("flag; lights and speed", ("speed", "lights"), True),
        ("flag and lights", (ALL,), True),
        ("the portOfCall is asked", ("portOfCall",), True),
        ("for all harbours", (), True),
    ],
)
def test_an_action_is_taken_when_the_inputs_of_its_condition_are_used(when, using, taken):
    assert wanted(when, "", using=using) == ({"a", "b"} if taken else {"b"})


def test_a_key_of_ones_own_is_needed_when_there_is_one():
    needs = (IamAction("kms:Decrypt", "{kms_key}", "lights"), IamAction("s3:GetObject", "*"))
    key = "arn:aws:kms:eu-west-1:111122223333:key/1"
    assert actions(Wanted((ferry(actions=needs),), PLACES, (ALL,))) == {"s3:GetObject"}
    with_key = Wanted((ferry(actions=needs),), Places("b", kms_key=key)).document()
    assert {"Effect": "Allow", "Action": ["kms:Decrypt"], "Resource": key} in with_key["Statement"]


def test_places_stand_in_the_resources():
    document = Wanted((load_task("s3_upload"),), Places("my-bucket", "site/", partition="aws-cn")).document()
    assert [statement["Resource"] for statement in document["Statement"]] == ["arn:aws-cn:s3:::my-bucket/site/*"]


def test_what_two_tasks_need_stands_once():
    document = Wanted((load_task("s3_upload"), load_task("s3_download")), PLACES, (ALL,)).document()
    for statement in document["Statement"]:
        assert len(statement["Action"]) == len(set(statement["Action"]))
    assert len({statement["Resource"] for statement in document["Statement"]}) == len(document["Statement"])


def test_what_is_left_out_is_known_with_its_condition():
    left = Wanted((load_task("s3_upload"),), PLACES).left
    assert ("S3Upload", "s3:PutObjectTagging", "tags are given") in [
        (need.task, need.action.action, need.action.when) for need in left
    ]


def test_an_input_that_there_is_not_is_an_error_that_names_those_that_matter():
    with pytest.raises(
        InputError, match=r"^skipUnchangd is no input of S3Upload. Those that matter here: .*skipUnchanged"
    ):
        Wanted((load_task("s3_upload"),), PLACES, ("skipUnchangd",)).document()


def test_kinds_of_checks_are_used_by_their_names():
    check = load_task("check")
    assert "elasticloadbalancing:DescribeTargetHealth" not in actions(Wanted((check,), PLACES, ("http",)))
    assert "elasticloadbalancing:DescribeTargetHealth" in actions(Wanted((check,), PLACES, ("target-group",)))


@pytest.mark.parametrize("task", all_tasks(), ids=lambda task: task.name)
def test_every_task_has_a_policy_that_iam_takes(task):
    key = "arn:aws:kms:eu-west-1:111122223333:key/1"
    document = Wanted((task,), Places("b", "site/", key), (ALL,)).document()
    assert {action.action for action in task.actions} == {
        action for statement in document["Statement"] for action in statement["Action"]
    }
    assert "{" not in "".join(statement["Resource"] for statement in document["Statement"])


def test_one_that_is_too_long_for_iam_is_an_error():
    needs = tuple(IamAction(f"x:{'a' * 50}{at}", "*") for at in range(200))
    with pytest.raises(InputError, match=r"^The policy has [\d,]+ characters, and IAM takes 6,144: make one for fewer"):
        Wanted((ferry(actions=needs),), PLACES).document()
