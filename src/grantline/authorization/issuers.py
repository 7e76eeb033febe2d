"""Whose signed statements about people are believed (RFC 7523 §2.1): declared by the operator, each with its bounds."""

from enum import StrEnum
from typing import Annotated, Any, Protocol

import msgspec

from grantline.crypto.proof_keys import read_proof_key
from grantline.crypto.urls import normalised
from grantline.model.clock import Clock
from grantline.model.errors import InvalidConfiguration
from grantline.model.events import Event, EventType
from grantline.model.ids import Randomness, event_id
from grantline.model.ports import Outbox

ALGORITHMS = ("ES256", "EdDSA", "PS256")
"""What an issuer may sign with: asymmetric algorithms, each with one kind of key (RFC 8725 §3.1)."""


class Subjects(StrEnum):
    """How the issuer's `sub` names a person. `declared`: only those in `people`. `username`: it is the user name."""

    DECLARED = "declared"
    USERNAME = "username"


class TrustedIssuer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One `[[trusted_issuers]]` table. `clients`: who may bring its statements; nobody else may.

    `audiences`: what may stand in `aud` besides this server's issuer and token endpoint. `people`: `sub` → user name.
    `longest`: seconds for which a statement may be valid at most. `revokes`: it may have everything ended that was
    issued about a person whom it may speak of: one in `people`, or who signs in here with an account there.
    """

    issuer: Annotated[str, msgspec.Meta(min_length=1, max_length=500)]
    clients: tuple[str, ...]
    jwks: tuple[dict[str, Any], ...] = ()
    jwks_uri: str | None = None
    algorithms: tuple[str, ...] = ("ES256",)
    audiences: tuple[str, ...] = ()
    subjects: Subjects = Subjects.DECLARED
    people: dict[str, str] = {}
    longest: Annotated[int, msgspec.Meta(ge=10, le=3_600)] = 300
    revokes: bool = False


class TrustedIssuerRows(Protocol):
    """Declarations by issuer."""

    async def get(self, issuer: str) -> TrustedIssuer | None:
        """The declaration, or None."""
        ...

    async def put(self, issuer: TrustedIssuer, at: int) -> None:
        """Keep it in place of an earlier one; `at` in unix seconds."""
        ...


class IssuerTransaction(Protocol):
    """One unit of work in which issuers are declared."""

    @property
    def issuers(self) -> TrustedIssuerRows:
        """Declarations."""
        ...

    @property
    def outbox(self) -> Outbox:
        """Events of this change."""
        ...


def check_issuer(issuer: TrustedIssuer, path: str) -> TrustedIssuer:
    """The same; raises `InvalidConfiguration` naming the path of what is wrong."""
    unknown = [name for name in issuer.algorithms if name not in ALGORITHMS]
    if unknown or not issuer.algorithms:
        raise InvalidConfiguration(f"{path}.algorithms: name some of {', '.join(ALGORITHMS)}")
    try:
        normalised(issuer.issuer)
    except ValueError as error:
        raise InvalidConfiguration(f"{path}.issuer: {error}") from error
    if not issuer.clients and not issuer.revokes:
        raise InvalidConfiguration(f"{path}.clients: name who may bring statements of this issuer")
    declared = issuer.subjects is Subjects.DECLARED
    if bool(issuer.people) is not declared and not (declared and issuer.revokes):
        raise InvalidConfiguration(f"{path}.people: belongs to subjects = 'declared', and has to be there for it")
    if bool(issuer.jwks) == bool(issuer.jwks_uri):
        raise InvalidConfiguration(f"{path}.jwks: public keys belong here, or their address in jwks_uri, not both")
    if issuer.jwks_uri is not None and not issuer.jwks_uri.startswith("https://"):
        raise InvalidConfiguration(f"{path}.jwks_uri: must be an https address")
    for number, jwk in enumerate(issuer.jwks):
        _check_key(issuer, jwk, f"{path}.jwks[{number}]")
    return issuer


def _check_key(issuer: TrustedIssuer, jwk: dict[str, Any], path: str) -> None:
    """Each key names its one algorithm, so that no statement can choose another for it (algorithm confusion)."""
    algorithm = jwk.get("alg")
    if algorithm not in issuer.algorithms:
        raise InvalidConfiguration(f"{path}.alg: each key names one of the algorithms above")
    try:
        read_proof_key(str(algorithm), jwk)
    except ValueError as error:
        raise InvalidConfiguration(f"{path}: {error}") from error


async def trust(tx: IssuerTransaction, issuer: TrustedIssuer, clock: Clock, randomness: Randomness) -> bool:
    """Believe this issuer from now on, within these bounds; True if that is another declaration than before."""
    if await tx.issuers.get(issuer.issuer) == issuer:
        return False
    now_us = clock.wall_us()
    await tx.issuers.put(issuer, now_us // 1_000_000)
    detail: dict[str, object] = {
        "issuer": issuer.issuer, "algorithms": issuer.algorithms, "clients": issuer.clients, "revokes": issuer.revokes,
    }  # fmt: skip
    await tx.outbox.append(
        Event(
            event_id=event_id(randomness, now_us), type=EventType.ISSUER_CHANGED, t=now_us, act="change",
            res="issuer", out="permit", detail=detail,
        )
    )  # fmt: skip
    return True
