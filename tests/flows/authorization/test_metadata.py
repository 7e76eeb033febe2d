"""Metadata says what works, and each thing that it says is tried."""

from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

import httpx2
import pytest
from jsonschema import Draft202012Validator

from grantline.authorization import oauth_endpoints
from grantline.crypto.es256 import SigningKey
from grantline.identity.levels import MET_BY
from tests.authorization_world import ISSUER, World, query_of
from tests.flows.authorization.raw import REQUEST, post
from tests.flows.authorization.signed_requests import SIGNER, push, signed

WELL_KNOWN = "/.well-known/oauth-authorization-server"


async def said(world: World) -> dict[str, Any]:
    return dict((await world.http.get(WELL_KNOWN)).json())


async def test_what_the_metadata_lists_about_requests_works_and_nothing_else(world: World) -> None:
    """Covers: check 126."""
    document = await said(world)
    await world.sign_in()
    for mode in (*document["response_modes_supported"], "fragment", "fragment.jwt"):
        answer = await post(world, "/par", {**REQUEST, "response_mode": mode})
        assert (answer.status_code == 201) is (mode in document["response_modes_supported"]), mode
    for prompt in (*document["prompt_values_supported"], "create"):
        answer = await post(world, "/par", {**REQUEST, "prompt": prompt})
        assert (answer.status_code == 201) is (prompt in document["prompt_values_supported"]), prompt
    assert document["request_parameter_supported"] is True
    await world.register(SIGNER)
    assert (await push(world, SIGNER.id, {"request": signed()})).status_code == 201
    assert {"ES256", "PS256", "EdDSA"} <= set(document["request_object_signing_alg_values_supported"])
    assert not {"none", "HS256"} & set(document["request_object_signing_alg_values_supported"])
    assert document["claims_parameter_supported"] is True
    assert all(MET_BY[value] for value in document["acr_values_supported"])
    assert document["authorization_signing_alg_values_supported"] == [
        key["alg"] for key in (await world.http.get("/jwks")).json()["keys"]
    ]
    assert document["ui_locales_supported"] == ["en"]


async def test_addresses_of_requests_are_listed_only_where_they_are_read(world: World) -> None:
    """Covers: check 126; request_uri_parameter_supported."""
    assert (await said(world))["request_uri_parameter_supported"] is False
    object.__setattr__(world.server, "fetch", object())
    document = await said(world)
    assert document["request_uri_parameter_supported"] is True
    assert document["require_request_uri_registration"] is True


async def test_the_schemas_of_details_are_where_the_metadata_says(world: World) -> None:
    """Covers: line 1; RFC 9396 with JSON-Schema types from the catalog."""
    document = await said(world)
    answer = await world.http.get(document["authorization_details_types_metadata_endpoint"])
    types = answer.json()
    assert list(types) == document["authorization_details_types_supported"]
    for one in types.values():
        Draft202012Validator.check_schema(one["schema"])
    assert answer.headers["access-control-allow-origin"] == "*"


@pytest.mark.parametrize("base", ["/tenant", "/a/b"])
async def test_an_issuer_with_a_path_is_found_under_every_well_known_form(world: World, base: str) -> None:
    """Covers: check 125; RFC 8414 §3.1, OIDC Discovery §4, MCP (three places)."""
    issuer = ISSUER + base
    app = oauth_endpoints(replace(world.server, issuer=issuer))
    forms = (
        f"/.well-known/oauth-authorization-server{base}",
        f"/.well-known/openid-configuration{base}",
        f"{base}/.well-known/openid-configuration",
        f"{base}/.well-known/oauth-authorization-server",
    )
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url=ISSUER) as http:
        documents = [(await http.get(form)).json() for form in forms]
        assert all(document == documents[0] for document in documents)
        assert documents[0]["issuer"] == issuer
        for name, address in documents[0].items():
            if name.endswith("_endpoint") or name == "jwks_uri":
                assert address.startswith(f"{issuer}/")
                assert (await http.get(address)).status_code != 404, name
        assert not app.knows(WELL_KNOWN)
        assert not app.knows("/token")
        assert not app.knows(f"{base}x/token")
        pushed = await http.post(f"{base}/par", data=REQUEST)
        assert pushed.status_code == 201
        query = urlencode({"client_id": REQUEST["client_id"], "request_uri": pushed.json()["request_uri"]})
        await world.sign_in()
        assert (await http.get(f"{base}/authorize?{query}")).headers["location"].startswith("/sign-in?")


async def test_a_proof_is_for_the_address_below_the_issuers_path(world: World) -> None:
    """Covers: check 101; the configured address, its path included."""
    from grantline.sdk.client import Prover

    issuer = ISSUER + "/tenant"
    app, key = oauth_endpoints(replace(world.server, issuer=issuer)), SigningKey.generate()
    prover = Prover("", key, None, world.clock, world.server.randomness)
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url=ISSUER) as http:
        nonce = None
        for url, status in ((f"{issuer}/par", 400), (f"{issuer}/par", 201), (f"{ISSUER}/par", 400)):
            answer = await http.post("/tenant/par", data=REQUEST, headers=prover.headers("POST", url, nonce=nonce))
            assert answer.status_code == status, answer.text
            nonce = answer.headers["dpop-nonce"]


async def test_the_answer_names_the_issuer_as_the_metadata_does(world: World) -> None:
    """Covers: check 12, 125."""
    document = await said(world)
    location = (await world.browse(f"/authorize?{urlencode({**REQUEST, 'prompt': 'none'})}")).headers["location"]
    assert query_of(location)["iss"] == document["issuer"] == ISSUER
