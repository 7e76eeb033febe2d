"""One token is traded for another, never a wider one; what it stands on ends with what the first stood on."""

import base64
import datetime
import hashlib
import json
from typing import Any

import httpx2
import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from grantline.authorization.everything import end_everything
from grantline.authorization.families import LOCKED, EndsWithPassword, end_families, end_family
from grantline.authorization.steps.stands import live_token
from grantline.authorization.tokens import access
from grantline.consent import Offer, Picks, read
from grantline.crypto.encoding import b64url
from grantline.crypto.es256 import SigningKey
from grantline.identity import lock
from grantline.model.errors import InvalidConfiguration
from grantline.model.events import EventType
from grantline.model.ids import ClientId, ConsentId
from grantline.model.token import Confirmation
from grantline.parties import Client, Standing, read_client
from grantline.sdk.client import Client as AppClient
from grantline.sdk.client import Tokens
from tests.authorization_world import APP_KEY, CALLBACK, ISSUER, World, every, handle_of
from tests.flows.authorization.raw import claims_of
from tests.grants_world import (
    ACCESS_TOKEN,
    ALL_SCOPES,
    BANK,
    CALENDAR,
    EXCHANGE,
    ID_TOKEN,
    Caller,
    agent,
    confidential,
    give_service,
    handing,
)

BROAD = "bank.transactions bank.balances calendar.events"
OPEN = read_client(
    {
        "id": "open", "name": "Open", "publisher": "Open Ltd", "web": "https://open.example", "dpop_bound": False,
        "redirect_uris": [CALLBACK], "scopes": ["bank.transactions", "bank.balances", "calendar.events", "openid"],
        "grants": ["authorization_code", "refresh_token"],
    }
)  # fmt: skip


@pytest.fixture
async def otto(world: World) -> Caller:
    """An agent that may act for people by tokens of two apps."""
    caller = agent(subjects=("budget", "open"))
    await world.register(caller.client, OPEN)
    return caller


async def given(world: World, client: Client = OPEN, scope: str = BROAD) -> Tokens:
    """A person's access, as a bearer token."""
    return await world.connect(world.app(client), scope)


def detail(**changes: Any) -> str:
    """Transactions, narrower than they were agreed."""
    right = {
        "type": "bank_data", "actions": ["read"], "datatypes": ["transactions"], "fields": ["date", "amount"],
        "purpose": "budgeting",
    }  # fmt: skip
    return json.dumps([{**right, **changes}])


def error_of(answer: httpx2.Response) -> tuple[int, str]:
    return answer.status_code, answer.json().get("error", "")


async def test_the_new_token_says_who_acts_and_through_whose_hands(world: World, otto: Caller) -> None:
    """Covers: check 149; line 2 (nested act); E2."""
    first = await given(world)
    answer = await otto.exchange(world, first.access_token)
    assert answer.status_code == 200, answer.text
    body, old, new = answer.json(), claims_of(first.access_token), claims_of(answer.json()["access_token"])
    assert (body["issued_token_type"], body["token_type"]) == (ACCESS_TOKEN, "DPoP")
    assert "refresh_token" not in body
    assert new["client_id"] == "otto"
    assert new["act"] == {"sub": "otto", "sub_profile": "ai_agent", "act": {"sub": "open"}}
    assert new["lin"] == [[old["grant_id"], 1], [new["grant_id"], 1]]
    assert new["sub"] != old["sub"], "each client knows the person by another name"
    assert new["cnf"] == {"jkt": otto.dpop.public.thumbprint if otto.dpop else ""}
    assert len(answer.json()["access_token"]) <= 1_200

    (event,) = [event for event in await world.events() if event.type is EventType.TOKEN_EXCHANGED]
    assert event.detail["chain"] == ["otto", "open"]
    assert event.detail["lineage"] == new["lin"]
    (made,) = [event for event in await world.events() if event.type is EventType.CONSENT_PASSED_ON]
    assert (made.consent, made.person) == (new["grant_id"], world.people["ada"])


