"""Identity over a real SQLite file and a clock that the test moves."""

import secrets
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest

from grantline.identity import (
    Admission,
    Enrolment,
    Hashing,
    OwnMethods,
    Passkeys,
    PersonDeclaration,
    Place,
    SecretsAtRest,
    Session,
    Sessions,
    SignIn,
    Visit,
)
from grantline.model.events import Event
from grantline.storage.sql.cursor import Cursor
from grantline.storage.sql.identity import SqlEnrolments, SqlGuesses, SqlPeople, SqlSessions
from grantline.storage.sql.shared import SqlOutbox
from grantline.storage.sql.sign_in import SqlCeremonies, SqlLinks, SqlPasskeys, SqlRecoveryCodes, SqlTotps
from grantline.storage.sqlite.database import Database
from grantline.storage.sqlite.testing_schema import create_tables

PASSWORD = "correct horse battery"
PLACE = Place("localhost", "http://localhost:8400", "Example Bank")


class Tx:
    """What identity asks of a transaction."""

    def __init__(self, cursor: Cursor) -> None:
        self.people = SqlPeople(cursor)
        self.sessions = SqlSessions(cursor)
        self.enrolments = SqlEnrolments(cursor)
        self.guesses = SqlGuesses(cursor)
        self.passkeys = SqlPasskeys(cursor)
        self.totps = SqlTotps(cursor)
        self.recovery_codes = SqlRecoveryCodes(cursor)
        self.links = SqlLinks(cursor)
        self.ceremonies = SqlCeremonies(cursor)
        self.outbox = SqlOutbox(cursor)


class MovableClock:
    """Stands still until the test moves it."""

    def __init__(self) -> None:
        self.seconds = 1_795_000_000

    def wall_us(self) -> int:
        return self.seconds * 1_000_000

    def boot_ns(self) -> int:
        return self.seconds * 1_000_000_000


@dataclass
class World:
    """Everything a test of identity touches."""

    database: Database[Tx]
    clock: MovableClock
    hashing: Hashing
    sessions: Sessions
    sign_in: SignIn
    enrolment: Enrolment
    passkeys: Passkeys
    methods: OwnMethods
    at_rest: SecretsAtRest
    path: Path

    async def events(self) -> list[Event]:
        """What was recorded, in order."""
        rows = sqlite3.connect(self.path).execute("select body from outbox order by seq")
        return [msgspec.json.decode(body, type=Event) for (body,) in rows]

    async def signed_in(self, **visit: str) -> Session:
        """The holder, by password alone."""
        session = await self.sign_in.password("holder", PASSWORD, Visit("10.0.0.1", **visit))
        assert isinstance(session, Session), session
        return session

    def declaration(self, **changes: object) -> PersonDeclaration:
        return PersonDeclaration(**{"username": "holder", "name": "Account holder", "password": PASSWORD, **changes})


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    path = tmp_path / "state.db"
    create_tables(path)
    database: Database[Tx] = Database(path, Tx)
    clock, hashing = MovableClock(), Hashing()
    sessions = Sessions(database, clock)
    admission, at_rest = Admission(sessions, clock), SecretsAtRest(b"k" * 32, secrets.token_bytes)
    common = {"hashing": hashing, "at_rest": at_rest, "clock": clock, "randomness": secrets.token_bytes}
    yield World(
        database, clock, hashing, sessions, SignIn(database, admission, **common),
        Enrolment(database, sessions, hashing, clock),
        Passkeys(database, admission, place=PLACE, clock=clock, randomness=secrets.token_bytes),
        OwnMethods(database, admission, **common), at_rest, path,
    )  # fmt: skip
    database.close()
