"""Identity over a real SQLite file and a clock that the test moves."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from grantline.identity import Enrolment, Hashing, PasswordSignIn, PersonDeclaration, Sessions
from grantline.storage.sql.cursor import Cursor
from grantline.storage.sql.identity import SqlEnrolments, SqlGuesses, SqlPeople, SqlSessions
from grantline.storage.sql.shared import SqlOutbox
from grantline.storage.sqlite.database import Database
from grantline.storage.sqlite.testing_schema import create_tables

PASSWORD = "correct horse battery"


class Tx:
    """What identity asks of a transaction."""

    def __init__(self, cursor: Cursor) -> None:
        self.people = SqlPeople(cursor)
        self.sessions = SqlSessions(cursor)
        self.enrolments = SqlEnrolments(cursor)
        self.guesses = SqlGuesses(cursor)
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
    sign_in: PasswordSignIn
    enrolment: Enrolment
    path: Path

    def declaration(self, **changes: object) -> PersonDeclaration:
        return PersonDeclaration(**{"username": "holder", "name": "Account holder", "password": PASSWORD, **changes})


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    path = tmp_path / "state.db"
    create_tables(path)
    database: Database[Tx] = Database(path, Tx)
    clock, hashing = MovableClock(), Hashing()
    sessions = Sessions(database, clock)
    yield World(
        database, clock, hashing, sessions, PasswordSignIn(database, sessions, hashing, clock),
        Enrolment(database, sessions, hashing, clock), path,
    )  # fmt: skip
    database.close()
