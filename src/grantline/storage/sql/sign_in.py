"""Passkeys, apps for codes, recovery codes, links elsewhere, and what was begun."""

from typing import Any

from sqlalchemy import BindParameter, Table, bindparam, delete, func, insert, select, update

from grantline.identity.methods.store import CeremonyRow, LinkRow, PasskeyRow, TotpRow
from grantline.model.ids import PersonId
from grantline.storage.schema.sign_in import CEREMONIES, LINKS, PASSKEYS, RECOVERY_CODES, TOTPS
from grantline.storage.sql.cursor import Cursor, Row
from grantline.storage.statements import Statement
from grantline.storage.statements import insert as insert_or


def _added(table: Table, *names: str) -> Statement:
    """Insert these columns; a row with the same key or index stays as it is."""
    return Statement(insert_or(table).values({name: bindparam(name) for name in names}).on_conflict_do_nothing())


_ADD_PASSKEY = _added(PASSKEYS, "id", "person", "name", "public_key", "counter", "synced", "made_at")
_PASSKEY = Statement(select(PASSKEYS).where(PASSKEYS.c.id == bindparam("key")))
_PASSKEYS = Statement(
    select(PASSKEYS).where(PASSKEYS.c.person == bindparam("who")).order_by(PASSKEYS.c.made_at, PASSKEYS.c.id)
)
_USED_PASSKEY = Statement(
    update(PASSKEYS)
    .where(PASSKEYS.c.id == bindparam("key"), PASSKEYS.c.counter == bindparam("before"))
    .values(counter=bindparam("after"), used_at=bindparam("now"))
)
_REMOVE_PASSKEY = Statement(
    delete(PASSKEYS).where(PASSKEYS.c.id == bindparam("key"), PASSKEYS.c.person == bindparam("who"))
)

_TOTP_VALUES: dict[str, BindParameter[Any]] = {
    name: bindparam(name) for name in ("person", "sealed", "last_step", "made_at")
}
_PUT_TOTP = Statement(
    insert_or(TOTPS)
    .values(_TOTP_VALUES)
    .on_conflict_do_update(
        index_elements=[TOTPS.c.person], set_={key: value for key, value in _TOTP_VALUES.items() if key != "person"}
    )
)
_TOTP = Statement(select(TOTPS).where(TOTPS.c.person == bindparam("who")))
_USED_TOTP = Statement(
    update(TOTPS)
    .where(TOTPS.c.person == bindparam("who"), TOTPS.c.last_step < bindparam("step"))
    .values(last_step=bindparam("step"))
)
_REMOVE_TOTP = Statement(delete(TOTPS).where(TOTPS.c.person == bindparam("who")))

_ADD_CODE = _added(RECOVERY_CODES, "person", "digest")
_FORGET_CODES = Statement(delete(RECOVERY_CODES).where(RECOVERY_CODES.c.person == bindparam("who")))
_SPEND_CODE = Statement(
    update(RECOVERY_CODES)
    .where(
        RECOVERY_CODES.c.person == bindparam("who"),
        RECOVERY_CODES.c.digest == bindparam("which"),
        RECOVERY_CODES.c.used_at.is_(None),
    )
    .values(used_at=bindparam("now"))
)
_CODES = Statement(
    select(func.count().label("made"), (func.count() - func.count(RECOVERY_CODES.c.used_at)).label("unused")).where(
        RECOVERY_CODES.c.person == bindparam("who")
    )
)

_ADD_LINK = _added(LINKS, "issuer", "sub", "person", "made_at")
_LINK = Statement(select(LINKS).where(LINKS.c.issuer == bindparam("at"), LINKS.c.sub == bindparam("name")))
_LINKS = Statement(select(LINKS).where(LINKS.c.person == bindparam("who")).order_by(LINKS.c.made_at, LINKS.c.issuer))
_REMOVE_LINK = Statement(delete(LINKS).where(LINKS.c.person == bindparam("who"), LINKS.c.issuer == bindparam("at")))

_LIVE = (
    CEREMONIES.c.id == bindparam("key"),
    CEREMONIES.c.kind == bindparam("what"),
    CEREMONIES.c.used_at.is_(None),
    CEREMONIES.c.ends_at > bindparam("now"),
)
_ADD_CEREMONY = Statement(
    insert(CEREMONIES).values({name: bindparam(name) for name in ("id", "kind", "person", "body", "ends_at")})
)
_CEREMONY = Statement(select(CEREMONIES).where(*_LIVE))
_BURN_CEREMONY = Statement(update(CEREMONIES).where(*_LIVE).values(used_at=bindparam("now")).returning(*CEREMONIES.c))
_SWEEP_CEREMONIES = Statement(delete(CEREMONIES).where(CEREMONIES.c.ends_at <= bindparam("now")))


