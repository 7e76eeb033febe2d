"""Access tokens that only count with the certificate they were issued to (RFC 8705 §3)."""

from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

import httpx2
import pytest

from grantline.authorization import oauth_endpoints
from grantline.crypto.es256 import SigningKey
from grantline.parties import Client, hash_of
from grantline.sdk.client import Begun, Prover
from tests.authorization_world import World, query_of
from tests.certificates_world import Held, made
from tests.flows.authorization.raw import REQUEST, VERIFIER, claims_of, current_nonce
from tests.flows.authorization.test_certificate_clients import AUTHORITY, MTLS, AtDoor, client

MINE, OTHER = made("CN=mine"), made("CN=other")
GRANTS = ["authorization_code", "refresh_token"]
BOUND = client(certificate_bound=True, grants=GRANTS, scopes=["bank.transactions", "openid"])


@pytest.fixture
def door(world: World) -> AtDoor:
    return AtDoor(world)


async def code_for(door: AtDoor, registered: Any = BOUND, shown: Held | None = None, **more: str) -> dict[str, str]:
    """The form that redeems a code rightly."""
    await door.world.register(registered)
    back = registered.redirect_uris[0]
    pushed = await door.post("/par", {**REQUEST, "client_id": "shop", "redirect_uri": back, **more}, shown)
    assert pushed.status_code == 201, pushed.text
    begun = f"/authorize?{urlencode({'client_id': 'shop', 'request_uri': pushed.json()['request_uri']})}"
    code = query_of(await door.world.allow(Begun(begun, "", "", "")))["code"]
    return {
        "grant_type": "authorization_code", "client_id": "shop", "code": code, "code_verifier": VERIFIER,
        "redirect_uri": back,
    }  # fmt: skip


async def plain(door: AtDoor, path: str, form: Any, shown: Held | None, **headers: str) -> httpx2.Response:
    """One form without a DPoP proof."""
    app = oauth_endpoints(door.server, door.door)

    async def with_tls(scope: Any, receive: Any, send: Any) -> None:
        pems = () if shown is None else (shown.pem,)
        await app({**scope, "extensions": {"tls": {"client_cert_chain": pems}}}, receive, send)

    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=with_tls), base_url=MTLS) as http:
        if form is None:
            return await http.get(path, headers=headers)
        return await http.post(path, data=form, headers=headers)


def proof_of(door: AtDoor, key: SigningKey, base: str = MTLS) -> dict[str, str]:
    """The header that proves a key at this door's token endpoint."""
    prover = Prover("", key, None, door.world.clock, door.server.randomness)
    return prover.headers("POST", base + "/token", nonce=current_nonce(door.world))


async def tokens_for(door: AtDoor, shown: Held = MINE, **more: str) -> dict[str, Any]:
    got = await plain(door, "/token", await code_for(door, **more), shown)
    assert got.status_code == 200, got.text
    return dict(got.json())


async def test_the_token_names_the_certificate_and_so_does_introspection(door: AtDoor) -> None:
    """Covers: check 105."""
    tokens = await tokens_for(door)
    assert claims_of(tokens["access_token"])["cnf"] == {"x5t#S256": MINE.x5t}
    assert tokens["token_type"] == "Bearer"
    await door.world.register(with_method("client_secret_post"))
    asked = await plain(door, "/introspect", {"token": tokens["access_token"], "client_id": "shop",
                                              "client_secret": "s"}, None)  # fmt: skip
    assert (asked.json()["cnf"], asked.json()["token_type"]) == ({"x5t#S256": MINE.x5t}, "Bearer")


def with_method(method: str) -> Client:
    return client(certificate_bound=True, grants=GRANTS, auth=method, secret_hashes=[hash_of("s")])


async def test_without_certificate_or_key_there_is_no_token_at_all(door: AtDoor) -> None:
    """Covers: ensure-holder-of-key-required."""
    form = await code_for(door)
    refused = await plain(door, "/token", form, None)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_request")
    # Nothing was spent on it.
    assert (await plain(door, "/token", form, MINE)).status_code == 200


@pytest.mark.parametrize(("dpop", "bound"), [(True, False), (True, True)])
async def test_a_client_registered_for_both_may_show_either_and_never_neither(
    door: AtDoor, dpop: bool, bound: bool
) -> None:
    form = await code_for(door, client(dpop_bound=dpop, certificate_bound=bound))
    assert (await plain(door, "/token", form, None)).json()["error"] == "invalid_dpop_proof"
    assert (await plain(door, "/token", form, MINE)).status_code == (200 if bound else 400)


