"""Ends everything that was issued about one person, and every session: they have to sign in anew. Consents stand."""

from dataclasses import dataclass

from grantline.authorization.events import about_consent
from grantline.authorization.families import end_family
from grantline.authorization.server import Server
from grantline.authorization.store import Transaction
from grantline.consent import raise_epoch
from grantline.model.events import Event, EventType
from grantline.model.ids import PersonId, event_id

WHY = "all_tokens_revoked"


@dataclass(frozen=True, slots=True)
class Ended:
    """How much of each there was. `consents`: those whose tokens were cut off, parts of others included."""

    consents: int = 0
    families: int = 0
    sessions: int = 0


async def end_everything(server: Server, tx: Transaction, person: PersonId, by: str) -> Ended:
    """In the caller's transaction. `by`: who asked for it, for the record.

    Each consent of the person gets a new epoch, so its tokens die at every gateway and at our own endpoints, whatever
    they look like; codes that wait to be redeemed die with the session that they were given in, and what was allowed
    elsewhere is taken back.
    """
    consents = families = 0
    for state in await tx.consents.of_person(person):
        for family in await tx.families.living(state.consent_id):
            families += await end_family(server, tx, family, state.consent_id, why=WHY, finding=False)
        if await raise_epoch(tx, server.consents, state) is not None:
            consents += 1
            detail: dict[str, object] = {"kind": "all", "by": by}
            await tx.outbox.append(
                about_consent(server, EventType.TOKEN_REVOKED, state, act="revoke", res="token", rsn=WHY, detail=detail)
            )
    await tx.elsewhere.take_back(person)
    sessions = await tx.sessions.end_all(person, server.now())
    ended = Ended(consents, families, sessions)
    await tx.outbox.append(_told(server, person, by, ended))
    return ended


def _told(server: Server, person: PersonId, by: str, ended: Ended) -> Event:
    now_us = server.clock.wall_us()
    detail: dict[str, object] = {
        "by": by, "consents": ended.consents, "families": ended.families, "sessions": ended.sessions,
    }  # fmt: skip
    return Event(
        event_id=event_id(server.randomness, now_us), type=EventType.PERSON_TOKENS_REVOKED, t=now_us, act="revoke",
        res="person", out="permit", rsn=WHY, person=person, detail=detail,
    )  # fmt: skip
