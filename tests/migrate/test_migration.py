"""What becomes of a file: the texts that change, the rest to the letter, and what is said about it."""

from __future__ import annotations

import difflib
import textwrap

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ropeway.migrate.migration import Migration, migrate


def migrated(text: str) -> Migration:
    return migrate("azure-pipelines.yml", textwrap.dedent(text))


def changed_lines(migration: Migration) -> list[str]:
    lines = difflib.ndiff(migration.before.splitlines(), migration.after.splitlines())
    return [line[2:].strip() for line in lines if line.startswith("+ ")]


def names(migration: Migration) -> set[str]:
    return {met.difference.name for met in migration.differences}


def of_upload(**inputs: str) -> Migration:
    return _of("S3Upload", {"bucketName": "shop", "filesAcl": "none", "contentType": "text/plain", **inputs})


def of_download(**inputs: str) -> Migration:
    return _of("S3Download", {"bucketName": "shop", "globExpressions": "a.txt", **inputs})


def _of(task: str, inputs: dict[str, str]) -> Migration:
    return migrate("a.yml", yaml.safe_dump([{"task": f"{task}@1", "inputs": inputs}], sort_keys=False))


PIPELINE = """\
    # Deploys the shop.
    steps:
    - task:   S3Upload@1   # to production
      displayName: "Up: S3Upload@1"
      inputs:
          awsCredentials:  'production'
          bucketName: >-
            shop
          targetFolder: './$(Build.BuildNumber)'   # a folder a build

    -   { task: "AmazonWebServices.aws-vsts-tools.S3Download.S3Download@1", inputs: { overwrite: 'True', bucketName: shop } }
    - task: BeanstalkDeployApplication@1
    - bash: |
        echo "S3Download@1"
    """


def test_only_the_texts_that_change_are_touched():
    migration = migrated(PIPELINE)
    assert migration.after == textwrap.dedent(PIPELINE).replace(":   S3Upload@1", ":   RopewayS3Upload@1").replace(
        "'./$(", "'$("
    ).replace('"AmazonWebServices.aws-vsts-tools.S3Download.S3Download@1"', '"RopewayS3Download@1"').replace(
        "'True'", "'always'"
    )
    assert [(step.line, step.message) for step in migration.moved] == [
        (3, "RopewayS3Upload@1"),
        (11, "RopewayS3Download@1"),
    ]
    assert [(step.line, step.message) for step in migration.left] == [(12, "BeanstalkDeployApplication@1")]


def test_what_was_moved_over_is_left_alone():
    once = migrated(PIPELINE)
    twice = migrate("azure-pipelines.yml", once.after)
    assert twice.after == once.after
    assert (twice.moved, twice.differences, twice.remarks) == ((), (), ())


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_line_ends_and_byte_order_mark_stay(ending, mark):
    text = mark + ending.join(["- task: S3Download@1", "  inputs:", "    bucketName: shop", "    overwrite: true"])
    assert migrate("a.yml", text).after == text.replace("S3D", "RopewayS3D").replace("true", "always")


def test_characters_beyond_the_first_plane_do_not_shift_the_places():
    text = "- script: echo 🚡 é\n- task: S3Upload@1\n- script: echo 🚡\n"
    assert migrate("a.yml", text).after == text.replace("S3Upload", "RopewayS3Upload")


@pytest.mark.parametrize(
    "written", ["S3Upload@1", "'S3Upload@1'", '"S3Upload@1"', ">-\n    S3Upload@1", '"S3\\x55pload@1"']
)
def test_a_task_is_renamed_however_it_is_quoted(written):
    (step,) = yaml.safe_load(migrate("a.yml", f"- task: {written}\n  displayName: up\n").after)
    assert step == {"task": "RopewayS3Upload@1", "displayName": "up"}


def test_every_branch_of_an_expression_is_changed():
    migration = migrated("""\
        - task: S3Download@1
          inputs:
            bucketName: shop
            ${{ if parameters.fresh }}:
              overwrite: true
            ${{ else }}:
              overwrite: false
        """)
    assert changed_lines(migration) == ["- task: RopewayS3Download@1", "overwrite: always", "overwrite: never"]