class SqlPasskeys:
    """Implements `PasskeyRows`."""

    def __init__(self, cursor: Cursor) -> None:
        self._cursor = cursor

    async def add(self, row: PasskeyRow) -> bool:
        """Keep a new one; False when its id is known already."""
        values = {"public_key": row.public_key, "counter": row.counter, "synced": int(row.synced)}
        return await self._cursor.run(
            _ADD_PASSKEY, id=row.id, person=row.person, name=row.name, made_at=row.made_at, **values
        ) == 1  # fmt: skip

    async def get(self, id: str) -> PasskeyRow | None:
        """The passkey with this credential id."""
        row = await self._cursor.one(_PASSKEY, key=id)
        return None if row is None else _passkey(row)

    async def of(self, person: PersonId) -> tuple[PasskeyRow, ...]:
        """The person's passkeys, oldest first."""
        return tuple(_passkey(row) for row in await self._cursor.all(_PASSKEYS, who=person))

    async def used(self, id: str, before: int, counter: int, now: int) -> bool:
        """Keep the new count; False when the old one is not `before` any more."""
        return await self._cursor.run(_USED_PASSKEY, key=id, before=before, after=counter, now=now) == 1

    async def remove(self, person: PersonId, id: str) -> bool:
        """Take it away."""
        return await self._cursor.run(_REMOVE_PASSKEY, key=id, who=person) == 1


def _passkey(row: Row) -> PasskeyRow:
    return PasskeyRow(
        row["id"], PersonId(row["person"]), row["name"], bytes(row["public_key"]), row["counter"],
        bool(row["synced"]), row["made_at"], row["used_at"],
    )  # fmt: skip


class SqlTotps:
    """Implements `TotpRows`."""

    def __init__(self, cursor: Cursor) -> None:
        self._cursor = cursor

    async def put(self, row: TotpRow) -> None:
        """Insert or replace."""
        await self._cursor.run(
            _PUT_TOTP, person=row.person, sealed=row.sealed, last_step=row.last_step, made_at=row.made_at
        )

    async def of(self, person: PersonId) -> TotpRow | None:
        """The person's app."""
        row = await self._cursor.one(_TOTP, who=person)
        return None if row is None else TotpRow(person, bytes(row["sealed"]), row["last_step"], row["made_at"])

    async def used(self, person: PersonId, step: int) -> bool:
        """Keep the step; False when it or a later one was kept before."""
        return await self._cursor.run(_USED_TOTP, who=person, step=step) == 1

    async def remove(self, person: PersonId) -> bool:
        """Take it away."""
        return await self._cursor.run(_REMOVE_TOTP, who=person) == 1


class SqlRecoveryCodes:
    """Implements `RecoveryRows`."""

    def __init__(self, cursor: Cursor) -> None:
        self._cursor = cursor

    async def replace(self, person: PersonId, digests: tuple[str, ...]) -> None:
        """Forget the old ones, keep these."""
        await self._cursor.run(_FORGET_CODES, who=person)
        for digest in digests:
            await self._cursor.run(_ADD_CODE, person=person, digest=digest)

    async def spend(self, person: PersonId, digest: str, now: int) -> bool:
        """Use one up: True the first time."""
        return await self._cursor.run(_SPEND_CODE, who=person, which=digest, now=now) == 1

    async def left(self, person: PersonId) -> int | None:
        """How many are unused; None when none were made."""
        row = await self._cursor.one(_CODES, who=person)
        return int(row["unused"]) if row is not None and row["made"] else None


class SqlLinks:
    """Implements `LinkRows`."""

    def __init__(self, cursor: Cursor) -> None:
        self._cursor = cursor

    async def add(self, row: LinkRow) -> bool:
        """Keep a new link; False when the account, or this person at that issuer, is linked already."""
        return await self._cursor.run(
            _ADD_LINK, issuer=row.issuer, sub=row.sub, person=row.person, made_at=row.made_at
        ) == 1  # fmt: skip

    async def find(self, issuer: str, sub: str) -> LinkRow | None:
        """Who signs in with this account."""
        row = await self._cursor.one(_LINK, at=issuer, name=sub)
        return None if row is None else _link(row)

    async def of(self, person: PersonId) -> tuple[LinkRow, ...]:
        """The person's links, oldest first."""
        return tuple(_link(row) for row in await self._cursor.all(_LINKS, who=person))

    async def remove(self, person: PersonId, issuer: str) -> bool:
        """Take the person's link to this issuer away."""
        return await self._cursor.run(_REMOVE_LINK, who=person, at=issuer) == 1


def _link(row: Row) -> LinkRow:
    return LinkRow(row["issuer"], row["sub"], PersonId(row["person"]), row["made_at"])


class SqlCeremonies:
    """Implements `CeremonyRows`."""

    def __init__(self, cursor: Cursor) -> None:
        self._cursor = cursor

    async def add(self, row: CeremonyRow) -> None:
        """Keep it."""
        await self._cursor.run(
            _ADD_CEREMONY, id=row.id, kind=row.kind, person=row.person, body=row.body, ends_at=row.ends_at
        )

    async def find(self, id: str, kind: str, now: int) -> CeremonyRow | None:
        """The one of this kind, if it is unused and not over."""
        return _ceremony(await self._cursor.one(_CEREMONY, key=id, what=kind, now=now))

    async def burn(self, id: str, kind: str, now: int) -> CeremonyRow | None:
        """Use it up: the row the first time, None ever after."""
        return _ceremony(await self._cursor.one(_BURN_CEREMONY, key=id, what=kind, now=now))

    async def sweep(self, now: int) -> None:
        """Forget what is over."""
        await self._cursor.run(_SWEEP_CEREMONIES, now=now)


def _ceremony(row: Row | None) -> CeremonyRow | None:
    if row is None:
        return None
    person = None if row["person"] is None else PersonId(row["person"])
    return CeremonyRow(row["id"], row["kind"], person, bytes(row["body"]), row["ends_at"])