async def test_the_child_is_a_consent_with_a_version_of_its_own(world: World, otto: Caller) -> None:
    """Covers: I10, line 2 (lineage)."""
    first = await given(world)
    new = claims_of((await otto.exchange(world, first.access_token)).json()["access_token"])
    child, parent = [
        await world.database.read(lambda tx, name=name: tx.consents.version(ConsentId(name), 1))
        for name in (new["grant_id"], claims_of(first.access_token)["grant_id"])
    ]
    assert child is not None
    assert parent is not None
    assert [(link.grant, link.version, link.epoch) for link in child.ancestors] == [(parent.consent_id, 1, 1)]
    assert (child.agent, child.client, child.acted_by) == ("otto", "otto", "open")
    assert child.expires_at == parent.expires_at
    assert child.parties[0].name == "Otto Ltd"


async def test_the_same_wish_finds_the_same_consent(world: World, otto: Caller) -> None:
    first = await given(world)
    one, two = [claims_of((await otto.exchange(world, first.access_token)).json()["access_token"]) for _ in range(2)]
    other = claims_of((await otto.exchange(world, first.access_token, scope="calendar.events")).json()["access_token"])
    assert one["grant_id"] == two["grant_id"] != other["grant_id"]
    assert one["jti"] != two["jti"]


async def test_the_chain_grows_by_each_hop_up_to_the_depth(world: World) -> None:
    """Covers: check 149; line 2 (depth)."""
    hops = [agent(f"hop{n}", subjects=("open", *(f"hop{m}" for m in range(6)))) for n in range(6)]
    await world.register(OPEN, *(hop.client for hop in hops))
    token, before, holder = (await given(world, scope="calendar.events")).access_token, "open", None
    for number, hop in enumerate(hops[:4]):
        proof = () if holder is None else handing(world, token, holder, hop.client.id)
        answer = await hop.exchange(world, token, holder=proof)
        assert answer.status_code == 200, answer.text
        token, holder = answer.json()["access_token"], hop.dpop
        claims = claims_of(token)
        assert (claims["act"]["sub"], claims["act"]["act"]["sub"]) == (hop.client.id, before)
        assert len(claims["lin"]) == number + 2
        before = hop.client.id
    assert holder is not None
    beyond = await hops[4].exchange(world, token, holder=handing(world, token, holder, "hop4"))
    assert error_of(beyond) == (400, "invalid_grant")


async def test_a_client_may_be_allowed_shorter_chains_only(world: World) -> None:
    """Covers: check 149 (depth by registration)."""
    one, two = agent("one", subjects=("open",)), agent("two", subjects=("one",), exchange={"depth": 2})
    await world.register(OPEN, one.client, two.client)
    token = (await one.exchange(world, (await given(world)).access_token)).json()["access_token"]
    assert one.dpop is not None
    refused = await two.exchange(world, token, holder=handing(world, token, one.dpop, "two"))
    assert error_of(refused) == (400, "invalid_grant")


@pytest.mark.parametrize(
    "change",
    [
        {"subject_token_type": None},
        {"subject_token_type": "urn:ietf:params:oauth:token-type:saml2"},
        {"subject_token_type": "access_token"},
        {"subject_token_type": ID_TOKEN},
        {"subject_token": None},
        {"subject_token": "x.y.z"},
        {"requested_token_type": "urn:ietf:params:oauth:token-type:refresh_token"},
        {"actor_token": "x.y.z"},
        {"actor_token_type": ACCESS_TOKEN},
        {"actor_token": "x.y.z", "actor_token_type": "urn:ietf:params:oauth:token-type:saml2"},
        {"actor_token": "x.y.z", "actor_token_type": ACCESS_TOKEN},
    ],
)
async def test_a_type_that_is_missing_or_unknown_is_never_ignored(
    world: World, otto: Caller, change: dict[str, str | None]
) -> None:
    """Covers: check 147; CVE-2026-9704."""
    first = await given(world)
    form = {"subject_token": first.access_token, **change}
    written = len([event for event in await world.events() if event.type is EventType.CONSENT_PASSED_ON])
    answer = await otto.exchange(world, str(form.pop("subject_token") or ""), **form)
    assert error_of(answer) == (400, "invalid_request")
    assert len([event for event in await world.events() if event.type is EventType.CONSENT_PASSED_ON]) == written


