"""Everything of one person ends by one request: tokens of every kind, families, sessions. The consents stand."""

from typing import Any

import httpx2
import msgspec
import orjson
import pytest

from grantline.authorization.issuers import Subjects, TrustedIssuer, check_issuer, trust
from grantline.authorization.steps.revoker import TYP
from grantline.consent import read
from grantline.crypto.encoding import b64url
from grantline.crypto.es256 import SigningKey
from grantline.identity import LinkRow, PersonRow
from grantline.model.consent import Status
from grantline.model.errors import InvalidConfiguration
from grantline.model.events import EventType
from grantline.model.ids import ApiId, ConsentId
from grantline.sdk.client import AccessRefused
from tests.authorization_world import ISSUER, World
from tests.flows.authorization.elsewhere_flows import TV, answered_device, poll
from tests.flows.authorization.raw import exchange, get_code, post
from tests.flows.authorization.test_introspection import api, ask
from tests.flows.authorization.test_opaque_tokens import OPEN
from tests.grants_world import BANK, CALENDAR, agent
from tests.postgres_server import on_both

WATCH = "https://watch.example"
PATH = "/global-token-revocation"
KEY, OTHER = SigningKey.generate(), SigningKey.generate()
WATCHER = TrustedIssuer(
    issuer=WATCH,
    clients=(),
    jwks=(dict(KEY.public.jwk),),
    people={"ext-1": "ada", "ext-2": "cy", "ext-3": "dee"},
    revokes=True,
)
ADA = {"format": "iss_sub", "iss": WATCH, "sub": "ext-1"}


@pytest.fixture(autouse=True)
async def watched(world: World) -> None:
    """An issuer that the operator declared for this, and the APIs as callers of introspection."""
    await believe(world)
    await world.register(api("bank", BANK), api("cal", CALENDAR), OPEN)


async def believe(world: World, **changes: Any) -> None:
    issuer = check_issuer(msgspec.structs.replace(WATCHER, **changes), "$")
    await world.database.write(lambda tx: trust(tx, issuer, world.clock, world.server.randomness))


def word(world: World, key: SigningKey = KEY, typ: str = TYP, **changes: Any) -> str:
    """The issuer's signed word; `changes` to its claims (None leaves one out)."""
    now = world.server.now()
    claims = {
        "iss": WATCH,
        "aud": ISSUER + PATH,
        "iat": now,
        "exp": now + 60,
        "jti": b64url(world.server.randomness(8)),
    }
    told = {name: value for name, value in {**claims, **changes}.items() if value is not None}
    head = {"alg": "ES256", "typ": typ, "kid": KEY.public.kid}
    message = ".".join(b64url(orjson.dumps(part)) for part in (head, told))
    return f"{message}.{b64url(key.sign(message.encode()))}"


async def revoke(world: World, sub_id: object = ADA, *, token: str | None = None, **headers: str) -> httpx2.Response:
    body = orjson.dumps({"sub_id": sub_id})
    told = {"content-type": "application/json", "authorization": f"Bearer {token or word(world)}", **headers}
    return await world.http.post(PATH, content=body, headers=told)


async def active(world: World, token: str | None, caller: str = "bank") -> bool:
    return bool((await ask(world, caller, token)).json()["active"])


@on_both("world")
async def test_every_token_of_the_person_dies_and_nobody_elses(world: World) -> None:
    """Covers: line 4 (global token revocation); CONSENT.md row Global Token Revocation; check 119."""
    app, both = world.app(), world.app(OPEN)
    first, second = await world.connect(app), await world.connect(both, "calendar.events")
    otto = agent(subjects=("open",))
    await world.register(otto.client)
    child = (await otto.exchange(world, second.access_token)).json()["access_token"]
    await world.sign_in("ben")
    others = await world.connect(world.app())
    assert (await revoke(world)).status_code == 204
    assert not await active(world, first.access_token)
    assert not await active(world, second.access_token, "cal")
    assert not await active(world, child, "cal")
    for one in (first, second):
        with pytest.raises(AccessRefused, match="invalid_grant"):
            await (app if one is first else both).refresh(one.refresh_token or "")
    assert await active(world, others.access_token)


async def test_the_consents_stand_and_the_person_signs_in_anew(world: World) -> None:
    """Covers: CONSENT.md finding 2 and its row: a hammer for tokens is no substitute for a withdrawal."""
    tokens = await world.connect(world.app())
    former = world.session
    assert (await revoke(world)).status_code == 204
    state = await world.database.read(lambda tx: tx.consents.get(ConsentId(tokens.grant_id)))
    assert state is not None
    assert (state.status, state.version, state.epoch, state.min_epoch) == (Status.ACTIVE, 1, 2, 2)
    assert former is not None
    assert await world.sessions.current(former.secret) is None
    begun = await world.app().begin(scope="bank.transactions")
    assert (await world.browse(begun.url)).headers["location"].startswith("/sign-in?")
    await world.sign_in()
    again = await world.connect(world.app())
    assert again.grant_id == tokens.grant_id, "the answer of before still counts"
    assert await active(world, again.access_token)
    assert not await active(world, tokens.access_token)


