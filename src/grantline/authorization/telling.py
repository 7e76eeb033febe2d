"""Tells clients of ended sessions, at their own back-channel address (OIDC Back-Channel Logout §2.5).

Whatever ends a session (signing out, the list of sessions, a new password, another process) ends its row; this looks
for ended rows whose clients were not told. So nothing is lost with a crash, and nothing that ends sessions knows of it.
"""

import asyncio
from typing import Protocol
from urllib.parse import urlencode

import structlog

from grantline.authorization.client_sessions import ClientSessionRow
from grantline.authorization.events import about_client
from grantline.authorization.looking import Looking
from grantline.authorization.server import Server
from grantline.authorization.store import Transaction
from grantline.authorization.tokens import logout_token
from grantline.model.errors import GrantlineError
from grantline.model.events import EventType

WAITS_S = (5, 20, 60, 300, 900)
"""How long after each try the next one begins; after the last there is none."""
GIVE_UP_S = 3_600
AT_ONCE = 16
_TAKEN = (200, 204)
_REFUSED = 400
_log = structlog.get_logger("grantline.authorization")


class Posting(Protocol):
    """Sends something to an address that a client registered, guarded as check 133 says."""

    async def post(self, url: str, body: bytes, content_type: str, /) -> int:
        """The status of the answer; raises `GrantlineError` if there is none."""
        ...


class Telling(Looking):
    """Any number of processes may run one over the same database: each try is claimed first."""

    waits = "logouts_wait"

    def __init__(self, server: Server, posting: Posting) -> None:
        super().__init__()
        self._server = server
        self._posting = posting

    async def step(self) -> int:
        """Tell everybody who is to be told by now, once each; how many tries that took."""
        tried = 0
        while rows := await self._due():
            tried += sum(await asyncio.gather(*(self._tell(row) for row in rows)))
        return tried

    async def _due(self) -> tuple[ClientSessionRow, ...]:
        now = self._server.now()
        return await self._server.work.read(lambda tx: tx.client_sessions.to_tell(now, now - GIVE_UP_S, AT_ONCE))

    async def _tell(self, row: ClientSessionRow) -> bool:
        """One try. A client without such an address needs none."""
        server = self._server
        client = await server.work.read(lambda tx: tx.clients.get(row.client))
        if client is None or client.logout.backchannel_uri is None:
            await server.work.write(lambda tx: tx.client_sessions.told(row.sid, server.now()), essential=True)
            return False
        wait = WAITS_S[row.tries] if row.tries < len(WAITS_S) else GIVE_UP_S
        again = server.now() + wait
        if not await server.work.write(lambda tx: tx.client_sessions.claim(row, again), essential=True):
            return False
        body = urlencode({"logout_token": logout_token.sign(server, client, row)}).encode()
        outcome = await self._post(client.logout.backchannel_uri, body)
        last = row.tries >= len(WAITS_S) or outcome == str(_REFUSED)
        if outcome or last:
            _log.info("logout_not_told", client=client.id, outcome=outcome, last=last)
        if not outcome or last:
            await server.work.write(lambda tx: self._settle(tx, row, outcome), essential=True)
        return True

    async def _post(self, uri: str, body: bytes) -> str:
        """What went wrong; empty if nothing did. A redirect is no answer."""
        try:
            status = await self._posting.post(uri, body, "application/x-www-form-urlencoded")
        except GrantlineError as error:
            return error.detail or error.message
        return "" if status in _TAKEN else str(status)

    async def _settle(self, tx: Transaction, row: ClientSessionRow, outcome: str) -> None:
        """There is no further try; where the client did not take it, that is a finding."""
        await tx.client_sessions.told(row.sid, self._server.now())
        if outcome:
            found = about_client(
                self._server, EventType.FINDING, row.client, act="raise", res="finding", out="error",
                rsn="logout_not_told", person=row.person, detail={"sid": row.sid, "outcome": outcome[:200]},
            )  # fmt: skip
            await tx.outbox.append(found)
