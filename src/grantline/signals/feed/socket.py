"""One gateway's WebSocket at the authority (ASGI websocket scope): frames in, frames out, one session."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import msgspec

from grantline.model.feed import Ack, FromAuthority, FromGateway, Hello, Ping
from grantline.signals.feed.feed import Feed
from grantline.signals.feed.reading import NotKeeper
from grantline.signals.feed.sessions import Session, Wire
from grantline.signals.store import EnrolledGateway

HELLO_WITHIN_S = 5.0
BACKLOG = 10_000
"""Messages that may wait for a slow receiver; then its connection is dropped and it begins anew."""

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

_decoder = msgspec.json.Decoder(FromGateway)
TRY_AGAIN = 1013
_NOT_UNDERSTOOD = 1007


class Hangup(Exception):
    """The connection is over."""


class FeedSocket:
    """Serves one accepted connection until it ends."""

    def __init__(
        self, feed: Feed, settle: Callable[[], None], gateway: EnrolledGateway, receive: Receive, send: Send
    ) -> None:
        self._feed = feed
        self._settle = settle
        self._gateway = gateway
        self._receive = receive
        self._send = send
        self._waiting: asyncio.Queue[FromAuthority] = asyncio.Queue(BACKLOG)
        self._dropped = asyncio.Event()

    async def serve(self) -> None:
        """Hello, session, then both directions at once."""
        code = 1000
        try:
            async with asyncio.timeout(HELLO_WITHIN_S):
                hello = await self._next()
            if not isinstance(hello, Hello):
                raise msgspec.ValidationError("a session begins with hello")
            wire = Wire(self._enqueue, self._dropped.set)
            session = await self._feed.open(self._gateway.gateway, hello, wire, key=self._gateway.thumbprint)
            try:
                await self._both_ways(session)
            finally:
                await asyncio.shield(self._feed.gone(session))
        except (Hangup, TimeoutError):
            return
        except NotKeeper:
            code = TRY_AGAIN
        except msgspec.MsgspecError:
            code = _NOT_UNDERSTOOD
        await self._send({"type": "websocket.close", "code": code})

    async def _both_ways(self, session: Session) -> None:
        """Ends with the first that ends: the listener, the speaker, or an order to drop the connection."""
        tasks = [
            asyncio.ensure_future(self._listen(session)),
            asyncio.ensure_future(self._speak()),
            asyncio.ensure_future(self._dropped.wait()),
        ]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            ended = await asyncio.gather(*tasks, return_exceptions=True)
        for outcome in ended:
            if isinstance(outcome, msgspec.MsgspecError):
                raise outcome

    async def _listen(self, session: Session) -> None:
        while True:
            match await self._next():
                case Ping() as ping:
                    self._feed.ping(session, ping)
                case Ack() as ack:
                    if await self._feed.acknowledge(session, ack):
                        self._settle()
                case Hello():
                    raise msgspec.ValidationError("a session has one hello")

    async def _speak(self) -> None:
        while True:
            message = await self._waiting.get()
            await self._send({"type": "websocket.send", "text": msgspec.json.encode(message).decode()})

    async def _next(self) -> FromGateway:
        event = await self._receive()
        if event["type"] != "websocket.receive":
            raise Hangup
        message: FromGateway = _decoder.decode(event.get("text") or event.get("bytes") or b"")
        return message

    def _enqueue(self, message: FromAuthority) -> None:
        try:
            self._waiting.put_nowait(message)
        except asyncio.QueueFull:
            self._dropped.set()
