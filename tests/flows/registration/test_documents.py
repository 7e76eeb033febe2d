"""Clients whose id is the address of their own metadata document (draft-ietf-oauth-client-id-metadata-document)."""

import asyncio
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from grantline.authorization.documents import Documents
from grantline.crypto.es256 import SigningKey
from grantline.model.ids import ClientId
from grantline.parties import AuthMethod, Origin, Registrar, Standing, Tier, is_document_id, registering
from grantline.sdk.client import AccessRefused, Prover
from grantline.sdk.client import Client as AppClient
from tests.authorization_world import ISSUER, World
from tests.client_servers import Answer, ClientServer
from tests.flows.registration.conftest import OPEN
from tests.postgres_server import on_both

PATH = "/client.json"
BACK = "https://app.test/cb"


def document(server: ClientServer, **changes: Any) -> dict[str, Any]:
    said = {
        "client_id": server.url(PATH),
        "client_name": "An agent",
        "redirect_uris": [BACK, "http://127.0.0.1/cb"],
        "grant_types": ["authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code"],
        "token_endpoint_auth_method": "none",
    }
    return {name: value for name, value in {**said, **changes}.items() if value is not None}


def serve(server: ClientServer, headers: tuple[tuple[str, str], ...] = (), **changes: Any) -> str:
    """Put the document at its place; the client's id."""
    server.answers[PATH] = Answer(msgspec.json.encode(document(server, **changes)), headers=headers)
    return server.url(PATH)


def app_of(world: World, client: str, key: SigningKey | None = None, back: str = BACK) -> AppClient:
    return AppClient(world.http, ISSUER, Prover(client, None, key, world.clock, world.server.randomness), back)


async def known(world: World, client: str) -> bool:
    assert world.server.documents is not None
    return await world.server.documents.find(client) is not None


@on_both("world")
async def test_a_client_comes_with_its_own_document_and_works_at_once(world: World, app_server: ClientServer) -> None:
    """Covers: line 5, check 126, check 134."""
    client = serve(app_server)
    tokens = await world.connect(app_of(world, client))
    assert tokens.refresh_token
    found = (await world.http.get("/.well-known/oauth-authorization-server")).json()
    assert found["client_id_metadata_document_supported"] is True
    kept = await world.database.read(lambda tx: tx.clients.get(ClientId(client)))
    assert kept is not None
    assert (kept.tier, kept.origin, kept.auth) == (Tier.SELF_REGISTERED, Origin.DOCUMENT, AuthMethod.NONE)
    assert kept.grants == ("authorization_code", "refresh_token")
    assert kept.scopes == ("bank.transactions",)
    assert (await app_of(world, client).refresh(tokens.refresh_token)).access_token
    assert len(app_server.asked) == 1


async def test_no_document_is_read_unless_it_is_set(world: World, app_server: ClientServer) -> None:
    """Covers: check 126. Not even one that was read while it was."""
    client = serve(app_server)
    tokens = await world.connect(app_of(world, client))
    world.serve(replace(world.server, documents=None))
    found = (await world.http.get("/.well-known/oauth-authorization-server")).json()
    assert found["client_id_metadata_document_supported"] is False
    answer = await world.http.post(
        "/token", data={"grant_type": "refresh_token", "client_id": client, "refresh_token": tokens.refresh_token}
    )
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    assert len(app_server.asked) == 1


@pytest.mark.parametrize(
    "name",
    [
        "http://app.test/c.json", "https://app.test", "https://app.test/", "https://app.test/c#f", "https://u@app.test/c",
        "https://u:p@app.test/c", "https://app.test/a/../c", "https://app.test/./c", "https://app.test/%2e%2e/c",
        "https://app.test/a/..;/c", "https://app.test/c?v=1", "https://other.test:22/c", "https://127.0.0.1/c",
        "https://app.test/" + "c" * 200, "HTTPS://app.test/c", "https://App.test/c", "https://localhost/c",
    ],
)  # fmt: skip
def test_what_is_not_plainly_an_address_with_a_path_is_no_id(name: str) -> None:
    """Covers: check 134, check 138."""
    assert not is_document_id(name, ("app.test",))


