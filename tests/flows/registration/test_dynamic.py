"""Clients register themselves and look after their registration (RFC 7591, RFC 7592)."""

import asyncio
import hashlib
from dataclasses import replace
from typing import Any

import httpx2
import msgspec
import pytest

from grantline.crypto.es256 import SigningKey
from grantline.fetching import Fetcher
from grantline.model.ids import ClientId
from grantline.parties import (
    AuthMethod,
    Client,
    Origin,
    Profile,
    Registrar,
    RegistrationPolicy,
    RegistrationSettings,
    Standing,
    StatementIssuer,
    Tier,
    registering,
)
from grantline.sdk.client import Client as AppClient
from grantline.sdk.client import Prover
from tests.authorization_world import CALLBACK, ISSUER, World
from tests.client_servers import Answer, ClientServer
from tests.flows.registration.conftest import open_world
from tests.postgres_server import on_both

POLICY = RegistrationPolicy(scopes=("bank.transactions", "bank.balances"))
ASKED: dict[str, Any] = {
    "client_name": "Notes",
    "redirect_uris": [CALLBACK],
    "token_endpoint_auth_method": "none",
    "grant_types": ["authorization_code", "refresh_token"],
    "scope": "bank.transactions",
    "something_unknown": {"is": "ignored"},
}


async def initial(world: World, policy: RegistrationPolicy = POLICY, uses: int = 1, seconds: int = 600) -> str:
    until = world.server.now() + seconds
    randomness = world.server.randomness
    return await world.database.write(
        lambda tx: registering.initial_token(tx, policy, uses=uses, expires_at=until, randomness=randomness)
    )


async def register(world: World, asked: Any = ASKED, token: str | None = None, **more: Any) -> httpx2.Response:
    bearer = {"authorization": f"Bearer {token or await initial(world, **more)}"}
    return await world.http.post("/register", json=asked, headers=bearer)


async def registered(world: World, **changes: Any) -> dict[str, Any]:
    answer = await register(world, {**ASKED, **changes})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def own(told: dict[str, Any]) -> dict[str, str]:
    return {"authorization": f"Bearer {told['registration_access_token']}"}


def place(told: dict[str, Any]) -> str:
    return str(told["registration_client_uri"]).removeprefix(ISSUER)


async def kept(world: World, told: dict[str, Any]) -> Client:
    found = await world.database.read(lambda tx: tx.clients.get(ClientId(told["client_id"])))
    assert found is not None
    return found


async def test_nobody_registers_unless_it_is_set(world: World, app_server: ClientServer) -> None:
    """Covers: check 126, check 130."""
    assert not RegistrationSettings().dynamic
    token = await initial(world)
    open_world(world, Fetcher(world.clock), RegistrationSettings())
    assert (await register(world, token=token)).status_code == 404
    assert "registration_endpoint" not in (await world.http.get("/.well-known/openid-configuration")).json()


@on_both("world")
async def test_a_client_registers_by_an_initial_token_and_gets_its_tokens(world: World) -> None:
    """Covers: line 5, check 126."""
    answer = await register(world)
    told = answer.json()
    assert answer.status_code == 201
    assert answer.headers["cache-control"] == "no-store"
    assert told["grant_types"] == ["authorization_code", "refresh_token"]
    assert told["client_id_issued_at"] == world.server.now()
    assert "client_secret" not in told
    client = await kept(world, told)
    assert (client.tier, client.origin) == (Tier.SELF_REGISTERED, Origin.REGISTERED)
    prover = Prover(client.id, None, None, world.clock, world.server.randomness)
    app = AppClient(world.http, ISSUER, prover, CALLBACK)
    assert (await world.connect(app)).refresh_token
    found = (await world.http.get("/.well-known/oauth-authorization-server")).json()
    assert found["registration_endpoint"] == f"{ISSUER}/register"


@pytest.mark.parametrize("token", ["wrong", "iat_" + "A" * 43])
async def test_without_an_initial_token_nothing_is_registered(world: World, token: str) -> None:
    """Covers: check 130."""
    answer = await register(world, token=token)
    assert answer.status_code == 401
    assert answer.json()["error"] == "invalid_token"
    assert answer.headers["www-authenticate"].startswith("Bearer ")
    assert (await world.http.post("/register", json=ASKED)).status_code == 401


