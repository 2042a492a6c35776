"""A certificate that is not issued has no dates, and one is in use as long as something uses it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

from moto.acm.models import CertBundle

from ropeway.local.patches.patch import around

ISSUED_ONLY = ("NotBefore", "NotAfter", "IssuedAt", "Serial")


def _users(certificate: CertBundle) -> list[str]:
    """The load balancers with a listener that has it. (ACM API reference, CertificateDetail, InUseBy.)"""
    return sorted({arn for arn, used in _listeners() if certificate.arn in used})


def _listeners() -> Iterator[tuple[str, list[str]]]:
    """Load balancer, and the certificates of one of its listeners; none as long as ELB has not been used."""
    models = sys.modules.get("moto.elbv2.models")
    accounts = list(models.elbv2_backends.values()) if models else []
    for elb in (elb for regions in accounts for elb in list(regions.values())):
        for balancer in list(elb.load_balancers.values()):
            for listener in list(balancer.listeners.values()):
                yield balancer.arn, [one for one in (listener.certificate, *listener.certificates) if one]


def mend() -> None:
    # What moto notes by itself is never taken back; deleting a certificate that is in use asks here, too.
    CertBundle.in_use_by = property(_users, lambda *_: None)

    @around(CertBundle, "describe")
    def described(original: Any, certificate: CertBundle) -> dict[str, Any]:
        told: dict[str, Any] = original(certificate)
        if certificate.status == "PENDING_VALIDATION":
            for name in ISSUED_ONLY:
                told["Certificate"].pop(name, None)
        return told
