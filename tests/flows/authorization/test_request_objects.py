"""Signed requests: what makes one count, and that nothing beside it does."""

import hashlib
import hmac
from typing import Any
from urllib.parse import urlencode

import orjson
import pytest
from joserfc import jws
from joserfc.jwk import RSAKey

from grantline.crypto.encoding import b64url
from grantline.crypto.es256 import SigningKey
from grantline.model.errors import TemporarilyUnavailable
from grantline.parties import read_client
from tests.authorization_world import APP_KEY, CALLBACK, ISSUER, PUBLIC, T0, World, handle_of, query_of
from tests.flows.authorization.raw import REQUEST, claims_of
from tests.flows.authorization.signed_requests import _BASE, BACK, CLAIMS, SIGNER, STRICT, push, signed

DPOP = SigningKey.generate()


@pytest.fixture(autouse=True)
async def _registered(world: World) -> None:
    await world.register(SIGNER, STRICT)


def unsigned(alg: str, signature: str = "") -> str:
    """The same claims under a header that says `alg`."""
    parts = {"alg": alg, "typ": "oauth-authz-req+jwt"}, {"iss": SIGNER.id, "client_id": SIGNER.id, **CLAIMS}
    return ".".join((*(b64url(orjson.dumps(part)) for part in parts), signature))


def with_secret() -> str:
    """HS256 by what everybody knows: the public key as a secret."""
    message = unsigned("HS256").rpartition(".")[0]
    digest = hmac.digest(orjson.dumps(APP_KEY.public.jwk), message.encode(), hashlib.sha256)
    return f"{message}.{b64url(digest)}"


async def arrive(world: World, url: str) -> str:
    """Where the browser of somebody who is signed in is sent."""
    if world.session is None:
        await world.sign_in()
    answer = await world.browse(url)
    return str(answer.headers.get("location", answer.text))


async def test_a_signed_request_is_pushed_and_goes_the_whole_way(world: World) -> None:
    """Covers: line 1; RFC 9101 by value; check 60, 68."""
    answer = await push(world, STRICT.id, {"request": signed(STRICT.id, response_mode="jwt")}, DPOP)
    assert answer.status_code == 201, answer.text
    query = urlencode({"client_id": STRICT.id, "request_uri": answer.json()["request_uri"]})
    assert "/consent/" in await arrive(world, f"/authorize?{query}")


async def test_parameters_outside_the_signed_request_are_never_used(world: World) -> None:
    """Covers: check 21; ensure-different-state-inside-and-outside, state-only-outside-request-object-not-used."""
    outside = {
        **REQUEST,
        "client_id": SIGNER.id,
        "redirect_uri": CALLBACK,
        "state": "outside",
        "scope": "bank.balances",
    }
    for inner in (signed(), signed(state=None)):
        query = urlencode({**outside, "request": inner, "nonce": "outside", "prompt": "none"})
        handle = handle_of(await arrive(world, f"/authorize?{query}"))
        offer = await world.look(handle, world.session)  # type: ignore[arg-type]
        assert {line.datatype for line in offer.lines} == {"transactions"}  # type: ignore[union-attr]
        back = query_of(await world.interaction.refuse(handle, world.session))  # type: ignore[arg-type]
        assert back.get("state") == (None if "state" not in orjson.loads(_payload(inner)) else "inside")


def _payload(token: str) -> bytes:
    from grantline.crypto.encoding import unb64url

    return unb64url(token.split(".")[1])


WRONG: dict[str, Any] = {
    "alg none": lambda: unsigned("none"),
    "alg None": lambda: unsigned("None", "AA"),
    "HS256 by the public key": with_secret,
    "another key": lambda: signed(key=SigningKey.generate()),
    "another client": lambda: signed(STRICT.id),
    "iss of another": lambda: signed(iss=STRICT.id),
    "client_id of another": lambda: signed(client_id=STRICT.id),
    "nobody's": lambda: signed(iss=None, client_id=None),
    "aud elsewhere": lambda: signed(aud="https://other.example"),
    "no aud": lambda: signed(aud=None),
    "aud is the endpoint": lambda: signed(aud=f"{ISSUER}/par"),
    "expired": lambda: signed(exp=T0 - 11),
    "not yet": lambda: signed(nbf=T0 + 60),
    "from the future": lambda: signed(iat=T0 + 60),
    "nested request": lambda: signed(request="e30.e30.AA"),
    "nested request_uri": lambda: signed(request_uri="urn:x"),
    "an assertion": lambda: signed(typ="JWT", sub=SIGNER.id),
    "another type": lambda: signed(typ="dpop+jwt"),
    "client-authentication+jwt": lambda: signed(typ="client-authentication+jwt"),
    "not a JWT": lambda: "e30",
    "an altered one": lambda: signed()[:-6] + "AAAAAA",
    "a list": lambda: APP_KEY.sign_jws(b"[1]", "oauth-authz-req+jwt"),
    "a repeated name": lambda: APP_KEY.sign_jws(
        orjson.dumps({"iss": SIGNER.id, **CLAIMS})[:-1] + b',"state":"twice"}', "oauth-authz-req+jwt"
    ),
}