async def test_a_token_of_a_client_that_is_not_named_is_not_exchanged(world: World) -> None:
    """Covers: check 146."""
    stranger = agent("stranger", subjects=("budget",))
    await world.register(OPEN, stranger.client)
    refused = await stranger.exchange(world, (await given(world)).access_token)
    assert error_of(refused) == (400, "invalid_request")
    assert "open" not in refused.json()["error_description"]


async def test_a_token_that_is_over_or_was_given_back_is_not_exchanged(world: World, otto: Caller) -> None:
    """Covers: check 146."""
    app, first = world.app(OPEN), await given(world)
    await app.revoke(first.access_token)
    assert error_of(await otto.exchange(world, first.access_token)) == (400, "invalid_request")
    second = await given(world, scope="calendar.events")
    world.clock.pass_seconds(301)
    assert error_of(await otto.exchange(world, second.access_token)) == (400, "invalid_request")


async def test_another_kind_of_token_is_no_subject(world: World, otto: Caller) -> None:
    """Covers: check 111, 124 (an ID token and a refresh token are no access token)."""
    tokens = await given(world, scope="calendar.events openid")
    for wrong in (tokens.id_token, tokens.refresh_token):
        assert wrong is not None
        assert error_of(await otto.exchange(world, wrong)) == (400, "invalid_request")


@pytest.mark.parametrize(
    ("wish", "error"),
    [
        ({"scope": "bank.payments"}, "invalid_scope"),
        ({"scope": "calendar.events bank.categories"}, "invalid_scope"),
        ({"scope": "no.such"}, "invalid_scope"),
        ({"scope": "openid"}, "invalid_scope"),
        ({"resource": "https://elsewhere.example"}, "invalid_target"),
        ({"resource": [BANK, "https://elsewhere.example"]}, "invalid_target"),
        ({"audience": "no-such-api"}, "invalid_target"),
        ({"scope": "calendar.events", "resource": BANK}, "invalid_scope"),
        ({"authorization_details": detail(fields=["date", "iban"])}, "invalid_authorization_details"),
        ({"authorization_details": detail(resources=["acc-2"])}, "invalid_authorization_details"),
        ({"authorization_details": detail(lookback_days=181)}, "invalid_authorization_details"),
        ({"authorization_details": detail(datatypes=["payments"], actions=["pay"], fields=["amount"],
                                          purpose="bill-paying")}, "invalid_authorization_details"),
    ],
)  # fmt: skip
async def test_nothing_wider_is_given_in_any_dimension(
    world: World, otto: Caller, wish: dict[str, Any], error: str
) -> None:
    """Covers: check 148."""
    first = await _without_iban(world)
    answer = await otto.exchange(world, first.access_token, **wish)
    assert error_of(answer) == (400, error), answer.text


async def test_less_is_given_in_every_dimension(world: World, otto: Caller) -> None:
    """Covers: check 148; line 2 (fields, resources, time)."""
    first = await given(world)
    wish = detail(resources=["acc-1"], lookback_days=30)
    answer = (await otto.exchange(world, first.access_token, authorization_details=wish, audience="bank")).json()
    (one,) = answer["authorization_details"]
    assert (one["fields"], one["resources"], one["lookback_days"]) == (["date", "amount"], ["acc-1"], 30)
    assert claims_of(answer["access_token"])["aud"] == [BANK]
    left_open = (await otto.exchange(world, first.access_token, authorization_details=detail())).json()
    (one,) = left_open["authorization_details"]
    assert (one["resources"], one["lookback_days"]) == (["acc-1"], 180)


async def test_the_receivers_own_registration_is_a_limit(world: World) -> None:
    """Covers: check 148 (client policy)."""
    caller = agent("small", subjects=("open",), scopes=["calendar.events"])
    await world.register(OPEN, caller.client)
    first = await given(world)
    answer = (await caller.exchange(world, first.access_token)).json()
    assert (answer["scope"], claims_of(answer["access_token"])["aud"]) == ("calendar.events", [CALENDAR])
    refused = await caller.exchange(world, first.access_token, scope="bank.transactions")
    assert error_of(refused) == (400, "invalid_scope")


