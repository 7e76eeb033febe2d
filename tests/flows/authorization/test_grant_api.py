"""The grant API: a client asks what a grant holds, and gives it back (Grant Management §6)."""

from dataclasses import dataclass
from typing import Any

import httpx2
import msgspec
import pytest

from grantline.crypto.es256 import SigningKey
from grantline.model.consent import Status
from grantline.model.events import EventType
from grantline.model.ids import ConsentId
from grantline.parties import Client
from grantline.sdk.client import AccessRefused, Prover, Tokens
from tests.authorization_world import APP_KEY, CONFIDENTIAL, ISSUER, World
from tests.flows.authorization.raw import claims_of, current_nonce, post
from tests.grants_world import BANK, Caller, give_service

QUERY, REVOKE = "grant_management_query", "grant_management_revoke"
LEDGERLY = msgspec.structs.replace(
    CONFIDENTIAL,
    scopes=("openid", "profile", "bank.transactions", "bank.balances", "calendar.events", QUERY, REVOKE),
    grants=("authorization_code", "refresh_token", "client_credentials"),
)
OTHER = msgspec.structs.replace(LEDGERLY, id="other", redirect_uris=("https://other.example/cb",))


@dataclass
class Api:
    """Calls by one client, with a token of its own for `scope`."""

    world: World
    client: Client = LEDGERLY
    dpop: SigningKey | None = None

    async def token(self, scope: str = f"{QUERY} {REVOKE}", **more: str) -> httpx2.Response:
        caller = Caller(self.client, APP_KEY, self.dpop)
        return await caller.ask(self.world, {"grant_type": "client_credentials", "scope": scope, **more})

    async def call(
        self, method: str, grant: str, token: str, *, scheme: str = "", proof: bool = True
    ) -> httpx2.Response:
        path, headers = f"/grants/{grant}", {}
        if self.dpop is not None and proof:
            prover = Prover("", self.dpop, None, self.world.clock, self.world.server.randomness)
            headers = prover.headers(method, ISSUER + path, nonce=current_nonce(self.world), access_token=token)
        scheme = scheme or ("DPoP" if self.dpop else "Bearer")
        return await self.world.http.request(method, path, headers={**headers, "authorization": f"{scheme} {token}"})

    async def query(self, grant: str, scope: str = QUERY) -> httpx2.Response:
        return await self.call("GET", grant, (await self.token(scope)).json()["access_token"])

    async def revoke(self, grant: str, scope: str = REVOKE) -> httpx2.Response:
        return await self.call("DELETE", grant, (await self.token(scope)).json()["access_token"])


@pytest.fixture
async def api(world: World) -> Api:
    """The client that has a grant, and one that has none."""
    await world.register(LEDGERLY, OTHER)
    return Api(world)


@pytest.fixture
async def tokens(world: World, api: Api) -> Tokens:
    """What a person agreed to: data of one API, and who they are."""
    scope = "openid profile bank.transactions bank.balances"
    return await world.connect(world.app(LEDGERLY), scope=scope, grant_management_action="create")


def refresh_of(tokens: Tokens) -> str:
    assert tokens.refresh_token is not None
    return tokens.refresh_token


async def state_of(world: World, grant: str) -> Any:
    return await world.database.read(lambda tx: tx.consents.get(ConsentId(grant)))


# Asking


async def test_a_client_learns_what_its_grant_holds(world: World, api: Api, tokens: Tokens) -> None:
    """Covers: line 6 (query); Grant Management §6.4."""
    answer = await api.query(tokens.grant_id)
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    told = answer.json()
    begun = world.server.now()
    assert told["scopes"] == [
        {"scope": "bank.transactions bank.balances", "resource": [BANK]},
        {"scope": "openid profile"},
    ]
    assert told["claims"] == ["name", "preferred_username"]
    assert told["authorization_details"] == list(tokens.authorization_details)
    assert (told["created_at"], told["last_updated"], told["last_updated_at"]) == (begun, begun, begun)
    assert told["expires_at"] > begun
    assert told["updated_by"] == "client"
    # Neither who the person is nor any token.
    assert set(told) == {
        "scopes", "claims", "authorization_details", "created_at", "last_updated", "last_updated_at", "expires_at",
        "updated_by",
    }  # fmt: skip


