"""Consents. A state is replaced only if it is still the one that was read."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import msgspec
from sqlalchemy import bindparam, or_, select, update

from grantline.consent import from_bytes, to_bytes
from grantline.model.consent import State, Version
from grantline.model.errors import Conflict
from grantline.model.ids import ClientId, ConsentId, PersonId, SubjectId
from grantline.storage.schema.consent import CONSENTS, VERSIONS
from grantline.storage.sql.cursor import Cursor, Row
from grantline.storage.statements import Statement, insert

_NAMES = State.__struct_fields__
_STATE = select(*(CONSENTS.c[name] for name in _NAMES))
_NEWEST = (CONSENTS.c.created_at.desc(), CONSENTS.c.consent_id)

_ADD = Statement(insert(CONSENTS).values({name: bindparam(name) for name in _NAMES}))
_GET = Statement(_STATE.where(CONSENTS.c.consent_id == bindparam("consent_id")))
_SAVE = Statement(
    update(CONSENTS)
    .where(
        CONSENTS.c.consent_id == bindparam("key"),
        CONSENTS.c.status == bindparam("old_status"),
        CONSENTS.c.version == bindparam("old_version"),
        CONSENTS.c.epoch == bindparam("old_epoch"),
    )
    .values({name: bindparam(name) for name in (*_NAMES, "expires_at") if name != "consent_id"})
)
_OF_PERSON = Statement(_STATE.where(CONSENTS.c.person == bindparam("person")).order_by(*_NEWEST))
_OF_CLIENT = Statement(
    _STATE.where(CONSENTS.c.client == bindparam("client")).order_by(*_NEWEST).limit(bindparam("most"))
)
_OF_SUBJECT = Statement(
    _STATE.where(CONSENTS.c.subject == bindparam("name"), CONSENTS.c.client == bindparam("client")).order_by(*_NEWEST)
)
_LATEST = Statement(_STATE.order_by(*_NEWEST).limit(bindparam("most")))
_DUE = Statement(
    _STATE.where(
        or_(CONSENTS.c.status == "active", CONSENTS.c.status == "suspended"),
        CONSENTS.c.expires_at <= bindparam("now"),
    )
    .order_by(CONSENTS.c.expires_at, CONSENTS.c.consent_id)
    .limit(bindparam("most"))
)
_UNANSWERED = Statement(
    _STATE.where(CONSENTS.c.status == "requested", CONSENTS.c.created_at <= bindparam("before"))
    .order_by(CONSENTS.c.created_at, CONSENTS.c.consent_id)
    .limit(bindparam("most"))
)
_ADD_VERSION = Statement(
    insert(VERSIONS)
    .values({name: bindparam(name) for name in ("consent_id", "version", "content_hash", "ceremony", "body")})
    .on_conflict_do_nothing()
)
_VERSION = Statement(
    select(VERSIONS.c.body).where(
        VERSIONS.c.consent_id == bindparam("consent_id"), VERSIONS.c.version == bindparam("number")
    )
)
_VERSIONS = Statement(
    select(VERSIONS.c.body).where(VERSIONS.c.consent_id == bindparam("consent_id")).order_by(VERSIONS.c.version)
)


class SqlConsents:
    """Implements `ConsentRows`."""

    def __init__(self, cursor: Cursor) -> None:
        self._cursor = cursor

    async def add(self, state: State) -> None:
        """Keep a new consent."""
        await self._cursor.run(_ADD, **_columns(state))

    async def get(self, consent: ConsentId) -> State | None:
        """The state, or None."""
        row = await self._cursor.one(_GET, consent_id=consent)
        return None if row is None else _state(row)

    async def save(self, before: State, after: State, expires_at: int | None) -> None:
        """Replace the state if it is still `before`."""
        values = _columns(after)
        changed = await self._cursor.run(
            _SAVE,
            key=values.pop("consent_id"),
            old_status=before.status.value,
            old_version=before.version,
            old_epoch=before.epoch,
            expires_at=expires_at,
            **values,
        )
        if changed != 1:
            raise Conflict("This consent was changed in between. Look at it again.", detail=before.consent_id)

    async def add_version(self, version: Version) -> None:
        """Keep a sealed version under its number."""
        kept = await self._cursor.run(
            _ADD_VERSION,
            consent_id=version.consent_id,
            version=version.version,
            content_hash=version.content_hash,
            ceremony=version.ceremony.id,
            body=to_bytes(version),
        )
        if kept != 1:
            raise Conflict("This decision was recorded before.", detail=f"{version.consent_id} {version.version}")

    async def version(self, consent: ConsentId, number: int) -> Version | None:
        """One version, its hash checked."""
        row = await self._cursor.one(_VERSION, consent_id=consent, number=number)
        return None if row is None else _version(row[0])

    async def versions(self, consent: ConsentId) -> tuple[Version, ...]:
        """All versions, oldest first."""
        return tuple(_version(row[0]) for row in await self._cursor.all(_VERSIONS, consent_id=consent))

    async def of_person(self, person: PersonId) -> tuple[State, ...]:
        """All consents of a person, newest first."""
        return _states(await self._cursor.all(_OF_PERSON, person=person))

    async def of_client(self, client: ClientId, *, limit: int) -> tuple[State, ...]:
        """Consents of a client, newest first."""
        return _states(await self._cursor.all(_OF_CLIENT, client=client, most=limit))

    async def of_subject(self, subject: SubjectId, client: ClientId) -> tuple[State, ...]:
        """Consents of whom this client knows by this name, newest first."""
        return _states(await self._cursor.all(_OF_SUBJECT, name=subject, client=client))

    async def latest(self, *, limit: int) -> tuple[State, ...]:
        """Consents of everybody, newest first."""
        return _states(await self._cursor.all(_LATEST, most=limit))

    async def due(self, now: int, *, limit: int) -> tuple[State, ...]:
        """What has reached its hard end, earliest first."""
        return _states(await self._cursor.all(_DUE, now=now, most=limit))

    async def unanswered(self, before: int, *, limit: int) -> tuple[State, ...]:
        """Old questions, oldest first."""
        return _states(await self._cursor.all(_UNANSWERED, before=before, most=limit))


# Keyed by the stored bytes, and their hash is checked when they are first seen: what is remembered is never stale.
@lru_cache(maxsize=512)
def _version(body: bytes) -> Version:
    return from_bytes(body)


def _columns(state: State) -> dict[str, Any]:
    return {**msgspec.structs.asdict(state), "status": state.status.value}


def _state(row: Row) -> State:
    return msgspec.convert(dict(zip(_NAMES, row, strict=True)), State)


def _states(rows: Sequence[Row]) -> tuple[State, ...]:
    return tuple(_state(row) for row in rows)
