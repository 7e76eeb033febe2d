"""People, sessions, one-time links and failed attempts."""

from typing import Any

import msgspec
from sqlalchemy import BindParameter, bindparam, delete, func, insert, or_, select, update

from grantline.identity.store import EnrolmentRow, GuessRow, PersonRow, SessionRow
from grantline.model.ids import ApiId, PersonId
from grantline.storage.schema.client_sessions import CLIENT_SESSIONS
from grantline.storage.schema.identity import ENROLMENTS, GUESSES, PEOPLE, SESSIONS
from grantline.storage.sql.cursor import Cursor, Row
from grantline.storage.statements import Statement
from grantline.storage.statements import insert as upsert

_PERSON = Statement(select(PEOPLE).where(PEOPLE.c.id == bindparam("person")))
_PERSON_BY_NAME = Statement(select(PEOPLE).where(PEOPLE.c.username == bindparam("name")))
_PEOPLE_BY_EMAIL = Statement(select(PEOPLE).where(func.lower(PEOPLE.c.email) == bindparam("email")))
_COUNT_PEOPLE = Statement(select(func.count()).select_from(PEOPLE))
_PERSON_VALUES: dict[str, BindParameter[Any]] = {
    name: bindparam(name)
    for name in ("id", "username", "name", "email", "roles", "resource_names", "password", "locked_at")
}
_PUT_PERSON = Statement(
    upsert(PEOPLE)
    .values(**_PERSON_VALUES)
    .on_conflict_do_update(
        index_elements=[PEOPLE.c.id], set_={name: value for name, value in _PERSON_VALUES.items() if name != "id"}
    )
)

_SESSION = Statement(select(SESSIONS).where(SESSIONS.c.id == bindparam("key"), SESSIONS.c.ended_at.is_(None)))
_ADD_SESSION = Statement(
    insert(SESSIONS).values(
        {
            name: bindparam(name)
            for name in ("id", "person", "auth_time", "amr", "csrf", "seen_at", "ends_at", "acr", "agent")
        }
    )
)
_SEEN = Statement(update(SESSIONS).where(SESSIONS.c.id == bindparam("key")).values(seen_at=bindparam("now")))
_END = Statement(
    update(SESSIONS)
    .where(SESSIONS.c.id == bindparam("key"), SESSIONS.c.ended_at.is_(None))
    .values(ended_at=bindparam("now"))
)
_SESSIONS_OF = Statement(
    select(SESSIONS)
    .where(SESSIONS.c.person == bindparam("who"), SESSIONS.c.ended_at.is_(None), SESSIONS.c.ends_at > bindparam("now"))
    .order_by(SESSIONS.c.auth_time.desc(), SESSIONS.c.id)
)
_END_ONE = Statement(
    update(SESSIONS)
    .where(SESSIONS.c.id == bindparam("key"), SESSIONS.c.person == bindparam("who"), SESSIONS.c.ended_at.is_(None))
    .values(ended_at=bindparam("now"))
)
_OVER = Statement(
    select(SESSIONS)
    .where(
        SESSIONS.c.ended_at.is_(None),
        or_(SESSIONS.c.ends_at <= bindparam("now"), SESSIONS.c.seen_at <= bindparam("seen_by")),
    )
    .order_by(SESSIONS.c.seen_at, SESSIONS.c.id)
    .limit(bindparam("at_most"))
)
_stands = select(SESSIONS.c.id).where(SESSIONS.c.id == bindparam("key"), SESSIONS.c.ended_at.is_(None))
_PASS_ON = Statement(
    update(CLIENT_SESSIONS)
    .where(CLIENT_SESSIONS.c.session.in_(_stands), CLIENT_SESSIONS.c.person == bindparam("who"))
    .values(session=bindparam("new"))
)
_END_ALL = Statement(
    update(SESSIONS)
    .where(SESSIONS.c.person == bindparam("who"), SESSIONS.c.ended_at.is_(None))
    .values(ended_at=bindparam("now"))
)

