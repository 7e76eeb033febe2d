"""What the authorization server tells the ledger. The token itself never stands in an event, only its hash."""

from typing import Literal, Protocol

from grantline.authorization.server import Server
from grantline.authorization.standing import Stands
from grantline.model.clock import Clock
from grantline.model.consent import State
from grantline.model.events import Event, EventType, jti_hash
from grantline.model.ids import ClientId, PersonId, Randomness, event_id
from grantline.model.token import AccessClaims

Out = Literal["permit", "deny", "error"]


class Witness(Protocol):
    """Who tells: a server, or whatever else ends what a server issued."""

    @property
    def clock(self) -> Clock: ...
    @property
    def randomness(self) -> Randomness: ...


def issued(
    server: Server, type: EventType, stands: Stands, claims: AccessClaims, more: dict[str, object] | None = None
) -> Event:
    """An access token was minted. `more`: what else the way to it has to say."""
    detail: dict[str, object] = {
        "audience": list(claims.aud),
        "scope": claims.scope,
        "expires": claims.exp,
        "family": claims.fam,
        "epoch": claims.gep,
        "position": [claims.seq.incarnation, claims.seq.seq],
        "jkt": claims.cnf.jkt if claims.cnf else None,
        **({"lineage": [list(link) for link in claims.lin], "chain": list(claims.actors)} if claims.lin else {}),
        **(more or {}),
    }
    return about_consent(
        server, type, stands.state, act="issue", res="token", jti=claims.jti, purpose=claims.pur, detail=detail
    )


def about_consent(
    server: Witness,
    type: EventType,
    state: State,
    *,
    act: str,
    res: str,
    out: Out = "permit",
    rsn: str | None = None,
    jti: str | None = None,
    purpose: tuple[str, ...] = (),
    detail: dict[str, object] | None = None,
) -> Event:
    """Something happened to what was issued on this consent."""
    now = server.clock.wall_us()
    purposes: dict[str, object] = {"purposes": list(purpose)} if purpose else {}
    return Event(
        event_id=event_id(server.randomness, now),
        type=type,
        t=now,
        act=act,
        res=res,
        out=out,
        rsn=rsn,
        client=state.client,
        person=state.person,
        subject=state.subject,
        consent=state.consent_id,
        version=state.version,
        jti_hash=None if jti is None else jti_hash(jti),
        detail={**purposes, **(detail or {})},
    )


def about_client(
    server: Server,
    type: EventType,
    client: ClientId,
    *,
    act: str,
    res: str,
    out: Out,
    rsn: str | None = None,
    person: PersonId | None = None,
    detail: dict[str, object] | None = None,
) -> Event:
    """A client did or was refused something that is not about one consent."""
    now = server.clock.wall_us()
    return Event(
        event_id=event_id(server.randomness, now),
        type=type,
        t=now,
        act=act,
        res=res,
        out=out,
        rsn=rsn,
        client=client,
        person=person,
        detail=detail or {},
    )
