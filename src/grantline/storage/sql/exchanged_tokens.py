"""Which access token was made from which."""

import msgspec
from sqlalchemy import bindparam, delete, select
from sqlalchemy import insert as plain_insert

from grantline.authorization.store import ExchangedRow
from grantline.model.ids import TokenId
from grantline.storage.schema.exchanged_tokens import EXCHANGED_TOKENS
from grantline.storage.sql.cursor import Cursor
from grantline.storage.statements import Statement

_COLUMNS = ExchangedRow.__struct_fields__
_ADD = Statement(plain_insert(EXCHANGED_TOKENS).values({name: bindparam(name) for name in _COLUMNS}))
_MADE_FROM = Statement(
    select(*(EXCHANGED_TOKENS.c[name] for name in _COLUMNS))
    .where(EXCHANGED_TOKENS.c.made_from == bindparam("source"))
    .order_by(EXCHANGED_TOKENS.c.token)
)
_SWEEP = Statement(delete(EXCHANGED_TOKENS).where(EXCHANGED_TOKENS.c.expires_at < bindparam("before")))


class SqlExchangedTokens:
    """Implements `ExchangedRows`."""

    def __init__(self, cursor: Cursor) -> None:
        self._cursor = cursor

    async def add(self, row: ExchangedRow) -> None:
        """Keep a new one."""
        await self._cursor.run(_ADD, **msgspec.structs.asdict(row))

    async def made_from(self, token: TokenId) -> tuple[ExchangedRow, ...]:
        """Those that were made from this one."""
        return tuple(ExchangedRow(**dict(row)) for row in await self._cursor.all(_MADE_FROM, source=token))

    async def sweep(self, before: int) -> int:
        """Forget what is over."""
        return await self._cursor.run(_SWEEP, before=before)
