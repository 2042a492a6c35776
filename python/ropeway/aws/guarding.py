"""Whether an identity may act here: the same rules whoever asks STS."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable

from ropeway.aws.connection import AwsInputs, Connection
from ropeway.aws.endpoint import is_aws
from ropeway.aws.session import Identity
from ropeway.errors import AwsError, CredentialsError, NetworkError


class Guarded(ABC):
    """The part of an `Aws` that asks who we are, once, and stops whoever may not act here."""

    def __init__(self, inputs: AwsInputs, connection: Connection | None, debug: Callable[[str], None]) -> None:
        self._inputs = inputs
        self._connection = connection
        self._debug = debug
        self._lock = threading.RLock()
        self._asked: Identity | None = None

    @property
    @abstractmethod
    def _endpoint(self) -> str:
        """Where S3 is asked; empty for AWS's own."""

    @property
    @abstractmethod
    def _origin(self) -> str:
        """Where the credentials come from. Raises RopewayError where there are none."""

    @abstractmethod
    def _sts_url(self) -> str: ...

    @abstractmethod
    def _caller(self) -> tuple[str, str]:
        """Account and ARN, by GetCallerIdentity. Raises RopewayError."""

    def identity(self) -> Identity:
        with self._lock:
            if self._asked is None:
                self._check_asks_the_right_one()
                self._asked = Identity(*self._caller(), self._origin)
            return self._asked

    def guard(self) -> Identity | None:
        allowed = self._allowed_account_ids()
        if allowed:
            identity = self.identity()
            for ids, whose in allowed:
                _check_account(identity, ids, whose)
            return identity
        self._origin  # noqa: B018 - credentials that cannot be fetched are an error, and not a network without an STS
        return None if self._inputs.endpoint_url else self._identity_if_asked()

    @property
    def _foreign(self) -> bool:
        return bool(self._endpoint) and not is_aws(self._endpoint)

    def _check_asks_the_right_one(self) -> None:
        if self._foreign and is_aws(self._sts_url()):
            raise CredentialsError(
                f"The account of {self._origin} cannot be asked for: {self._endpoint} is not AWS's, and AWS knows "
                "nothing of another store's keys.",
                advice="Empty allowedAccountIds, or name the store's STS in AWS_ENDPOINT_URL_STS.",
            )

    def _identity_if_asked(self) -> Identity | None:
        """Nobody demanded an account here: a network with a way to S3 alone is no reason to stop, nor a store without an STS, nor an
        STS that throttles or is at fault. Credentials that it refuses are.
        """
        silences = (NetworkError, AwsError, CredentialsError) if self._foreign else (NetworkError, AwsError)
        try:
            return self.identity()
        except silences as silent:
            self._debug(f"No account is known: {silent}")
            return None

    def _allowed_account_ids(self) -> list[tuple[tuple[str, ...], str]]:
        lists = [(self._inputs.allowed_account_ids, "the allowed accounts of this task")]
        if self._connection:
            lists.append((self._connection.allowed_account_ids, f"the allowed accounts of {self._connection.origin}"))
        return [(ids, whose) for ids, whose in lists if ids]


def _check_account(identity: Identity, allowed: tuple[str, ...], whose: str) -> None:
    if identity.account not in allowed:
        raise CredentialsError(
            f"The credentials of {identity.origin} belong to account {identity.account} ({identity.arn}), but {whose} "
            f"are {', '.join(allowed)}.",
            advice="Nothing was done. Choose another connection, or allow the account (allowedAccountIds).",
        )