async def test_the_audience_of_the_token_at_hand_is_a_limit(world: World, otto: Caller) -> None:
    """Covers: check 148."""
    first = await given(world)
    app = world.app(OPEN)
    assert first.refresh_token is not None
    narrow = await app.refresh(first.refresh_token, resource=CALENDAR)
    refused = await otto.exchange(world, narrow.access_token, resource=BANK)
    assert error_of(refused) == (400, "invalid_target")


async def test_the_new_token_never_outlives_the_first(world: World, otto: Caller) -> None:
    """Covers: check 150."""
    first = await given(world)
    world.clock.pass_seconds(200)
    new = claims_of((await otto.exchange(world, first.access_token)).json()["access_token"])
    assert new["exp"] == claims_of(first.access_token)["exp"]


async def test_a_part_may_be_kept_shorter_than_the_whole(world: World) -> None:
    """Covers: I10 (time)."""
    caller = agent("brief", subjects=("open",), exchange={"longest": 60})
    await world.register(OPEN, caller.client)
    new = claims_of((await caller.exchange(world, (await given(world)).access_token)).json()["access_token"])
    assert new["exp"] == world.server.now() + 60


async def test_may_act_decides_who_may_come_next(world: World) -> None:
    """Covers: check 149; line 2 (may_act)."""
    strict = read_client({**_registration(OPEN), "id": "strict", "may_act": "chosen"})
    chosen, other = agent("chosen", subjects=("strict",)), agent("other", subjects=("strict",))
    await world.register(strict, chosen.client, other.client)
    first = await given(world, strict)
    assert claims_of(first.access_token)["may_act"] == {"sub": "chosen"}
    assert error_of(await other.exchange(world, first.access_token)) == (400, "invalid_request")
    assert (await chosen.exchange(world, first.access_token)).status_code == 200


async def test_an_actor_token_names_who_acts_in_the_clients_place(world: World) -> None:
    """Covers: line 2 (actor_token)."""
    runner = agent("runner", subjects=("open",), exchange={"actors": ["helper"]}, dpop=False)
    helper = confidential("helper", kind="agent", dpop=False, grants=["client_credentials"], scopes=["calendar.events"])
    stranger = confidential("stranger", dpop=False, grants=["client_credentials"], scopes=["calendar.events"])
    await world.register(OPEN, runner.client, helper.client, stranger.client)
    own = {}
    for caller in (helper, stranger):
        await give_service(world, caller.client.id)
        own[caller.client.id] = (await caller.ask(world, {"grant_type": "client_credentials"})).json()["access_token"]
    first = (await given(world)).access_token
    told = {"actor_token": own["helper"], "actor_token_type": ACCESS_TOKEN}
    new = claims_of((await runner.exchange(world, first, **told)).json()["access_token"])
    assert (new["client_id"], new["act"]["sub"], new["act"]["act"]["sub"]) == ("runner", "helper", "open")
    for kind in ("urn:ietf:params:oauth:token-type:saml2", ID_TOKEN):
        assert error_of(await runner.exchange(world, first, **{**told, "actor_token_type": kind})) == (
            400,
            "invalid_request",
        )
    told["actor_token"] = own["stranger"]
    assert error_of(await runner.exchange(world, first, **told)) == (400, "invalid_request")


# Keys


async def test_a_bound_token_needs_its_holders_proof_and_the_callers_own(world: World, otto: Caller) -> None:
    """Covers: check 151; line 2 (both keys)."""
    holder = SigningKey.generate()
    first = await world.connect(world.app(dpop=holder), BROAD)
    assert error_of(await otto.exchange(world, first.access_token)) == (400, "invalid_dpop_proof")
    proof = handing(world, first, holder, "otto")
    answer = await otto.exchange(world, first.access_token, holder=proof)
    assert answer.status_code == 200, answer.text
    assert claims_of(answer.json()["access_token"])["cnf"] == {"jkt": otto.dpop.public.thumbprint if otto.dpop else ""}
    again = await otto.exchange(world, first.access_token, holder=proof)
    assert error_of(again) == (400, "invalid_dpop_proof"), "a proof counts once"