async def test_an_initial_token_has_so_many_uses_and_an_end_and_is_kept_hashed(world: World) -> None:
    """Covers: check 130."""
    token = await initial(world, uses=2)
    answers = await asyncio.gather(*(register(world, token=token) for _ in range(5)))
    assert sorted(one.status_code for one in answers) == [201, 201, 401, 401, 401]
    late = await initial(world, seconds=60)
    world.clock.pass_seconds(61)
    assert (await register(world, token=late)).status_code == 401
    assert token.encode() not in world.path.read_bytes()


@on_both("world")
async def test_what_is_refused_costs_no_use(world: World) -> None:
    """Covers: line 5."""
    token = await initial(world)
    assert (await register(world, {**ASKED, "redirect_uris": ["http://a.example"]}, token)).status_code == 400
    assert (await register(world, token=token)).status_code == 201


@pytest.mark.parametrize(
    ("change", "error", "says"),
    [
        ({"redirect_uris": ["javascript:alert(1)"]}, "invalid_redirect_uri", "redirect_uris[0]"),
        ({"redirect_uris": ["JaVaScRiPt:alert(1)"]}, "invalid_redirect_uri", "redirect_uris[0]"),
        ({"redirect_uris": ["data:text/html,x"]}, "invalid_redirect_uri", "redirect_uris[0]"),
        ({"client_uri": "javascript:alert(1)", "redirect_uris": [], "grant_types": []}, "invalid_client_metadata", ""),
        ({"logo_uri": "JAVASCRIPT:alert(1)"}, "invalid_client_metadata", "logo_uri"),
        ({"logo_uri": "http://app.example/logo.png"}, "invalid_client_metadata", "logo_uri"),
        ({"logo_uri": "http://127.0.0.1/logo.png"}, "invalid_client_metadata", "logo_uri"),
        ({"policy_uri": "data:text/html,x"}, "invalid_client_metadata", "policy_uri"),
        ({"tos_uri": "vbscript:x"}, "invalid_client_metadata", "tos_uri"),
        ({"jwks_uri": "file:///etc/passwd"}, "invalid_client_metadata", "jwks_uri"),
        ({"initiate_login_uri": "JavaScript:x"}, "invalid_client_metadata", "initiate_login_uri"),
        ({"request_uris": ["Data:x"]}, "invalid_client_metadata", "request_uris[0]"),
        ({"post_logout_redirect_uris": ["jAvascript:x"]}, "invalid_client_metadata", "post_logout_redirect_uris[0]"),
        ({"backchannel_logout_uri": "javascript:x"}, "invalid_client_metadata", "backchannel_logout_uri"),
        ({"frontchannel_logout_uri": "javascript:x"}, "invalid_client_metadata", "frontchannel_logout_uri"),
        ({"sector_identifier_uri": "javascript:x"}, "invalid_client_metadata", "sector_identifier_uri"),
    ],
)
async def test_no_address_of_a_registration_is_a_script(
    world: World, change: dict[str, Any], error: str, says: str
) -> None:
    """Covers: check 128."""
    answer = await register(world, {**ASKED, **change})
    assert answer.status_code == 400
    assert answer.json()["error"] == error
    assert answer.json()["error_description"].startswith(says)


@pytest.mark.parametrize(
    "uri",
    [
        "https://app.example/cb#here", "/callback", "callback", "https://*.app.example/cb", "https://app.example/*",
        "https://app.example/a/../b", "https://u@app.example/", "http://app.example/cb", "https://app.example/?code=x",
        "", "urn:x",
    ],
)  # fmt: skip
async def test_redirect_uris_are_whole_exact_and_plain(world: World, uri: str) -> None:
    """Covers: check 129."""
    answer = await register(world, {**ASKED, "redirect_uris": [CALLBACK, uri]})
    assert answer.status_code == 400
    assert answer.json()["error"] == "invalid_redirect_uri"


