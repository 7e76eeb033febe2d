"""Who signed in: ID token, userinfo, discovery, keys."""

import hashlib
import json
from typing import Any

import httpx2
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from grantline.crypto.encoding import b64url
from grantline.crypto.es256 import SigningKey
from grantline.parties import GRANT_TYPES, AuthMethod
from grantline.sdk.client import Prover, Tokens
from tests.authorization_world import ISSUER, PUBLIC, T0, World
from tests.flows.authorization.raw import claims_of, current_nonce

KEY = SigningKey.generate()


async def userinfo(world: World, token: str, key: SigningKey | None = KEY, **headers: str) -> httpx2.Response:
    prover = Prover("", key, None, world.clock, world.server.randomness)
    proof = prover.headers("GET", ISSUER + "/userinfo", token, nonce=current_nonce(world))
    return await world.http.get("/userinfo", headers={**proof, **headers})


@pytest.fixture
async def tokens(world: World) -> Tokens:
    return await world.connect(world.app(dpop=KEY), "openid bank.transactions", nonce="n-1")


async def test_the_id_token_says_who_when_and_for_whom(world: World, tokens: Tokens) -> None:
    """Covers: line 3; check 17, 120, 123; verified by another library."""
    keys = KeySet.import_key_set((await world.http.get("/jwks")).json())
    read = jwt.decode(tokens.id_token or "", keys, algorithms=["ES256"])
    half = hashlib.sha256(tokens.access_token.encode()).digest()[:16]
    assert read.claims == {
        "iss": ISSUER, "sub": claims_of(tokens.access_token)["sub"], "aud": PUBLIC.id, "exp": T0 + 300, "iat": T0,
        "auth_time": T0, "amr": ["pwd"], "acr": "urn:grantline:acr:password", "nonce": "n-1", "at_hash": b64url(half),
    }  # fmt: skip


async def test_without_openid_there_is_no_id_token(world: World) -> None:
    """Covers: OIDC Core §3.1.2.1."""
    assert (await world.connect(world.app())).id_token is None


async def test_userinfo_names_the_same_person(world: World, tokens: Tokens) -> None:
    """Covers: line 3; check 120."""
    answer = await userinfo(world, tokens.access_token)
    assert answer.json() == {"sub": claims_of(tokens.access_token)["sub"]}


async def test_userinfo_refuses_what_is_not_an_access_token_made_for_it(world: World, tokens: Tokens) -> None:
    """Covers: check 103, 111, 120, 121."""
    other = await world.connect(world.app(dpop=KEY), "bank.transactions", prompt="consent")
    cases = (
        (await userinfo(world, other.access_token), 403, "insufficient_scope"),
        (await userinfo(world, tokens.id_token or ""), 401, "invalid_token"),
        (await userinfo(world, tokens.access_token, SigningKey.generate()), 401, "invalid_dpop_proof"),
        (await userinfo(world, tokens.access_token, None), 401, "invalid_token"),
        (await userinfo(world, "x.y.z"), 401, "invalid_token"),
        (await world.http.get("/userinfo"), 401, "invalid_token"),
        (await world.http.get(f"/userinfo?access_token={tokens.access_token}"), 401, "invalid_token"),
    )
    for answer, status, error in cases:
        assert (answer.status_code, answer.json()["error"]) == (status, error)
        assert f'error="{error}"' in answer.headers["www-authenticate"]


async def test_userinfo_stops_with_the_consent(world: World, tokens: Tokens) -> None:
    """Covers: check 52."""
    consent, person = tokens.grant_id, world.people["ada"]
    await world.database.write(lambda tx: world.server.consents.withdraw(tx, consent=consent, person=person))  # type: ignore[arg-type]
    assert (await userinfo(world, tokens.access_token)).status_code == 401


async def test_an_id_token_cannot_stand_for_an_access_token_nor_the_other_way(world: World, tokens: Tokens) -> None:
    """Covers: check 111."""
    from grantline.authorization.tokens import access, id_token
    from grantline.model.errors import InvalidToken

    assert access.read(world.server, tokens.access_token).client_id == PUBLIC.id
    with pytest.raises(InvalidToken):
        access.read(world.server, tokens.id_token or "")
    assert id_token.subject_of_hint(world.server, tokens.access_token) is None


async def test_both_documents_are_one_and_say_only_what_works(world: World) -> None:
    """Covers: line 3; check 125, 126; SECURITY.md §2 (S256, iss, both documents)."""
    documents = [
        (await world.http.get(f"/.well-known/{name}")).json()
        for name in ("oauth-authorization-server", "openid-configuration")
    ]
    assert documents[0] == documents[1]
    (said, _) = documents
    assert said["issuer"] == ISSUER
    assert said["code_challenge_methods_supported"] == ["S256"]
    assert said["response_types_supported"] == ["code"]
    assert said["authorization_response_iss_parameter_supported"] is True
    assert {"authorization_code", "refresh_token"} <= set(said["grant_types_supported"]) <= GRANT_TYPES
    assert {"none", "private_key_jwt"} <= set(said["token_endpoint_auth_methods_supported"]) <= set(AuthMethod)
    assert said["authorization_details_types_supported"] == ["bank_data", "calendar_data"]
    for name, address in said.items():
        if name.endswith("_endpoint") or name == "jwks_uri":
            answer = await world.http.get(address)
            assert answer.status_code in {200, 303, 400, 401, 405}, name


async def test_the_keys_are_public_only(world: World) -> None:
    """Covers: check 114, 115."""
    keys = (await world.http.get("/jwks")).json()["keys"]
    assert [set(key) for key in keys] == [{"kty", "crv", "x", "y", "kid", "alg", "use"}]


async def test_scripts_of_other_origins_may_call_what_apps_need_and_nothing_else(world: World) -> None:
    """Covers: check 29; oidc-client-ts in a browser."""
    for path, shared in (("/token", True), ("/userinfo", True), ("/jwks", True), ("/introspect", False)):
        for method in ("OPTIONS", "POST"):
            answer = await world.http.request(method, path, headers={"origin": "https://app.example"})
            # Exactly once: browsers refuse a list, even of the same word twice.
            said = answer.headers.get_list("access-control-allow-origin")
            assert said == (["*"] if shared else []), (method, path)
    assert (await world.http.options("/authorize")).status_code == 405


async def test_what_happens_inside_stays_inside(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Covers: check 13; an error of ours names a reference and nothing else."""

    async def broken(*_: Any) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(world.server.work, "read", broken)
    answer = await world.http.post("/token", data={"client_id": "budget", "grant_type": "authorization_code"})
    assert answer.status_code == 500
    assert answer.json()["error"] == "server_error"
    assert "secret" not in json.dumps(answer.json())
