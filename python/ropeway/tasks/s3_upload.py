"""S3Upload: files from the agent or the laptop become objects in a bucket."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ropeway import inputs
from ropeway.aws.connection import ADVANCED, AWS_GROUPS
from ropeway.inputs import Group, NamedRule, Rule, Spelling
from ropeway.s3.inputs import CANNED_ACLS, ENCRYPTION, STORAGE_CLASSES, S3Inputs, customer_key

HEADERS = Group("headers", "Headers, metadata and tags")


def _labels(values: tuple[str, ...], none: str) -> dict[str, str]:
    return {"none": none, **{value: value for value in values}}


def _metadata(name: str, value: str) -> None:
    if not name.isascii() or not all(c.isalnum() or c in "!#$%&'*+-.^_`|~" for c in name):
        raise ValueError(
            f"{name!r} cannot be the name of a metadata entry: it becomes an HTTP header (x-amz-meta-{name})."
        )
    if "\r" in value or "\n" in value:
        raise ValueError(f"the value of {name!r} holds a line break.")


def _tag(name: str, value: str) -> None:
    if len(name) > 128 or len(value) > 256:
        raise ValueError(f"the tag {name!r} is too long: a name has at most 128 characters, a value 256.")


@dataclass(frozen=True, kw_only=True)
class S3UploadInputs(S3Inputs):
    """What an upload is asked to do. Names and meanings are the AWS Toolkit's where it has them."""

    source_folder: str = inputs.path(
        "Source folder",
        "The folder that the globs start from. Empty: the working directory.",
        metavar="FOLDER",
    )
    target_folder: str = inputs.text(
        "Target folder",
        "The prefix of the keys in the bucket, for example `site/v2`. Empty: the root of the bucket.",
        metavar="PREFIX",
    )
    skip_unchanged: bool = inputs.flag(
        "Skip unchanged files",
        "Leave out a file whose object has the same bytes and headers already. Every file is hashed; its date is no evidence. "
        "The ACL of a skipped object is left as it is.",
    )
    create_bucket: bool = inputs.flag("Create the bucket", "Create the bucket in the region when it does not exist.")
    content_type: str = inputs.text(
        "Content type",
        "One content type for every file. Empty: by rule, else by the file's extension.",
        group=HEADERS.name,
    )
    content_types: tuple[Rule, ...] = inputs.rules(
        "Content types by rule",
        "Lines of `glob=type`; the first line that matches a file counts.",
        group=HEADERS.name,
    )
    charset: str = inputs.text(
        "Charset of text files",
        "Added to the content type of text files when it comes from the extension. `none` adds nothing.",
        default="utf-8",
        group=HEADERS.name,
    )
    content_encoding: str = inputs.text(
        "Content encoding", "One content encoding for every file, for example `gzip`.", group=HEADERS.name
    )
    content_encodings: tuple[Rule, ...] = inputs.rules(
        "Content encodings by rule",
        "Lines of `glob=encoding`, for example `**/*.gz=gzip`; the first line that matches a file counts.",
        group=HEADERS.name,
    )
    cache_control: tuple[Rule, ...] = inputs.rules(
        "Cache control",
        "Lines of `glob=value`, for example `**/*.html=no-cache`; the first line that matches a file counts.",
        group=HEADERS.name,
    )
    metadata: tuple[NamedRule, ...] = inputs.named_rules(
        "Metadata",
        "Lines of `glob=name=value`; every line that matches a file counts, a later one replaces an earlier one of the same name.",
        check=_metadata,
        group=HEADERS.name,
    )
    tags: tuple[NamedRule, ...] = inputs.named_rules(
        "Tags",
        "Lines of `glob=name=value`; every line that matches a file counts. An object has at most 10 tags.",
        check=_tag,
        group=HEADERS.name,
    )
    storage_class: str = inputs.choice(
        "Storage class",
        "The storage class of the objects.",
        choices={value: value for value in STORAGE_CLASSES},
        default="STANDARD",
        group=ADVANCED.name,
    )
    files_acl: str = inputs.choice(
        "Canned ACL",
        "The access control list of the objects. `none` sends none, which is right for buckets that enforce the owner (the default since 2023).",
        choices=_labels(CANNED_ACLS, "None: the bucket decides"),
        default="none",
        group=ADVANCED.name,
    )
    key_management: str = inputs.choice(
        "Keys are managed by",
        "Who keeps the key that S3 encrypts with.",
        choices={"none": "The bucket's own setting", "awsManaged": "AWS", "customerManaged": "You (SSE-C)"},
        default="none",
        group=ENCRYPTION.name,
    )
    encryption_algorithm: str = inputs.choice(
        "Encryption",
        "With AWS-managed keys: SSE-KMS or SSE-S3.",
        choices={"KMS": "SSE-KMS (aws:kms)", "AES256": "SSE-S3 (AES256)"},
        default="KMS",
        group=ENCRYPTION.name,
        visible="keyManagement = awsManaged",
    )
    kms_master_key_id: str = inputs.text(
        "KMS key",
        "Id, ARN or alias of the KMS key. Empty: the account's aws/s3 key.",
        group=ENCRYPTION.name,
        visible="keyManagement = awsManaged && encryptionAlgorithm = KMS",
    )
    customer_key: str = inputs.text(
        "Customer key",
        "The SSE-C key, 64 hex digits. Put it in a secret variable. It is sent over https only.",
        secret=True,
        group=ENCRYPTION.name,
        visible="keyManagement = customerManaged",
    )

    def problems(self, spell: Spelling) -> Iterator[str]:
        yield from super().problems(spell)
        yield from self._key_problems(spell)
        if any(part in {".", ".."} for part in self.target_folder.replace("\\", "/").split("/")):
            yield f"{spell('target_folder')} is {self.target_folder!r}: a key's prefix knows no . or .. folders."

    def _key_problems(self, spell: Spelling) -> Iterator[str]:
        if self.key_management == "customerManaged":
            if not self.customer_key:
                yield f"{spell('customer_key')} is required when {spell('key_management')} is customerManaged."
            elif self.endpoint_url.startswith("http://"):
                yield f"{spell('customer_key')} would travel in the clear: {spell('endpoint_url')} is not https."
        elif self.customer_key:
            yield f"{spell('customer_key')} is set, but {spell('key_management')} is {self.key_management}, not customerManaged."
        if self.customer_key:
            try:
                customer_key(self.customer_key)
            except ValueError as wrong:
                yield f"{spell('customer_key')} {wrong}"
        if self.kms_master_key_id and (self.key_management, self.encryption_algorithm) != ("awsManaged", "KMS"):
            yield (
                f"{spell('kms_master_key_id')} is set, but that needs {spell('key_management')} awsManaged "
                f"and {spell('encryption_algorithm')} KMS."
            )


GROUPS = (HEADERS, ENCRYPTION, *AWS_GROUPS)
