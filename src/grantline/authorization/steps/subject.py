"""The tokens of an exchange: whose access it is, and who is to act by it (RFC 8693 §2.1, §4.1, §4.4)."""

from dataclasses import dataclass

from grantline.authorization.grants import Redeeming
from grantline.authorization.standing import Stands, find_standing
from grantline.authorization.steps.part import audiences
from grantline.authorization.steps.stands import is_active, live_token
from grantline.authorization.store import FamilyRow, Transaction
from grantline.authorization.tokens import id_token, opaque
from grantline.model.errors import InvalidRequest, InvalidToken
from grantline.model.events import jti_hash
from grantline.model.ids import ClientId, ConsentId, FamilyId, TokenId
from grantline.model.token import AccessClaims, Confirmation
from grantline.parties import Exchange, Kind

ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105 the name of a type
ID_TOKEN = "urn:ietf:params:oauth:token-type:id_token"  # noqa: S105 the name of a type
AGENT = "ai_agent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A token that counts, and what it stands on. `client`: whose token it is. `chain`: who acts by it already.

    `name`: its hash in the record. `token`: its `jti`, if it is an access token. `bound`: to which key or certificate.
    `expires_at`: unix seconds. `acr`, `auth_time`: how and when the person signed in, where it says so.
    """

    stands: Stands
    client: ClientId
    scope: str
    resources: tuple[str, ...]
    expires_at: int
    name: str
    token: TokenId | None = None
    bound: Confirmation | None = None
    family: FamilyId | None = None
    chain: dict[str, object] | None = None
    may_act: dict[str, object] | None = None
    acr: str | None = None
    auth_time: int | None = None


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts from now on. `chain`: the `act` of the new token; None where nobody acts but its client for itself."""

    name: str
    chain: dict[str, object] | None


async def presented(redeeming: Redeeming, token: str, kind: str) -> Subject:
    """The subject token, if it counts now and this client may exchange it (check 146).

    Raises `InvalidRequest`, as RFC 8693 §2.2.2 has it; the same words for all that is wrong with the token.
    """
    exchange = _exchange(redeeming)
    match kind:
        case _ if kind == ACCESS_TOKEN:
            found = await _of_access_token(redeeming, token)
        case _ if kind == ID_TOKEN and exchange.id_tokens:
            found = await _of_id_token(redeeming, token)
        case _:
            raise InvalidRequest("This subject_token_type is not exchanged here.")
    if found.client not in (redeeming.client.id, *exchange.subjects):
        raise _unacceptable("subject_token", f"tokens of {found.client} are not for this client to exchange")
    return found


async def _of_access_token(redeeming: Redeeming, token: str) -> Subject:
    claims, stands = await _live(redeeming, token, "subject_token")
    return Subject(
        stands=stands,
        client=claims.client_id,
        scope=claims.scope,
        resources=claims.aud,
        expires_at=claims.exp,
        name=jti_hash(claims.jti),
        token=claims.jti,
        bound=claims.cnf,
        family=claims.fam,
        chain=claims.act,
        may_act=claims.may_act,
        acr=claims.acr,
        auth_time=claims.auth_time,
    )


async def _of_id_token(redeeming: Redeeming, token: str) -> Subject:
    """An ID token says who; what may be done is in the newest consent that they gave its client by this sign-in.

    It is a bearer token, so it opens nothing that the client itself could only use by proving a key. It says nothing of
    what ended since, so it counts as long as the family of tokens that it came with: locking a person, or ending
    everything of theirs, ends that.
    """
    tx, server = redeeming.tx, redeeming.server
    try:
        shown = id_token.read(server, token)
    except InvalidToken as error:
        raise _unacceptable("subject_token", error.detail) from error
    client = await tx.clients.get(shown.aud)
    if client is None or not await is_active(tx, shown.aud) or client.sender_constrained:
        raise _unacceptable("subject_token", "its client is stopped, or its tokens are bound to a key")
    for state in await tx.consents.of_subject(shown.sub, shown.aud):
        family = await _family_of(tx, state.consent_id, shown)
        stands = None if family is None else await find_standing(server, tx, state.consent_id)
        if family is not None and stands is not None:
            return Subject(
                stands=stands, client=shown.aud, scope=family.scope, resources=_narrowed(stands, family),
                expires_at=shown.exp, name=jti_hash(token), family=family.family, may_act=shown.may_act,
                acr=shown.acr, auth_time=shown.auth_time,
            )  # fmt: skip
    raise _unacceptable("subject_token", "no consent that this sign-in gave its client stands, or its family ended")


