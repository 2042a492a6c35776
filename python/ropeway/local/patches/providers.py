"""The audiences of an identity provider can be changed, which moto does not know."""

from __future__ import annotations

from moto.core.responses import ActionResult, EmptyResult
from moto.iam.responses import IamResponse


def mend() -> None:
    def added(request: IamResponse) -> ActionResult:
        audiences, audience = _audiences(request)
        if audience not in audiences:
            audiences.append(audience)
        return EmptyResult()

    def removed(request: IamResponse) -> ActionResult:
        """One that is not there is no error. (API reference, RemoveClientIDFromOpenIDConnectProvider.)"""
        audiences, audience = _audiences(request)
        if audience in audiences:
            audiences.remove(audience)
        return EmptyResult()

    IamResponse.add_client_id_to_open_id_connect_provider = added
    IamResponse.remove_client_id_from_open_id_connect_provider = removed


def _audiences(request: IamResponse) -> tuple[list[str], str]:
    """Those of the provider that is meant, to be changed, and the one in question. Raises moto's NoSuchEntity."""
    arn = request._get_param("OpenIDConnectProviderArn")  # noqa: SLF001 - moto's own way to know
    provider = request.backend.get_open_id_connect_provider(arn)
    return provider.client_id_list, str(request._get_param("ClientID"))  # noqa: SLF001 - the same