@pytest.mark.parametrize("wrong", WRONG)
async def test_a_request_that_is_not_signed_rightly_is_refused(world: World, wrong: str) -> None:
    """Covers: check 20; alg none, HS*, another key, aud, exp, nested."""
    request = WRONG[wrong]()
    answer = await push(world, SIGNER.id, {"request": request})
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request_object")
    # Nothing is said to any address that only an unproven request names.
    page = await arrive(world, f"/authorize?{urlencode({**REQUEST, 'client_id': SIGNER.id, 'request': request})}")
    assert page == "error page: invalid_request_object"


@pytest.mark.parametrize("good", [{"aud": [ISSUER, "https://other.example"]}, {"nbf": T0 + 8}, {"exp": T0 - 8}])
async def test_clocks_may_differ_a_little_and_others_may_be_addressed_too(world: World, good: dict[str, Any]) -> None:
    """Covers: check 169; accepts several aud and nbf 8 s ahead."""
    assert (await push(world, SIGNER.id, {"request": signed(**good)})).status_code == 201


@pytest.mark.parametrize(
    "bounds",
    [
        {"exp": None}, {"nbf": None}, {"exp": T0 + 3_601}, {"nbf": T0 - 3_700, "exp": T0 + 1},
        {"nbf": T0 - 3_500, "exp": T0 + 200},
    ],
)  # fmt: skip
async def test_message_signing_bounds_when_a_request_counts(world: World, bounds: dict[str, Any]) -> None:
    """Covers: FAPI 2.0 Message Signing: exp and nbf required, at most 60 minutes apart and old; SECURITY.md §1.2."""
    refused = await push(world, STRICT.id, {"request": signed(STRICT.id, response_mode="jwt", **bounds)}, DPOP)
    assert refused.json()["error"] == "invalid_request_object"
    good = await push(world, STRICT.id, {"request": signed(STRICT.id, response_mode="jwt", exp=T0 + 3_600)}, DPOP)
    assert good.status_code == 201
    if "exp" not in bounds or bounds["exp"] is None or bounds["exp"] > T0:
        assert (await push(world, SIGNER.id, {"request": signed(**bounds)})).status_code == 201


async def test_who_has_to_sign_cannot_leave_it(world: World) -> None:
    """Covers: check 65; unsigned at PAR, direct parameters at authorize."""
    plain = {**REQUEST, "redirect_uri": BACK, "client_id": STRICT.id, "response_mode": "jwt"}
    answer = await push(world, STRICT.id, plain, DPOP)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
    sent = {"client_id": STRICT.id, "request": signed(STRICT.id, response_mode="jwt")}
    told = claims_of(query_of(await arrive(world, f"/authorize?{urlencode(sent)}"))["response"])
    assert (told["error"], "push" in told["error_description"]) == ("invalid_request", True)
    signs = read_client({**_BASE, "id": "signs", "require_request_object": True})
    await world.register(signs)
    direct = await arrive(world, f"/authorize?{urlencode({**plain, 'client_id': 'signs', 'response_mode': 'query'})}")
    assert query_of(direct)["error"] == "invalid_request"
    good = {"client_id": "signs", "request": signed("signs")}
    assert "/consent/" in await arrive(world, f"/authorize?{urlencode(good)}")


async def test_a_client_without_keys_signs_nothing(world: World) -> None:
    """Covers: check 20, 78."""
    query = urlencode({**REQUEST, "request": signed(PUBLIC.id)})
    assert await arrive(world, f"/authorize?{query}") == "error page: invalid_request_object"


