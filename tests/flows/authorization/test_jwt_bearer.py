"""A trusted issuer may say who it is about. What may be done is in the person's own consent, and only there."""

import hashlib
import hmac
from typing import Any

import httpx2
import msgspec
import orjson
import pytest

from grantline.authorization.issuers import Subjects, TrustedIssuer, check_issuer, trust
from grantline.crypto.encoding import b64url
from grantline.crypto.es256 import SigningKey
from grantline.model.errors import InvalidConfiguration
from grantline.parties import Client, read_client
from grantline.sdk.client import Client as AppClient
from grantline.sdk.client import Prover
from tests.authorization_world import CALLBACK, ISSUER, World
from tests.flows.authorization.elsewhere_flows import lock
from tests.flows.authorization.raw import claims_of
from tests.grants_world import BANK, CALENDAR, JWT_BEARER, Caller

PARTNER = "https://partner.example"
KEY = SigningKey.generate()
CLIENT_KEY = SigningKey.generate()
CLIENT = read_client(
    {
        "id": "desk", "name": "Desk", "publisher": "Desk Ltd", "web": "https://desk.example", "auth": "private_key_jwt",
        "jwks": [CLIENT_KEY.public.jwk], "redirect_uris": [CALLBACK], "grants": ["authorization_code", JWT_BEARER],
        "scopes": ["bank.transactions", "calendar.events"],
    }
)  # fmt: skip
TRUSTED = TrustedIssuer(issuer=PARTNER, clients=("desk",), jwks=(dict(KEY.public.jwk),), people={"ext-1": "ada"})


@pytest.fixture
async def desk(world: World) -> Caller:
    """A client with which the person has a consent, and an issuer that may speak of that person."""
    caller = Caller(CLIENT, CLIENT_KEY)
    await world.register(CLIENT)
    await believe(world)
    return caller


async def believe(world: World, **changes: Any) -> None:
    issuer = check_issuer(msgspec.structs.replace(TRUSTED, **changes), "$")
    await world.database.write(lambda tx: trust(tx, issuer, world.clock, world.server.randomness))


async def agree(world: World, scope: str = "bank.transactions calendar.events") -> str:
    """The person's own consent with this client."""
    prover = Prover(CLIENT.id, SigningKey.generate(), CLIENT_KEY, world.clock, world.server.randomness)
    tokens = await world.connect(AppClient(world.http, ISSUER, prover, CALLBACK), scope)
    return str(claims_of(tokens.access_token)["grant_id"])


def stated(world: World, key: SigningKey = KEY, header: dict[str, Any] | None = None, **changes: Any) -> str:
    """A statement of the issuer; `changes` to its claims (None leaves one out), `header` to its header."""
    now = world.server.now()
    claims = {
        "iss": PARTNER, "sub": "ext-1", "aud": ISSUER, "iat": now, "exp": now + 60,
        "jti": b64url(world.server.randomness(8)),
    }  # fmt: skip
    told = {name: value for name, value in {**claims, **changes}.items() if value is not None}
    head = {"alg": "ES256", "typ": "JWT", "kid": KEY.public.kid, **(header or {})}
    message = ".".join(b64url(orjson.dumps(part)) for part in (head, told))
    return f"{message}.{b64url(key.sign(message.encode()))}"


async def ask(world: World, caller: Caller, assertion: str, **more: Any) -> httpx2.Response:
    return await caller.ask(world, {"grant_type": JWT_BEARER, "assertion": assertion, **more})


def error_of(answer: httpx2.Response) -> tuple[int, str]:
    return answer.status_code, answer.json().get("error", "")


async def test_a_statement_reaches_the_consent_that_the_person_gave(world: World, desk: Caller) -> None:
    """Covers: line 2 (JWT bearer with trusted issuers)."""
    grant = await agree(world)
    answer = await ask(world, desk, stated(world))
    assert answer.status_code == 200, answer.text
    claims = claims_of(answer.json()["access_token"])
    assert (claims["grant_id"], claims["client_id"], sorted(claims["aud"])) == (grant, "desk", [BANK, CALENDAR])
    assert "refresh_token" not in answer.json()
    assert desk.dpop is not None
    assert claims["cnf"]["jkt"] == desk.dpop.public.thumbprint


async def test_it_never_makes_a_right_that_is_not_there(world: World, desk: Caller) -> None:
    """Covers: I3; line 2. Without a consent the answer says what to do, and nothing is recorded as agreed."""
    refused = await ask(world, desk, stated(world))
    assert error_of(refused) == (400, "consent_required")
    assert "authorization endpoint" in refused.json()["error_description"]
    assert await world.database.read(lambda tx: tx.consents.of_person(world.people["ada"])) == ()
    grant = await agree(world)
    person = world.people["ada"]
    assertion = stated(world)
    await world.database.write(lambda tx: world.server.consents.withdraw(tx, consent=grant, person=person))
    assert error_of(await ask(world, desk, assertion)) == (400, "consent_required")


