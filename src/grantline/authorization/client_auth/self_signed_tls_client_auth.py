"""The client shows a certificate that it registered itself, or one of a key that it registered (RFC 8705 §2.2).

Nobody vouches for the certificate, so nothing in it counts but its key: it is the registered one, or it is refused.
"""

from typing import Any

from grantline.authorization.client_auth import Carrier, Method, named, refused
from grantline.authorization.http import Request
from grantline.authorization.mtls import certificate_of
from grantline.authorization.parameters import Form
from grantline.authorization.server import Server
from grantline.authorization.units import Burn
from grantline.crypto.certificates import (
    CertificateInvalid,
    jwk_thumbprint,
    key_thumbprint,
    registered_certificate,
    require_in_time,
)
from grantline.parties import AuthMethod, Client


def authenticate(server: Server, client: Client, request: Request, _form: Form) -> tuple[Burn, ...]:
    """Compare with what is registered."""
    try:
        certificate = certificate_of(request)
        if certificate is None:
            raise refused("no certificate")
        require_in_time(certificate, server.now())
        key = key_thumbprint(certificate)
    except CertificateInvalid as error:
        raise refused(str(error)) from error
    if not any(_fits(jwk, request.certificates[0], key) for jwk in client.jwks):
        raise refused("neither certificate nor key is registered")
    return ()


def _fits(jwk: dict[str, Any], der: bytes, key: str) -> bool:
    """A key that is registered with its certificate stands for just that one; without, for any of its own."""
    try:
        registered = registered_certificate(jwk)
        return jwk_thumbprint(jwk) == key if registered is None else registered == der
    except CertificateInvalid:
        return False


def served(server: Server) -> bool:
    """Where there is a door that asks for certificates."""
    return server.mtls is not None


METHOD = Method(
    name=AuthMethod.SELF_SIGNED_TLS_CLIENT_AUTH,
    spec="RFC 8705 §2.2",
    carrier=Carrier.CONNECTION,
    claimed=named,
    authenticate=authenticate,
    served=served,
)
