"""Redeeming a code: every binding first, once, and nothing half-issued."""

import asyncio

import msgspec
import pytest

from grantline.authorization.tickets import new_handle
from grantline.crypto.encoding import unb64url
from grantline.crypto.es256 import SigningKey
from grantline.model.events import EventType
from tests.authorization_world import CONFIDENTIAL, PUBLIC, World
from tests.flows.authorization.raw import claims_of, exchange, get_code, post

DATABASES = ("sqlite", "postgres")

WRONG: tuple[tuple[dict[str, str | None], str], ...] = (
    ({"grant_type": None}, "invalid_request"),
    ({"grant_type": "password"}, "unsupported_grant_type"),
    ({"grant_type": "client_credentials"}, "unauthorized_client"),
    ({"code": None}, "invalid_request"),
    ({"code": "short"}, "invalid_request"),
    ({"code": "A" * 43}, "invalid_grant"),
    ({"code_verifier": None}, "invalid_grant"),
    ({"code_verifier": "w" * 43}, "invalid_grant"),
    ({"code_verifier": "v" * 42}, "invalid_request"),
    ({"redirect_uri": "http://127.0.0.1/cb"}, "invalid_grant"),
    ({"resource": "https://calendar.example/api"}, "invalid_target"),
    ({"authorization_details": "[]"}, "invalid_request"),
    ({"client_secret": "s"}, "invalid_client"),
    ({"client_id": "nobody"}, "invalid_client"),
    ({"client_id": CONFIDENTIAL.id}, "invalid_client"),
    ({"client_id": None}, "invalid_client"),
)


@pytest.mark.parametrize(("change", "error"), WRONG, ids=[str(change) for change, _ in WRONG])
async def test_a_wrong_redemption_is_refused_and_does_not_burn_the_code(
    world: World, change: dict[str, str | None], error: str
) -> None:
    """Covers: bad input; check 69, 72, 80, 81, 91, 96."""
    key = SigningKey.generate()
    code = await get_code(world, key)
    events = len(await world.events())
    answer = await post(world, "/token", {**exchange(code), **change}, key)
    assert answer.json()["error"] == error
    assert answer.status_code == (401 if error == "invalid_client" else 400)
    assert len(await world.events()) == events
    assert (await post(world, "/token", exchange(code), key)).status_code == 200


async def test_a_thief_with_another_key_cannot_burn_the_code(world: World) -> None:
    """Covers: check 80; ensure-token-endpoint-fails-with-mismatched-dpop-proof-jkt."""
    key = SigningKey.generate()
    code = await get_code(world, key)
    assert (await post(world, "/token", exchange(code), SigningKey.generate())).json()["error"] == "invalid_grant"
    assert (await post(world, "/token", exchange(code))).json()["error"] == "invalid_dpop_proof"
    assert (await post(world, "/token", exchange(code), key)).status_code == 200


async def test_another_client_cannot_use_the_code_even_with_the_same_key(world: World) -> None:
    """Covers: check 80; ensure-authorization-code-is-bound-to-client."""
    await world.register(msgspec.structs.replace(PUBLIC, id="other"))
    key = SigningKey.generate()
    code = await get_code(world, key)
    stolen = {**exchange(code), "client_id": "other"}
    assert (await post(world, "/token", stolen, key)).json()["error"] == "invalid_grant"
    assert (await post(world, "/token", exchange(code), key)).status_code == 200


async def test_a_code_lives_for_a_minute(world: World) -> None:
    """Covers: check 32."""
    key = SigningKey.generate()
    code = await get_code(world, key)
    world.clock.pass_seconds(60)
    assert (await post(world, "/token", exchange(code), key)).json()["error"] == "invalid_grant"


async def test_a_code_used_twice_takes_its_tokens_with_it(world: World) -> None:
    """Covers: check 83; codereuse."""
    key = SigningKey.generate()
    code = await get_code(world, key)
    first = (await post(world, "/token", exchange(code), key)).json()
    world.clock.pass_seconds(1)
    assert (await post(world, "/token", exchange(code), key)).json()["error"] == "invalid_grant"
    (entry,) = await world.endings()
    assert (entry["kind"], entry["id"]) == ("family", claims_of(first["access_token"])["fam"])
    assert entry["before_position"] == [1, entry["seq"]]
    assert entry["until"] >= claims_of(first["access_token"])["exp"]
    kinds = [event.type for event in await world.events()]
    assert kinds[-2:] == [EventType.FAMILY_ENDED, EventType.FINDING]
    refresh = {"grant_type": "refresh_token", "client_id": "budget", "refresh_token": first["refresh_token"]}
    assert (await post(world, "/token", refresh, key)).json()["error"] == "invalid_grant"
    (state,) = await world.database.read(lambda tx: tx.consents.of_person(world.people["ada"]))
    assert state.status == "active"