async def test_rs256_counts_only_where_the_registration_names_it(world: World) -> None:
    """Covers: check 20, 77; RS256 refused for FAPI and unless an interop profile names it."""
    key = RSAKey.generate_key(2_048, auto_kid=True)
    jwk = {name: value for name, value in key.as_dict(private=False).items() if isinstance(value, str)}
    older = {**_BASE, "id": "older", "jwks": [APP_KEY.public.jwk, {**jwk, "alg": "RS256", "kid": "rsa"}]}
    await world.register(
        read_client({**older, "profile": "oidc", "algorithms": {"request_object": "RS256"}}),
        read_client({**older, "profile": "oidc", "id": "unnamed"}),
    )
    for client, status in (("older", 201), ("unnamed", 400)):
        claims = orjson.dumps({"iss": client, **CLAIMS})
        token = jws.serialize_compact({"alg": "RS256", "kid": "rsa"}, claims, key, algorithms=["RS256"])
        assert (await push(world, client, {"request": token})).status_code == status
    # The one algorithm named is the only one.
    assert (await push(world, "older", {"request": signed("older")})).status_code == 400


class Shelf:
    """Stands at addresses."""

    def __init__(self, **documents: str) -> None:
        self.documents = {f"https://signer.example/{name}": text for name, text in documents.items()}
        self.asked: list[str] = []

    async def request_object(self, url: str) -> str:
        self.asked.append(url)
        if url not in self.documents:
            raise TemporarilyUnavailable("away")
        return self.documents[url]

    async def keys(self, url: str) -> tuple[dict[str, Any], ...]:
        self.asked.append(url)
        return (APP_KEY.public.jwk,)  # type: ignore[return-value]


async def test_a_request_is_read_only_at_an_address_that_its_client_registered(world: World) -> None:
    """Covers: check 22; RFC 9101 §5.2 by registered request_uri."""
    shelf = Shelf(r1=signed("reads"), r2=signed())
    object.__setattr__(world.server, "fetch", shelf)
    there = ["https://signer.example/r1#v2", "https://signer.example/r2", "https://signer.example/gone"]
    fields = {**_BASE, "id": "reads", "request_uris": there, "jwks": [], "jwks_uri": "https://signer.example/jwks"}
    await world.register(read_client(fields), read_client({**fields, "id": "pushes", "require_par": True}))

    async def go(uri: str, client: str = "reads") -> str:
        return await arrive(world, f"/authorize?{urlencode({'client_id': client, 'request_uri': uri})}")

    assert "/consent/" in await go(there[0])
    assert shelf.asked == ["https://signer.example/r1", "https://signer.example/jwks"]
    assert await go(there[1]) == "error page: invalid_request_object"
    assert await go(there[2]) == "error page: invalid_request_uri"
    shelf.asked.clear()
    for uri in ("https://signer.example/r1", "https://evil.example/r", "http://127.0.0.1/r", "file:///etc/passwd"):
        assert await go(uri) == "error page: request_uri_not_supported"
    assert await go(there[0], "pushes") == "error page: request_uri_not_supported"
    both = urlencode({"client_id": "reads", "request_uri": there[0], "request": signed("reads")})
    assert await arrive(world, f"/authorize?{both}") == "error page: invalid_request"
    assert shelf.asked == []
    object.__setattr__(world.server, "fetch", None)
    assert await go(there[0]) == "error page: request_uri_not_supported"


async def test_numbers_lists_and_objects_inside_count_as_their_parameters(world: World) -> None:
    """Covers: RFC 9101 §4; RFC 9396 §2 (authorization_details as JSON); check 96."""
    detail = {
        "type": "bank_data", "actions": ["read"], "datatypes": ["transactions"], "fields": ["date"],
        "purpose": "budgeting",
    }  # fmt: skip
    rich = signed(scope=None, authorization_details=[detail], max_age=60, resource=["https://bank.example/api"])
    assert (await push(world, SIGNER.id, {"request": rich})).status_code == 201
    elsewhere = signed(resource="https://calendar.example/api")
    assert (await push(world, SIGNER.id, {"request": elsewhere})).json()["error"] == "invalid_target"
    assert (await push(world, SIGNER.id, {"request": signed(max_age="soon")})).json()["error"] == "invalid_request"
