"""How answers go back: in an address, posted, signed; for each the code and the refusal."""

from typing import Any
from urllib.parse import parse_qs, urlencode

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from grantline.authorization import Delivery
from grantline.crypto.es256 import SigningKey
from grantline.parties import PROFILES, Profile, read_client
from tests.authorization_world import APP_KEY, CALLBACK, ISSUER, PUBLIC, T0, World, every, handle_of, query_of
from tests.flows.authorization.raw import REQUEST, exchange, post
from tests.flows.authorization.signed_requests import _BASE, BACK, STRICT, push, signed

MODES = ("query", "form_post", "jwt", "query.jwt", "form_post.jwt")


async def answered(world: World, mode: str | None, *, allow: bool) -> Delivery:
    """What takes the answer back to a client that asked for this mode."""
    session = world.session or await world.sign_in()
    query = urlencode({**REQUEST, **({"response_mode": mode} if mode else {}), "prompt": "consent"})
    handle = handle_of((await world.browse(f"/authorize?{query}")).headers["location"])
    offer = await world.look(handle, session)
    if not allow:
        return await world.interaction.refuse(handle, session)
    return await world.interaction.approve(handle, every(offer), session, digest=offer.digest)  # type: ignore[union-attr, arg-type]


async def opened(world: World, response: str) -> dict[str, Any]:
    """A signed answer, verified by another library with the published keys."""
    keys = KeySet.import_key_set((await world.http.get("/jwks")).json())
    return dict(jwt.decode(response, keys, algorithms=["ES256"]).claims)


@pytest.mark.parametrize("allow", [True, False], ids=["code", "error"])
@pytest.mark.parametrize("mode", MODES)
async def test_an_answer_goes_back_as_it_was_asked_for(world: World, mode: str, allow: bool) -> None:
    """Covers: line 1; check 11, 12; Form Post Response Mode; JARM §2.1 and §2.3."""
    answer = await answered(world, mode, allow=allow)
    posted, is_signed = mode.startswith("form_post"), mode.endswith("jwt")
    assert (answer.url == CALLBACK) is posted
    told = dict(answer.fields) if posted else query_of(answer)
    if is_signed:
        assert set(told) == {"response"}
        told = await opened(world, told["response"])
        assert (told.pop("aud"), told.pop("exp")) == (PUBLIC.id, T0 + 300)
    assert (told["state"], told["iss"]) == ("st", ISSUER)
    if not allow:
        assert told["error"] == "access_denied"
        return
    redeemed = await post(world, "/token", exchange(told["code"]), SigningKey.generate())
    assert redeemed.status_code == 200, redeemed.text


@pytest.mark.parametrize("mode", MODES)
async def test_an_error_before_anybody_is_asked_goes_the_same_way(world: World, mode: str) -> None:
    """Covers: check 12, 23; a posted error is a page, never a redirect of a post."""
    query = urlencode({**REQUEST, "response_mode": mode, "prompt": "none"})
    answer = await world.browse(f"/authorize?{query}")
    if not mode.startswith("form_post"):
        assert answer.status_code == 303
        told = query_of(answer.headers["location"])
    else:
        assert answer.status_code == 200
        to, _, fields = answer.text.removeprefix("post to ").partition(": ")
        assert to == CALLBACK
        told = {name: values[0] for name, values in parse_qs(fields).items()}
    if mode.endswith("jwt"):
        told = await opened(world, told["response"])
    assert (told["error"], told["state"], told["iss"]) == ("login_required", "st", ISSUER)


@pytest.mark.parametrize("mode", ["fragment", "fragment.jwt", "web_message", "Query", "query jwt"])
async def test_a_fragment_never_carries_an_answer(world: World, mode: str) -> None:
    """Covers: check 10; K4."""
    location = (await world.browse(f"/authorize?{urlencode({**REQUEST, 'response_mode': mode})}")).headers["location"]
    assert "#" not in location
    assert query_of(location)["error"] == "invalid_request"


@pytest.mark.parametrize("profile", Profile)
@pytest.mark.parametrize("mode", [None, *MODES])
async def test_each_profile_answers_in_its_own_modes_alone(world: World, profile: Profile, mode: str | None) -> None:
    """Covers: line 10; FAPI 2.0 Message Signing answers signed."""
    rules = PROFILES[profile]
    await world.register(read_client({**_BASE, "id": "one", "profile": profile.value, "dpop_bound": True}))
    answer = await push(world, "one", {"request": signed("one", response_mode=mode)}, SigningKey.generate())
    assert (answer.status_code == 201) is ((mode or "query") in rules.response_modes)


async def test_where_answers_are_signed_so_is_the_refusal_of_an_unsigned_one(world: World) -> None:
    """Covers: check 12; JARM."""
    await world.register(STRICT)
    query = urlencode({"client_id": STRICT.id, "request": signed(STRICT.id, response_mode="query")})
    location = (await world.browse(f"/authorize?{query}")).headers["location"]
    assert location.startswith(f"{BACK}?response=")
    told = await opened(world, query_of(location)["response"])
    assert (told["error"], told["aud"], told["iss"]) == ("invalid_request", STRICT.id, ISSUER)


async def test_an_answer_is_signed_as_the_registration_says_or_not_at_all(world: World) -> None:
    """Covers: JARM §3; nothing is signed with another algorithm than the client expects."""
    fields = {**_BASE, "algorithms": {"authorization": "PS256"}}
    await world.register(read_client(fields))
    await world.sign_in()
    query = urlencode(
        {**REQUEST, "client_id": "signer", "redirect_uri": BACK, "response_mode": "jwt", "prompt": "none"}
    )
    assert (await world.browse(f"/authorize?{query}")).headers.get("location") is None
    await world.register(read_client({**fields, "algorithms": {"authorization": "ES256"}}))
    assert "response=" in (await world.browse(f"/authorize?{query}")).headers["location"]
    assert APP_KEY.public.alg == "ES256"