def test_an_address_with_a_path_is_an_id_and_nothing_that_is_registered_is_one() -> None:
    """Covers: check 138."""
    assert is_document_id("https://app.example/oauth/client.json")
    assert is_document_id("https://app.example:8443/c")
    assert not is_document_id("budget")


@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": "https://app.test/other.json"},
        {"client_id": None},
        {"client_id": "HTTPS://app.test/client.json"},
        {"token_endpoint_auth_method": "client_secret_post"},
        {"token_endpoint_auth_method": "client_secret_basic"},
        {"token_endpoint_auth_method": "client_secret_jwt"},
        {"client_secret": "s"},
        {"client_secret_expires_at": 0},
        {"redirect_uris": []},
        {"redirect_uris": ["com.example.app:/cb"]},
        {"redirect_uris": ["https://app.test/*"]},
        {"redirect_uris": ["javascript:alert(1)"]},
        {"grant_types": ["client_credentials"]},
        {"client_name": "Bank\u202egnB"},
        {"logo_uri": "data:image/png,x"},
        {"redirect_uris": "https://app.test/cb"},
    ],
)
async def test_a_document_that_may_not_stand_is_no_client(
    world: World, app_server: ClientServer, changes: dict[str, Any]
) -> None:
    """Covers: check 44, check 128, check 129, check 134, check 135."""
    client = serve(app_server, **changes)
    assert not await known(world, client)
    assert await world.database.read(lambda tx: tx.clients.get(ClientId(client))) is None
    assert (await world.http.get("/authorize", params={"client_id": client})).text == "error page: invalid_client"


@pytest.mark.parametrize("body", [b"[]", b"{", b"\xff", b'"x"', b"{}", b"[" * 5_000])
async def test_what_is_no_json_object_is_no_client(world: World, app_server: ClientServer, body: bytes) -> None:
    """Covers: check 134."""
    app_server.answers[PATH] = Answer(body)
    assert not await known(world, app_server.url(PATH))


async def test_a_document_is_kept_as_its_headers_say_but_within_bounds(world: World, app_server: ClientServer) -> None:
    """Covers: check 134."""
    client = serve(app_server, headers=(("cache-control", "no-store"),))
    for seconds, asked in ((0, 1), (299, 1), (2, 2)):
        world.clock.pass_seconds(seconds)
        assert await known(world, client)
        assert len(app_server.asked) == asked
    serve(app_server, headers=(("cache-control", "max-age=99999999"),))
    world.clock.pass_seconds(301)
    assert await known(world, client)
    world.clock.pass_seconds(86_399)
    assert await known(world, client)
    assert len(app_server.asked) == 3
    world.clock.pass_seconds(2)
    assert await known(world, client)
    assert len(app_server.asked) == 4


async def test_a_document_that_failed_is_not_asked_for_again_at_once(world: World, app_server: ClientServer) -> None:
    """Covers: check 134."""
    client = serve(app_server, client_id="https://other.test/c")
    for _ in range(3):
        assert not await known(world, client)
    assert len(app_server.asked) == 1
    serve(app_server)
    world.clock.pass_seconds(61)
    assert await known(world, client)


async def test_a_document_that_is_gone_counts_for_a_day_and_no_longer(world: World, app_server: ClientServer) -> None:
    """Covers: check 134."""
    client = serve(app_server)
    assert await known(world, client)
    del app_server.answers[PATH]
    world.clock.pass_seconds(3_600 + 86_399)
    assert await known(world, client)
    world.clock.pass_seconds(62)
    assert not await known(world, client)


@on_both("world")
async def test_many_who_come_at_once_cost_one_fetch(world: World, app_server: ClientServer) -> None:
    """Covers: check 134."""
    client = serve(app_server)
    assert all(await asyncio.gather(*(known(world, client) for _ in range(5))))
    assert len(app_server.asked) == 1


