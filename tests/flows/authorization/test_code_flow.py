"""From asking to tokens, as an app sees it."""

import pytest

from grantline.crypto.es256 import PublicKey, SigningKey, verify_jws
from grantline.model.events import EventType
from grantline.sdk.client import AccessRefused
from tests.authorization_world import CALLBACK, CONFIDENTIAL, ISSUER, T0, Picks, World, every, handle_of, query_of
from tests.flows.authorization.raw import claims_of

DATABASES = ("sqlite", "postgres")


async def test_a_person_allows_and_the_app_gets_a_token_bound_to_its_key(world: World) -> None:
    """Covers: line 3; check 95, 105, 110, 112."""
    key = SigningKey.generate()
    tokens = await world.connect(world.app(dpop=key))
    jwks = (await world.http.get("/jwks")).json()["keys"]
    verify_jws(tokens.access_token, {jwk["kid"]: PublicKey.from_jwk(jwk) for jwk in jwks}.get, "at+jwt")
    claims = claims_of(tokens.access_token)
    assert claims["cnf"] == {"jkt": key.public.thumbprint}
    assert claims["iss"] == ISSUER
    assert claims["aud"] == ["https://bank.example/api"]
    assert claims["client_id"] == "budget"
    assert claims["exp"] - claims["iat"] == 300
    assert claims["grant_id"] == tokens.grant_id
    assert (claims["gver"], claims["gep"], claims["pur"]) == (1, 1, ["budgeting"])
    assert claims["seq"] == [1, (await world.feed())[-1]["seq"]]
    assert claims["sub"].startswith("pw_")
    assert "ada" not in tokens.access_token + str(claims)
    assert tokens.token_type == "DPoP"
    assert tokens.scope == "bank.transactions"
    assert len(tokens.access_token) <= 1_200


async def test_the_token_answer_says_what_was_agreed_not_what_was_asked(world: World) -> None:
    """Covers: line 3; check 95; I12."""
    app = world.app()
    begun = await app.begin(scope="bank.transactions bank.categories")
    session = await world.sign_in()
    handle = handle_of((await world.browse(begun.url)).headers["location"])
    offer = await world.look(handle, session)
    bare = Picks(frozenset(), {"bank": ("acc-2",)}, offer.default_days)
    tokens = await app.finish(begun, (await world.interaction.approve(handle, bare, session, digest=offer.digest)).url)
    (detail,) = tokens.authorization_details
    assert detail["fields"] == ["date", "amount", "category"]
    assert detail["resources"] == ["acc-2"]
    assert detail["purpose"] == "budgeting"
    assert tokens.scope == "bank.transactions"


async def test_every_token_has_its_event_and_no_event_names_the_token(world: World) -> None:
    """Covers: line 11; check 166."""
    tokens = await world.connect(world.app())
    issued = [event for event in await world.events() if event.type is EventType.TOKEN_ISSUED]
    assert [event.consent for event in issued] == [tokens.grant_id]
    jti = claims_of(tokens.access_token)["jti"]
    assert all(jti not in str(event) and tokens.access_token not in str(event) for event in await world.events())


async def test_a_token_never_outlives_its_consent(world: World) -> None:
    """Covers: I3."""
    app = world.app()
    tokens = await world.connect(app)
    ends = T0 + 30 * 86_400
    world.clock.us = (ends - 15 * 86_400) * 1_000_000
    tokens = await app.refresh(tokens.refresh_token or "")
    world.clock.us = (ends - 100) * 1_000_000
    last = await app.refresh(tokens.refresh_token or "")
    assert claims_of(last.access_token)["exp"] == ends
    assert last.expires_in == 100
    world.clock.pass_seconds(101)
    with pytest.raises(AccessRefused, match="invalid_grant"):
        await app.refresh(last.refresh_token or "")


async def test_two_apps_know_one_person_under_two_names(world: World) -> None:
    """Covers: I13; check 122."""
    one = claims_of((await world.connect(world.app())).access_token)["sub"]
    two = claims_of((await world.connect(world.app(CONFIDENTIAL))).access_token)["sub"]
    again = claims_of((await world.connect(world.app())).access_token)["sub"]
    assert one == again != two


async def test_a_refusal_comes_back_as_access_denied_with_state_and_issuer(world: World) -> None:
    """Covers: C13; check 12."""
    app = world.app()
    begun = await app.begin(scope="bank.transactions")
    session = await world.sign_in()
    handle = handle_of((await world.browse(begun.url)).headers["location"])
    await world.look(handle, session)
    back = (await world.interaction.refuse(handle, session)).url
    assert back.startswith(CALLBACK)
    assert query_of(back)["iss"] == ISSUER
    with pytest.raises(AccessRefused, match="access_denied"):
        await app.finish(begun, back)
    assert [e.type for e in await world.events()][-1] is EventType.CONSENT_REFUSED


