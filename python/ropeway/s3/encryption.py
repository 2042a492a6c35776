"""How what is written is encrypted: the inputs that tasks share, the headers that these become, and an engine that writes state with them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Protocol, cast

from ropeway import inputs
from ropeway.inputs import Spelling
from ropeway.outcome import Cancellation
from ropeway.s3.engine import Condition, Headers, ObjectEngine, Small
from ropeway.s3.inputs import ENCRYPTION

KMS = "aws:kms"
ALGORITHMS = {"KMS": KMS, "AES256": "AES256"}


# --- as inputs --------------------------------------------------------------------------------------------------------------------


def key_management(**others: str) -> Any:
    """`others` are further choices, with their labels."""
    return inputs.choice(
        "Keys are managed by",
        "Who keeps the key that S3 encrypts with.",
        choices={"none": "The bucket's own setting", "awsManaged": "AWS", **others},
        default="none",
        group=ENCRYPTION.name,
    )


def encryption_algorithm() -> Any:
    return inputs.choice(
        "Encryption",
        "With AWS-managed keys: SSE-KMS or SSE-S3.",
        choices={"KMS": "SSE-KMS (aws:kms)", "AES256": "SSE-S3 (AES256)"},
        default="KMS",
        group=ENCRYPTION.name,
        visible="keyManagement = awsManaged",
    )


def kms_master_key_id() -> Any:
    return inputs.text(
        "KMS key",
        "Id, ARN or alias of the KMS key. Empty: the account's aws/s3 key.",
        group=ENCRYPTION.name,
        visible="keyManagement = awsManaged && encryptionAlgorithm = KMS",
    )


class Encrypting(Protocol):
    """The inputs of a task that says how S3 encrypts."""

    @property
    def key_management(self) -> str: ...
    @property
    def encryption_algorithm(self) -> str: ...
    @property
    def kms_master_key_id(self) -> str: ...


def kms_key_problems(given: Encrypting, spell: Spelling) -> Iterator[str]:
    if given.kms_master_key_id and (given.key_management, given.encryption_algorithm) != ("awsManaged", "KMS"):
        yield (
            f"{spell('kms_master_key_id')} is set, but that needs {spell('key_management')} awsManaged "
            f"and {spell('encryption_algorithm')} KMS."
        )


# --- as headers -------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Encryption:
    """What S3 is asked for in so many words. Empty: the bucket's own setting."""

    sse: str = ""
    kms_key_id: str = ""

    def on(self, headers: Headers) -> Headers:
        """The headers with it; where nothing is asked for, they stay as they are."""
        return replace(headers, sse=self.sse, kms_key_id=self.kms_key_id) if self.sse else headers


AS_THE_BUCKET = Encryption()


def encryption_of(given: Encrypting) -> Encryption:
    if given.key_management != "awsManaged":
        return AS_THE_BUCKET
    return Encryption(ALGORITHMS[given.encryption_algorithm], given.kms_master_key_id)


def is_encrypted(there: Headers, asked: Headers) -> bool:
    """As it is asked for, as far as it is. S3 tells a key's ARN, never the alias it was asked by: any key counts as that one."""
    named = "" if "alias/" in asked.kms_key_id else asked.kms_key_id
    return not asked.sse or (asked.sse == there.sse and there.kms_key_id.endswith(named))


# --- what Ropeway keeps -----------------------------------------------------------------------------------------------------------


def sealing(engine: ObjectEngine, encryption: Encryption) -> ObjectEngine:
    """The engine, which encrypts what it writes of state as the objects are: a bucket may refuse anything else."""
    return cast("ObjectEngine", _Sealing(engine, encryption)) if encryption.sse else engine


class _Sealing:
    def __init__(self, engine: ObjectEngine, encryption: Encryption) -> None:
        self._engine = engine
        self._encryption = encryption

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)

    def write(
        self,
        bucket: str,
        key: str,
        body: bytes,
        headers: Headers,
        condition: Condition | None = None,
        *,
        cancellation: Cancellation | None = None,
    ) -> Small:
        sealed = self._encryption.on(headers)
        return self._engine.write(bucket, key, body, sealed, condition, cancellation=cancellation)