async def test_nobody_can_make_us_ask_for_many_new_documents(world: World, app_server: ClientServer) -> None:
    """Covers: check 97, check 134."""
    answers = [
        (await world.http.get("/authorize", params={"client_id": app_server.url(f"/{number}")})).text
        for number in range(6)
    ]
    assert answers == ["error page: invalid_client"] * 5 + ["error page: temporarily_unavailable"]
    assert len(app_server.asked) == 5


async def test_there_is_an_end_to_how_many_documents_are_kept(world: World, app_server: ClientServer) -> None:
    """Covers: check 130."""
    registrar = Registrar(world.clock, world.server.randomness, 0)
    fetcher = world.server.documents._fetcher
    full = Documents(world.server.work, fetcher, registrar, OPEN, private_hosts=("app.test",))
    world.serve(replace(world.server, documents=full))
    answer = await world.http.get("/authorize", params={"client_id": serve(app_server)})
    assert answer.text == "error page: temporarily_unavailable"


async def test_a_changed_redirect_uri_asks_for_consent_again(world: World, app_server: ClientServer) -> None:
    """Covers: check 41, check 136."""
    client = serve(app_server)
    app = app_of(world, client)
    await world.connect(app)
    begun = await app.begin(scope="bank.transactions")
    assert (await world.browse(begun.url)).headers["location"].startswith(BACK)
    world.clock.pass_seconds(3_601)
    await world.sign_in()
    serve(app_server, redirect_uris=[BACK, "https://elsewhere.example/cb"])
    begun = await app.begin(scope="bank.transactions")
    assert (await world.browse(begun.url)).headers["location"].startswith("/consent/")


async def test_an_operator_stops_a_client_and_its_document_cannot_undo_it(
    world: World, app_server: ClientServer
) -> None:
    """Covers: check 131."""
    client = serve(app_server)
    assert await known(world, client)
    kept = await world.database.read(lambda tx: tx.clients.get(ClientId(client)))
    by = Registrar(world.clock, world.server.randomness, 8)
    await world.database.write(lambda tx: registering.stop(tx, by, kept))
    world.clock.pass_seconds(3_601)
    serve(app_server, client_name="Another")
    assert (await world.http.get("/authorize", params={"client_id": client})).text == "error page: invalid_client"
    kept = await world.database.read(lambda tx: tx.clients.get(ClientId(client)))
    assert kept.status is Standing.DISABLED
    assert len(app_server.asked) == 1


async def test_a_client_that_was_stopped_while_its_document_was_fetched_stays_stopped(
    world: World, app_server: ClientServer
) -> None:
    """Covers: check 131."""
    client = serve(app_server)
    assert await known(world, client)
    kept = await world.database.read(lambda tx: tx.clients.get(ClientId(client)))
    stopped = msgspec.structs.replace(kept, status=Standing.DISABLED)
    await world.register(stopped)
    by = Registrar(world.clock, world.server.randomness, 8)
    policy = world.server.documents.policy
    again = await world.database.write(lambda tx: registering.keep_document(tx, by, kept, policy, 0))
    assert again.status is Standing.DISABLED


async def test_the_host_of_the_document_is_shown_and_is_its_sector(world: World, app_server: ClientServer) -> None:
    """Covers: check 45, check 48, check 122. Where it wants to be at home does not count."""
    client = serve(app_server, client_uri="https://bank.example", redirect_uris=["https://bank.example/cb"])
    assert await known(world, client)
    kept = await world.database.read(lambda tx: tx.clients.get(ClientId(client)))
    assert kept.web == kept.sector_host.join(("https://", ""))
    assert kept.sector_host == f"app.test:{app_server.port}"