@pytest.mark.parametrize(
    ("change", "accepted"),
    [
        ({"application_type": "web"}, True),
        ({"application_type": "web", "redirect_uris": ["http://localhost:7/cb"]}, False),
        ({"application_type": "web", "redirect_uris": ["http://127.0.0.1/cb"]}, False),
        ({"application_type": "native", "redirect_uris": ["http://127.0.0.1/cb"]}, True),
        (
            {"application_type": "native", "redirect_uris": ["com.example.app:/cb"], "client_uri": "https://a.example"},
            True,
        ),
        ({"redirect_uris": ["com.example.app:/cb"]}, False),
        ({"application_type": "tv"}, False),
    ],
)
async def test_where_an_application_runs_decides_where_it_is_sent_back_to(
    world: World, change: dict[str, Any], accepted: bool
) -> None:
    """Covers: line 5, check 129."""
    assert (await register(world, {**ASKED, **change})).status_code == (201 if accepted else 400)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"scope": "bank.transactions calendar.events"}, "scope: this client may not register for calendar.events"),
        ({"grant_types": ["client_credentials"]}, "grant_types"),
        ({"grant_types": ["password"]}, "grant_types"),
        ({"grant_types": ["authorization_code", "implicit"]}, "grant_types"),
        ({"response_types": ["token"]}, "response_types"),
        ({"token_endpoint_auth_method": "client_secret_basic"}, "token_endpoint_auth_method"),
        ({"token_endpoint_auth_method": "client_secret_jwt"}, "token_endpoint_auth_method"),
        ({"authorization_details_types": ["bank_data"]}, "authorization_details_types"),
        ({"token_endpoint_auth_method": "private_key_jwt"}, "jwks"),
        ({"jwks": {"keys": 7}}, "jwks"),
        ({"jwks": {"keys": [{"kty": "oct", "k": "AA"}]}}, "jwks"),
        ({"client_name": 7}, "The metadata"),
        ({"client_name": "x" * 101}, "client_name"),
        ({"client_name": "Bank\u202e"}, "client_name"),
        ({"id_token_encrypted_response_alg": "RSA-OAEP"}, "id_token_encrypted_response_alg"),
        ({"introspection_encrypted_response_alg": "RSA-OAEP"}, "introspection_encrypted_response_alg"),
        ({"redirect_uris": ["https://a.example/", "https://b.example/"]}, "sector_identifier_uri"),
        ([], "The metadata"),
    ],
)
async def test_what_is_beyond_the_policy_or_no_metadata_is_refused_by_its_name(
    world: World, body: Any, says: str
) -> None:
    """Covers: line 5, check 44, check 132."""
    answer = await register(world, {**ASKED, **body} if isinstance(body, dict) else body)
    assert answer.status_code == 400
    assert answer.json()["error"] == "invalid_client_metadata"
    assert answer.json()["error_description"].startswith(says)


async def test_metadata_comes_as_json(world: World) -> None:
    """Covers: check 94."""
    bearer = {"authorization": f"Bearer {await initial(world)}"}
    assert (await world.http.post("/register", data={"client_name": "x"}, headers=bearer)).status_code == 400
    for body in (b"{", b'{"jwks": ' + b"[" * 5_000):
        answer = await world.http.post(
            "/register", content=body, headers={**bearer, "content-type": "application/json"}
        )
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_client_metadata")


async def test_strangers_never_share_a_persons_name(world: World) -> None:
    """Covers: I13, check 122. One name for all clients is the operator's to give."""
    refused = await register(world, {**ASKED, "subject_type": "public"})
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_client_metadata")
    assert "subject_type" in refused.json()["error_description"]
    for wish in ({}, {"subject_type": "pairwise"}):
        told = (await register(world, {**ASKED, **wish})).json()
        assert told["subject_type"] == "pairwise"


async def test_a_secret_is_made_here_told_once_and_kept_hashed(world: World) -> None:
    """Covers: check 71."""
    policy = RegistrationPolicy(scopes=("bank.transactions",), methods=(AuthMethod.CLIENT_SECRET_BASIC,))
    asked = {name: value for name, value in ASKED.items() if name != "token_endpoint_auth_method"}
    told = (await register(world, asked, policy=policy)).json()
    assert told["token_endpoint_auth_method"] == "client_secret_basic"
    assert told["client_secret_expires_at"] == 0
    hashed = hashlib.sha256(told["client_secret"].encode()).hexdigest()
    assert (await kept(world, told)).secret_hashes == (hashed,)
    assert told["client_secret"].encode() not in world.path.read_bytes()
    again = (await world.http.get(place(told), headers=own(told))).json()
    assert "client_secret" not in again
    assert "registration_access_token" not in again


