"""An authorization request as it was sent, and under examination."""

from dataclasses import dataclass
from typing import Annotated

import msgspec

from grantline.authorization.server import Server
from grantline.parties import Client

OPENID = "openid"
OFFLINE = "offline_access"
"""No access of its own: whether a client gets refresh tokens, its registration says (OIDC Core §11)."""

QUERY, REVOKE = "grant_management_query", "grant_management_revoke"
OWN_GRANTS = (QUERY, REVOKE)
"""Scopes that a client has for itself alone (Grant Management §6.1): no person is ever asked for them."""
GRANT_PARAMETERS = frozenset({"grant_management_action", "grant_id"})
"""Go with every request that serves as an authorization request (Grant Management §5.2)."""


class Parameters(msgspec.Struct, frozen=True, kw_only=True):
    """The request as sent. `state` and `nonce` come back byte for byte, or the request is refused (check 11)."""

    response_type: Annotated[str, msgspec.Meta(max_length=100)] | None = None
    redirect_uri: Annotated[str, msgspec.Meta(max_length=2_000)] | None = None
    scope: Annotated[str, msgspec.Meta(max_length=1_000)] | None = None
    state: Annotated[str, msgspec.Meta(max_length=4_096)] | None = None
    nonce: Annotated[str, msgspec.Meta(max_length=512)] | None = None
    code_challenge: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_-]{43}$")] | None = None
    code_challenge_method: str | None = None
    resource: Annotated[tuple[str, ...], msgspec.Meta(max_length=8)] = ()
    authorization_details: str | None = None
    claims: Annotated[str, msgspec.Meta(max_length=8_192)] | None = None
    acr_values: Annotated[str, msgspec.Meta(max_length=500)] | None = None
    login_hint: Annotated[str, msgspec.Meta(max_length=256)] | None = None
    prompt: Annotated[str, msgspec.Meta(max_length=100)] | None = None
    max_age: Annotated[str, msgspec.Meta(pattern=r"^[0-9]{1,9}$")] | None = None
    id_token_hint: Annotated[str, msgspec.Meta(max_length=8_192)] | None = None
    ui_locales: Annotated[str, msgspec.Meta(max_length=200)] | None = None
    dpop_jkt: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_-]{43}$")] | None = None
    response_mode: Annotated[str, msgspec.Meta(max_length=50)] | None = None
    grant_management_action: Annotated[str, msgspec.Meta(max_length=50)] | None = None
    grant_id: Annotated[str, msgspec.Meta(max_length=100)] | None = None


@dataclass(frozen=True, slots=True)
class Asking:
    """One request under examination. `pushed`: it came by the back channel. `jkt`: key proven with it.

    `signed`: the client's signature covers all of it.
    """

    server: Server
    client: Client
    parameters: Parameters
    pushed: bool
    jkt: str | None
    signed: bool = False
