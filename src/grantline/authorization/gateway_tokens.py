"""What an opaque token stands for, told to the gateways before its audiences. To any other it is no token at all."""

from grantline.authorization.looked_up import tell_once
from grantline.authorization.server import Server
from grantline.authorization.steps.stands import live_token
from grantline.authorization.store import Transaction
from grantline.authorization.tokens import opaque
from grantline.model.errors import InvalidToken
from grantline.model.ids import GatewayId
from grantline.model.token import AccessClaims


async def token_for(server: Server, gateway: GatewayId, digest: bytes) -> AccessClaims | None:
    """The claims of the token with this SHA-256 if it counts now and is meant for an API of this gateway.

    A miss leaves nothing in the record: whoever makes tokens up must not be able to fill it.
    """
    catalog = server.catalog()
    served = {catalog.api(api).resource for api in catalog.apis_of(gateway)}

    async def look(tx: Transaction) -> AccessClaims | None:
        try:
            claims = await opaque.find(server, tx, digest)
        except InvalidToken:
            return None
        live = await live_token(server, tx, claims) if served & set(claims.aud) else None
        if live is None:
            return None
        await tell_once(server, tx, f"gateway:{gateway}", live.stands.state, claims.jti)
        return claims

    return await server.work.write(look)