async def test_a_registration_is_read_replaced_and_its_token_rotates(world: World) -> None:
    """Covers: check 131."""
    told = await registered(world)
    assert (await world.http.get(place(told), headers=own(told))).json()["client_name"] == "Notes"
    change = {**ASKED, "client_id": told["client_id"], "client_name": "Notes 2"}
    answer = await world.http.put(place(told), json=change, headers=own(told))
    assert answer.status_code == 200
    assert answer.json()["client_name"] == "Notes 2"
    assert answer.json()["registration_access_token"] != told["registration_access_token"]
    assert (await world.http.get(place(told), headers=own(told))).status_code == 401
    assert (await world.http.get(place(told), headers=own(answer.json()))).status_code == 200
    assert told["registration_access_token"].encode() not in world.path.read_bytes()


@on_both("world")
async def test_a_registration_token_is_for_one_client_alone(world: World) -> None:
    """Covers: check 131."""
    one, two = await registered(world), await registered(world)
    for method, body in (("GET", None), ("PUT", {**ASKED, "client_id": two["client_id"]}), ("DELETE", None)):
        assert (await world.http.request(method, place(two), json=body, headers=own(one))).status_code == 401
    declared = "/registration?client_id=budget"
    assert (await world.http.get(declared, headers=own(one))).status_code == 401
    assert (await world.http.get("/registration", headers=own(one))).status_code == 401


@on_both("world")
async def test_two_replacements_by_one_token_leave_one_winner(world: World) -> None:
    """Covers: check 131."""
    told = await registered(world)
    changes = ({**ASKED, "client_id": told["client_id"], "client_name": f"Notes {number}"} for number in range(3))
    answers = await asyncio.gather(*(world.http.put(place(told), json=one, headers=own(told)) for one in changes))
    assert sorted(one.status_code for one in answers) == [200, 401, 401]


async def test_a_stopped_client_cannot_bring_itself_back(world: World) -> None:
    """Covers: check 131. Its token is dead, also when an operator lets the client act again."""
    told = await registered(world)
    client = await kept(world, told)
    by = Registrar(world.clock, world.server.randomness, 8)
    await world.database.write(lambda tx: registering.stop(tx, by, client))
    change = {**ASKED, "client_id": told["client_id"], "status": "active"}
    assert (await world.http.put(place(told), json=change, headers=own(told))).status_code == 401
    assert (await world.http.get(place(told), headers=own(told))).status_code == 401
    assert (await kept(world, told)).status is Standing.DISABLED
    await world.register(msgspec.structs.replace(client, status=Standing.ACTIVE))
    assert (await world.http.get(place(told), headers=own(told))).status_code == 401


async def test_a_token_does_not_count_while_its_client_is_stopped(world: World) -> None:
    """Covers: check 131."""
    told = await registered(world)
    await world.register(msgspec.structs.replace(await kept(world, told), status=Standing.DISABLED))
    assert (await world.http.get(place(told), headers=own(told))).status_code == 401
    change = {**ASKED, "client_id": told["client_id"]}
    assert (await world.http.put(place(told), json=change, headers=own(told))).status_code == 401


@pytest.mark.parametrize(
    "change",
    [
        {"scope": "bank.transactions bank.categories"},
        {"grant_types": ["authorization_code", "client_credentials"]},
        {"token_endpoint_auth_method": "client_secret_post"},
        {"redirect_uris": ["https://app.example/*"]},
        {"logo_uri": "javascript:x"},
        {"authorization_details_types": ["bank_data"]},
        {"client_id": "budget"},
        {"registration_access_token": "x"},
        {"client_id_issued_at": 1},
    ],
)
async def test_a_replacement_is_examined_whole_and_gains_nothing(world: World, change: dict[str, Any]) -> None:
    """Covers: check 132."""
    told = await registered(world)
    before = await kept(world, told)
    asked = {**ASKED, "client_id": told["client_id"], **change}
    assert (await world.http.put(place(told), json=asked, headers=own(told))).status_code == 400
    assert await kept(world, told) == before
    assert (await world.http.get(place(told), headers=own(told))).status_code == 200


async def test_a_replacement_may_use_what_the_policy_allows_and_no_mark_of_an_operator_survives_it(
    world: World,
) -> None:
    """Covers: check 132."""
    told = await registered(world)
    trusted = msgspec.structs.replace(await kept(world, told), tier=Tier.VERIFIED, verified_by="Us")
    await world.register(trusted)
    change = {**ASKED, "client_id": told["client_id"], "client_name": "Your Bank", "scope": "bank.balances"}
    assert (await world.http.put(place(told), json=change, headers=own(told))).status_code == 200
    now = await kept(world, told)
    assert (now.tier, now.verified_by, now.scopes) == (Tier.SELF_REGISTERED, None, ("bank.balances",))


