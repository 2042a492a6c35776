"""The AWS Toolkit for Azure DevOps, as of 1.23.0: its tasks, and the inputs of those that Ropeway has too.

Source: the task.json and the TaskParameters.ts of each of its tasks.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

REFERENCE = re.compile(
    r"(?:AmazonWebServices\.aws-vsts-tools\.(?:[\w-]+\.)?)?(?P<task>[\w-]+)@1(?:\.\d+)*", re.IGNORECASE
)
"""How a step names a task: `S3Upload@1`, with publisher and extension before it, or by its GUID; a minor version may be pinned."""


@dataclass(frozen=True)
class ToolkitInput:
    """One input as the Toolkit declares it; `kind` is its type there.

    `change` says what is different here. Empty means: the same name, the same values, the same default, the same meaning.
    """

    name: str
    kind: str = "string"
    default: str = ""
    required: bool = False
    choices: tuple[str, ...] = ()
    change: str = ""


@dataclass(frozen=True)
class ToolkitTask:
    """A task that Ropeway has under the same name, with `Ropeway` before it in a pipeline."""

    name: str
    id: str
    inputs: tuple[ToolkitInput, ...]


def _flag(name: str, default: str = "false", change: str = "") -> ToolkitInput:
    return ToolkitInput(name, "boolean", default, change=change)


def _pick(name: str, *choices: str, default: str, change: str = "") -> ToolkitInput:
    return ToolkitInput(name, "pickList", default, choices=choices, change=change)


CONNECTION = ToolkitInput("awsCredentials", "connectedService:AWS")
REGION = ToolkitInput("regionName", "pickList")
BUCKET = ToolkitInput("bucketName", required=True)
FLATTEN = _flag("flattenFolders", change="Two files that would get one name are refused.")
PATH_STYLE = _flag("forcePathStyleAddressing")
LOGS = _flag("logRequest"), _flag("logResponse")
ANY_CASE = "Read in any case; the Toolkit takes what it does not know to the letter for something else."
CUSTOMER_KEY = ToolkitInput("customerKey", change="It is masked in the log.")

UPLOAD = ToolkitTask(
    "S3Upload",
    "3a219265-181c-4ed2-9a51-75a7f308f0d5",
    (
        CONNECTION,
        REGION,
        BUCKET,
        ToolkitInput("sourceFolder", "filePath"),
        ToolkitInput("globExpressions", "multiLine", "**"),
        ToolkitInput("targetFolder", change="A leading `/` is left out; `.` and `..` are refused."),
        _pick(
            "filesAcl",
            "private",
            "public-read",
            "public-read-write",
            "authenticated-read",
            "aws-exec-read",
            "bucket-owner-read",
            "bucket-owner-full-control",
            default="private",
            change="`none` sends no ACL, and is the default.",
        ),
        _flag("createBucket", change="A bucket is created only when S3 says that there is none."),
        _pick("keyManagement", "none", "awsManaged", "customerManaged", default="none", change=ANY_CASE),
        ToolkitInput("encryptionAlgorithm", "radio", "KMS", choices=("KMS", "AES256"), change=ANY_CASE),
        ToolkitInput("kmsMasterKeyId", change="May be left out with KMS: then it is the account's `aws/s3` key."),
        CUSTOMER_KEY,
        FLATTEN,
        ToolkitInput("contentType"),
        ToolkitInput("contentEncoding"),
        _pick("storageClass", "STANDARD", "STANDARD_IA", "REDUCED_REDUNDANCY", default="STANDARD"),
        PATH_STYLE,
        ToolkitInput("cacheControl", "multiLine", change="All lines are read before anything is sent."),
        *LOGS,
    ),
)

DOWNLOAD = ToolkitTask(
    "S3Download",
    "30f6a876-1d27-450c-b2bb-9f390a592082",
    (
        CONNECTION,
        REGION,
        BUCKET,
        ToolkitInput("sourceFolder", change="Always a folder, with or without a `/` at its end."),
        ToolkitInput(
            "globExpressions",
            "multiLine",
            "**",
            change="The rules of the upload: `!` takes out, names that begin with a dot match, `{a,b}` is plain text.",
        ),
        ToolkitInput(
            "targetFolder", "filePath", required=True, change="May be left out: then it is the working directory."
        ),
        _pick("keyManagement", "noneOrAWSManaged", "customerManaged", default="noneOrAWSManaged"),
        CUSTOMER_KEY,
        _flag("overwrite", "true", change="`true` is `always`, `false` is `never`; `changed` is new."),
        PATH_STYLE,
        FLATTEN,
        *LOGS,
    ),
)

COVERED = (UPLOAD, DOWNLOAD)

NOT_COVERED: Mapping[str, str] = {
    "AWSCLI": "081ccf10-2f14-48dd-9bd0-892b8975d24f",
    "AWSPowerShellModuleScript": "37dda93c-8427-4372-9b7b-9b6e10f3f744",
    "AWSShellScript": "3aea39d2-803c-43c7-b8d6-8e71b670f816",
    "BeanstalkCreateApplicationVersion": "d531ff03-d75a-41e5-92e8-7b4680e02eb4",
    "BeanstalkDeployApplication": "1399d161-270d-4ee9-b913-78b177165406",
    "CloudFormationCreateOrUpdateStack": "7ef7cdfa-aa45-42c5-93c8-d7603643dd99",
    "CloudFormationDeleteStack": "089bda61-367d-4d7c-a06b-88f7e2f20f22",
    "CloudFormationExecuteChangeSet": "019b0650-1f0e-4376-ad37-1498abef311e",
    "CodeDeployDeployApplication": "2ff35748-7800-409d-9511-a0a37ff0d348",
    "ECRPullImage": "ff19b049-2efa-4d42-ae91-630fee8c5e1f",
    "ECRPushImage": "467d1870-1a00-4755-b00d-9642129fe759",
    "LambdaDeployFunction": "ec87c253-756f-4a7a-be91-4f1c60f9d8fe",
    "LambdaInvokeFunction": "c9e49f96-6c7d-4420-97f1-5e0dfd816354",
    "LambdaNETCoreDeploy": "0c632a66-60d4-498a-88c8-1c69cc057ef1",
    "SecretsManagerCreateOrUpdateSecret": "3d6cb0c8-d1f9-465f-957a-a02c776646a0",
    "SecretsManagerGetSecret": "b6d19a53-dc5f-4b71-a49c-63e87f49e9ab",
    "SendMessage": "67d18db7-e637-48f8-80b3-91f440db4931",
    "SystemsManagerGetParameter": "57ef2af4-cd99-4298-bf77-2feb5dc51863",
    "SystemsManagerRunCommand": "bc6233ad-6a33-41c0-b2af-9d71898008d0",
    "SystemsManagerSetParameter": "3c47544d-0c9b-49e1-89a4-3c94d0586c89",
}
"""The Toolkit's other tasks: name -> GUID."""

_BY_NAME = {
    called.lower(): name
    for name, guid in {**{task.name: task.id for task in COVERED}, **NOT_COVERED}.items()
    for called in (name, guid)
}


def task_named(reference: str) -> str | None:
    """`AmazonWebServices.aws-vsts-tools.s3upload.S3Upload@1` -> `S3Upload`; None for what is no task of the Toolkit."""
    found = REFERENCE.fullmatch(reference.strip())
    return _BY_NAME.get(found["task"].lower()) if found else None
