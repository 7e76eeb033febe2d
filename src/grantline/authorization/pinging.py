"""Tells clients that wait by ping that there is an answer to fetch: that alone, never the answer (CIBA §10.2).

The row says who is to be told and when; so nothing is lost with a crash, and any number of processes may run this.
"""

import asyncio
from typing import Protocol

import orjson
import structlog

from grantline.authorization.elsewhere import ElsewhereRow, Side, handle_for
from grantline.authorization.events import about_client
from grantline.authorization.looking import Looking
from grantline.authorization.server import Server
from grantline.authorization.store import Transaction
from grantline.authorization.tickets import BackchannelTicket, find
from grantline.model.errors import GrantlineError
from grantline.model.events import EventType
from grantline.parties import Client, Standing

WAITS_S = (2, 10, 30)
"""How long after each try the next one begins; after the last there is none: the client may still ask by itself."""
AT_ONCE = 16
REFUSED = "refused"
_TAKEN = (200, 204)
_log = structlog.get_logger("grantline.authorization")


class Posting(Protocol):
    """Sends something to an address that a client registered, guarded as check 133 says; follows no redirect."""

    async def post(self, url: str, body: bytes, content_type: str, /, *, bearer: str | None = None) -> int:
        """The status of the answer; raises `GrantlineError` if there is none."""
        ...


class Pinging(Looking):
    """Each try is claimed first, so that of several processes one makes it."""

    waits = "pings_wait"

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

    async def _due(self) -> tuple[ElsewhereRow, ...]:
        now = self._server.now()
        return await self._server.work.read(lambda tx: tx.elsewhere.to_tell(now, AT_ONCE))

    async def _tell(self, row: ElsewhereRow) -> bool:
        """One try; the last where it was taken, refused for good, or there is no more time."""
        server = self._server
        again = server.now() + (WAITS_S[row.tries] if row.tries < len(WAITS_S) else WAITS_S[-1])
        if not await server.work.write(lambda tx: tx.elsewhere.claim(row, again)):
            return False
        handle = handle_for(server.keys.refresh, row.id, Side.CLIENT)
        client, ticket = await server.work.read(lambda tx: _whom(tx, row, handle))
        outcome = "" if client is None or ticket is None else await self._post(client, ticket, handle)
        over = row.tries >= len(WAITS_S) or again >= row.expires_at or outcome == REFUSED
        if not outcome or over:
            await server.work.write(lambda tx: self._settle(tx, row, outcome))
        return True

    async def _post(self, client: Client, ticket: BackchannelTicket, handle: str) -> str:
        """What went wrong; empty if nothing did, or there is nobody to tell any more. A redirect is no answer."""
        if client.backchannel is None or client.backchannel.endpoint is None:
            return ""
        body = orjson.dumps({"auth_req_id": handle})
        try:
            status = await self._posting.post(
                client.backchannel.endpoint, body, "application/json", bearer=ticket.token
            )
        except GrantlineError as error:
            return error.detail or error.message
        return "" if status in _TAKEN else REFUSED if status < 500 else str(status)

    async def _settle(self, tx: Transaction, row: ElsewhereRow, outcome: str) -> None:
        """There is no further try; where the client did not take it, that is a finding."""
        await tx.elsewhere.told(row.id)
        if outcome:
            _log.info("ping_not_taken", client=row.client, outcome=outcome)
            found = about_client(
                self._server, EventType.FINDING, row.client, act="raise", res="finding", out="error",
                rsn="ping_not_taken", detail={"outcome": outcome[:200]},
            )  # fmt: skip
            await tx.outbox.append(found)


async def _whom(tx: Transaction, row: ElsewhereRow, handle: str) -> tuple[Client | None, BackchannelTicket | None]:
    client, kept = await tx.clients.get(row.client), await find(tx.tickets, BackchannelTicket, handle)
    active = client is not None and client.status is Standing.ACTIVE
    return client if active else None, None if kept is None or kept.redeemed else kept.body
