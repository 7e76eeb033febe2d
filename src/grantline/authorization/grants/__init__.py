"""What may be exchanged for tokens. One grant type, one file, found by being there; the endpoint owns the phases."""

import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum
from functools import cache
from typing import Any

import msgspec

from grantline.authorization.server import Server
from grantline.authorization.standing import Stands
from grantline.authorization.store import FamilyRow, Transaction
from grantline.authorization.tokens.id_token import Occasion
from grantline.extension import implementations
from grantline.model.events import EventType
from grantline.model.ids import FamilyId, TokenId
from grantline.model.token import Confirmation
from grantline.parties import Client


class ClientAuth(Enum):
    """Whether a client has to prove itself for this grant beyond what it is registered for."""

    AS_REGISTERED = "as registered"
    REQUIRED = "required"


@dataclass(frozen=True, slots=True)
class Redeeming:
    """One redemption inside its transaction. `jkt`: key proven with this request; `x5t`: certificate it came with.

    `holder_proofs`: proofs by whoever holds a token that this request brings along (`Subject-DPoP`). `prepared`: by
    the grant itself.
    """

    server: Server
    tx: Transaction
    client: Client
    jkt: str | None
    now: int
    x5t: str | None = None
    holder_proofs: tuple[str, ...] = ()
    prepared: object = None

    @property
    def cnf(self) -> Confirmation | None:
        """What an access token of this request is bound to: the proven key, else the certificate if registered so."""
        if self.jkt is not None:
            return Confirmation(jkt=self.jkt)
        bound = self.client.certificate_bound and self.x5t is not None
        return Confirmation(x5t=self.x5t) if bound else None

    @property
    def family_x5t(self) -> str | None:
        """The certificate to which refresh tokens of this request are bound: those of public clients (RFC 8705 §4).

        A client that proves itself at each refresh may change its certificate, as workloads do every hour (§7.1).
        """
        return None if self.client.confidential or self.cnf is None else self.cnf.x5t


@dataclass(frozen=True, slots=True, kw_only=True)
class Delegated:
    """What a token says beyond its consent because it was made from another (RFC 8693).

    `act`: who acts. `not_after`: unix seconds, the end of the other. `family`: in which the other was. `made_from`: the
    other itself, if it is an access token. `detail`: for the record. `acr`, `auth_time`: how and when the person signed
    in, as the other says it.
    """

    act: dict[str, object] | None
    not_after: int
    family: FamilyId | None
    issued_token_type: str
    made_from: TokenId | None
    detail: dict[str, object]
    acr: str | None = None
    auth_time: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Authorized:
    """What may be minted. `cnf`: what the access token is bound to. `family`: to whose refresh tokens it belongs.

    `refresh`: generation to hand out, if any. `sign_in`: how the person signed in, if one did; with the scope `openid`
    an ID token tells of it too. `delegated`: where another token was exchanged for this one.
    """

    event: EventType
    stands: Stands
    scope: str
    resources: tuple[str, ...]
    cnf: Confirmation | None
    family: FamilyRow | None = None
    refresh: int | None = None
    sign_in: Occasion | None = None
    delegated: Delegated | None = None


@dataclass(frozen=True, slots=True)
class Grant:
    """One grant type. `authorize` verifies every binding first and redeems last; it raises `OAuthError`.

    `prepare`: what has to be known before the transaction begins, because a transaction waits for nothing but its
    database: keys of others, fetched. What it returns is `Redeeming.prepared`. Only a grant that needs it has it.
    """

    name: str
    spec: str
    client_auth: ClientAuth
    parameters: type[msgspec.Struct]
    authorize: Callable[[Redeeming, Any], Awaitable[Authorized]]
    prepare: Callable[[Server, Client, Any], Awaitable[object]] | None = None


@cache
def grants() -> dict[str, Grant]:
    """Every grant type by name."""
    return {grant.name: grant for grant in implementations(sys.modules[__name__], "GRANT", Grant)}
