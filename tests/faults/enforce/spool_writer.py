"""Appends events and says of each that it is durable, by one write to standard output. Run under strace."""

import asyncio
import os
import secrets
import sys
from pathlib import Path

from grantline.gateway.spool import Spool
from grantline.model.clock import SystemClock
from grantline.model.events import Event, EventType
from grantline.model.ids import event_id


async def main(folder: Path, count: int) -> None:
    clock = SystemClock()
    spool = Spool(folder, clock, secrets.token_bytes)
    for n in range(count):
        event = Event(
            event_id=event_id(secrets.token_bytes), type=EventType.GATEWAY_DECISION, t=clock.wall_us(), act="read",
            res="transactions", out="permit", detail={"mark": f"MARK{n:04d}"},
        )  # fmt: skip
        await spool.append(event)
        os.write(1, f"ACK{n:04d}\n".encode())
    await spool.close()


asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
