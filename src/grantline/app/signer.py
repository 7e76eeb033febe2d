"""The signer process: holds the checkpoint key and nothing else."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from grantline.app.log import set_up_log
from grantline.ledger.settings import Places
from grantline.ledger.signer import Signer, serve_signer
from grantline.settings import Settings


async def run(settings: Settings, data: Path, ready: Callable[[], None], stop: asyncio.Event) -> None:
    """Serve until `stop`."""
    set_up_log(data, "signer")
    places = Places(data)
    signer = Signer(places.signer, settings.ledger.origin)
    server = await serve_signer(signer, places.signer_socket)
    async with server:
        ready()
        await stop.wait()
    signer.close()