async def test_only_a_correctly_bound_second_use_counts_as_replay(world: World) -> None:
    """Covers: ARCHITECTURE.md "Tokens"; check 83."""
    key = SigningKey.generate()
    code = await get_code(world, key)
    await post(world, "/token", exchange(code), key)
    await post(world, "/token", exchange(code), SigningKey.generate())
    await post(world, "/token", exchange(code, code_verifier="w" * 43), key)
    assert await world.endings() == []


async def test_of_simultaneous_redemptions_exactly_one_wins(world: World) -> None:
    """Covers: check 84."""
    key = SigningKey.generate()
    code = await get_code(world, key)
    answers = await asyncio.gather(*(post(world, "/token", exchange(code), key) for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [200] + [400] * 7
    issued = [event for event in await world.events() if event.type is EventType.TOKEN_ISSUED]
    assert len(issued) == 1


async def test_no_token_on_a_consent_that_ended_in_between(world: World) -> None:
    """Covers: I3."""
    key = SigningKey.generate()
    code = await get_code(world, key)
    (state,) = await world.database.read(lambda tx: tx.consents.of_person(world.people["ada"]))
    await world.database.write(
        lambda tx: world.server.consents.withdraw(tx, consent=state.consent_id, person=state.person)
    )
    assert (await post(world, "/token", exchange(code), key)).json()["error"] == "invalid_grant"


async def test_a_handle_of_one_kind_is_nothing_under_another(world: World) -> None:
    """Covers: check 124."""
    key = SigningKey.generate()
    code = await get_code(world, key)
    pushed = (
        await world.browse(f"/authorize?client_id=budget&request_uri=urn:ietf:params:oauth:request_uri:{code}")
    ).text
    assert pushed == "error page: request_gone"
    refresh = {"grant_type": "refresh_token", "client_id": "budget", "refresh_token": code}
    assert (await post(world, "/token", refresh, key)).json()["error"] == "invalid_grant"
    handle = (await world.app().begin(scope="bank.transactions")).url.rsplit("%3A", 1)[1]
    assert (await post(world, "/token", exchange(handle), key)).json()["error"] == "invalid_grant"


async def test_answers_may_not_be_kept_by_anybody(world: World) -> None:
    """Covers: check 93."""
    key = SigningKey.generate()
    for answer in (
        await post(world, "/token", exchange(await get_code(world, key)), key),
        await post(world, "/token", exchange("A" * 43), key),
    ):
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["content-type"] == "application/json"
        assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("world", ["sqlite"], indirect=True)
async def test_when_nothing_can_be_stored_nothing_is_issued(world: World) -> None:
    """Covers: line 11; check 170."""
    key = SigningKey.generate()
    code = await get_code(world, key)
    before = len(await world.events())
    writer = world.database._writer
    await world.database.write(_set_trap)
    answer = await post(world, "/token", exchange(code), key)
    assert answer.status_code in {500, 503}
    assert "access_token" not in answer.text
    writer.execute("DROP TRIGGER trap")
    assert len(await world.events()) == before
    assert (await post(world, "/token", exchange(code), key)).status_code == 200


async def _set_trap(tx: object) -> None:
    """From now on the event of a token cannot be written."""
    connection = tx.cursor._connection  # type: ignore[attr-defined]
    connection.execute("CREATE TRIGGER trap BEFORE INSERT ON outbox BEGIN SELECT RAISE(ABORT, 'full'); END")


def test_a_code_has_256_random_bits() -> None:
    """Covers: check 33, check 61."""
    asked: list[int] = []

    def randomness(count: int) -> bytes:
        asked.append(count)
        return bytes(range(count))

    handle = new_handle(randomness)
    assert asked == [32]
    assert unb64url(handle) == bytes(range(32))