@pytest.mark.parametrize("wrong", ["key", "token", "url", "old", "nobody", "another", "two", "alg"])
async def test_a_holders_proof_is_for_this_token_this_client_and_now(world: World, otto: Caller, wrong: str) -> None:
    """Covers: check 151, 102, 104."""
    holder = SigningKey.generate()
    first = await world.connect(world.app(dpop=holder), BROAD)
    now = world.server.now()
    proof: str | list[str] = {
        "key": lambda: handing(world, first, SigningKey.generate(), "otto"),
        "token": lambda: handing(world, "another", holder, "otto"),
        "url": lambda: handing(world, first, holder, "otto", url="http://localhost:9000/par"),
        "old": lambda: handing(world, first, holder, "otto", iat=now - 61),
        "nobody": lambda: handing(world, first, holder, None),
        "another": lambda: handing(world, first, holder, "budget"),
        "two": lambda: [handing(world, first, holder, "otto") for _ in range(2)],
        "alg": lambda: handing(world, first, holder, "otto", header={"alg": "none"}),
    }[wrong]()
    answer = await otto.exchange(world, first.access_token, holder=proof)
    assert error_of(answer) == (400, "invalid_dpop_proof")


async def test_an_exchange_never_makes_a_bearer_token_of_a_bound_one(world: World) -> None:
    """Covers: check 151."""
    caller = agent("loose", subjects=("budget",), dpop=False)
    await world.register(caller.client)
    holder = SigningKey.generate()
    first = await world.connect(world.app(dpop=holder), BROAD)
    answer = await caller.exchange(world, first.access_token, holder=handing(world, first, holder, "loose"))
    assert error_of(answer) == (400, "invalid_dpop_proof")


async def test_who_holds_the_key_itself_needs_no_second_proof(world: World) -> None:
    """A client may narrow its own token: nobody new acts, and so nobody is added to the chain."""
    caller = agent(subjects=("open",))
    await world.register(OPEN, caller.client)
    first = (await caller.exchange(world, (await given(world)).access_token)).json()["access_token"]
    answer = await caller.exchange(world, first, scope="calendar.events")
    assert answer.status_code == 200, answer.text
    claims = claims_of(answer.json()["access_token"])
    assert claims["act"] == claims_of(first)["act"]
    assert len(claims["lin"]) == 3


async def test_a_token_bound_to_a_certificate_is_proven_by_the_certificates_key(world: World, otto: Caller) -> None:
    """Covers: check 151; line 2 (mTLS-bound)."""
    key, der = _certificate()
    token = await _bound_to(world, der)
    x5c = {"header": {"x5c": [base64.b64encode(der).decode()]}}
    other, their = _certificate()
    theirs = {"header": {"x5c": [base64.b64encode(their).decode()]}}
    assert error_of(await otto.exchange(world, token)) == (400, "invalid_dpop_proof")
    for wrong in (
        handing(world, token, key, "otto"),
        handing(world, token, SigningKey.generate(), "otto", **x5c),
        handing(world, token, key, "otto", **theirs),
        handing(world, token, other, "otto", **theirs),
        handing(world, token, key, "otto", header={"x5c": ["!"]}),
    ):
        assert error_of(await otto.exchange(world, token, holder=wrong)) == (400, "invalid_dpop_proof")
    right = await otto.exchange(world, token, holder=handing(world, token, key, "otto", **x5c))
    assert right.status_code == 200, right.text


# ID tokens


