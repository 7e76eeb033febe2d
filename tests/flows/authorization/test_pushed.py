"""What may be pushed, and what becomes of it."""

from typing import Any
from urllib.parse import urlencode

import pytest

from grantline.crypto.es256 import SigningKey
from grantline.sdk.client import AccessRefused
from tests.authorization_world import CALLBACK, CONFIDENTIAL, PUBLIC, World, handle_of
from tests.flows.authorization.raw import REQUEST, post

WRONG: tuple[tuple[dict[str, Any], str], ...] = (
    ({"redirect_uri": None}, "invalid_request"),
    ({"redirect_uri": "https://app.example/other"}, "invalid_request"),
    ({"response_type": None}, "invalid_request"),
    ({"response_type": "token"}, "unsupported_response_type"),
    ({"response_type": "code id_token"}, "unsupported_response_type"),
    ({"response_mode": "fragment"}, "invalid_request"),
    ({"response_mode": "fragment.jwt"}, "invalid_request"),
    ({"response_mode": "web_message"}, "invalid_request"),
    ({"code_challenge": None}, "invalid_request"),
    ({"code_challenge": "short"}, "invalid_request"),
    ({"code_challenge": "!" * 43}, "invalid_request"),
    ({"code_challenge": "a" * 129}, "invalid_request"),
    ({"code_challenge_method": None}, "invalid_request"),
    ({"code_challenge_method": "plain"}, "invalid_request"),
    ({"request": "e30.e30."}, "invalid_request_object"),
    ({"request_uri": "urn:ietf:params:oauth:request_uri:x"}, "invalid_request"),
    ({"prompt": "none login"}, "invalid_request"),
    ({"prompt": "create"}, "invalid_request"),
    ({"max_age": "-1"}, "invalid_request"),
    ({"id_token_hint": "a.b.c"}, "invalid_request"),
    ({"state": "s" * 4_097}, "invalid_request"),
    ({"nonce": "n" * 513}, "invalid_request"),
    ({"scope": "bank.unknown"}, "invalid_scope"),
    ({"resource": "https://elsewhere.example/api"}, "invalid_target"),
    ({"resource": "https://calendar.example/api"}, "invalid_target"),
    ({"authorization_details": "{"}, "invalid_request"),
    ({"authorization_details": "[" * 7_000}, "invalid_request"),
    ({"claims": '{"userinfo":{"x":{"value":' + "[" * 2_000}, "invalid_request"),
    ({"authorization_details": "{}"}, "invalid_authorization_details"),
    ({"authorization_details": '[{"type":"gas_data"}]'}, "invalid_authorization_details"),
    (
        {
            "authorization_details": '[{"type":"bank_data","actions":["read"],"datatypes":["transactions"],'
            '"fields":["date"],"purpose":"budgeting","colour":"red"}]'
        },
        "invalid_authorization_details",
    ),
    (
        {
            "authorization_details": '[{"type":"calendar_data","actions":["read"],"datatypes":["events"],'
            '"fields":["start"],"purpose":"budgeting"}]'
        },
        "invalid_authorization_details",
    ),
)


@pytest.mark.parametrize(("change", "code"), WRONG, ids=[str(change)[:60] for change, _ in WRONG])
async def test_a_wrong_request_is_refused_with_the_protocols_own_error(
    world: World, change: dict[str, Any], code: str
) -> None:
    """Covers: bad input; check 7, 8, 9, 10, 20, 51, 64, 96."""
    answer = await post(world, "/par", {**REQUEST, **change})
    assert (answer.status_code, answer.json()["error"]) == (400, code)
    assert answer.json()["error_description"]
    assert await world.database.read(_tickets) == 0


async def _tickets(tx: Any) -> int:
    return int(tx.cursor._connection.execute("SELECT count(*) FROM tickets").fetchone()[0])