async def test_a_statement_about_who_is_locked_does_not_count(world: World, desk: Caller) -> None:
    """Whatever they agreed to before."""
    await agree(world)
    await lock(world)
    assert error_of(await ask(world, desk, stated(world))) == (400, "invalid_grant")


async def test_scopes_and_resources_only_narrow(world: World, desk: Caller) -> None:
    """Covers: check 87, 96."""
    grant = await agree(world)
    part = (await ask(world, desk, stated(world), scope="calendar.events")).json()
    claims = claims_of(part["access_token"])
    assert (part["scope"], claims["aud"], claims["lin"][0]) == ("calendar.events", [CALENDAR], [grant, 1])
    one = claims_of((await ask(world, desk, stated(world), resource=BANK)).json()["access_token"])
    assert one["aud"] == [BANK]
    assert error_of(await ask(world, desk, stated(world), scope="bank.payments")) == (400, "invalid_scope")
    assert error_of(await ask(world, desk, stated(world), resource="https://x.example")) == (400, "invalid_target")


@pytest.mark.parametrize(
    "wrong",
    [
        {"iss": "https://stranger.example"},
        {"iss": None},
        {"sub": "ext-2"},
        {"sub": "ada"},
        {"sub": None},
        {"aud": "https://elsewhere.example"},
        {"aud": [ISSUER]},
        {"aud": ISSUER + "/par"},
        {"aud": None},
        {"exp": -11},
        {"exp": 301},
        {"exp": None},
        {"iat": 11},
        {"iat": -311, "exp": -11},
        {"iat": None},
        {"nbf": 11},
        {"jti": None},
        {"jti": ""},
        {"cnf": {"jkt": "another"}},
        {"cnf": {"x5t#S256": "another"}},
    ],
)
async def test_a_statement_for_others_or_another_time_is_refused(
    world: World, desk: Caller, wrong: dict[str, Any]
) -> None:
    """Covers: line 2 (aud, exp, nbf, iat bounds). Times are seconds from now."""
    await agree(world)
    now = world.server.now()
    told = {name: now + value if isinstance(value, int) else value for name, value in wrong.items()}
    assertion = stated(world, **told)
    assert error_of(await ask(world, desk, assertion)) == (400, "invalid_grant"), wrong


@pytest.mark.parametrize("right", [{"aud": ISSUER + "/token"}, {"nbf": 8}, {"exp": -9, "iat": -60}, {"extra": "claim"}])
async def test_the_token_endpoint_is_an_audience_and_clocks_may_differ_a_little(
    world: World, desk: Caller, right: dict[str, Any]
) -> None:
    await agree(world)
    now = world.server.now()
    told = {name: now + value if isinstance(value, int) else value for name, value in right.items()}
    assert (await ask(world, desk, stated(world, **told))).status_code == 200


async def test_the_algorithm_is_the_declared_one_whatever_the_statement_says(world: World, desk: Caller) -> None:
    """Covers: CVE-2026-11800 (algorithm confusion), CVE-2026-27962 (key in its own header), CVE-2025-59420 (crit)."""
    await agree(world)
    stranger = SigningKey.generate()
    own = {name: stranger.public.jwk[name] for name in ("kty", "crv", "x", "y")}
    for assertion in (
        stated(world, header={"alg": "none"}),
        stated(world, header={"alg": "HS256"}),
        stated(world, header={"alg": "RS256"}),
        stated(world, header={"alg": "PS256"}),
        stated(world, header={"alg": ["ES256"]}),
        stated(world, stranger),
        stated(world, stranger, header={"jwk": own}),
        stated(world, stranger, header={"jku": "https://stranger.example/jwks", "kid": None}),
        stated(world, header={"crit": ["x"], "x": 1}),
        stated(world, header={"kid": "../" + KEY.public.kid}),
        stated(world, header={"typ": "at+jwt"}),
        stated(world, header={"typ": "dpop+jwt"}),
        _hmac_by_public_key(world),
        stated(world).rpartition(".")[0] + ".",
        "x.y.z",
    ):
        assert error_of(await ask(world, desk, assertion)) == (400, "invalid_grant"), assertion
    await believe(world, algorithms=("PS256", "ES256"), jwks=({**KEY.public.jwk, "alg": "ES256"},))
    assert error_of(await ask(world, desk, stated(world, header={"alg": "PS256"}))) == (400, "invalid_grant")


async def test_a_token_of_ours_is_no_statement(world: World, desk: Caller) -> None:
    """Covers: check 111."""
    await agree(world)
    token = (await ask(world, desk, stated(world))).json()["access_token"]
    assert error_of(await ask(world, desk, token)) == (400, "invalid_grant")


async def test_a_statement_counts_once(world: World, desk: Caller) -> None:
    """Covers: check 76 (alike for statements of issuers): once, also for another server over the same state."""
    await agree(world)
    assertion = stated(world)
    assert (await ask(world, desk, assertion)).status_code == 200
    assert error_of(await ask(world, desk, assertion)) == (400, "invalid_grant")


