"""What opaque access tokens stand for, by their hash."""

from sqlalchemy import bindparam, delete, select
from sqlalchemy import insert as plain_insert

from grantline.authorization.store import OpaqueRow
from grantline.storage.schema.opaque_tokens import OPAQUE_TOKENS
from grantline.storage.sql.cursor import Cursor
from grantline.storage.statements import Statement

_COLUMNS = ("digest", "claims", "expires_at")
_PUT = Statement(plain_insert(OPAQUE_TOKENS).values({name: bindparam(name) for name in _COLUMNS}))
_GET = Statement(select(OPAQUE_TOKENS.c.claims).where(OPAQUE_TOKENS.c.digest == bindparam("of")))
_SWEEP = Statement(delete(OPAQUE_TOKENS).where(OPAQUE_TOKENS.c.expires_at < bindparam("before")))


class SqlOpaqueTokens:
    """Implements `OpaqueRows`."""

    def __init__(self, cursor: Cursor) -> None:
        self._cursor = cursor

    async def put(self, row: OpaqueRow) -> None:
        """Keep a new one."""
        await self._cursor.run(_PUT, digest=row.digest, claims=row.claims, expires_at=row.expires_at)

    async def get(self, digest: bytes) -> bytes | None:
        """The claims of the token with this hash, also of one that is over."""
        row = await self._cursor.one(_GET, of=digest)
        return None if row is None else row["claims"]

    async def sweep(self, before: int) -> int:
        """Forget what is over."""
        return await self._cursor.run(_SWEEP, before=before)