_LIVE_LINK = (
    ENROLMENTS.c.id == bindparam("key"),
    ENROLMENTS.c.used_at.is_(None),
    ENROLMENTS.c.ends_at > bindparam("now"),
)
_ADD_LINK = Statement(
    insert(ENROLMENTS).values(id=bindparam("id"), person=bindparam("person"), ends_at=bindparam("ends_at"))
)
_FIND_LINK = Statement(select(ENROLMENTS).where(*_LIVE_LINK))
_BURN_LINK = Statement(
    update(ENROLMENTS)
    .where(*_LIVE_LINK)
    .values(used_at=bindparam("now"))
    .returning(ENROLMENTS.c.id, ENROLMENTS.c.person, ENROLMENTS.c.ends_at)
)
_UNUSED = update(ENROLMENTS).where(ENROLMENTS.c.used_at.is_(None)).values(used_at=bindparam("now"))
_END_LINKS = Statement(_UNUSED.where(ENROLMENTS.c.person == bindparam("who")))
_END_FIRST_LINKS = Statement(_UNUSED.where(ENROLMENTS.c.person.is_(None)))

_GUESS = Statement(select(GUESSES).where(GUESSES.c.key == bindparam("which")))
_GUESS_VALUES: dict[str, BindParameter[Any]] = {
    name: bindparam(name) for name in ("key", "failures", "wait_until", "last_at")
}
_PUT_GUESS = Statement(
    upsert(GUESSES)
    .values(**_GUESS_VALUES)
    .on_conflict_do_update(
        index_elements=[GUESSES.c.key], set_={name: value for name, value in _GUESS_VALUES.items() if name != "key"}
    )
)
_CLEAR_GUESS = Statement(delete(GUESSES).where(GUESSES.c.key == bindparam("which")))


class SqlPeople:
    """Implements `PersonRows`."""

    def __init__(self, cursor: Cursor) -> None:
        self._cursor = cursor

    async def by_id(self, person: PersonId) -> PersonRow | None:
        """The person of this id."""
        return _person(await self._cursor.one(_PERSON, person=person))

    async def by_username(self, username: str) -> PersonRow | None:
        """The person who signs in under this name."""
        return _person(await self._cursor.one(_PERSON_BY_NAME, name=username))

    async def by_email(self, email: str) -> tuple[PersonRow, ...]:
        """Everybody with this address, whatever its case."""
        rows = await self._cursor.all(_PEOPLE_BY_EMAIL, email=email.lower())
        return tuple(person for row in rows if (person := _person(row)) is not None)

    async def put(self, person: PersonRow) -> None:
        """Insert or replace by id."""
        await self._cursor.run(
            _PUT_PERSON,
            id=person.id,
            username=person.username,
            name=person.name,
            email=person.email,
            roles=" ".join(person.roles),
            resource_names=msgspec.json.encode(person.resource_names).decode(),
            password=person.password,
            locked_at=person.locked_at,
        )

    async def count(self) -> int:
        """How many people there are."""
        row = await self._cursor.one(_COUNT_PEOPLE)
        return int(row[0]) if row else 0


def _person(row: Row | None) -> PersonRow | None:
    if row is None:
        return None
    names = msgspec.json.decode(row["resource_names"], type=dict[ApiId, str])
    return PersonRow(
        PersonId(row["id"]), row["username"], row["name"], row["email"], tuple(row["roles"].split()), names,
        row["password"], row["locked_at"],
    )  # fmt: skip