async def test_an_id_token_counts_only_where_the_registration_says_so(world: World, otto: Caller) -> None:
    """Covers: check 146, 147 (ID tokens by policy)."""
    tokens = await given(world, scope="calendar.events openid")
    assert tokens.id_token is not None
    told = {"subject_token_type": ID_TOKEN}
    assert error_of(await otto.exchange(world, tokens.id_token, **told)) == (400, "invalid_request")
    caller = agent("trusting", subjects=("open", "budget"), exchange={"id_tokens": True})
    await world.register(caller.client)
    new = claims_of((await caller.exchange(world, tokens.id_token, **told)).json()["access_token"])
    assert new["lin"][0] == [claims_of(tokens.access_token)["grant_id"], 1]
    bound = await world.connect(world.app(), "calendar.events openid")
    assert bound.id_token is not None
    refused = await caller.exchange(world, bound.id_token, **told)
    assert error_of(refused) == (400, "invalid_request"), "a bearer token opens nothing that is bound to a key"


async def _by_id_token(world: World) -> tuple[Caller, str]:
    """A client that may exchange ID tokens, and one of ada's."""
    caller = agent("trusting", subjects=("open",), exchange={"id_tokens": True})
    await world.register(caller.client, OPEN)
    tokens = await given(world, scope="calendar.events openid")
    assert tokens.id_token is not None
    return caller, tokens.id_token


@pytest.mark.parametrize("ending", ["locked", "everything", "family"])
async def test_an_id_token_counts_no_longer_than_what_came_with_it(world: World, ending: str) -> None:
    """Covers: check 146, 150 (a locked person, everything of them ended, a family given back); CVE-2026-9792."""
    caller, token = await _by_id_token(world)
    ada, clock, randomness = world.people["ada"], world.clock, world.server.randomness

    async def end(tx: Any) -> None:
        person = await tx.people.by_id(ada)
        if ending == "locked":
            await lock(tx, person, clock, randomness, also_ends=EndsWithPassword(clock, why=LOCKED))
        elif ending == "everything":
            await end_everything(world.server, tx, ada, "somebody")
        else:
            for state in await tx.consents.of_person(ada):
                await end_families(world.server, tx, state.consent_id, why="revoked_by_client")

    await world.database.write(end)
    answer = await caller.exchange(world, token, subject_token_type=ID_TOKEN)
    assert error_of(answer) == (400, "invalid_request")


async def test_what_came_of_an_id_token_ends_with_the_family_it_came_with(world: World) -> None:
    """Covers: check 150 (ID tokens)."""
    caller, token = await _by_id_token(world)
    child = claims_of((await caller.exchange(world, token, subject_token_type=ID_TOKEN)).json()["access_token"])
    assert child["fam"].startswith("f_")


async def test_an_id_token_opens_nothing_that_another_client_passed_on(world: World) -> None:
    """Covers: check 148, 149 (what was passed on for a while, and who acts by it, cannot be shaken off)."""
    both = confidential(
        "both", dpop=False, redirect_uris=[CALLBACK], scopes=[*ALL_SCOPES, "openid"], exchange={"subjects": ["open"]},
        grants=["authorization_code", EXCHANGE], jwks=[APP_KEY.public.jwk],
    )  # fmt: skip
    caller = agent("trusting", subjects=("both",), exchange={"id_tokens": True})
    await world.register(OPEN, both.client, caller.client)
    own = await world.connect(world.app(both.client), "calendar.events openid")
    assert own.id_token is not None
    world.clock.pass_seconds(1)
    passed = await Caller(both.client, APP_KEY, None).exchange(world, (await given(world)).access_token)
    assert passed.json()["scope"] == BROAD
    told = await caller.exchange(world, own.id_token, subject_token_type=ID_TOKEN)
    assert told.json()["scope"] == "calendar.events"


# Endings


async def test_when_the_parent_ends_nothing_of_the_line_counts_by_one_write(world: World) -> None:
    """Covers: check 150; I10, line 2 (cascade)."""
    tokens, grants = await _line(world)
    before = len(await world.feed())
    parent, person = grants[0], world.people["ada"]
    await world.database.write(lambda tx: world.server.consents.withdraw(tx, consent=parent, person=person))
    (entry,) = (await world.feed())[before:]
    assert (entry["kind"], entry["id"], entry["min_epoch"]) == ("grant", parent, 2)
    for token in tokens:
        assert await _inactive(world, token)


