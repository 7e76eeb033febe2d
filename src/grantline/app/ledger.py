"""The ledger process: takes events in, keeps the tree, publishes what the signer signed."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path

import uvicorn

from grantline.app.log import set_up_log
from grantline.app.setup import prepare
from grantline.app.web import serve
from grantline.ledger.process import open_ledger
from grantline.ledger.settings import Places
from grantline.ledger.signer import make_way
from grantline.settings import Settings
from grantline.storage.sqlite.ledger import open_ledger as open_stores


async def run(settings: Settings, data: Path, ready: Callable[[], None], stop: asyncio.Event) -> None:
    """Serve until `stop`; ends with an error when the signer sees a fork."""
    set_up_log(data, "ledger")
    prepare(data, settings.keys)
    places = Places(data)
    async with AsyncExitStack() as stack:
        ledger = await open_ledger(settings.ledger, places, open_stores, stack)
        make_way(places.ledger_socket)
        config = uvicorn.Config(
            ledger.app,
            uds=str(places.ledger_socket),
            loop="uvloop",
            lifespan="off",
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=3,
        )
        await serve(config, ledger.chores(), ready, stop)
        await ledger.publish_rest()