async def test_an_answer_of_another_server_is_not_taken(world: World) -> None:
    """Covers: check 12; mix-up (A1a)."""
    app = world.app()
    begun = await app.begin(scope="bank.transactions")
    back = await world.allow(begun)
    with pytest.raises(AccessRefused, match="not the answer"):
        await app.finish(begun, back.replace("iss=http%3A%2F%2Flocalhost%3A9000", "iss=https%3A%2F%2Fevil.example"))
    with pytest.raises(AccessRefused, match="not the answer"):
        await app.finish(begun, back.replace(f"state={begun.state}", "state=other"))


async def test_details_can_be_asked_for_directly(world: World) -> None:
    """Covers: line 3 (RAR is the inner form); check 51."""
    detail = {
        "type": "bank_data", "actions": ["read"], "datatypes": ["transactions"], "fields": ["date", "amount"],
        "purpose": "budgeting",
    }  # fmt: skip
    app = world.app()
    begun = await app.begin(details=[detail])
    tokens = await app.finish(begun, await world.allow(begun))
    assert tokens.authorization_details[0]["fields"] == ["date", "amount"]
    assert tokens.authorization_details[0]["datatypes"] == ["transactions"]


async def test_state_comes_back_byte_for_byte(world: World) -> None:
    """Covers: check 11."""
    state = "a b&c=d%20é€" * 100
    begun = await world.app().begin(scope="bank.transactions", state=state)
    assert query_of(await world.allow(begun))["state"] == state


async def test_the_audience_can_be_narrowed_when_the_token_is_fetched(world: World) -> None:
    """Covers: check 96."""
    app = world.app()
    begun = await app.begin(scope="bank.transactions calendar.events")
    tokens = await app.finish(begun, await world.allow(begun))
    assert len(claims_of(tokens.access_token)["aud"]) == 2
    world.clock.pass_seconds(1)
    narrow = await app.refresh(tokens.refresh_token or "", resource="https://calendar.example/api")
    assert claims_of(narrow.access_token)["aud"] == ["https://calendar.example/api"]
    assert {detail["type"] for detail in narrow.authorization_details} == {"calendar_data"}
    with pytest.raises(AccessRefused, match="invalid_target"):
        await app.refresh(narrow.refresh_token or "", resource="https://elsewhere.example/api")


async def test_a_person_who_answered_this_question_is_not_asked_again(world: World) -> None:
    """Covers: check 41."""
    first = await world.connect(world.app(), "bank.transactions bank.balances")
    app = world.app()
    begun = await app.begin(scope="bank.transactions")
    back = (await world.browse(begun.url)).headers["location"]
    assert back.startswith(CALLBACK)
    tokens = await app.finish(begun, back)
    assert tokens.grant_id == first.grant_id
    more = await app.begin(scope="bank.transactions calendar.events")
    assert "/consent/" in (await world.browse(more.url)).headers["location"]
    forced = await app.begin(scope="bank.transactions", prompt="consent")
    assert "/consent/" in (await world.browse(forced.url)).headers["location"]


async def test_an_app_on_loopback_always_asks(world: World) -> None:
    """Covers: check 42."""
    app = world.app(redirect="http://127.0.0.1:50123/cb")
    await world.connect(app)
    again = await app.begin(scope="bank.transactions")
    assert "/consent/" in (await world.browse(again.url)).headers["location"]


async def test_a_changed_registration_asks_again(world: World) -> None:
    """Covers: check 136; re-consent when the client changes."""
    import msgspec

    from tests.authorization_world import PUBLIC

    await world.connect(world.app())
    await world.register(msgspec.structs.replace(PUBLIC, name="Budget, now sold"))
    again = await world.app().begin(scope="bank.transactions")
    assert "/consent/" in (await world.browse(again.url)).headers["location"]


async def test_what_the_person_picks_is_what_the_consent_holds(world: World) -> None:
    """Covers: check 39; C15."""
    from grantline.model.errors import InvalidRequest

    app = world.app()
    begun = await app.begin(scope="bank.transactions")
    session = await world.sign_in()
    handle = handle_of((await world.browse(begun.url)).headers["location"])
    offer = await world.look(handle, session)
    wrong = (
        (Picks(frozenset({"bank.payments.pay.bill-paying:all"}), {"bank": ("acc-1",)}, 30), offer.digest),
        (Picks(frozenset(), {"bank": ("acc-3",)}, 30), offer.digest),
        (Picks(frozenset(), {"bank": ("acc-9",)}, 30), offer.digest),
        (Picks(frozenset(), {"bank": ()}, 30), offer.digest),
        (Picks(frozenset(), {"bank": ("acc-1",)}, 3_650), offer.digest),
        (every(offer), "0" * 64),
    )
    before = len(await world.events())
    for picks, digest in wrong:
        with pytest.raises(InvalidRequest):
            await world.interaction.approve(handle, picks, session, digest=digest)
    assert len(await world.events()) == before