async def test_when_a_child_ends_its_own_line_ends_and_the_parent_lives(world: World) -> None:
    """Covers: check 150; I10."""
    tokens, grants = await _line(world)
    await world.database.write(
        lambda tx: world.server.consents.revoke(tx, consent=grants[1], by="operator", why="test")
    )
    assert [await _inactive(world, token) for token in tokens] == [False, True, True]


async def test_when_the_family_ends_so_does_what_came_of_it(world: World) -> None:
    """Covers: check 150, 119."""
    tokens, _ = await _line(world)
    fam = {claims_of(token)["fam"] for token in tokens}
    assert len(fam) == 1, "gateways cut off all of them by one name"
    name, grant = fam.pop(), claims_of(tokens[0])["grant_id"]
    await world.database.write(lambda tx: end_family(world.server, tx, name, grant, why="test", finding=False))
    assert [await _inactive(world, token) for token in tokens] == [True, True, True]


async def test_when_the_parent_changes_its_children_end(world: World) -> None:
    """Covers: I10 (epoch): a narrower parent must not leave a wider child."""
    tokens, grants = await _line(world)
    state = await world.database.read(lambda tx: tx.consents.get(grants[0]))
    version = await world.database.read(lambda tx: tx.consents.version(grants[0], 1))
    assert state is not None
    assert version is not None
    amend = world.server.consents.amend
    ceremony = msgspec.structs.replace(version.ceremony, id="cer_narrow")
    await world.database.write(
        lambda tx: amend(
            tx, catalog=world.server.catalog(), consent=grants[0], person=state.person,
            granted=version.granted[:1], expires_at=version.expires_at, ceremony=ceremony,
        )
    )  # fmt: skip
    assert [await _inactive(world, token) for token in tokens] == [True, True, True]


async def test_when_a_client_of_the_line_is_stopped_so_is_what_went_through_its_hands(world: World) -> None:
    """Covers: check 150; D3 (by client)."""
    tokens, _ = await _line(world)
    client = await world.database.read(lambda tx: tx.clients.get(ClientId("open")))
    assert client is not None
    await world.register(msgspec.structs.replace(client, status=Standing.DISABLED))
    assert [await _inactive(world, token) for token in tokens] == [True, True, True]


async def test_a_part_that_was_stopped_stays_stopped_until_the_person_decides_anew(world: World, otto: Caller) -> None:
    """Covers: I7; E3 (stop by name)."""
    first = await given(world)
    child = claims_of((await otto.exchange(world, first.access_token)).json()["access_token"])["grant_id"]
    person = world.people["ada"]
    await world.database.write(lambda tx: world.server.consents.withdraw(tx, consent=child, person=person))
    for wish in ({}, {"scope": "calendar.events"}):
        refused = await otto.exchange(world, first.access_token, **wish)
        assert error_of(refused) == (400, "invalid_grant")


async def test_a_part_ends_in_every_list_with_its_whole(world: World) -> None:
    """Covers: I10: what people and operators see is what counts, though one row alone was written."""
    _, grants = await _line(world)
    person = world.people["ada"]

    async def seen() -> list[tuple[str, str, str | None]]:
        parts = await world.database.read(lambda tx: read.descendants(tx, consent=grants[0]))
        return [(str(one.consent), one.status.value, one.cause) for one in parts]

    assert await seen() == [(grants[1], "active", None), (grants[2], "active", None)]
    lines = await world.database.read(lambda tx: read.connections(tx, person=person))
    assert {(one.client, one.passed_on_by) for one in lines} == {("open", None), ("one", "open"), ("two", "one")}
    await world.database.write(lambda tx: world.server.consents.withdraw(tx, consent=grants[0], person=person))
    assert await seen() == [(grants[1], "withdrawn", "grant_withdrawn"), (grants[2], "withdrawn", "grant_withdrawn")]
    lines = await world.database.read(lambda tx: read.connections(tx, person=person))
    assert {one.status.value for one in lines} == {"withdrawn"}