async def _family_of(tx: Transaction, consent: ConsentId, shown: id_token.Shown) -> FamilyRow | None:
    """The living family of this consent that began with the sign-in of the ID token."""
    for name in await tx.families.living(consent):
        row = await tx.families.get(name)
        if row is not None and row.sign_in is not None and _is_of(row.sign_in, shown):
            return row
    return None


def _is_of(sign_in: bytes, shown: id_token.Shown) -> bool:
    return id_token.Occasion.read(sign_in).auth_time == shown.auth_time


def _narrowed(stands: Stands, family: FamilyRow) -> tuple[str, ...]:
    return tuple(one for one in audiences(stands) if one in family.resources)


async def acting(redeeming: Redeeming, subject: Subject, token: str | None, kind: str | None) -> Actor:
    """Who acts: the client itself, or whose actor token it brings along. `may_act` decides where it is there."""
    if (token is None) != (kind is None):
        raise InvalidRequest("Send actor_token and actor_token_type together, or neither.")
    name, agent = redeeming.client.id, redeeming.client.kind is Kind.AGENT
    if token is not None:
        if kind != ACCESS_TOKEN:
            raise InvalidRequest("This actor_token_type is not known here.")
        claims, _ = await _live(redeeming, token, "actor_token")
        name, agent = await _named(redeeming, claims)
    if subject.may_act is not None and subject.may_act.get("sub") != name:
        raise _unacceptable("subject_token", f"{name} may not act by it")
    return Actor(name, _chain(subject, name, agent=agent))


async def _named(redeeming: Redeeming, claims: AccessClaims) -> tuple[str, bool]:
    """The actor of a token: its client. Bound, it has to be to the key that this request proves."""
    if claims.client_id not in (redeeming.client.id, *_exchange(redeeming).actors):
        raise _unacceptable("actor_token", f"{claims.client_id} may not act in the place of this client")
    if claims.cnf is not None and claims.cnf != redeeming.cnf:
        raise _unacceptable("actor_token", "bound to another key than this request proves")
    client = await redeeming.tx.clients.get(claims.client_id)
    return claims.client_id, client is not None and client.kind is Kind.AGENT


def _chain(subject: Subject, actor: str, *, agent: bool) -> dict[str, object] | None:
    """Who acts now outermost, then who did before, down to the client that the person gave it to."""
    current = subject.client if subject.chain is None else subject.chain.get("sub")
    if current == actor:
        return subject.chain
    profile = {"sub_profile": AGENT} if agent else {}
    # Who acted before is told by name alone: a chain of five has to fit into one token.
    before = {name: value for name, value in (subject.chain or {}).items() if name in ("sub", "act")}
    return {"sub": actor, **profile, "act": before or {"sub": subject.client}}


async def _live(redeeming: Redeeming, token: str, parameter: str) -> tuple[AccessClaims, Stands]:
    try:
        claims = await opaque.read(redeeming.server, redeeming.tx, token)
    except InvalidToken as error:
        raise _unacceptable(parameter, error.detail) from error
    live = await live_token(redeeming.server, redeeming.tx, claims)
    if live is None:
        raise _unacceptable(parameter, "revoked, or what it stands on has ended")
    return claims, live.stands


def _exchange(redeeming: Redeeming) -> Exchange:
    return redeeming.client.exchange or Exchange()


def _unacceptable(parameter: str, why: str) -> InvalidRequest:
    return InvalidRequest(f"The {parameter} is not valid, or not for this client to exchange.", detail=why)