class SqlSessions:
    """Implements `SessionRows`."""

    def __init__(self, cursor: Cursor) -> None:
        self._cursor = cursor

    async def add(self, row: SessionRow) -> None:
        """Keep a new session."""
        await self._cursor.run(
            _ADD_SESSION,
            id=row.id,
            person=row.person,
            auth_time=row.auth_time,
            amr=" ".join(row.amr),
            csrf=row.csrf,
            seen_at=row.seen_at,
            ends_at=row.ends_at,
            acr=row.acr,
            agent=row.agent,
        )

    async def by_id(self, id: str) -> SessionRow | None:
        """The session, if it has not been ended."""
        row = await self._cursor.one(_SESSION, key=id)
        return None if row is None else _session(row)

    async def seen(self, id: str, now: int) -> None:
        """The browser was here."""
        await self._cursor.run(_SEEN, key=id, now=now)

    async def end(self, id: str, now: int) -> None:
        """End it; ending twice is harmless."""
        await self._cursor.run(_END, key=id, now=now)

    async def pass_on(self, old: str, new: str, person: PersonId) -> None:
        """Clients at which this person is signed in by the old session are so by the new one."""
        await self._cursor.run(_PASS_ON, key=old, new=new, who=person)

    async def end_all(self, person: PersonId, now: int) -> int:
        """End every session of a person."""
        return await self._cursor.run(_END_ALL, who=person, now=now)

    async def of(self, person: PersonId, now: int) -> tuple[SessionRow, ...]:
        """The person's sessions that have neither ended nor reached their end, newest first."""
        return tuple(_session(row) for row in await self._cursor.all(_SESSIONS_OF, who=person, now=now))

    async def end_one(self, person: PersonId, id: str, now: int) -> bool:
        """End one of this person's sessions."""
        return await self._cursor.run(_END_ONE, key=id, who=person, now=now) == 1

    async def over(self, now: int, idle: int, limit: int) -> tuple[SessionRow, ...]:
        """Sessions that stand though their time is over."""
        rows = await self._cursor.all(_OVER, now=now, seen_by=now - idle, at_most=limit)
        return tuple(_session(row) for row in rows)


def _session(row: Row) -> SessionRow:
    return SessionRow(
        row["id"], PersonId(row["person"]), row["auth_time"], tuple(row["amr"].split()), row["csrf"], row["seen_at"],
        row["ends_at"], row["acr"], row["agent"],
    )  # fmt: skip


class SqlEnrolments:
    """Implements `EnrolmentRows`."""

    def __init__(self, cursor: Cursor) -> None:
        self._cursor = cursor

    async def add(self, row: EnrolmentRow) -> None:
        """Keep a new link."""
        await self._cursor.run(_ADD_LINK, id=row.id, person=row.person, ends_at=row.ends_at)

    async def find(self, id: str, now: int) -> EnrolmentRow | None:
        """The link, if it is unused and not over."""
        return _link(await self._cursor.one(_FIND_LINK, key=id, now=now))

    async def burn(self, id: str, now: int) -> EnrolmentRow | None:
        """Use the link up: the row the first time, None ever after."""
        return _link(await self._cursor.one(_BURN_LINK, key=id, now=now))

    async def end_all(self, person: PersonId | None, now: int) -> None:
        """Use up every link of this person; None: those for the first operator."""
        if person is None:
            await self._cursor.run(_END_FIRST_LINKS, now=now)
        else:
            await self._cursor.run(_END_LINKS, who=person, now=now)


def _link(row: Row | None) -> EnrolmentRow | None:
    if row is None:
        return None
    return EnrolmentRow(row["id"], PersonId(row["person"]) if row["person"] else None, row["ends_at"])


class SqlGuesses:
    """Implements `GuessRows`."""

    def __init__(self, cursor: Cursor) -> None:
        self._cursor = cursor

    async def get(self, key: str) -> GuessRow | None:
        """What is known of this key."""
        row = await self._cursor.one(_GUESS, which=key)
        return None if row is None else GuessRow(row["key"], row["failures"], row["wait_until"], row["last_at"])

    async def put(self, row: GuessRow) -> None:
        """Insert or replace."""
        await self._cursor.run(
            _PUT_GUESS, key=row.key, failures=row.failures, wait_until=row.wait_until, last_at=row.last_at
        )

    async def clear(self, key: str) -> None:
        """Forget it."""
        await self._cursor.run(_CLEAR_GUESS, which=key)
