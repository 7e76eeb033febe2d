"""An access token that says nothing: a random name, under whose hash its claims are kept until they expire.

An API asks for such tokens in the catalog. The claims are those of a signed one, so everything that ends a signed
token ends this one too.
"""

import msgspec

from grantline.authorization.server import Server
from grantline.authorization.store import OpaqueRow, Transaction
from grantline.authorization.tokens import access
from grantline.crypto.encoding import b64url
from grantline.model.errors import InvalidToken
from grantline.model.ids import Randomness
from grantline.model.token import OPAQUE_PREFIX, AccessClaims, opaque_digest

SECRET_BYTES = 32
_decode = msgspec.json.Decoder(AccessClaims).decode


def new_token(randomness: Randomness) -> str:
    """256 random bits behind our prefix, so that it is known for what it is wherever it turns up."""
    return OPAQUE_PREFIX + b64url(randomness(SECRET_BYTES))


async def keep(tx: Transaction, token: str, claims: AccessClaims) -> None:
    """From now on the token stands for these claims."""
    digest = opaque_digest(token)
    assert digest is not None
    await tx.opaque_tokens.put(OpaqueRow(digest, msgspec.json.encode(claims), claims.exp))


async def find(server: Server, tx: Transaction, digest: bytes) -> AccessClaims:
    """What the token with this hash stands for; raises `InvalidToken`. Whether it stands is another question."""
    kept = await tx.opaque_tokens.get(digest)
    if kept is None:
        raise InvalidToken("The access token is not valid.", detail="no such opaque token")
    return access.require_current(server, _decode(kept))


async def read(server: Server, tx: Transaction, token: str) -> AccessClaims:
    """The claims of an access token in either form, or `InvalidToken`. Whether it stands is another question."""
    digest = opaque_digest(token)
    return access.read(server, token) if digest is None else await find(server, tx, digest)


async def read_first(server: Server, token: str) -> AccessClaims:
    """The same before a transaction begins: only an opaque token takes a look at the database."""
    if opaque_digest(token) is None:
        return access.read(server, token)
    return await server.work.read(lambda tx: read(server, tx, token))