async def test_a_changed_grant_tells_its_change(world: World, api: Api, tokens: Tokens) -> None:
    """Covers: Grant Management §6.4 (last_updated, updated_by)."""
    before = (await api.query(tokens.grant_id)).json()
    world.clock.pass_seconds(60)
    app = world.app(LEDGERLY)
    begun = await app.begin(scope="calendar.events", grant_management_action="merge", grant_id=tokens.grant_id)
    await app.finish(begun, await world.allow(begun))
    after = (await api.query(tokens.grant_id)).json()
    assert (after["created_at"], after["last_updated"]) == (before["created_at"], before["created_at"] + 60)
    assert len(after["authorization_details"]) == 3
    world.clock.pass_seconds(60)
    version = await world.database.read(lambda tx: tx.consents.version(ConsentId(tokens.grant_id), 2))
    assert version is not None
    await world.database.write(
        lambda tx: world.server.consents.amend(
            tx, catalog=world.server.catalog(), consent=ConsentId(tokens.grant_id), person=world.people["ada"],
            granted=version.granted[:1], expires_at=version.expires_at,
            ceremony=msgspec.structs.replace(version.ceremony, id="cer_portal"),
        )
    )  # fmt: skip
    narrowed = (await api.query(tokens.grant_id)).json()
    assert (narrowed["updated_by"], len(narrowed["authorization_details"])) == ("authorization_server", 1)


# Giving back


async def test_giving_a_grant_back_ends_it_and_everything_issued_on_it(world: World, api: Api, tokens: Tokens) -> None:
    """Covers: line 6 (revoke); T10; Grant Management §6.5."""
    answer = await api.revoke(tokens.grant_id)
    assert (answer.status_code, answer.content) == (204, b"")
    state = await state_of(world, tokens.grant_id)
    assert (state.status, state.ended_by) == (Status.REVOKED, "client")
    ended = {(entry["kind"], entry["id"]): entry for entry in await world.endings()}
    assert (ended["grant", tokens.grant_id]["cause"], ended["grant", tokens.grant_id]["min_epoch"]) == (
        "grant_revoked",
        2,
    )
    assert ("family", claims_of(tokens.access_token)["fam"]) in ended
    with pytest.raises(AccessRefused, match="invalid_grant"):
        await world.app(LEDGERLY).refresh(refresh_of(tokens))
    kinds = [event.type for event in await world.events()]
    assert EventType.CONSENT_REVOKED in kinds
    assert EventType.FAMILY_ENDED in kinds
    assert (await api.query(tokens.grant_id)).status_code == 404
    assert (await api.revoke(tokens.grant_id)).status_code == 404


async def test_giving_one_grant_back_leaves_the_others(world: World, api: Api, tokens: Tokens) -> None:
    """Covers: Grant Management §3.7 (concurrent grants)."""
    other = await world.connect(world.app(LEDGERLY), scope="bank.balances", grant_management_action="create")
    await api.revoke(tokens.grant_id)
    assert (await api.query(other.grant_id)).status_code == 200
    assert (await world.app(LEDGERLY).refresh(refresh_of(other))).grant_id == other.grant_id


# Whose grant, and what is none


async def _withdraw(world: World, grant: str) -> None:
    await world.database.write(
        lambda tx: world.server.consents.withdraw(tx, consent=ConsentId(grant), person=world.people["ada"]),
        essential=True,
    )


@pytest.mark.parametrize("method", ["GET", "DELETE"])
async def test_a_foreign_grant_cannot_be_told_from_one_that_never_was(
    world: World, api: Api, tokens: Tokens, method: str
) -> None:
    """Covers: line 6; Grant Management §6.6: 404, the same to the byte for foreign, unknown, malformed and ended."""
    stranger = Api(world, OTHER)
    token = (await stranger.token()).json()["access_token"]
    foreign = await stranger.call(method, tokens.grant_id, token)
    names = ("g_never_was", "x" * 101, "a/b", "", "g_%00")
    others = [await stranger.call(method, name, token) for name in names]
    own = (await api.token()).json()["access_token"]
    ended = await world.connect(world.app(LEDGERLY), scope="bank.balances", grant_management_action="create")
    await _withdraw(world, ended.grant_id)
    others.append(await api.call(method, ended.grant_id, own))
    # Its own access to this API, and what an operator gave it, are no grants of a person.
    others.append(await api.call(method, claims_of(own)["grant_id"], own))
    assert foreign.status_code == 404
    assert {(one.status_code, one.content) for one in others} == {(404, foreign.content)}
    assert (await state_of(world, tokens.grant_id)).status is Status.ACTIVE