async def test_a_refusal_for_want_of_consent_does_not_use_it_up(world: World, desk: Caller) -> None:
    assertion = stated(world)
    assert error_of(await ask(world, desk, assertion)) == (400, "consent_required")
    await agree(world)
    assert (await ask(world, desk, assertion)).status_code == 200


async def test_another_client_cannot_bring_it(world: World, desk: Caller) -> None:
    """Covers: line 2: who may bring statements is declared with the issuer."""
    await agree(world)
    other = Caller(read_client({**_told(CLIENT), "id": "other"}), CLIENT_KEY)
    await world.register(other.client)
    assert error_of(await ask(world, other, stated(world))) == (400, "invalid_grant")


async def test_a_user_name_is_believed_only_where_that_is_declared(world: World, desk: Caller) -> None:
    await agree(world)
    await believe(world, subjects=Subjects.USERNAME, people={})
    assert (await ask(world, desk, stated(world, sub="ada"))).status_code == 200
    for wrong in ("ext-1", "nobody", "ADA"):
        assert error_of(await ask(world, desk, stated(world, sub=wrong))) == (400, "invalid_grant")


async def test_a_statement_bound_to_a_key_needs_that_key(world: World, desk: Caller) -> None:
    await agree(world)
    assert desk.dpop is not None
    bound = stated(world, cnf={"jkt": desk.dpop.public.thumbprint})
    assert (await ask(world, desk, bound)).status_code == 200


class _Keys:
    """The keys at an address, as the guarded fetcher gives them."""

    def __init__(self, *jwks: dict[str, Any]) -> None:
        self.jwks, self.asked = jwks, list[str]()

    async def keys(self, url: str) -> tuple[dict[str, Any], ...]:
        self.asked.append(url)
        return self.jwks


async def test_keys_may_stand_at_a_declared_address(world: World, desk: Caller) -> None:
    """Covers: line 2 (jwks_uri): fetched before the transaction, never from where the statement says."""
    await agree(world)
    await believe(world, jwks=(), jwks_uri="https://partner.example/jwks")
    assert error_of(await ask(world, desk, stated(world)))[1] == "temporarily_unavailable"
    keys = _Keys({name: str(value) for name, value in KEY.public.jwk.items()})
    object.__setattr__(world.server, "fetch", keys)
    answer = await ask(world, desk, stated(world, header={"jku": "https://stranger.example/jwks"}))
    assert answer.status_code == 200, answer.text
    assert keys.asked == ["https://partner.example/jwks"]
    stranger = SigningKey.generate()
    assert error_of(await ask(world, desk, stated(world, stranger))) == (400, "invalid_grant")
    await believe(world, jwks=(), jwks_uri="https://partner.example/jwks", algorithms=("PS256",))
    nameless = {name: str(value) for name, value in KEY.public.jwk.items() if name != "alg"}
    object.__setattr__(world.server, "fetch", _Keys(nameless))
    assert error_of(await ask(world, desk, stated(world))) == (400, "invalid_grant"), "not a declared algorithm"


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"jwks": ()}, "jwks"),
        ({"jwks_uri": "https://partner.example/jwks"}, "jwks"),
        ({"jwks": (), "jwks_uri": "http://partner.example/jwks"}, "jwks_uri"),
        ({"clients": ()}, "clients"),
        ({"algorithms": ("ES256", "HS256")}, "algorithms"),
        ({"algorithms": ()}, "algorithms"),
        ({"jwks": ({**KEY.public.jwk, "d": "secret"},)}, r"jwks\[0\]"),
        ({"jwks": ({**KEY.public.jwk, "alg": "PS256"},)}, r"jwks\[0\]\.alg"),
        ({"people": {}}, "people"),
    ],
)
def test_an_issuer_that_is_declared_wrongly_is_named(changes: dict[str, Any], place: str) -> None:
    with pytest.raises(InvalidConfiguration, match=rf"^\$\.{place}: "):
        check_issuer(msgspec.structs.replace(TRUSTED, **changes), "$")


def _hmac_by_public_key(world: World) -> str:
    """The classic: the public key taken for the secret of a MAC."""
    head, body, _ = stated(world, header={"alg": "HS256"}).split(".")
    mac = hmac.digest(orjson.dumps(dict(KEY.public.jwk)), f"{head}.{body}".encode(), hashlib.sha256)
    return f"{head}.{body}.{b64url(mac)}"


def _told(client: Client) -> dict[str, Any]:
    return {
        "id": client.id, "name": client.name, "publisher": client.publisher, "web": client.web, "auth": client.auth,
        "jwks": [dict(key) for key in client.jwks], "redirect_uris": list(client.redirect_uris),
        "scopes": list(client.scopes), "grants": list(client.grants),
    }  # fmt: skip
