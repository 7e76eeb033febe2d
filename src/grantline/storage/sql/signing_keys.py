"""Signing keys."""

import msgspec
from sqlalchemy import bindparam, select, update

from grantline.authorization.keys.store import KeyRow, KeyState
from grantline.storage.schema.signing_keys import SIGNING_KEYS
from grantline.storage.sql.cursor import Cursor, Row
from grantline.storage.statements import Statement, insert

_COLUMNS = KeyRow.__struct_fields__
_ALL = Statement(
    select(*(SIGNING_KEYS.c[name] for name in _COLUMNS)).order_by(SIGNING_KEYS.c.published_at, SIGNING_KEYS.c.kid)
)
_ADD = Statement(insert(SIGNING_KEYS).values({name: bindparam(name) for name in _COLUMNS}).on_conflict_do_nothing())
_MOVE = Statement(
    update(SIGNING_KEYS)
    .where(SIGNING_KEYS.c.kid == bindparam("which"), SIGNING_KEYS.c.state == bindparam("before"))
    .values({name: bindparam(name) for name in _COLUMNS if name not in ("kid", "alg", "custody", "jwk")})
)


class SqlSigningKeys:
    """Implements `SigningKeyRows`."""

    def __init__(self, cursor: Cursor) -> None:
        self._cursor = cursor

    async def all(self) -> tuple[KeyRow, ...]:
        """Every key, oldest first."""
        return tuple(_read(row) for row in await self._cursor.all(_ALL))

    async def add(self, row: KeyRow) -> bool:
        """Keep a new key unless its algorithm has one in that state."""
        return await self._cursor.run(_ADD, **_written(row)) == 1

    async def move(self, row: KeyRow, before: KeyState) -> bool:
        """Compare the state and set the row."""
        values = _written(row)
        for fixed in ("alg", "custody", "jwk"):
            values.pop(fixed)
        return await self._cursor.run(_MOVE, which=values.pop("kid"), before=before.value, **values) == 1


def _written(row: KeyRow) -> dict[str, object]:
    values = {name: getattr(row, name) for name in _COLUMNS}
    return {
        **values,
        "state": row.state.value,
        "jwk": msgspec.json.encode(row.jwk),
        "compromised": int(row.compromised),
    }


def _read(row: Row) -> KeyRow:
    values = {name: row[name] for name in _COLUMNS}
    return KeyRow(
        **{
            **values,
            "state": KeyState(values["state"]),
            "jwk": msgspec.json.decode(values["jwk"], type=dict[str, str]),
            "compromised": bool(values["compromised"]),
        }
    )
