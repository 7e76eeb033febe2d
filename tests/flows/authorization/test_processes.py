"""Two real server processes over one database: what counts once counts once for both."""

import asyncio
import subprocess
import sys
import textwrap
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlencode

import httpx2
import pytest

from grantline.consent import Offer
from grantline.crypto.es256 import SigningKey
from grantline.model.events import EventType
from grantline.sdk.client import Begun, Client, Prover
from tests.authorization_world import ISSUER, PUBLIC, World, every, handle_of, make_world, query_of
from tests.flows.authorization.elsewhere_flows import CALLER, TV, answered_call, answered_device, begin, proof_of
from tests.flows.authorization.raw import FORM, current_nonce, exchange, get_code

DATABASES = ("sqlite", "postgres")

SERVER = textwrap.dedent(
    """
    import asyncio, os, socket, sys
    from pathlib import Path
    import uvicorn
    from grantline.authorization import Keys, oauth_endpoints
    from grantline.crypto.es256 import SigningKey
    from grantline.storage.postgres.connection import Address
    from tests.authorization_world import HandClock, make_world

    async def main(path, pem, now, seed, url):
        keys = Keys.of(SigningKey.from_pem(Path(pem).read_bytes()), b"k" * 32)
        world = await make_world(
            Path(path), fresh=False, clock=HandClock(int(now)), seed=int(seed), keys=keys,
            address=Address(url) if url else None,
        )
        listening = socket.socket()
        listening.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(oauth_endpoints(world.server), log_level="error"))
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        while not server.started:
            await asyncio.sleep(0)
        print(listening.getsockname()[1], flush=True)
        # Nobody reads on: a log that fills the pipe would stop the server.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        await serving

    asyncio.run(main(*sys.argv[1:]))
    """
)


def start(world: World, pem: Path, seed: int) -> subprocess.Popen[str]:
    """One server process; it prints its port when it listens."""
    url = world.address.url if world.address else ""
    arguments = [str(world.path), str(pem), str(world.clock.us), str(seed), url]
    root = Path(__file__).parents[3]
    return subprocess.Popen([sys.executable, "-c", SERVER, *arguments], stdout=subprocess.PIPE, text=True, cwd=root)


@pytest.fixture
async def ports(world: World, tmp_path: Path) -> AsyncIterator[tuple[str, ...]]:
    """Addresses of two processes that serve the world's own database with its own keys."""
    pem = tmp_path / "token.pem"
    pem.write_bytes(world.server.keys.signing.to_pem())
    processes = [start(world, pem, seed) for seed in (1, 2)]
    try:
        lines = [await asyncio.to_thread(process.stdout.readline) for process in processes if process.stdout]
        yield tuple(f"http://127.0.0.1:{int(line)}" for line in lines)
    finally:
        for process in processes:
            process.terminate()
            process.wait(10)


async def send(base: str, form: dict[str, str | None], proof: dict[str, str]) -> httpx2.Response:
    body = urlencode({name: value for name, value in form.items() if value is not None})
    async with httpx2.AsyncClient() as http:
        return await http.post(f"{base}/token", content=body, headers={"content-type": FORM, **proof})


async def test_of_redemptions_at_two_processes_exactly_one_wins(world: World, ports: tuple[str, ...]) -> None:
    """Covers: check 84; line 3 (a second replica)."""
    key = SigningKey.generate()
    prover = Prover("", key, None, world.clock, world.server.randomness)
    for _ in range(3):
        code = await get_code(world, key, prompt="consent")
        sends = [
            send(base, exchange(code), prover.headers("POST", f"{ISSUER}/token", nonce=current_nonce(world)))
            for base in ports
            for _ in range(3)
        ]
        answers = await asyncio.gather(*sends)
        assert sorted(answer.status_code for answer in answers) == [200, 400, 400, 400, 400, 400]
    events = [event.type for event in await world.events()]
    assert events.count(EventType.TOKEN_ISSUED) == 3


async def test_one_proof_counts_at_one_process(world: World, ports: tuple[str, ...]) -> None:
    """Covers: check 99; line 3."""
    key = SigningKey.generate()
    prover = Prover("", key, None, world.clock, world.server.randomness)
    proof = prover.headers("POST", f"{ISSUER}/token", nonce=current_nonce(world))
    codes = [await get_code(world, key, prompt="consent") for _ in ports]
    answers = await asyncio.gather(
        *(send(base, exchange(code), proof) for base, code in zip(ports, codes, strict=True))
    )
    assert sorted(answer.status_code for answer in answers) == [200, 400]
    assert {answer.json().get("error") for answer in answers} == {None, "invalid_dpop_proof"}


