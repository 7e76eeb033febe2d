"""A confidential client shows a secret that only it and nobody else's storage knows."""

import hashlib
from base64 import b64encode
from dataclasses import replace
from typing import Any
from urllib.parse import quote_plus

import pytest

from grantline.parties import Client, hash_of, is_secret_of, metadata_hash, read_client, with_new_secret
from tests.authorization_world import Counted, World
from tests.flows.authorization.raw import REQUEST, post

SECRET, NEWER = "s3cret:with+all&of=it %", "another"
DATA: dict[str, Any] = {
    "id": "shop", "name": "Shop", "publisher": "Shop Ltd", "web": "https://shop.example",
    "redirect_uris": ["https://shop.example/cb"], "auth": "client_secret_basic", "scopes": ["bank.transactions"],
    "secret_hashes": [hash_of(SECRET)], "dpop_bound": False,
}  # fmt: skip
REQUESTED = {**REQUEST, "client_id": None, "redirect_uri": DATA["redirect_uris"][0]}


def shop(**changes: Any) -> Client:
    return read_client({**DATA, **changes})


def basic(name: str = "shop", secret: str = SECRET, scheme: str = "Basic") -> dict[str, str]:
    pair = f"{quote_plus(name)}:{quote_plus(secret)}"
    return {"authorization": f"{scheme} {b64encode(pair.encode()).decode()}"}


async def push(world: World, form: dict[str, Any], **headers: str) -> tuple[int, str]:
    answer = await post(world, "/par", {**REQUESTED, **form}, **headers)
    return answer.status_code, answer.json().get("error", "")


POSTED = {"client_id": "shop", "client_secret": SECRET}


async def test_a_secret_in_the_header_is_taken(world: World) -> None:
    await world.register(shop())
    assert await push(world, {}, **basic()) == (201, "")
    assert await push(world, {}, **basic(scheme="bAsIc")) == (201, "")
    assert await push(world, {"client_id": "shop"}, **basic()) == (201, "")


async def test_a_secret_in_the_form_is_taken(world: World) -> None:
    await world.register(shop(auth="client_secret_post"))
    assert await push(world, POSTED) == (201, "")


def raw(value: str | bytes) -> dict[str, Any]:
    return {"authorization": value}


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param(basic(secret=SECRET[:-1]), id="a shorter secret"),
        pytest.param(basic(secret=SECRET + "x"), id="a longer secret"),
        pytest.param(basic(secret=hash_of(SECRET)), id="what is stored"),
        pytest.param(basic(secret=""), id="no secret"),
        pytest.param(basic(name=""), id="no name"),
        pytest.param(basic(name="budget"), id="another client"),
        pytest.param(basic(name="nobody"), id="an unknown client"),
        pytest.param(basic(scheme="Bearer"), id="another scheme"),
        pytest.param(raw("Basic"), id="nothing"),
        pytest.param(raw("Basic !!!!"), id="not base64"),
        pytest.param(raw(f"Basic {b64encode(b'shop').decode()}"), id="no colon"),
        pytest.param(raw(f"Basic {b64encode(b'shop:' + bytes([255])).decode()}"), id="not UTF-8"),
        pytest.param(raw(f"Basic {b64encode(b'shop:%ff').decode()}"), id="not UTF-8 inside"),
        pytest.param(raw(f"Basic {'A' * 4_000}"), id="very long"),
        pytest.param(raw(f"Basic {'é' * 8}".encode()), id="not ASCII"),
        pytest.param(basic(name="s" * 201), id="a name that nobody has"),
    ],
)
async def test_a_header_that_proves_nothing_is_401_with_its_challenge(world: World, wrong: dict[str, str]) -> None:
    """Covers: check 69."""
    await world.register(shop())
    answer = await post(world, "/par", REQUESTED, **wrong)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    assert answer.headers["www-authenticate"] == 'Basic realm="grantline"'
    assert answer.json()["error_description"] == "The client did not prove who it is."


async def test_a_name_that_nobody_can_have_is_not_remembered(world: World) -> None:
    """Covers: check 97 (what counts requests is bounded: 10,000 names of 200 letters, not of 16,000)."""
    world.serve(replace(world.server, settings=replace(world.server.settings, requests_per_minute=1)))
    for _ in range(3):
        answer = await post(world, "/token", {"client_id": "s" * 201, "client_secret": "x"})
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    assert [(await post(world, "/token", {**POSTED, "client_id": "s" * 200})).status_code for _ in "ab"] == [401, 429]


async def test_a_wrong_secret_in_the_form_is_the_same_refusal_without_a_challenge(world: World) -> None:
    await world.register(shop(auth="client_secret_post"))
    answers = [
        await post(world, "/par", {**REQUESTED, **POSTED, **wrong})
        for wrong in ({"client_secret": "guess"}, {"client_id": "nobody"}, {"client_id": None}, {"client_id": "budget"})
    ]
    assert {(one.status_code, one.text) for one in answers} == {(401, answers[0].text)}
    assert all("www-authenticate" not in one.headers for one in answers)


