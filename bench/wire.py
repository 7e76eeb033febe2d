"""A wire between a gateway and its authority that can be cut: what was sent is held, and nobody is told."""

import asyncio


class Wire:
    """A TCP relay to `target` on loopback. While `cut`, nothing passes and no connection is made."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._cut = False
        self._open: set[asyncio.StreamWriter] = set()
        self.port = 0

    async def __aenter__(self) -> "Wire":
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        self._break()

    def cut(self) -> None:
        """From now on silence, in both directions."""
        self._cut = True

    def mend(self) -> None:
        """What was open breaks, what comes anew passes."""
        self._cut = False
        self._break()

    def _break(self) -> None:
        for writer in tuple(self._open):
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            if not self._cut:
                back, forth = await asyncio.open_connection("127.0.0.1", self._target)
                self._open.add(forth)
                await asyncio.gather(self._pass(reader, forth), self._pass(back, writer), return_exceptions=True)
                self._open.discard(forth)
        finally:
            self._open.discard(writer)
            writer.close()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65_536):
                if not self._cut:
                    writer.write(data)
        finally:
            writer.close()