async def test_a_document_may_name_keys_and_the_client_proves_itself_by_them(
    world: World, app_server: ClientServer
) -> None:
    """Covers: line 3, line 5, check 133. Keys stand in the document or at their own address."""
    key = SigningKey.generate()
    app_server.answers["/keys"] = Answer(msgspec.json.encode({"keys": [key.public.jwk]}))
    proven = {"token_endpoint_auth_method": "private_key_jwt"}
    client = serve(app_server, **proven, jwks={"keys": [key.public.jwk]})
    assert (await world.connect(app_of(world, client, key))).access_token
    world.clock.pass_seconds(3_601)
    await world.sign_in()
    serve(app_server, **proven, jwks_uri=app_server.url("/keys"))
    assert (await world.connect(app_of(world, client, key))).access_token
    assert "/keys" in app_server.paths()


async def test_a_key_that_the_client_changed_is_found_at_its_address(world: World, app_server: ClientServer) -> None:
    """Covers: line 3, line 5. A wrong one stays wrong, however often it is tried."""
    old, new = SigningKey.generate(), SigningKey.generate()
    app_server.answers["/keys"] = Answer(msgspec.json.encode({"keys": [old.public.jwk]}))
    proven = {"token_endpoint_auth_method": "private_key_jwt"}
    client = serve(app_server, **proven, jwks_uri=app_server.url("/keys"))
    assert (await world.connect(app_of(world, client, old))).access_token
    app_server.answers["/keys"] = Answer(msgspec.json.encode({"keys": [new.public.jwk]}))
    world.clock.pass_seconds(61)
    await world.sign_in()
    assert (await world.connect(app_of(world, client, new))).access_token
    for _ in range(3):
        with pytest.raises(AccessRefused, match="invalid_client"):
            await app_of(world, client, old).begin(scope="bank.transactions")
    assert app_server.paths().count("/keys") == 2


@pytest.mark.parametrize(
    "body",
    [b"[]", b'{"keys": 7}', b'{"keys": [7]}', b'{"keys": [{"kty": "oct", "k": "AA"}]}', b'{"keys": ' + b"[" * 60_000],
)
async def test_what_is_no_set_of_public_keys_is_not_used(world: World, app_server: ClientServer, body: bytes) -> None:
    """Covers: check 78, check 133."""
    from grantline.model.errors import TemporarilyUnavailable

    app_server.answers["/keys"] = Answer(body)
    with pytest.raises(TemporarilyUnavailable):
        await world.server.fetch.keys(app_server.url("/keys"))


async def test_a_key_that_is_missing_is_asked_for_at_most_once_a_minute(world: World, app_server: ClientServer) -> None:
    """Covers: line 5."""
    app_server.answers["/keys"] = Answer(b'{"keys": []}')
    url = app_server.url("/keys")
    for _ in range(3):
        await world.server.fetch.keys(url)
        await world.server.fetch.newer_keys(url)
    assert len(app_server.asked) == 1
    world.clock.pass_seconds(61)
    await world.server.fetch.keys(url)
    assert len(app_server.asked) == 1
    await world.server.fetch.newer_keys(url)
    assert len(app_server.asked) == 2


async def test_refresh_tokens_of_a_public_client_rotate(world: World, app_server: ClientServer) -> None:
    """Covers: line 5, check 85."""
    client = serve(app_server)
    app = app_of(world, client)
    first = await world.connect(app)
    second = await app.refresh(first.refresh_token)
    assert second.refresh_token != first.refresh_token
    world.clock.pass_seconds(31)
    reused = await world.http.post(
        "/token", data={"grant_type": "refresh_token", "client_id": client, "refresh_token": first.refresh_token}
    )
    assert reused.json()["error"] == "invalid_grant"


async def test_offline_access_may_be_asked_for_where_refresh_tokens_are(world: World, app_server: ClientServer) -> None:
    """Covers: line 5, check 126. It is no access of its own: registration says who gets refresh tokens."""
    found = (await world.http.get("/.well-known/oauth-authorization-server")).json()
    assert "offline_access" in found["scopes_supported"]
    assert found["code_challenge_methods_supported"] == ["S256"]
    assert found["authorization_response_iss_parameter_supported"] is True
    tokens = await world.connect(app_of(world, serve(app_server)), scope="bank.transactions offline_access")
    assert tokens.refresh_token