async def test_two_proofs_at_once_are_refused_though_both_are_right(world: World) -> None:
    """Covers: check 70."""
    await world.register(shop())
    assert await push(world, POSTED, **basic()) == (400, "invalid_request")
    assertion = {"client_assertion": "a.b.c", "client_assertion_type": "jwt"}
    assert await push(world, assertion, **basic()) == (400, "invalid_request")
    assert await push(world, {**POSTED, **assertion}) == (400, "invalid_request")
    assert await push(world, {"client_id": "budget"}, **basic()) == (401, "invalid_client")


@pytest.mark.parametrize("registered", ["client_secret_basic", "client_secret_post"])
async def test_a_secret_counts_only_where_it_is_registered_to_stand(world: World, registered: str) -> None:
    """Covers: check 72."""
    await world.register(shop(auth=registered))
    header, form = await push(world, {}, **basic()), await push(world, POSTED)
    right, wrong = (201, ""), (401, "invalid_client")
    assert (header, form) == ((right, wrong) if registered == "client_secret_basic" else (wrong, right))
    assert await push(world, {"client_id": "shop"}) == wrong


async def test_a_public_client_that_shows_a_secret_is_refused(world: World) -> None:
    """Covers: check 72."""
    form = {**REQUEST, "client_secret": "made up"}
    assert (await post(world, "/par", form)).status_code == 401
    token = {"grant_type": "refresh_token", "refresh_token": "r", "client_id": "budget", "client_secret": "made up"}
    assert (await post(world, "/token", token)).json()["error"] == "invalid_client"


async def test_a_secret_in_the_address_is_not_even_read(world: World) -> None:
    await world.register(shop(auth="client_secret_post"))
    answer = await post(world, f"/par?client_secret={quote_plus(SECRET)}", {**REQUESTED, "client_id": "shop"})
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


async def test_secrets_are_made_of_256_bits_kept_hashed_and_compared_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """Covers: check 71."""
    import hmac

    asked: list[int] = []

    def random(size: int) -> bytes:
        asked.append(size)
        return Counted()(size)

    client, first = with_new_secret(shop(), random, alone=True)
    client, second = with_new_secret(client, Counted(7), alone=False)
    assert asked == [32]
    assert client.secret_hashes == tuple(hashlib.sha256(one.encode()).hexdigest() for one in (second, first))
    compared: list[tuple[Any, Any]] = []
    whole = hmac.compare_digest
    monkeypatch.setattr(hmac, "compare_digest", lambda a, b: compared.append((a, b)) or whole(a, b))
    assert is_secret_of(client, second)
    # Both kept ones are compared, also after the first was right: how long it takes says nothing.
    assert compared == [(client.secret_hashes[0], kept) for kept in client.secret_hashes]


async def test_a_new_secret_works_beside_the_last_one_and_ends_the_one_before(world: World) -> None:
    await world.register(shop())
    client, newer = with_new_secret(shop(), Counted(1), alone=False)
    await world.register(client)
    assert await push(world, {}, **basic()) == await push(world, {}, **basic(secret=newer)) == (201, "")
    client, newest = with_new_secret(client, Counted(2), alone=False)
    await world.register(client)
    assert await push(world, {}, **basic()) == (401, "invalid_client")
    assert await push(world, {}, **basic(secret=newer)) == await push(world, {}, **basic(secret=newest)) == (201, "")


async def test_a_registration_without_secrets_keeps_those_there_are_and_a_new_one_is_no_news(world: World) -> None:
    await world.register(shop())
    await world.register(shop(secret_hashes=[]))
    assert await push(world, {}, **basic()) == (201, "")
    changed, _ = with_new_secret(shop(), Counted(1), alone=True)
    assert metadata_hash(changed) == metadata_hash(shop()) == metadata_hash(shop(secret_hashes=[]))


async def test_until_it_has_a_secret_the_client_proves_nothing(world: World) -> None:
    await world.register(shop(secret_hashes=[]))
    assert await push(world, {}, **basic(secret=" ")) == (401, "invalid_client")
    assert await push(world, {}, **basic(secret=hash_of(""))) == (401, "invalid_client")


async def test_the_whole_flow_with_a_secret(world: World) -> None:
    from grantline.sdk.client import Begun
    from tests.authorization_world import query_of
    from tests.flows.authorization.raw import exchange

    await world.register(shop())
    pushed = await post(world, "/par", REQUESTED, **basic())
    begun = f"/authorize?client_id=shop&request_uri={quote_plus(pushed.json()['request_uri'])}"
    code = query_of(await world.allow(Begun(begun, "", "", "")))["code"]
    form = exchange(code, client_id=None, redirect_uri=DATA["redirect_uris"][0])
    wrong = await post(world, "/token", form, **basic(secret="guess"))
    assert (wrong.status_code, wrong.json()["error"]) == (401, "invalid_client")
    tokens = (await post(world, "/token", form, **basic())).json()
    asked = await post(world, "/introspect", {"token": tokens["access_token"]}, **basic())
    assert asked.json()["active"] is True
