"""The signer process: holds the checkpoint key and nothing else."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from grantline.app.duties import duties, take_place
from grantline.app.log import set_up_log
from grantline.app.privileges import acting_as
from grantline.ledger.settings import Places
from grantline.ledger.signer import Signer, listen, serve_signer
from grantline.settings import Settings


async def run(settings: Settings, data: Path, ready: Callable[[], None], stop: asyncio.Event) -> None:
    """Serve until `stop`, as the signer's own user where one can be taken."""
    places, parts = Places(data), duties(data, settings.ledger.signer_user)
    with acting_as(parts.others):
        set_up_log(data, "signer")
        listening = listen(places.signer_socket)
    take_place(parts, places.signer)
    signer = Signer(Path(), settings.ledger.origin)
    server = await serve_signer(signer, listening, parts.others.uid)
    async with server:
        ready()
        await stop.wait()
    signer.close()