async def test_an_agent_may_ask_later_for_all_that_its_token_names_and_for_no_more(world: World) -> None:
    """Covers: line 5; MCP clients register with the scope of their first challenge, and step up with the same id."""
    policy = msgspec.structs.replace(POLICY, profile=Profile.MCP)
    told = (await register(world, policy=policy)).json()
    assert told["scope"].split() == ["bank.transactions", "bank.balances"]
    client = await kept(world, told)
    assert (client.scopes, client.default_scopes) == (POLICY.scopes, ("bank.transactions",))
    beyond = {**ASKED, "scope": "bank.transactions calendar.events"}
    assert (await register(world, beyond, policy=policy)).status_code == 400


@on_both("world")
async def test_a_removed_client_is_stopped_everywhere_and_its_id_stays_taken(world: World) -> None:
    """Covers: line 5, check 131."""
    told = await registered(world)
    answer = await world.http.delete(place(told), headers=own(told))
    assert (answer.status_code, answer.content) == (204, b"")
    assert (await kept(world, told)).status is Standing.DISABLED
    assert (await world.endings())[-1]["id"] == told["client_id"]
    assert (await world.http.get(place(told), headers=own(told))).status_code == 401


async def test_a_changed_redirect_uri_asks_the_person_again(world: World) -> None:
    """Covers: check 41, check 136."""
    told = await registered(world)
    app = AppClient(
        world.http, ISSUER, Prover(told["client_id"], None, None, world.clock, world.server.randomness), CALLBACK
    )
    await world.connect(app)
    again = await app.begin(scope="bank.transactions")
    assert (await world.browse(again.url)).headers["location"].startswith(CALLBACK)
    change = {**ASKED, "client_id": told["client_id"], "redirect_uris": [CALLBACK, "https://app.example/other"]}
    assert (await world.http.put(place(told), json=change, headers=own(told))).status_code == 200
    third = await app.begin(scope="bank.transactions")
    assert (await world.browse(third.url)).headers["location"].startswith("/consent/")


@on_both("world")
async def test_clients_that_nobody_was_asked_for_are_forgotten(world: World) -> None:
    """Covers: check 130."""
    used, unused = await registered(world), await registered(world)
    app = AppClient(
        world.http, ISSUER, Prover(used["client_id"], None, None, world.clock, world.server.randomness), CALLBACK
    )
    await world.connect(app)
    by = Registrar(world.clock, world.server.randomness, 8)
    world.clock.pass_seconds(10)
    before = world.server.now()
    fresh = await registered(world)
    assert await world.database.write(lambda tx: registering.forget_unused(tx, by, before)) == 2  # type: ignore[arg-type]
    found = {client.id for client in await world.database.read(lambda tx: tx.clients.all())}
    assert {used["client_id"], fresh["client_id"]} <= found
    assert unused["client_id"] not in found
    assert (await world.http.get(place(unused), headers=own(unused))).status_code == 401
    assert await world.database.write(lambda tx: registering.forget_unused(tx, by, before)) == 0  # type: ignore[arg-type]
    told = [event.act for event in await world.events() if event.type == "client.removed@1"]
    assert told == ["expire"]


async def test_there_is_an_end_to_how_many_register(world: World) -> None:
    """Covers: check 130."""
    token = await initial(world, uses=20)
    answers = [(await register(world, token=token)).status_code for _ in range(9)]
    assert answers == [201] * 8 + [503]


async def test_names_of_people_are_shared_with_nobody_by_pointing_at_them(world: World) -> None:
    """Covers: check 122. Native clients have no host of their own, so each is a sector of its own."""
    native = {"redirect_uris": ["http://127.0.0.1/cb"], "application_type": "native"}
    one, two = await registered(world, **native), await registered(world, **native)
    assert (await kept(world, one)).sector_host != (await kept(world, two)).sector_host


