"""What an API must not believe: no context, a foreign one, one for another call, or one that has ended."""

from typing import Any

import orjson
import pytest

from grantline.crypto.encoding import b64url
from grantline.crypto.es256 import SigningKey
from grantline.gateway.context import path_hash
from grantline.model.decision import Call
from grantline.sdk.resource_server import SKEW_MS, ContextRefused, ContextVerifier, RequireGateway, context_of

NOW = 1_795_435_200
AUDIENCE = "https://bank.example/api"
TARGET = "/accounts/a1?fields=date"


class FixedClock:
    def __init__(self, us: int = NOW * 1_000_000) -> None:
        self.us = us

    def wall_us(self) -> int:
        return self.us

    def boot_ns(self) -> int:
        return 0


@pytest.fixture(scope="module")
def key() -> SigningKey:
    return SigningKey.generate()


def context(key: SigningKey, *, typ: str = "grantline-context+jwt", **changes: Any) -> str:
    claims = {
        "iss": "bank-1", "aud": AUDIENCE, "sub": "ada", "client_id": "pennywise", "grant_id": "g_1", "gver": 1,
        "action": "read", "datatype": "accounts", "fields": ["date"], "resources": ["a1"], "purpose": "budgeting",
        "ev": "ev_1", "mth": "GET", "ph": path_hash(Call("GET", "/accounts/a1", "fields=date", "", {})),
        "pos": [1, 7], "iat": NOW, "exp": NOW + 2,
    }  # fmt: skip
    told = {name: value for name, value in (claims | changes).items() if value is not ...}
    return key.sign_jws(orjson.dumps(told), typ)


def verifier(key: SigningKey, us: int = NOW * 1_000_000) -> ContextVerifier:
    return ContextVerifier({"bank-1": [key.public.jwk]}, AUDIENCE, clock=FixedClock(us))


def test_the_gateways_context_for_this_call_is_believed(key: SigningKey) -> None:
    found = verifier(key).verify([context(key)], "GET", TARGET)
    assert (found.sub, found.fields, found.pos) == ("ada", ("date",), (1, 7))


def test_a_consent_without_a_person_here_has_no_subject(key: SigningKey) -> None:
    assert verifier(key).verify([context(key, sub=...)], "GET", TARGET).sub is None


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "https://other.example"},
        {"iss": "bank-2"},
        {"mth": "POST"},
        {"ph": b64url(bytes(32))},
        {"exp": NOW - 0.2},
        {"exp": ...},
        {"exp": NOW + 31},
        {"iat": NOW + 1},
        {"typ": "at+jwt"},
        {"ev": ...},
    ],
    ids=repr,
)
def test_a_context_for_anything_else_is_refused(key: SigningKey, changes: dict[str, Any]) -> None:
    with pytest.raises(ContextRefused):
        verifier(key).verify([context(key, **changes)], "GET", TARGET)


def test_no_context_two_contexts_and_a_foreign_key_are_refused(key: SigningKey) -> None:
    """Covers: check 158."""
    for values in ([], [context(key)] * 2, [context(SigningKey.generate())], ["a.b.c"]):
        with pytest.raises(ContextRefused):
            verifier(key).verify(values, "GET", TARGET)


def test_one_gateways_key_does_not_speak_for_another(key: SigningKey) -> None:
    other = SigningKey.generate()
    both = ContextVerifier({"bank-1": [key.public.jwk], "bank-2": [other.public.jwk]}, AUDIENCE, clock=FixedClock())
    assert both.verify([context(other, iss="bank-2")], "GET", TARGET).iss == "bank-2"
    with pytest.raises(ContextRefused):
        both.verify([context(other, iss="bank-1")], "GET", TARGET)


def test_the_end_is_exact_to_the_permitted_skew(key: SigningKey) -> None:
    end = (NOW + 2) * 1_000_000 + SKEW_MS * 1_000
    verifier(key, end - 1).verify([context(key)], "GET", TARGET)
    with pytest.raises(ContextRefused):
        verifier(key, end).verify([context(key)], "GET", TARGET)


async def asked(key: SigningKey, headers: list[tuple[bytes, bytes]]) -> list[dict[str, Any]]:
    sent: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        sent.append({"context": context_of(scope)})

    async def send(message: Any) -> None:
        sent.append(message)

    path, _, query = TARGET.partition("?")
    scope = {
        "type": "http", "method": "GET", "raw_path": path.encode(), "query_string": query.encode(), "headers": headers,
    }  # fmt: skip
    await RequireGateway(app, verifier(key))(scope, None, send)  # type: ignore[arg-type]
    return sent


async def test_the_middleware_hands_the_context_to_the_application(key: SigningKey) -> None:
    [given] = await asked(key, [(b"grantline-context", context(key).encode())])
    assert given["context"].ev == "ev_1"


async def test_the_middleware_answers_a_direct_call_with_401_and_a_problem(key: SigningKey) -> None:
    start, body = await asked(key, [])
    assert start["status"] == 401
    assert dict(start["headers"])[b"content-type"] == b"application/problem+json"
    assert orjson.loads(body["body"])["status"] == 401


def test_a_context_lets_one_call_in_and_a_refused_one_is_not_used_up(key: SigningKey) -> None:
    """Covers: line 2, feed C5."""
    door = verifier(key)
    with pytest.raises(ContextRefused, match="not the one"):
        door.admit([context(key)], "POST", TARGET)
    door.admit([context(key)], "GET", TARGET)
    with pytest.raises(ContextRefused, match="made before"):
        door.admit([context(key)], "GET", TARGET)
    door.admit([context(key, ev="ev_2")], "GET", TARGET)


def test_a_context_is_remembered_for_as_long_as_it_could_be_believed(key: SigningKey) -> None:
    clock = FixedClock()
    door = ContextVerifier({"bank-1": [key.public.jwk]}, AUDIENCE, clock=clock)
    for second in range(0, 90, 10):
        clock.us = (NOW + second) * 1_000_000
        long = {"iat": NOW + second, "exp": NOW + second + 30}
        door.admit([context(key, ev=f"ev_{second}", **long)], "GET", TARGET)
        for earlier in range(max(0, second - 20), second + 1, 10):
            again = {"ev": f"ev_{earlier}", "iat": NOW + earlier, "exp": NOW + earlier + 30}
            with pytest.raises(ContextRefused, match="made before"):
                door.admit([context(key, **again)], "GET", TARGET)


def test_an_api_that_can_remember_no_more_refuses_until_contexts_have_ended(key: SigningKey) -> None:
    clock = FixedClock()
    door = ContextVerifier({"bank-1": [key.public.jwk]}, AUDIENCE, clock=clock, most=2)
    for number in range(2):
        door.admit([context(key, ev=f"ev_{number}")], "GET", TARGET)
    with pytest.raises(ContextRefused, match="Too many"):
        door.admit([context(key, ev="ev_2")], "GET", TARGET)
    clock.us += 61_000_000
    door.admit([context(key, ev="ev_3", iat=NOW + 61, exp=NOW + 63)], "GET", TARGET)
