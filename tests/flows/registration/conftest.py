"""The world of these flows: one authorization server that lets clients in, and a server of a client's own."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from grantline.authorization.documents import Documents
from grantline.authorization.remote import Remote
from grantline.fetching import Fetcher, FetchSettings
from grantline.parties import Registrar, RegistrationSettings
from tests.authorization_world import World, make_world
from tests.client_servers import LOOPBACK, ClientServer, answers_of, client_server
from tests.postgres_server import database_of

PRIVATE = ("app.test",)
OPEN = RegistrationSettings(
    dynamic=True, documents=True, document_scopes=("bank.transactions",), documents_per_minute=5, most_clients=8
)


@pytest.fixture
async def app_server(tmp_path: Path) -> AsyncIterator[ClientServer]:
    """Where a client keeps its documents."""
    async with client_server(tmp_path / "tls") as made:
        yield made


@pytest.fixture
async def world(request: pytest.FixtureRequest, tmp_path: Path, app_server: ClientServer) -> AsyncIterator[World]:
    """An authorization server that may ask that client's server."""
    async with database_of(request) as address:
        made = await make_world(tmp_path / "state.db", address=address)
        settings = FetchSettings(private_hosts=PRIVATE)
        resolve = answers_of({"app.test": [LOOPBACK]})
        async with Fetcher(made.clock, settings, resolve=resolve, tls=app_server.trusts) as fetcher:
            open_world(made, fetcher, OPEN)
            yield made
        await made.close()


def open_world(world: World, fetcher: Fetcher, registration: RegistrationSettings) -> None:
    """Let clients in from now on, as these settings say."""
    server = world.server
    registrar = Registrar(world.clock, server.randomness, registration.most_clients)
    documents = Documents(server.work, fetcher, registrar, registration, private_hosts=PRIVATE)
    server = replace(
        server, fetch=Remote(fetcher, world.clock), registration=registration,
        documents=documents if registration.documents else None,
    )  # fmt: skip
    world.serve(server)