async def test_an_expired_grant_is_gone_before_any_sweep(world: World, api: Api, tokens: Tokens) -> None:
    """Covers: Grant Management §6.6; I3."""
    world.clock.pass_seconds(400 * 86_400)
    assert (await api.query(tokens.grant_id)).status_code == 404


# Who may


async def test_each_act_needs_its_own_scope(world: World, api: Api, tokens: Tokens) -> None:
    """Covers: Grant Management §6.1, §6.6 (403)."""
    for answer in (await api.query(tokens.grant_id, REVOKE), await api.revoke(tokens.grant_id, QUERY)):
        assert (answer.status_code, answer.json()["error"]) == (403, "insufficient_scope")
        assert "insufficient_scope" in answer.headers["www-authenticate"]
    assert (await state_of(world, tokens.grant_id)).status is Status.ACTIVE


async def test_a_token_that_a_person_gave_opens_nothing_here(world: World, api: Api, tokens: Tokens) -> None:
    """Covers: Grant Management §9: access to grants needs the client itself."""
    answer = await api.call("DELETE", tokens.grant_id, tokens.access_token)
    assert (answer.status_code, answer.json()["error"]) == (403, "insufficient_scope")


async def test_without_a_valid_token_nobody_is_answered(world: World, api: Api, tokens: Tokens) -> None:
    """Covers: Grant Management §6.6 (401, invalid_token); check 103, 119."""
    path = f"/grants/{tokens.grant_id}"
    token = (await api.token()).json()["access_token"]
    await post(world, "/revoke", {**Prover(LEDGERLY.id, None, APP_KEY, world.clock, world.server.randomness)
               .client_parameters(ISSUER), "token": token})  # fmt: skip
    fresh = (await api.token()).json()["access_token"]
    answers = [
        await world.http.get(path),
        await world.http.get(path, headers={"authorization": "Basic x"}),
        await world.http.get(f"{path}?access_token={fresh}"),
        await api.call("GET", tokens.grant_id, fresh[:-2]),
        await api.call("GET", tokens.grant_id, fresh, scheme="DPoP"),
        await api.call("GET", tokens.grant_id, token),
    ]
    world.clock.pass_seconds(301)
    answers.append(await api.call("GET", tokens.grant_id, fresh))
    for answer in answers:
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_token"), answer.text
        assert 'error="invalid_token"' in answer.headers["www-authenticate"]
    assert (await world.http.post(path)).status_code == 405


async def test_a_bound_token_needs_its_key(world: World, api: Api, tokens: Tokens) -> None:
    """Covers: line 6: sender-constrained tokens prove their key here, too; check 103, 109."""
    bound = Api(world, msgspec.structs.replace(LEDGERLY, dpop_bound=True), SigningKey.generate())
    await world.register(bound.client)
    token = (await bound.token()).json()["access_token"]
    assert claims_of(token)["cnf"]["jkt"]
    right = await bound.call("GET", tokens.grant_id, token)
    assert right.status_code == 200
    thief = Api(world, bound.client, SigningKey.generate())
    wrong = (
        await bound.call("GET", tokens.grant_id, token, proof=False),
        await bound.call("GET", tokens.grant_id, token, scheme="Bearer", proof=False),
        await thief.call("DELETE", tokens.grant_id, token),
    )
    assert [answer.status_code for answer in wrong] == [401, 401, 401]
    assert (await state_of(world, tokens.grant_id)).status is Status.ACTIVE


async def test_a_proof_counts_once(world: World, api: Api, tokens: Tokens) -> None:
    """Covers: check 102."""
    bound = Api(world, msgspec.structs.replace(LEDGERLY, dpop_bound=True), SigningKey.generate())
    await world.register(bound.client)
    token = (await bound.token()).json()["access_token"]
    path = f"/grants/{tokens.grant_id}"
    assert bound.dpop is not None
    prover = Prover("", bound.dpop, None, world.clock, world.server.randomness)
    proof = prover.headers("GET", ISSUER + path, nonce=current_nonce(world), access_token=token)
    headers = {**proof, "authorization": f"DPoP {token}"}
    assert (await world.http.get(path, headers=headers)).status_code == 200
    again = await world.http.get(path, headers=headers)
    assert (again.status_code, again.json()["error"]) == (401, "invalid_dpop_proof")


# The token for it


