"""Syslog over TLS (RFC 5424, RFC 5425). The protocol acknowledges nothing: what TCP took counts as taken."""

import asyncio
import socket
import ssl
from collections.abc import Sequence

from grantline.ledger.formats.reading import Form
from grantline.ledger.formats.record import Record
from grantline.ledger.sinks.follower import SinkFailed
from grantline.model.clock import iso

TIMEOUT_S = 10.0
_AUDIT = 13  # facility "log audit" (RFC 5424 §6.2.1)
_SEVERITY = {"permit": 6, "deny": 5, "error": 3}


class SyslogSink:
    """One connection, made anew after a failure."""

    def __init__(self, host: str, port: int, trust: ssl.SSLContext, form: Form) -> None:
        self._host, self._port, self._trust, self._form = host, port, trust, form
        self._here = socket.gethostname()[:255] or "-"
        self._writer: asyncio.StreamWriter | None = None

    async def send(self, batch: Sequence[Record]) -> None:
        """Handed to TCP when it returns."""
        try:
            async with asyncio.timeout(TIMEOUT_S):
                writer = self._writer or await self._connect()
                writer.writelines(self._framed(each) for each in batch)
                await writer.drain()
        except (OSError, TimeoutError, ssl.SSLError) as error:
            await self.close()
            raise SinkFailed(f"{self._host}:{self._port}: {error or 'no answer in time'}") from error

    async def _connect(self) -> asyncio.StreamWriter:
        _, self._writer = await asyncio.open_connection(self._host, self._port, ssl=self._trust)
        return self._writer

    def _framed(self, record: Record) -> bytes:
        leaf = record.leaf
        priority = _AUDIT * 8 + _SEVERITY.get(leaf["out"], 5)
        head = f"<{priority}>1 {iso(leaf['t'])} {self._here} grantline - {record.code[:32]} -"
        message = head.encode() + b" " + self._form(record)
        return b"%d %b" % (len(message), message)

    async def close(self) -> None:
        """Drop the connection."""
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.close()
