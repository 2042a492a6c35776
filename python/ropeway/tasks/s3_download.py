"""S3Download: objects of a bucket become files on the agent or the laptop."""

from __future__ import annotations

from dataclasses import dataclass

from ropeway import inputs
from ropeway.aws.connection import AWS_GROUPS
from ropeway.s3.inputs import ENCRYPTION, S3Inputs

OVERWRITE = {
    "always": "Replace it",
    "changed": "Replace it when its bytes differ",
    "never": "Fail before anything is written",
}


@dataclass(frozen=True, kw_only=True)
class S3DownloadInputs(S3Inputs):
    """What a download is asked to do. Names and meanings are the AWS Toolkit's where it has them."""

    source_folder: str = inputs.text(
        "Source folder",
        "The prefix in the bucket that the globs start from, with or without a final `/`. Empty: the whole bucket.",
        metavar="PREFIX",
    )
    target_folder: str = inputs.path(
        "Target folder",
        "Where the files go; it is created when it does not exist. Empty: the working directory.",
        metavar="FOLDER",
    )
    overwrite: str = inputs.choice(
        "When a file exists",
        "What to do with a file that is there already. (The AWS Toolkit's `true` means always, its `false` never.)",
        choices=OVERWRITE,
        synonyms={"true": "always", "false": "never"},
        default="always",
    )
    strip_prefix: bool = inputs.flag(
        "Leave the source folder out",
        "Place files below the target folder without the source folder's own path.",
    )
    key_management: str = inputs.choice(
        "Keys are managed by",
        "Who keeps the key that the objects are encrypted with.",
        choices={"noneOrAWSManaged": "Nobody, or AWS", "customerManaged": "You (SSE-C)"},
        default="noneOrAWSManaged",
        group=ENCRYPTION.name,
    )
    customer_key: str = inputs.text(
        "Customer key",
        "The SSE-C key, 64 hex digits. Put it in a secret variable. It is sent over https only.",
        secret=True,
        group=ENCRYPTION.name,
        visible="keyManagement = customerManaged",
    )


GROUPS = (ENCRYPTION, *AWS_GROUPS)