async def test_what_was_passed_on_is_no_answer_to_a_question_of_the_receiver(world: World) -> None:
    """Covers: I7, check 41: the person is asked by each client for itself."""
    caller = agent(
        "both", subjects=("open",), redirect_uris=["https://both.example/cb"],
        grants=["authorization_code", "urn:ietf:params:oauth:grant-type:token-exchange"],
    )  # fmt: skip
    await world.register(OPEN, caller.client)
    first = await given(world, scope="calendar.events")
    assert (await caller.exchange(world, first.access_token)).status_code == 200
    app = AppClient(world.http, ISSUER, caller.prover(world), "https://both.example/cb")
    begun = await app.begin(scope="calendar.events")
    assert (await world.browse(begun.url)).headers["location"].startswith("/consent/")


async def test_a_forbidden_part_is_not_minted(world: World, otto: Caller) -> None:
    """Covers: I3; the authority asks the policy that gateways ask."""
    first = await given(world)
    world.forbid('@id("ours.otto") forbid (principal == Grantline::Client::"otto", action, resource);')
    assert error_of(await otto.exchange(world, first.access_token)) == (400, "invalid_grant")


def test_the_grant_needs_a_registration_that_says_whose_tokens() -> None:
    with pytest.raises(InvalidConfiguration, match="exchange"):
        confidential("silent", grants=["urn:ietf:params:oauth:grant-type:token-exchange"])
    with pytest.raises(InvalidConfiguration, match="exchange"):
        confidential("needless", grants=["client_credentials"], exchange={"subjects": ["open"]})


async def _line(world: World) -> tuple[list[str], list[ConsentId]]:
    """A person's token, an agent's from it, another agent's from that; and the grants they stand on."""
    one, two = agent("one", subjects=("open",)), agent("two", subjects=("one",))
    await world.register(OPEN, one.client, two.client)
    tokens = [(await given(world)).access_token]
    tokens.append((await one.exchange(world, tokens[0])).json()["access_token"])
    assert one.dpop is not None
    proof = handing(world, tokens[1], one.dpop, "two")
    tokens.append((await two.exchange(world, tokens[1], holder=proof)).json()["access_token"])
    return tokens, [ConsentId(claims_of(token)["grant_id"]) for token in tokens]


async def _inactive(world: World, token: str) -> bool:
    claims = access.read(world.server, token)
    return await world.database.read(lambda tx: live_token(world.server, tx, claims)) is None


async def _without_iban(world: World) -> Tokens:
    """Access to transactions without all fields."""
    app = world.app(OPEN)
    begun = await app.begin(scope=BROAD)
    session = await world.sign_in()
    handle = handle_of((await world.browse(begun.url)).headers["location"])
    offer = await world.look(handle, session)
    assert isinstance(offer, Offer)
    all_of = every(offer)
    lines = frozenset(key for key in all_of.lines if "counterparty" not in key and "other_party" not in key)
    picks = Picks(lines, all_of.resources, all_of.days, all_of.explicit)
    return await app.finish(begun, await world.allow(begun, session, picks))


def _registration(client: Client) -> dict[str, Any]:
    return {
        "id": client.id, "name": client.name, "publisher": client.publisher, "web": client.web, "dpop_bound": False,
        "redirect_uris": list(client.redirect_uris), "scopes": list(client.scopes), "grants": list(client.grants),
    }  # fmt: skip


def _certificate() -> tuple[SigningKey, bytes]:
    private = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "open")])
    start = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(private.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(start)
        .not_valid_after(start + datetime.timedelta(days=1_000)).sign(private, hashes.SHA256())
    )  # fmt: skip
    return SigningKey(private), made.public_bytes(serialization.Encoding.DER)


async def _bound_to(world: World, der: bytes) -> str:
    """The person's token, as it would be had the client come with this certificate."""
    claims = access.read(world.server, (await given(world)).access_token)
    x5t = b64url(hashlib.sha256(der).digest())
    return access.sign(world.server, msgspec.structs.replace(claims, cnf=Confirmation(x5t=x5t)))