def test_lists_in_braces_are_rewritten_where_they_are_written():
    migration = migrated("""\
        - task: S3Download@1
          inputs:
            bucketName: shop
            globExpressions: |
              {a,b}.txt
              sub/{a,b}.txt
              x/{c/d,e}
        """)
    assert changed_lines(migration)[1:] == ["@(a|b).txt", "sub/@(a|b).txt"]
    assert "braces-download" in names(migration)


def test_a_list_that_is_left_as_it_is_stays_whole_beside_one_that_is_rewritten():
    step = (
        "- task: S3Download@1\n  inputs:\n    bucketName: shop\n    globExpressions: |\n      {a,b}\n      {{a,b},c}\n"
    )
    migration = migrate("a.yml", step)
    assert [line for line in changed_lines(migration) if "task" not in line] == ["@(a|b)"]
    assert "braces-download" in names(migration)


@pytest.mark.parametrize("written", ["'it''s/*.{js,css}'", r'"it\x27s/*.{js,css}"'])
def test_a_list_that_could_not_be_rewritten_is_told_of(written):
    """What is written is not what it reads as, so it stays: the step would find nothing of what it found before."""
    step = f"- task: S3Download@1\n  inputs: {{ bucketName: shop, globExpressions: {written} }}\n"
    migration = migrate("a.yml", step)
    assert written in migration.after
    assert "braces-download" in names(migration)


def test_what_an_alias_leads_to_is_changed_once():
    migration = migrated("""\
        - task: &download S3Download@1
          inputs: { bucketName: shop, overwrite: &may true }
        - task: *download
          inputs: { bucketName: shop, overwrite: *may }
        """)
    first, second = yaml.safe_load(migration.after)
    for step in first, second:
        assert (step["task"], step["inputs"]["overwrite"]) == ("RopewayS3Download@1", "always")


def test_an_upload_keeps_its_braces_which_were_text_before():
    migration = of_upload(globExpressions="*.{js,css}")
    assert "*.{js,css}" in migration.after
    assert "braces-upload" in names(migration)


def test_an_empty_folder_that_remains_is_still_a_text():
    assert of_upload(targetFolder="./").after.endswith("targetFolder: ''\n")


texts = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=12)
inputs = st.dictionaries(st.sampled_from(["targetFolder", "overwrite", "globExpressions", "sourceFolder"]), texts)


@given(st.sampled_from(["S3Upload", "S3Download"]), inputs, st.sampled_from(["'", '"', None]))
def test_whatever_stands_in_the_inputs_the_rest_reads_as_before(task, given_inputs, style):
    steps = [{"task": f"{task}@1", "inputs": {"bucketName": "shop", **given_inputs}}, {"script": "echo S3Upload@1"}]
    before = yaml.safe_dump(steps, default_style=style, allow_unicode=True, sort_keys=False)
    after = yaml.safe_load(migrate("a.yml", before).after)
    assert after[0]["task"] == f"Ropeway{task}@1"
    assert after[0]["inputs"].keys() == steps[0]["inputs"].keys()
    assert after[0]["inputs"]["bucketName"] == "shop"
    assert after[0]["inputs"].get("sourceFolder") == steps[0]["inputs"].get("sourceFolder")
    assert after[1] == steps[1]


# --- what a step meets -------------------------------------------------------------------------------------------------


def test_a_step_that_says_all_meets_only_what_all_meet():
    assert names(of_upload()) == names(of_download()) == {"no-match"}
    assert names(of_upload(keyManagement="awsManaged", encryptionAlgorithm="KMS")) == {"no-match"}
    assert names(of_upload(keyManagement="awsManaged", encryptionAlgorithm="$(kms)")) == {"no-match"}


@pytest.mark.parametrize(
    ("inputs", "name"),
    [
        ({"filesAcl": ""}, "acl"),
        ({"contentType": ""}, "text-types"),
        ({"targetFolder": "/site"}, "leading-slash"),
        ({"targetFolder": "../site"}, "target-dots"),
        ({"cacheControl": "**=a\n!*.js=b"}, "cache-control-lines"),
        ({"globExpressions": "*.{js,css}"}, "braces-upload"),
        ({"createBucket": "true"}, "create-bucket"),
        ({"createBucket": "$(create)"}, "create-bucket"),
        ({"flattenFolders": "True"}, "flatten-collision"),
        ({"keyManagement": "awsManaged", "encryptionAlgorithm": "kms"}, "algorithm-in-another-case"),
        ({"keyManagement": "AWSManaged", "encryptionAlgorithm": "AES256"}, "management-in-another-case"),
        ({"keyManagement": "customerManaged", "customerKey": "0" * 64}, "customer-key"),
    ],
)
def test_an_upload_meets_what_its_inputs_ask_for(inputs, name):
    assert names(of_upload(**inputs)) == {"no-match", name}


