"""The keys by which an issuer's statements are believed."""

from typing import Any

from grantline.authorization.issuers import TrustedIssuer
from grantline.authorization.server import Server
from grantline.model.errors import TemporarilyUnavailable


async def keys_of(server: Server, issuer: TrustedIssuer) -> tuple[dict[str, Any], ...]:
    """The declared keys, or those at the declared address, fetched under guard; raises `TemporarilyUnavailable`."""
    if issuer.jwks_uri is None:
        return issuer.jwks
    if server.fetch is None:
        raise TemporarilyUnavailable("The issuer's keys cannot be fetched.", detail="nothing is fetched here")
    return await server.fetch.keys(issuer.jwks_uri)