async def test_a_key_that_is_proven_binds_before_the_certificate(door: AtDoor) -> None:
    form = await code_for(door, client(certificate_bound=True))
    got = await plain(door, "/token", form, MINE, **proof_of(door, SigningKey.generate()))
    assert list(claims_of(got.json()["access_token"])["cnf"]) == ["jkt"]
    assert got.json()["token_type"] == "DPoP"


async def test_a_certificate_binds_nothing_where_it_is_not_registered_to(door: AtDoor) -> None:
    got = await plain(door, "/token", await code_for(door, client()), MINE)
    assert "cnf" not in claims_of(got.json()["access_token"])


async def test_a_public_clients_refresh_needs_the_same_certificate(door: AtDoor) -> None:
    """Covers: check 109."""
    tokens = await tokens_for(door)
    form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"], "client_id": "shop"}
    other = await plain(door, "/token", form, OTHER)
    assert (other.status_code, other.json()["error"]) == (400, "invalid_grant")
    assert (await plain(door, "/token", form, None)).json()["error"] == "invalid_request"
    # Another's try neither rotated nor ended anything.
    again = await plain(door, "/token", form, MINE)
    assert claims_of(again.json()["access_token"])["cnf"] == {"x5t#S256": MINE.x5t}


async def test_a_client_that_proves_itself_may_renew_its_certificate(door: AtDoor) -> None:
    data = {"auth": "tls_client_auth", "certificate": {"subject_dn": "CN=app,O=Example"}}
    registered = client(certificate_bound=True, grants=GRANTS, **data)
    first, second = AUTHORITY.issue(), AUTHORITY.issue()
    tokens = (await plain(door, "/token", await code_for(door, registered, first), first)).json()
    form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"], "client_id": "shop"}
    assert (await plain(door, "/token", form, MINE)).json()["error"] == "invalid_client"
    again = await plain(door, "/token", form, second)
    assert claims_of(again.json()["access_token"])["cnf"] == {"x5t#S256": second.x5t}


async def test_userinfo_wants_the_certificate_of_the_token(door: AtDoor) -> None:
    """Covers: check 105."""
    token = (await tokens_for(door, scope="openid bank.transactions"))["access_token"]
    bearer = {"authorization": f"Bearer {token}"}
    assert (await plain(door, "/userinfo", None, MINE, **bearer)).status_code == 200
    for shown in (None, OTHER):
        refused = await plain(door, "/userinfo", None, shown, **bearer)
        assert (refused.status_code, refused.json()["error"]) == (401, "invalid_token")
    dpop = await plain(door, "/userinfo", None, MINE, authorization=f"DPoP {token}")
    assert dpop.status_code == 401


async def test_the_proof_of_a_key_names_the_door_it_is_for(door: AtDoor) -> None:
    """Covers: check 101."""
    form = await code_for(door, client(dpop_bound=True))
    key = SigningKey.generate()

    front = proof_of(door, key, door.server.issuer)
    assert (await plain(door, "/token", form, None, **front)).json()["error"] == "invalid_dpop_proof"
    assert (await plain(door, "/token", form, None, **proof_of(door, key))).status_code == 200


async def test_metadata_names_the_door_and_what_is_served_there(door: AtDoor) -> None:
    """Covers: check 108."""
    told = (await plain(door, "/.well-known/oauth-authorization-server", None, None)).json()
    assert told["tls_client_certificate_bound_access_tokens"] is True
    assert told["mtls_endpoint_aliases"]["token_endpoint"] == MTLS + "/token"
    assert set(told["mtls_endpoint_aliases"]) >= {
        "token_endpoint", "pushed_authorization_request_endpoint", "introspection_endpoint", "revocation_endpoint",
        "userinfo_endpoint",
    }  # fmt: skip
    certificates = {"tls_client_auth", "self_signed_tls_client_auth", "spiffe_x509"}
    assert certificates <= set(told["token_endpoint_auth_methods_supported"])
    without = (await door.world.http.get("/.well-known/oauth-authorization-server")).json()
    assert not certificates & set(without["token_endpoint_auth_methods_supported"])
    assert not {"mtls_endpoint_aliases", "tls_client_certificate_bound_access_tokens"} & set(without)
    bare = replace(door.server, mtls=replace(door.server.mtls, authorities=None, trust_domains={}))
    told = (await plain(replace_server(door, bare), "/.well-known/openid-configuration", None, None)).json()
    assert certificates & set(told["token_endpoint_auth_methods_supported"]) == {"self_signed_tls_client_auth"}


def replace_server(door: AtDoor, server: Any) -> AtDoor:
    door.server = server
    return door
