"""A trusted issuer says who it is about; what may be done is in a consent that stands, and only there (RFC 7523)."""

import hashlib
from dataclasses import dataclass
from typing import Annotated

import msgspec

from grantline.authorization.endpoints.paths import TOKEN
from grantline.authorization.grants import Authorized, ClientAuth, Grant, Redeeming
from grantline.authorization.issuer_keys import keys_of
from grantline.authorization.issuers import Subjects, TrustedIssuer
from grantline.authorization.server import Server
from grantline.authorization.standing import Stands, find_standing
from grantline.authorization.steps.part import part_of
from grantline.authorization.steps.policy import require_mintable
from grantline.authorization.store import Burnt
from grantline.crypto.assertions import InvalidAssertion, open_assertion
from grantline.identity import PersonRow
from grantline.model.errors import ConsentRequired, InvalidGrant, TemporarilyUnavailable
from grantline.model.events import EventType
from grantline.model.reading import decoder
from grantline.parties import Client

_STATED = "stated"
_TYPES = frozenset({"", "jwt"})


class Parameters(msgspec.Struct, frozen=True):
    """What the client sends. Scope and resource only narrow what the person agreed to."""

    assertion: Annotated[str, msgspec.Meta(max_length=8_192)]
    scope: str | None = None
    resource: tuple[str, ...] = ()


class _Bound(msgspec.Struct, frozen=True):
    jkt: str | None = None
    x5t: str | None = msgspec.field(default=None, name="x5t#S256")


class _Claims(msgspec.Struct, frozen=True):
    """What a statement has to say (RFC 7523 §3). `aud` is one string: a list could be meant for others too."""

    iss: str
    sub: str
    aud: str
    exp: int | float
    jti: Annotated[str, msgspec.Meta(min_length=1, max_length=256)]
    iat: int | float
    nbf: int | float | None = None
    cnf: _Bound | None = None


@dataclass(frozen=True, slots=True)
class _Statement:
    issuer: TrustedIssuer
    claims: _Claims


_claims = decoder(_Claims)


async def authorize(redeeming: Redeeming, parameters: Parameters) -> Authorized:
    """Whose word, about whom, on which consent; the statement counts once, and never for a right that is not there."""
    statement = redeeming.prepared
    assert isinstance(statement, _Statement)
    _require_bounds(redeeming, statement)
    person = await _person(redeeming, statement)
    stands = await _consent(redeeming, person)
    part, resources = await part_of(redeeming, stands, parameters.scope, parameters.resource, channel="jwt bearer")
    require_mintable(redeeming.server, part, resources)
    await _use_up(redeeming, statement)
    names = redeeming.server.catalog().file.scopes
    return Authorized(
        event=EventType.TOKEN_ISSUED,
        stands=part,
        scope=" ".join(scope for scope in part.version.scope.split() if scope in names),
        resources=resources,
        cnf=redeeming.cnf,
    )


async def prepare(server: Server, client: Client, parameters: Parameters) -> _Statement:
    """The statement, by a key and algorithm that its issuer declared: the header chooses among them, nothing more."""
    try:
        unproven = open_assertion(parameters.assertion)
        name = _claims(unproven.payload).iss
        issuer = await server.work.read(lambda tx: tx.issuers.get(name))
        if issuer is None or client.id not in issuer.clients:
            raise _refused("issuer not trusted, or not for this client")
        payload = unproven.proven_by(await keys_of(server, issuer), algorithms=issuer.algorithms, types=_TYPES)
    except (InvalidAssertion, msgspec.MsgspecError) as error:
        raise _refused(str(error)) from error
    return _Statement(issuer, _claims(payload))


def _require_bounds(redeeming: Redeeming, statement: _Statement) -> None:
    """For us, now, not for long, and for who brings it, where it says that (RFC 7523 §3)."""
    claims, issuer, server = statement.claims, statement.issuer, redeeming.server
    now, skew = redeeming.now, server.settings.clock_skew
    bound, proven = claims.cnf, redeeming.cnf
    problems = (
        (claims.aud not in {server.issuer, server.issuer + TOKEN, *issuer.audiences}, "aud is not this server"),
        (claims.exp <= now - skew, "expired"),
        (claims.exp - claims.iat > issuer.longest, "valid for too long"),
        (claims.iat > now + skew, "from the future"),
        (claims.iat < now - issuer.longest - skew, "too old"),
        (claims.nbf is not None and claims.nbf > now + skew, "not valid yet"),
        (bound is not None and (proven is None or (bound.jkt, bound.x5t) != (proven.jkt, proven.x5t)),
         "bound to another key"),
    )  # fmt: skip
    for wrong, why in problems:
        if wrong:
            raise _refused(why)


async def _person(redeeming: Redeeming, statement: _Statement) -> PersonRow:
    """The person whom the issuer means, by the declared rule alone; one that is not here is never made."""
    issuer, sub = statement.issuer, statement.claims.sub
    username = sub if issuer.subjects is Subjects.USERNAME else issuer.people.get(sub)
    person = None if username is None else await redeeming.tx.people.by_username(username)
    if person is None or person.locked_at is not None:
        raise _refused("nobody here is meant by this sub, or they are locked")
    return person


async def _consent(redeeming: Redeeming, person: PersonRow) -> Stands:
    """The newest consent of this person with this client that stands and that nobody passed on."""
    for state in await redeeming.tx.consents.of_person(person.id):
        if state.client == redeeming.client.client_id:
            stands = await find_standing(redeeming.server, redeeming.tx, state.consent_id)
            if stands is not None and not stands.version.ancestors:
                return stands
    raise ConsentRequired(
        "This person has no consent that stands with this client. Send them through the authorization endpoint once."
    )


async def _use_up(redeeming: Redeeming, statement: _Statement) -> None:
    claims, server = statement.claims, redeeming.server
    digest = hashlib.sha256(f"{claims.iss}\0{claims.jti}".encode()).digest()
    until = int(claims.exp) + server.settings.clock_skew + 1
    match await redeeming.tx.burned.burn(
        _STATED, digest, until, now=redeeming.now, capacity=server.settings.burned_capacity
    ):
        case Burnt.SPENT:
            raise _refused("used before")
        case Burnt.FULL:
            raise TemporarilyUnavailable("Too many requests right now; try again shortly.", detail="burned full")


def _refused(why: str) -> InvalidGrant:
    return InvalidGrant("The assertion is not valid here.", detail=why)


GRANT = Grant(
    name="urn:ietf:params:oauth:grant-type:jwt-bearer",
    spec="RFC 7523 §2.1",
    client_auth=ClientAuth.REQUIRED,
    parameters=Parameters,
    authorize=authorize,
    prepare=prepare,
)
