"""What clients learn of a person: the subject, and name and address only as far as the person agreed."""

from typing import Any

import httpx2
import msgspec
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from grantline.consent import Offer
from grantline.crypto.es256 import SigningKey
from grantline.identity import PersonRow
from grantline.model.ids import ApiId
from grantline.parties import Algorithms
from grantline.sdk.client import AccessRefused, Prover, Tokens
from tests.authorization_world import ISSUER, PUBLIC, World, handle_of
from tests.flows.authorization.raw import claims_of

KEY = SigningKey.generate()
APP = msgspec.structs.replace(PUBLIC, scopes=(*PUBLIC.scopes, "profile", "email"))
EVERYTHING = "openid profile email bank.transactions"


@pytest.fixture(autouse=True)
async def registered(world: World) -> None:
    """An app that may ask who somebody is, and somebody with an address."""
    await world.register(APP)
    person = PersonRow(world.people["ada"], "ada", "Ada", "ada@home.example", (), {ApiId("bank"): "b-ada"})
    await world.database.write(lambda tx: tx.people.put(person))


async def userinfo(world: World, token: str) -> httpx2.Response:
    """One call, with a nonce as soon as one was given."""
    prover = Prover("", KEY, None, world.clock, world.server.randomness)
    url = ISSUER + "/userinfo"
    first = await world.http.get("/userinfo", headers=prover.headers("GET", url, token))
    return await world.http.get("/userinfo", headers=prover.headers("GET", url, token, first.headers["dpop-nonce"]))


async def connect(world: World, scope: str, **more: str) -> Tokens:
    return await world.connect(world.app(APP, dpop=KEY), scope, **more)


async def asked(world: World, scope: str) -> Offer:
    begun = await world.app(APP).begin(scope=scope)
    session = world.session or await world.sign_in()
    offer = await world.look(handle_of((await world.browse(begun.url)).headers["location"]), session)
    assert isinstance(offer, Offer)
    return offer


async def test_openid_alone_gives_the_subject_alone(world: World) -> None:
    """Covers: line 7; check 120; OIDC Core §5.4; nothing of an API is asked, given or reachable."""
    offer = await asked(world, "openid")
    assert (offer.about, offer.lines, offer.resources) == (("that it is you whenever you come back",), (), ())
    tokens = await connect(world, "openid")
    claims, answer = claims_of(tokens.id_token or ""), (await userinfo(world, tokens.access_token)).json()
    assert answer == {"sub": claims["sub"]}
    assert not {"name", "email", "preferred_username"} & set(claims)
    access = claims_of(tokens.access_token)
    assert (access["aud"], access["scope"], access["pur"]) == ([ISSUER], "openid", [])
    assert tokens.authorization_details == ()


async def test_each_scope_gives_its_claims_at_userinfo(world: World) -> None:
    """Covers: OIDC Core §5.4; the page says each of them before anybody agrees."""
    offer = await asked(world, EVERYTHING)
    assert offer.about[1:] == ("your name and user name", "your e-mail address")
    assert offer.lines
    tokens = await connect(world, EVERYTHING)
    answer = (await userinfo(world, tokens.access_token)).json()
    known = {"name": "Ada", "preferred_username": "ada", "email": "ada@home.example"}
    assert answer == {"sub": claims_of(tokens.id_token or "")["sub"], **known}
    assert not set(known) & set(claims_of(tokens.id_token or ""))


async def test_claims_for_the_id_token_stand_there_as_far_as_agreed(world: World) -> None:
    """Covers: OIDC Core §5.5; a claim without its scope was on no page, so it is not given."""
    wanted = '{"id_token": {"name": {"essential": true}, "email": null, "phone_number": null}}'
    told = claims_of((await connect(world, "openid profile", claims=wanted)).id_token or "")
    assert told["name"] == "Ada"
    assert "email" not in told


async def test_a_refresh_tells_as_much_as_the_first_token(world: World) -> None:
    """Covers: OIDC Core §12.2."""
    app = world.app(APP, dpop=KEY)
    first = await world.connect(app, "openid profile", claims='{"id_token": {"name": null}}')
    assert claims_of((await app.refresh(first.refresh_token or "")).id_token or "")["name"] == "Ada"


async def test_more_about_the_person_is_asked_before_it_is_told(world: World) -> None:
    """Covers: check 41; an earlier yes to less is none to more, one to more is one to less."""
    await connect(world, "openid bank.transactions")
    app = world.app(APP, dpop=KEY)
    begun = await app.begin(scope=EVERYTHING)
    assert (await world.browse(begun.url)).headers["location"].startswith("/consent/")
    await world.allow(begun)
    begun = await app.begin(scope="openid email")
    location = (await world.browse(begun.url)).headers["location"]
    tokens = await app.finish(begun, location)
    assert set((await userinfo(world, tokens.access_token)).json()) == {"sub", "email"}


async def test_a_client_asks_only_for_what_it_is_registered_for(world: World) -> None:
    """Covers: check 132; the standard scopes are no way around a registration."""
    with pytest.raises(AccessRefused, match="invalid_scope"):
        await world.app(APP).begin(scope="openid phone")
    await world.register(PUBLIC)
    with pytest.raises(AccessRefused, match="invalid_scope"):
        await world.app(PUBLIC).begin(scope="openid email")


async def test_userinfo_is_signed_where_the_client_is_registered_so(world: World) -> None:
    """Covers: OIDC Core §5.3.2; check 120; verified by another library."""
    await world.register(msgspec.structs.replace(APP, algorithms=Algorithms(userinfo="ES256")))
    tokens = await connect(world, "openid email")
    answer = await userinfo(world, tokens.access_token)
    assert answer.headers["content-type"] == "application/jwt"
    keys = KeySet.import_key_set((await world.http.get("/jwks")).json())
    read = jwt.decode(answer.text, keys, algorithms=["ES256"]).claims
    sub = claims_of(tokens.id_token or "")["sub"]
    assert read == {"iss": ISSUER, "aud": APP.id, "sub": sub, "email": "ada@home.example"}


async def test_userinfo_takes_a_bearer_token_in_header_or_form(world: World) -> None:
    """Covers: check 120; OIDC Core §5.3.1 (GET, POST by header, POST by body)."""
    bearer = msgspec.structs.replace(APP, id="bearer", dpop_bound=False)
    await world.register(bearer)
    tokens = await world.connect(world.app(bearer), "openid")
    header = {"authorization": f"Bearer {tokens.access_token}"}
    answers = (
        await world.http.get("/userinfo", headers=header),
        await world.http.post("/userinfo", headers=header),
        await world.http.post("/userinfo", data={"access_token": tokens.access_token}),
    )
    for answer in answers:
        assert (answer.status_code, answer.json()) == (200, {"sub": claims_of(tokens.id_token or "")["sub"]})
        assert answer.headers["cache-control"] == "no-store"


async def test_a_token_that_is_about_no_person_gets_nothing(world: World) -> None:
    """Covers: check 120; a client's own access names nobody, whatever its scope says."""
    tokens = await connect(world, "openid")
    await world.database.write(lambda tx: _forget(tx, world))
    answer = await userinfo(world, tokens.access_token)
    assert (answer.status_code, answer.json()["error"]) == (403, "insufficient_scope")


async def _forget(tx: Any, world: World) -> None:
    """Make the consent's person nobody, as the operator is who consents for services."""
    state = (await tx.consents.of_person(world.people["ada"]))[0]
    tx.cursor._connection.execute("UPDATE consents SET person = 'operator' WHERE consent_id = ?", (state.consent_id,))
