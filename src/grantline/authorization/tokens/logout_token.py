"""Tells a client that a session has ended (OIDC Back-Channel Logout §2.4). It is no ID token, nor the reverse."""

import orjson

from grantline.authorization.client_sessions import ClientSessionRow
from grantline.authorization.server import Server
from grantline.authorization.tokens.id_token import DEFAULT_ALG, hears_of_sessions
from grantline.model.ids import opaque
from grantline.parties import Client

TYP = "logout+jwt"
EVENT = "http://schemas.openid.net/event/backchannel-logout"
LIFETIME = 120
"""Seconds: the specification's advice, so that a token that was caught is soon worth nothing."""


def sign(server: Server, client: Client, row: ClientSessionRow) -> str:
    """A fresh token for one try, by the algorithm of this client's ID tokens. It has no nonce, ever (check 154)."""
    now = server.now()
    claims = {
        "iss": server.issuer,
        "aud": client.id,
        "iat": now,
        "exp": now + LIFETIME,
        "jti": opaque("l", server.randomness),
        "sub": row.subject,
        "events": {EVENT: {}},
        **({"sid": row.sid} if hears_of_sessions(client) else {}),
    }
    key = server.keys.for_alg(client.algorithms.id_token or DEFAULT_ALG)
    return key.sign_jws(orjson.dumps(claims), TYP)