async def test_of_refreshes_at_two_processes_one_successor_lives(world: World, ports: tuple[str, ...]) -> None:
    """Covers: line 3; the same token at both ends as it does at one."""
    key = SigningKey.generate()
    tokens = await world.connect(world.app(dpop=key), prompt="consent")
    prover = Prover("", key, None, world.clock, world.server.randomness)
    form: dict[str, str | None] = {
        "grant_type": "refresh_token", "refresh_token": tokens.refresh_token, "client_id": PUBLIC.id,
    }  # fmt: skip
    sends = [
        send(base, form, prover.headers("POST", f"{ISSUER}/token", nonce=current_nonce(world)))
        for base in ports
        for _ in range(3)
    ]
    answers = await asyncio.gather(*sends)
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["refresh_token"] for answer in answers}) == 1
    assert len({answer.json()["refresh_token"] for answer in answers} - {tokens.refresh_token}) == 1


async def test_one_pushed_request_is_answered_once_whoever_is_asked(world: World, ports: tuple[str, ...]) -> None:
    """Covers: line 3; two browsers of one person end the same request, at two processes."""
    begun = await world.app(dpop=SigningKey.generate()).begin(scope="bank.transactions")
    elsewhere = await make_world(
        world.path, fresh=False, clock=world.clock, seed=9, keys=world.server.keys, address=world.address
    )
    try:
        session = await world.sign_in()
        handle = handle_of((await world.browse(begun.url)).headers["location"])
        offer = await world.look(handle, session)
        assert isinstance(offer, Offer)
        asked = [
            one.interaction.approve(handle, every(offer), session, digest=offer.digest) for one in (world, elsewhere)
        ]
        answers = await asyncio.gather(*asked, return_exceptions=True)
    finally:
        await elsewhere.close()
    codes = [query_of(answer.url)["code"] for answer in answers if not isinstance(answer, BaseException)]
    assert len(codes) == 1, answers
    assert [event.type for event in await world.events()].count(EventType.CONSENT_GIVEN) == 1


async def test_the_whole_flow_over_real_sockets(world: World, ports: tuple[str, ...]) -> None:
    """Covers: line 3; asked at one process, answered here, redeemed at the other."""
    key = SigningKey.generate()
    async with httpx2.AsyncClient(transport=_Elsewhere(ports)) as http:
        prover = Prover(PUBLIC.id, key, None, world.clock, world.server.randomness)
        app = Client(http, ISSUER, prover, PUBLIC.redirect_uris[0])
        begun = await app.begin(scope="bank.transactions")
        local = Begun(begun.url.removeprefix(ISSUER), begun.state, begun.verifier, begun.redirect_uri)
        back = await world.allow(local)
        assert query_of(back)["state"] == begun.state
        tokens = await app.finish(begun, back)
        again = await app.refresh(tokens.refresh_token or "")
    assert again.grant_id == tokens.grant_id


class _Elsewhere(httpx2.AsyncBaseTransport):
    """Sends requests for the issuer to the processes in turn, as a balancer would."""

    def __init__(self, ports: tuple[str, ...]) -> None:
        self._ports = ports
        self._turn = 0
        self._inner = httpx2.AsyncHTTPTransport()

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        self._turn += 1
        base = httpx2.URL(self._ports[self._turn % len(self._ports)])
        request.url = request.url.copy_with(host=base.host, port=base.port)
        return await self._inner.handle_async_request(request)


@pytest.mark.parametrize("way", ["device", "backchannel"])
async def test_of_collections_at_two_processes_exactly_one_wins(world: World, ports: tuple[str, ...], way: str) -> None:
    """Covers: check 142; line 3. One device code, one auth_req_id; the others are replays, and end what came of it."""
    await world.register(TV, CALLER)
    device = way == "device"
    client, named = (TV, "device_code") if device else (CALLER, "auth_req_id")
    for _ in range(3):
        handle = await (answered_device(world) if device else answered_call(world))
        grant = {"grant_type": client.grants[0], named: handle}
        sends = [send(base, {**proof_of(world, client), **grant}, {}) for base in ports for _ in range(3)]
        answers = await asyncio.gather(*sends)
        assert sorted(answer.status_code for answer in answers) == [200, 400, 400, 400, 400, 400]
        (tokens,) = [answer.json() for answer in answers if answer.status_code == 200]
        form = {**proof_of(world, client), "grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
        assert (await send(ports[0], form, {})).json()["error"] == "invalid_grant"
    events = [event.type for event in await world.events()]
    assert events.count(EventType.TOKEN_ISSUED) == 3


async def test_polls_at_two_processes_are_paced_together(world: World, ports: tuple[str, ...]) -> None:
    """Covers: check 142; line 3. Asking at the other process does not make the client any faster."""
    await world.register(TV)
    handle = (await begin(world)).json()["device_code"]
    form = {**proof_of(world, TV), "grant_type": TV.grants[0], "device_code": handle}
    said = [(await send(base, form, {})).json()["error"] for base in (*ports, *ports)]
    assert said == ["authorization_pending", "slow_down", "slow_down", "slow_down"]