@on_both("world")
async def test_gateways_are_told_once_for_each_consent_in_the_same_transaction(world: World) -> None:
    """Covers: ARCHITECTURE.md idea 3 (a cut-off of a person expands to their grants); I4."""
    tokens = [await world.connect(world.app()), await world.connect(world.app(OPEN), "calendar.events")]
    await revoke(world)
    cut = {entry["id"]: entry["min_epoch"] for entry in await world.endings() if entry["kind"] == "grant"}
    assert cut == {one.grant_id: 2 for one in tokens}
    assert sorted(entry["kind"] for entry in await world.endings()) == ["family", "family", "grant", "grant"]


async def test_what_was_passed_on_is_shown_as_ended_at_once(world: World) -> None:
    """Covers: P2. The whole stands, for it can be used after a new sign-in; no part of it can."""
    whole = await world.connect(world.app(OPEN), "calendar.events")
    otto = agent(subjects=("open",))
    await world.register(otto.client)
    part = (await otto.exchange(world, whole.access_token)).json()["grant_id"]

    async def shown() -> dict[str, Status]:
        state = await world.database.read(lambda tx: tx.consents.get(ConsentId(whole.grant_id)))
        assert state is not None
        listed = await world.database.read(lambda tx: read.connections(tx, person=state.person))
        return {str(one.consent): one.status for one in listed}

    assert await shown() == {whole.grant_id: Status.ACTIVE, part: Status.ACTIVE}
    await revoke(world)
    assert await shown() == {whole.grant_id: Status.ACTIVE, part: Status.EXPIRED}


async def test_a_code_on_its_way_is_worth_nothing_any_more(world: World) -> None:
    """Covers: "must re-authenticate the user before issuing new tokens" (§2.2)."""
    key = SigningKey.generate()
    code = await get_code(world, key)
    await revoke(world)
    answer = await post(world, "/token", exchange(code), key)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


async def test_what_was_allowed_to_a_device_and_not_fetched_yet_is_taken_back(world: World) -> None:
    """The same for an answer that waits for who asked from elsewhere."""
    await world.register(TV)
    device = await answered_device(world)
    await revoke(world)
    assert (await poll(world, device)).json()["error"] == "access_denied"


@on_both("world")
async def test_the_record_says_who_asked_and_what_ended(world: World) -> None:
    """Covers: check 166."""
    tokens = await world.connect(world.app())
    await revoke(world)
    (told,) = [event for event in await world.events() if event.type is EventType.PERSON_TOKENS_REVOKED]
    assert told.person == world.people["ada"]
    assert told.detail == {"by": WATCH, "consents": 1, "families": 1, "sessions": 1}
    (one,) = [event for event in await world.events() if event.type is EventType.TOKEN_REVOKED]
    assert (one.consent, one.detail) == (tokens.grant_id, {"kind": "all", "by": WATCH})


@pytest.mark.parametrize(
    ("sub_id", "status"),
    [
        (ADA, 204),
        ({"format": "opaque", "id": "p_ada"}, 204),
        ({"format": "email", "email": "Ada@Example.org"}, 204),
        ({"format": "iss_sub", "iss": WATCH, "sub": "account-7"}, 204),
        ({"format": "iss_sub", "iss": WATCH, "sub": "nobody"}, 404),
        ({"format": "iss_sub", "iss": "https://other.example", "sub": "ext-1"}, 404),
        ({"format": "opaque", "id": "p_nobody"}, 404),
        ({"format": "opaque", "id": "p_ben"}, 404),
        ({"format": "email", "email": "ben@example.org"}, 404),
        ({"format": "email", "email": "two@example.org"}, 404),
        ({"format": "phone_number", "phone_number": "+1"}, 400),
        ({"format": "iss_sub", "iss": WATCH}, 400),
        ({"format": "email", "email": ""}, 400),
        ({"iss": WATCH, "sub": "ext-1"}, 400),
        ("ada", 400),
        (None, 400),
    ],
)
async def test_people_are_named_as_the_rfc_has_it_and_only_the_issuers_own(
    world: World, sub_id: object, status: int
) -> None:
    """Covers: RFC 9493; §4.1 of the draft (whom a caller may name is limited)."""
    people = [
        ("ada", "ada@example.org"),
        ("ben", "ben@example.org"),
        ("cy", "two@example.org"),
        ("dee", "two@example.org"),
    ]
    for name, email in people:
        row = PersonRow(world.people.get(name, f"p_{name}"), name, name, email, (), {ApiId("bank"): f"b-{name}"})  # type: ignore[arg-type]
        await world.database.write(lambda tx, row=row: tx.people.put(row))
    await world.database.write(lambda tx: tx.links.add(LinkRow(WATCH, "account-7", world.people["ada"], 0)))
    tokens = await world.connect(world.app())
    assert (await revoke(world, sub_id)).status_code == status
    assert await active(world, tokens.access_token) is (status != 204)