@pytest.mark.parametrize(
    ("inputs", "expected"),
    [
        ({"sourceFolder": "site"}, {"sibling-prefix"}),
        ({"sourceFolder": "$(prefix)"}, {"sibling-prefix"}),
        ({"sourceFolder": "site/"}, {"slash-at-the-end"}),
        ({"sourceFolder": "/site/"}, {"slash-at-the-end", "slash-at-the-beginning"}),
        ({"globExpressions": "**"}, {"dot-keys"}),
        ({"globExpressions": ""}, {"dot-keys"}),
        ({"globExpressions": "a.txt\n!b.txt"}, {"exclusions"}),
        ({"globExpressions": "{a/b,c}"}, {"braces-download"}),
        ({"globExpressions": "{a,b}"}, set()),
        ({"overwrite": "false"}, {"never-overwrite"}),
        ({"overwrite": "true"}, set()),
        ({"flattenFolders": "true"}, {"flatten-collision"}),
        ({"flattenFolders": "false"}, set()),
        ({"keyManagement": "customerManaged", "customerKey": "$(key)"}, set()),
    ],
)
def test_a_download_meets_what_its_inputs_ask_for(inputs, expected):
    assert names(of_download(**inputs)) == {"no-match", *expected}


def test_a_difference_names_all_steps_that_meet_it():
    step = "- task: S3Upload@1\n  inputs: {bucketName: shop}\n"
    met = {met.difference.name: met.lines for met in migrate("a.yml", step * 3).differences}
    assert met["acl"] == met["no-match"] == (1, 3, 5)


# --- what the task would refuse ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        ({"kmsMasterKeyId": "alias/shop"}, "kmsMasterKeyId is set, but that needs keyManagement awsManaged"),
        ({"cacheControl": "**=a\n*.html"}, "cacheControl line 2 is '*.html'"),
        ({"storageClass": "STANDRD"}, "storageClass is 'STANDRD'; did you mean STANDARD?"),
        ({"createBucket": "yes"}, "createBucket is 'yes', which is neither true nor false."),
        ({"targetFolder": "../up"}, "targetFolder is '../up': a key's prefix knows no . or .. folders."),
        ({"bucketName": ""}, "bucketName is required"),
    ],
)
def test_what_ropeway_would_refuse_is_told_at_once(inputs, words):
    (remark,) = of_upload(**inputs).remarks
    assert remark.line == 1
    assert remark.message.startswith(f"RopewayS3Upload would refuse this step: {words}")


@pytest.mark.parametrize(
    "inputs",
    [
        {"bucketName": "$(Bucket)"},
        {"storageClass": "${{ parameters.class }}", "bucketName": "shop"},
        {"kmsMasterKeyId": "alias/shop", "keyManagement": "$(management)"},
        {"keyManagement": "customerManaged", "customerKey": "$(key)"},
        {"targetFolder": "./site"},
    ],
)
def test_what_cannot_be_known_here_or_was_mended_is_not_complained_about(inputs):
    assert of_upload(**inputs).remarks == ()


def test_a_step_whose_inputs_come_from_elsewhere_lacks_nothing():
    assert migrate("a.yml", "- task: S3Upload@1\n  inputs: ${{ parameters.inputs }}\n").remarks == ()


def test_a_secret_is_not_shown():
    (remark,) = of_upload(keyManagement="customerManaged", customerKey="hush").remarks
    assert "hush" not in remark.message


def test_an_input_that_nobody_has_is_named():
    (remark,) = migrated("""\
        - task: S3Upload@1
          inputs:
            bucketName: shop
            overwrite: true
        """).remarks
    assert (remark.line, remark.message) == (
        4,
        "Neither the Toolkit's S3Upload nor RopewayS3Upload has an input overwrite.",
    )