@pytest.mark.parametrize("name", sorted(REQUEST))
async def test_a_repeated_parameter_is_refused(world: World, name: str) -> None:
    """Covers: bad input; check 6."""
    body = urlencode(REQUEST) + "&" + urlencode({name: REQUEST[name]})
    answer = await post(world, "/par", body)
    assert answer.status_code == 400
    assert answer.json() == {"error": "invalid_request", "error_description": f"Send {name} only once."}


async def test_other_forms_of_body_are_refused(world: World) -> None:
    """Covers: check 66, 67, 94."""
    assert (await world.http.post("/par", json=REQUEST)).json()["error"] == "invalid_request"
    assert (await world.http.get("/par")).status_code == 405
    large = await post(world, "/par", {**REQUEST, "x": "y" * 70_000})
    assert large.status_code == 413
    assert (await post(world, "/par", urlencode(REQUEST) + "&scope=%ff")).status_code == 400
    assert (await post(world, "/par", urlencode(REQUEST) + "&x=%00")).status_code == 400


async def test_unknown_parameters_are_ignored(world: World) -> None:
    """Covers: check 14."""
    assert (await post(world, "/par", {**REQUEST, "colour": "red"})).status_code == 201


async def test_a_pushed_request_has_an_unguessable_name_kept_only_as_a_hash(world: World) -> None:
    """Covers: check 34, 61."""
    answer = (await post(world, "/par", REQUEST)).json()
    assert answer["expires_in"] < 600
    handle = answer["request_uri"].rsplit(":", 1)[1]
    assert len(handle) == 43
    files = [file for file in world.path.parent.iterdir() if file.name.startswith("state.db")]
    assert any(b"budget" in file.read_bytes() for file in files)
    assert all(handle.encode() not in file.read_bytes() for file in files)


async def test_a_pushed_request_is_for_its_own_client_and_time(world: World) -> None:
    """Covers: check 62; par-attempt-to-use-expired-request_uri."""
    begun = await world.app().begin(scope="bank.transactions")
    await world.sign_in()
    other = begun.url.replace(f"client_id={PUBLIC.id}", f"client_id={CONFIDENTIAL.id}")
    assert (await world.browse(other)).text == "error page: request_gone"
    world.clock.pass_seconds(591)
    assert (await world.browse(begun.url)).text == "error page: request_gone"


async def test_a_pushed_request_is_used_up_when_the_person_finishes_not_before(world: World) -> None:
    """Covers: check 63; par-ensure-reused-request-uri-prior-to-auth-completion-succeeds."""
    app = world.app()
    begun = await app.begin(scope="bank.transactions")
    await world.sign_in()
    for _ in range(3):
        assert "/consent/" in (await world.browse(begun.url)).headers["location"]
    await app.finish(begun, await world.allow(begun))
    assert (await world.browse(begun.url)).text == "error page: request_gone"


async def test_parameters_beside_a_pushed_request_are_never_used(world: World) -> None:
    """Covers: check 21; state-only-outside-request-object-not-used."""
    begun = await world.app().begin(scope="bank.transactions")
    await world.sign_in()
    answer = await world.browse(begun.url + "&state=other&redirect_uri=https://evil.example&scope=bank.balances")
    handle = handle_of(answer.headers["location"])
    offer = await world.look(handle, world.session)  # type: ignore[arg-type]
    assert {line.datatype for line in offer.lines} == {"transactions"}  # type: ignore[union-attr]
    back = (await world.interaction.refuse(handle, world.session)).url  # type: ignore[arg-type]
    assert back.startswith(CALLBACK)
    assert f"state={begun.state}" in back


async def test_the_code_is_bound_to_the_key_of_the_pushed_request(world: World) -> None:
    """Covers: check 68; ensure-mismatched-dpop-jkt-fails."""
    key, other = SigningKey.generate(), SigningKey.generate()
    assert (await post(world, "/par", {**REQUEST, "dpop_jkt": key.public.thumbprint}, other)).status_code == 400
    app = world.app(dpop=key)
    begun = await app.begin(scope="bank.transactions")
    back = await world.allow(begun)
    with pytest.raises(AccessRefused, match="invalid_grant"):
        await world.app(dpop=other).finish(begun, back)
    await app.finish(begun, back)
