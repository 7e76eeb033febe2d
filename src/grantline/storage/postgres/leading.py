"""The lock of the process that leads, over one PostgreSQL: held by a session of its own for as long as that answers."""

import asyncio

import structlog

from grantline.storage.postgres.connection import MIGRATION, Address, connect
from grantline.storage.postgres.cursor import Connection

LEADER = MIGRATION + 1
"""Advisory lock of whoever leads: the same key in every process over one database."""
LOOK_EVERY_S = 0.5
ANSWER_WITHIN_S = 2.0
# The server ends a session that stands still, so that a machine that vanished or a stopped process holds nothing up.
# Which of these a server knows depends on its release; PostgreSQL 13 has only what TCP tells.
_BOUNDS = {
    "idle_session_timeout": "10s",
    "tcp_keepalives_idle": "4",
    "tcp_keepalives_interval": "2",
    "tcp_keepalives_count": "3",
}
_log = structlog.get_logger("grantline.storage")


class AdvisoryLock:
    """Held only while its own connection answers: who cannot ask the server must take it for lost."""

    def __init__(self, address: Address) -> None:
        self._address = address
        self._connection: Connection | None = None

    async def take(self) -> bool:
        """At once; False if another process holds it, or if the database does not answer."""
        try:
            connection = self._connection = self._connection or await self._connect()
            async with asyncio.timeout(ANSWER_WITHIN_S):
                return bool(await connection.fetchval(f"SELECT pg_try_advisory_lock({LEADER})"))
        except Exception as error:
            await self.release()
            _log.warning("leader_lock_unknown", detail=str(error))
            return False

    async def lost(self) -> None:
        """Return when this process may no longer hold it."""
        while self._connection is not None and not self._connection.is_closed():
            try:
                async with asyncio.timeout(ANSWER_WITHIN_S):
                    await self._connection.fetchval("SELECT 1")
            except Exception as error:
                _log.warning("leader_lock_lost", detail=str(error))
                return
            await asyncio.sleep(LOOK_EVERY_S)

    async def release(self) -> None:
        """Let another process take over: the server gives the lock back with the session."""
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None

    async def _connect(self) -> Connection:
        connection = await connect(self._address, "leading")
        known = "SELECT set_config(name, $2, false) FROM pg_settings WHERE name = $1"
        for name, value in _BOUNDS.items():
            await connection.fetchval(known, name, value)
        return connection