async def test_the_token_for_it_is_the_clients_own_and_for_this_server_alone(world: World, api: Api) -> None:
    """Covers: decision 095; Grant Management §6.1."""
    body = (await api.token()).json()
    claims = claims_of(body["access_token"])
    assert (claims["aud"], claims["sub"], claims["scope"]) == ([ISSUER], "client:ledgerly", f"{QUERY} {REVOKE}")
    assert (body["authorization_details"], "refresh_token" in body) == ([], False)
    again = claims_of((await api.token(QUERY)).json()["access_token"])
    assert (again["grant_id"], again["scope"]) == (claims["grant_id"], QUERY)
    given = [event for event in await world.events() if event.type is EventType.CONSENT_GIVEN]
    assert [event.client for event in given] == ["ledgerly"]


@pytest.mark.parametrize(
    ("scope", "more", "error"),
    [
        (QUERY, {"resource": BANK}, "invalid_target"),
        (f"{QUERY} bank.transactions", {}, "invalid_grant"),
        ("grant_management_create", {}, "invalid_grant"),
    ],
)
async def test_the_scopes_of_this_server_come_alone(
    world: World, api: Api, scope: str, more: dict[str, str], error: str
) -> None:
    """Covers: decision 095."""
    answer = await api.token(scope, **more)
    assert (answer.status_code, answer.json()["error"]) == (400, error)


async def test_only_who_is_registered_for_it_gets_it(world: World, api: Api, tokens: Tokens) -> None:
    """Covers: decision 095: the registration is the operator's yes, and taking it back bites at once."""
    token = (await api.token()).json()["access_token"]
    less = msgspec.structs.replace(LEDGERLY, scopes=("bank.transactions", QUERY))
    await world.register(less)
    assert (await api.token(REVOKE)).json()["error"] == "invalid_scope"
    assert (await api.call("DELETE", tokens.grant_id, token)).json()["error"] == "insufficient_scope"
    await world.register(msgspec.structs.replace(LEDGERLY, grants=("authorization_code",)))
    assert (await api.token()).json()["error"] == "unauthorized_client"


async def test_what_an_operator_takes_back_stays_taken_until_the_registration_changes(
    world: World, api: Api, tokens: Tokens
) -> None:
    """Covers: decision 095; T10."""
    token = (await api.token()).json()["access_token"]
    own = ConsentId(claims_of(token)["grant_id"])
    await world.database.write(lambda tx: world.server.consents.revoke(tx, consent=own, by="operator"))
    assert (await api.call("GET", tokens.grant_id, token)).json()["error"] == "invalid_token"
    assert (await api.token()).json()["error"] == "invalid_grant"
    await world.register(msgspec.structs.replace(LEDGERLY, name="Ledgerly again"))
    assert (await api.query(tokens.grant_id)).status_code == 200


async def test_it_is_given_again_when_it_has_run_out(world: World, api: Api) -> None:
    first = claims_of((await api.token()).json()["access_token"])["grant_id"]
    world.clock.pass_seconds(3_000 * 86_400)
    assert claims_of((await api.token()).json()["access_token"])["grant_id"] != first


async def test_a_service_grant_beside_it_is_another_consent(world: World, api: Api) -> None:
    """Covers: decision 095; RFC 6749 §4.4."""
    both = msgspec.structs.replace(LEDGERLY, id="reporting")
    await world.register(both)
    reporting = Api(world, both)
    own = claims_of((await reporting.token()).json()["access_token"])["grant_id"]
    await give_service(world)
    caller = Caller(both, APP_KEY, None)
    service = claims_of((await caller.ask(world, {"grant_type": "client_credentials"})).json()["access_token"])
    assert service["grant_id"] != own
    assert claims_of((await reporting.token()).json()["access_token"])["grant_id"] == own


async def test_no_person_is_ever_asked_for_these_scopes(world: World, api: Api) -> None:
    """Covers: decision 095."""
    app = world.app(LEDGERLY)
    with pytest.raises(AccessRefused, match="invalid_scope"):
        await app.begin(scope=f"bank.balances {QUERY}")
    tokens = await app.finish(begun := await app.begin(), await world.allow(begun))
    assert not {QUERY, REVOKE} & set(tokens.scope.split())


async def test_the_metadata_says_where_and_what(world: World, api: Api, tokens: Tokens) -> None:
    """Covers: check 126; Grant Management §7.1."""
    told = (await world.http.get("/.well-known/oauth-authorization-server")).json()
    assert told["grant_management_actions_supported"] == ["query", "revoke", "create", "merge", "replace"]
    assert told["grant_management_action_required"] is False
    assert told["grant_management_endpoint"] == f"{ISSUER}/grants"
    assert {QUERY, REVOKE} <= set(told["scopes_supported"])
    assert (await api.query(tokens.grant_id)).status_code == 200