async def test_an_issuer_of_all_user_names_may_name_them_all(world: World) -> None:
    """Where the operator says that the issuer's `sub` is the user name."""
    await believe(world, subjects=Subjects.USERNAME, people={})
    assert (await revoke(world, {"format": "iss_sub", "iss": WATCH, "sub": "ben"})).status_code == 204
    assert (await revoke(world, {"format": "opaque", "id": "p_ben"})).status_code == 204


async def test_only_a_word_of_the_issuer_for_us_now_and_of_this_kind_counts(world: World) -> None:
    """Covers: line 4; draft §2.1 (401)."""
    tokens, now = await world.connect(world.app()), world.server.now()
    wrong = [
        word(world, OTHER), word(world, typ="JWT"), word(world, typ="at+jwt"), word(world, iss="https://other.example"),
        word(world, aud="https://other.example"), word(world, aud=None), word(world, exp=now - 11),
        word(world, iat=now - 400, exp=now + 60), word(world, iat=now + 60, exp=now + 120), word(world, jti=None),
        "nonsense", tokens.access_token,
    ]  # fmt: skip
    for token in wrong:
        answer = await revoke(world, token=token)
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_token"), token
        assert answer.headers["www-authenticate"] == 'Bearer error="invalid_token"'
    assert (await revoke(world, authorization="Basic dTpw")).status_code == 401
    assert await active(world, tokens.access_token)


async def test_a_word_counts_once(world: World) -> None:
    """Replayed it would end what the person connected since."""
    token = word(world)
    assert (await revoke(world, token=token)).status_code == 204
    await world.sign_in()
    tokens = await world.connect(world.app())
    assert (await revoke(world, token=token)).status_code == 401
    assert await active(world, tokens.access_token)


async def test_an_issuer_that_is_trusted_with_statements_alone_may_not(world: World) -> None:
    """Covers: draft §2.3 (403)."""
    await believe(world, revokes=False, clients=("budget",))
    tokens = await world.connect(world.app())
    assert (await revoke(world)).status_code == 403
    assert await active(world, tokens.access_token)


async def test_the_request_is_json_by_post_and_nothing_else(world: World) -> None:
    """Covers: check 94."""
    assert (await revoke(world, **{"content-type": "application/x-www-form-urlencoded"})).status_code == 400
    assert (await world.http.get(PATH)).status_code == 405
    assert (await world.http.options(PATH, headers={"origin": "https://app.example"})).status_code == 405


async def test_the_metadata_names_it(world: World) -> None:
    """Covers: check 126."""
    said = (await world.http.get("/.well-known/oauth-authorization-server")).json()
    assert said["global_token_revocation_endpoint"] == ISSUER + PATH
    assert said["global_token_revocation_endpoint_auth_methods_supported"] == [TYP]


@pytest.mark.parametrize(
    ("changes", "what"),
    [({"revokes": False}, "clients"), ({"revokes": False, "clients": ("x",), "people": {}}, "people")],
)
def test_a_declaration_that_lets_nobody_do_anything_is_refused(changes: dict[str, Any], what: str) -> None:
    with pytest.raises(InvalidConfiguration, match=what):
        check_issuer(msgspec.structs.replace(WATCHER, **changes), "$")


def test_one_that_may_only_end_what_its_own_accounts_opened_needs_no_people() -> None:
    """A company's identity provider: the accounts that people linked are whom it may speak of."""
    check_issuer(msgspec.structs.replace(WATCHER, people={}), "$")


async def test_nothing_is_left_of_a_second_blow(world: World) -> None:
    """Repeating it is harmless."""
    await world.connect(world.app())
    assert [(await revoke(world)).status_code for _ in range(2)] == [204, 204]
    told = [event.detail for event in await world.events() if event.type is EventType.PERSON_TOKENS_REVOKED]
    assert [(one["families"], one["sessions"]) for one in told] == [(1, 1), (0, 0)]