async def test_a_sector_is_a_list_in_which_each_address_stands(world: World, app_server: ClientServer) -> None:
    """Covers: check 122, check 133."""
    several = {"redirect_uris": ["https://a.example/cb", "https://b.example/cb"]}
    app_server.answers["/sector"] = Answer(msgspec.json.encode([*several["redirect_uris"], "https://c.example"]))
    told = await registered(world, **several, sector_identifier_uri=app_server.url("/sector"))
    assert (await kept(world, told)).sector_host == "app.test"
    app_server.answers["/other"] = Answer(b'["https://a.example/cb"]')
    refused = await register(world, {**ASKED, **several, "sector_identifier_uri": app_server.url("/other")})
    assert refused.json()["error"] == "invalid_redirect_uri"
    inside = await register(world, {**ASKED, **several, "sector_identifier_uri": "https://169.254.169.254/latest"})
    assert inside.json() == {
        "error": "invalid_client_metadata",
        "error_description": "sector_identifier_uri: could not be read.",
    }


async def test_the_host_that_is_shown_is_one_that_answers_go_to(world: World) -> None:
    """Covers: check 45, check 48. Any client can name somebody else's address as its home."""
    told = await registered(world, client_uri="https://bank.example/")
    assert (await kept(world, told)).web == "https://app.example"
    local = await registered(world, client_uri="https://bank.example/", redirect_uris=["http://127.0.0.1:7777/cb"])
    assert (await kept(world, local)).web == "http://127.0.0.1:7777"


async def test_each_act_is_recorded_without_a_secret(world: World) -> None:
    """Covers: check 166."""
    told = await registered(world)
    change = {**ASKED, "client_id": told["client_id"]}
    now = (await world.http.put(place(told), json={**change, "client_name": "N"}, headers=own(told))).json()
    await world.http.delete(place(now), headers=own(now))
    events = [event for event in await world.events() if event.client == told["client_id"]]
    acts = [event.type for event in events if event.type.startswith("client.")]
    assert acts == ["client.registered@1", "client.updated@1", "client.removed@1"]
    assert told["registration_access_token"] not in msgspec.json.encode(events).decode()


async def test_an_id_is_never_given_twice_and_never_an_address(world: World) -> None:
    """Covers: check 138. What the client would like to be called does not count."""
    told = await registered(world, client_id="budget")
    other = await registered(world, client_id="https://app.test/client.json")
    assert told["client_id"] not in {"budget", other["client_id"]}
    assert not other["client_id"].startswith("https://")
    declared = await world.database.read(lambda tx: tx.clients.get(ClientId("budget")))
    assert declared is not None
    assert declared.origin is Origin.DECLARED


VENDOR = SigningKey.generate()
VENDOR_ID = "https://vendor.example"


def statement(claims: dict[str, Any], key: SigningKey = VENDOR) -> str:
    return key.sign_jws(msgspec.json.encode({"iss": VENDOR_ID, **claims}), "JWT")


async def test_a_software_statement_of_an_issuer_that_is_not_trusted_is_refused(world: World) -> None:
    """Covers: check 137."""
    unknown = await register(world, {**ASKED, "software_statement": statement({"client_name": "Vouched"})})
    assert unknown.status_code == 400
    assert unknown.json()["error"] == "unapproved_software_statement"
    broken = await register(world, {**ASKED, "software_statement": "x.y"})
    assert broken.json()["error"] == "invalid_software_statement"


async def test_a_software_statement_of_a_trusted_issuer_counts_before_what_the_client_says(
    world: World, app_server: ClientServer
) -> None:
    """Covers: check 137. Its signature and its time are verified, and it gives no more than the policy."""
    app_server.answers["/keys"] = Answer(msgspec.json.encode({"keys": [VENDOR.public.jwk]}))
    issuer = StatementIssuer(issuer=VENDOR_ID, jwks_uri=app_server.url("/keys"))
    registration = replace(world.server.registration, statement_issuers=(issuer,))
    world.serve(replace(world.server, registration=registration))
    now = world.server.now()
    said = {"client_name": "Vouched", "exp": now + 60, "client_id": "budget"}
    told = await registered(world, client_name="Mine", software_statement=statement(said))
    assert told["client_name"] == "Vouched"
    assert told["client_id"] != "budget"
    for wrong in (statement(said, SigningKey.generate()), statement({**said, "exp": now}), statement(said) + "A"):
        refused = await register(world, {**ASKED, "software_statement": wrong})
        assert refused.json()["error"] == "invalid_software_statement"
    beyond = await register(world, {**ASKED, "software_statement": statement({"scope": "calendar.events"})})
    assert beyond.json()["error"] == "invalid_client_metadata"
