"""Another provider signs people in: only its own word, for us, just now, in the browser that left; linked by rules."""

import base64
import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from joserfc.jwk import ECKey

from grantline.identity import (
    Admission,
    Linked,
    NeedsSecond,
    PersonDeclaration,
    Provider,
    Returned,
    Session,
    Stranger,
    TooMany,
    UpstreamSettings,
    UpstreamSignIn,
    Visit,
    Wrong,
    declare,
)
from grantline.identity.levels import MFA, UPSTREAM
from grantline.model.errors import Conflict, LoginRequired, NotFound, TemporarilyUnavailable
from tests.unit.identity.conftest import PASSWORD, World
from tests.unit.identity.provider_double import ISSUER, ProviderDouble
from tests.unit.identity.test_second_step import code

HERE = Visit("10.0.0.1")
BROWSER = "a browser of its own"
SETTINGS = UpstreamSettings(name="corp", title="Example Corp", issuer=ISSUER, client_id="grantline")


@dataclass
class Both:
    """We and the other provider."""

    world: World
    other: ProviderDouble
    here: UpstreamSignIn

    async def back(self, session: Session | None = None, link: Session | None = None, **answer: str | None) -> Any:
        """Leave, sign in there, come back."""
        address = await self.here.leave("corp", BROWSER, onward="/", link=link)
        returned = await self.here.back("corp", self.other.arrive(address, **answer), BROWSER, HERE, session or link)
        return returned.outcome if isinstance(returned, Returned) else returned


def joined(world: World, settings: UpstreamSettings = SETTINGS, secret: str | None = None) -> Both:
    other = ProviderDouble(lambda: world.clock.seconds)
    provider = Provider(settings, other, world.clock, None if secret is None else lambda: secret)
    here = UpstreamSignIn(
        world.database, Admission(world.sessions, world.clock), providers=(provider,), issuer="https://as.example",
        clock=world.clock, randomness=secrets.token_bytes,
    )  # fmt: skip
    return Both(world, other, here)


async def holder(world: World, **changes: Any) -> Session:
    await declare(world.database, world.hashing, world.declaration(**changes), world.clock)
    return await world.signed_in()


async def linked(world: World, settings: UpstreamSettings = SETTINGS) -> Both:
    """The holder, who linked the account themselves."""
    both = joined(world, settings)
    assert await both.back(link=await holder(world)) == Linked()
    return both


async def test_a_person_links_an_account_and_signs_in_with_it(world: World) -> None:
    both = await linked(world)
    session = await both.back()
    assert isinstance(session, Session)
    assert (session.username, session.acr) == ("holder", UPSTREAM)
    form, headers = both.other.posts[-1]
    assert form["redirect_uri"] == "https://as.example/sign-in/with/corp/back"
    assert "authorization" not in headers
    asked = both.other.asked
    assert (asked["response_type"], asked["code_challenge_method"], asked["client_id"]) == ("code", "S256", "grantline")


async def test_a_sign_in_is_as_old_as_the_provider_says(world: World) -> None:
    """Covers: check 16, 17 (who is still signed in there was asked for nothing)."""
    both = await linked(world)
    now = world.clock.seconds
    for told, counts in ((now - 3_600, now - 3_600), (None, now), (now + 5, now), ("soon", now), (True, now)):
        both.other.bend = {"auth_time": told}
        session = await both.back()
        assert isinstance(session, Session)
        assert session.auth_time == counts, told
    both.other.bend = {"auth_time": now - 3_600}
    old = await both.back()
    assert await world.sessions.current(old.secret) is not None
    with pytest.raises(LoginRequired):
        await world.methods.require_fresh(old)


async def test_who_has_to_sign_in_again_is_asked_there_and_the_answer_tells_when(world: World) -> None:
    """Covers: check 16; OIDC Core §2 (auth_time is there where max_age was asked)."""
    both = await linked(world)
    both.other.arrive(await both.here.leave("corp", BROWSER, onward="/", again=True))
    assert (both.other.asked["prompt"], both.other.asked["max_age"]) == ("login", "0")
    both.other.arrive(await both.here.leave("corp", BROWSER, onward="/"))
    assert not {"prompt", "max_age"} & set(both.other.asked)


async def test_a_confidential_client_proves_itself_by_basic(world: World) -> None:
    """RFC 6749 §2.3.1: each part is form-encoded first."""
    both = joined(world, secret="a:b/c")
    await both.back()
    _, headers = both.other.posts[-1]
    assert base64.b64decode(headers["authorization"].removeprefix("Basic ")) == b"grantline:a%3Ab%2Fc"


@pytest.mark.parametrize(
    "bend",
    [
        {"iss": "https://id.evil.example"}, {"iss": f"{ISSUER}/"}, {"iss": None}, {"aud": "another"}, {"aud": None},
        {"aud": ["grantline", "another"]}, {"aud": ["grantline", "another"], "azp": "another"}, {"azp": "another"},
        {"exp": 1}, {"exp": None}, {"exp": "soon"}, {"iat": None}, {"iat": 1}, {"iat": 4_000_000_000},
        {"nbf": 4_000_000_000}, {"nonce": "another"}, {"nonce": None}, {"sub": None}, {"sub": ""}, {"sub": 7},
        {"sub": "x" * 256},
    ],
    ids=str,
)  # fmt: skip
async def test_a_token_that_is_not_for_us_and_now_signs_nobody_in(world: World, bend: dict[str, Any]) -> None:
    """OIDC Core §3.1.3.7."""
    both = await linked(world)
    both.other.bend = bend
    assert await both.back() == Wrong()


def another_key(other: ProviderDouble) -> None:
    other.signer = ECKey.generate_key("P-256", {"kid": "k1"})


def own_key_in_header(other: ProviderDouble) -> None:
    other.signer = ECKey.generate_key("P-256", {"kid": "k1"})
    other.header = {"alg": "ES256", "jwk": other.signer.as_dict(private=False)}


def public_key_as_secret(other: ProviderDouble) -> None:
    """Made by hand: the library itself refuses to."""
    made = other.id_token

    def forged() -> str:
        head = base64.urlsafe_b64encode(b'{"alg":"HS256","kid":"k1"}').rstrip(b"=").decode()
        signed = f"{head}.{made().split('.')[1]}"
        mac = hmac.digest(other.key.as_pem(private=False), signed.encode(), "sha256")
        return f"{signed}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"

    other.id_token = forged  # type: ignore[method-assign]


def no_signature(other: ProviderDouble) -> None:
    made = other.id_token
    head = base64.urlsafe_b64encode(b'{"alg":"none"}').rstrip(b"=").decode()
    other.id_token = lambda: f"{head}.{made().split('.')[1]}."  # type: ignore[method-assign]


def unknown_key(other: ProviderDouble) -> None:
    other.signer = ECKey.generate_key("P-256", {"kid": "k9"})
    other.header = {"alg": "ES256", "kid": "k9"}


@pytest.mark.parametrize(
    "forge", [another_key, own_key_in_header, public_key_as_secret, no_signature, unknown_key],
    ids=lambda forge: forge.__name__,
)  # fmt: skip
async def test_a_token_that_the_provider_did_not_sign_signs_nobody_in(
    world: World, forge: Callable[[ProviderDouble], None]
) -> None:
    both = await linked(world)
    forge(both.other)
    assert await both.back() == Wrong()


async def test_a_new_key_is_looked_up_once_a_minute(world: World) -> None:
    both = await linked(world)
    both.other.key = ECKey.generate_key("P-256", {"kid": "k2"})
    both.other.header = {"alg": "ES256", "kid": "k2"}
    both.other.published.append(both.other.key)
    assert await both.back() == Wrong()
    world.clock.seconds += 60
    assert isinstance(await both.back(), Session)
    assert both.other.gets.count(f"{ISSUER}/jwks") == 2


@pytest.mark.parametrize(
    "answer",
    [{"iss": "https://id.evil.example"}, {"iss": None}, {"error": "access_denied"}, {"code": None}, {"code": ""}],
    ids=str,
)
async def test_an_answer_of_another_server_or_none_at_all_signs_nobody_in(
    world: World, answer: dict[str, str | None]
) -> None:
    """RFC 9207: who mixes servers up is noticed before the code leaves."""
    both = await linked(world)
    posts = len(both.other.posts)
    assert await both.back(**answer) == Wrong()
    assert len(both.other.posts) == posts


async def test_the_state_counts_once_and_in_the_browser_that_left(world: World) -> None:
    """RFC 9700 §4.7."""
    both = await linked(world)
    address = await both.here.leave("corp", BROWSER, onward="/")
    answer = both.other.arrive(address)
    assert await both.here.back("corp", answer, "another browser", HERE, None) is None
    assert await both.here.back("corp", answer, BROWSER, HERE, None) is None
    assert await both.here.back("corp", {**answer, "state": "guessed"}, BROWSER, HERE, None) is None
    answer = both.other.arrive(await both.here.leave("corp", BROWSER, onward="/"))
    world.clock.seconds += 600
    assert await both.here.back("corp", answer, BROWSER, HERE, None) is None


async def test_only_the_person_who_left_to_link_links(world: World) -> None:
    session = await holder(world)
    both = joined(world)
    other = PersonDeclaration(username="other", name="Other", password=PASSWORD)
    await declare(world.database, world.hashing, other, world.clock)
    stranger = await world.sign_in.password("other", PASSWORD, HERE)
    assert isinstance(stranger, Session)
    for present in (stranger, None):
        address = await both.here.leave("corp", BROWSER, onward="/security", link=session)
        assert await both.here.back("corp", both.other.arrive(address), BROWSER, HERE, present) is None
    assert await both.back() == Stranger()


async def test_an_account_is_linked_to_one_person_and_a_person_to_one_account_there(world: World) -> None:
    both = await linked(world)
    other = PersonDeclaration(username="other", name="Other", password=PASSWORD)
    await declare(world.database, world.hashing, other, world.clock)
    stranger = await world.sign_in.password("other", PASSWORD, HERE)
    assert isinstance(stranger, Session)
    with pytest.raises(Conflict):
        await both.back(link=stranger)
    both.other.account["sub"] = "another"
    with pytest.raises(Conflict):
        await both.back(link=await world.signed_in())


ADA = {"email": "Ada@corp.example", "email_verified": True}


def ruled(**changes: Any) -> UpstreamSettings:
    values = {"name": "corp", "title": "Example Corp", "issuer": ISSUER, "client_id": "grantline"}
    return UpstreamSettings(**{**values, "link_email_domains": ("corp.example",), **changes})


async def test_a_verified_address_links_only_where_the_operator_says_so(world: World) -> None:
    await holder(world, email="ada@corp.example")
    both = joined(world)
    both.other.account |= ADA
    assert await both.back() == Stranger()
    both = joined(world, ruled())
    both.other.account |= ADA
    session = await both.back()
    assert isinstance(session, Session)
    assert session.username == "holder"
    both.other.account |= {"email": "moved@elsewhere.example"}
    assert isinstance(await both.back(), Session)


@pytest.mark.parametrize(
    "account",
    [
        {**ADA, "email_verified": False}, {**ADA, "email_verified": "true"}, {"email": "ada@corp.example"},
        {**ADA, "email": "ada@corp.example.evil.example"}, {**ADA, "email": "ada@sub.corp.example"},
        {**ADA, "email": "x@evil.example@corp.example"}, {**ADA, "email": "nobody@corp.example"},
        {**ADA, "email": ["ada@corp.example"]},
    ],
    ids=str,
)  # fmt: skip
async def test_an_address_that_nobody_verified_or_nobody_has_links_nothing(
    world: World, account: dict[str, Any]
) -> None:
    await holder(world, email="ada@corp.example")
    both = joined(world, ruled())
    both.other.account |= account
    assert await both.back() == Stranger()
    assert await world.database.read(lambda tx: tx.people.count()) == 1


async def test_an_address_of_two_people_links_neither(world: World) -> None:
    await holder(world, email="ada@corp.example")
    twin = PersonDeclaration(username="twin", name="Twin", email="ADA@corp.example", password=PASSWORD)
    await declare(world.database, world.hashing, twin, world.clock)
    both = joined(world, ruled())
    both.other.account |= ADA
    assert await both.back() == Stranger()


async def test_an_address_that_moved_to_another_account_takes_nobody_over(world: World) -> None:
    await holder(world, email="ada@corp.example")
    both = joined(world, ruled())
    both.other.account |= ADA
    assert isinstance(await both.back(), Session)
    both.other.account["sub"] = "her successor"
    assert await both.back() == Stranger()


async def test_people_are_made_only_where_the_operator_says_so_and_never_as_operators(world: World) -> None:
    both = joined(world, ruled(provision=True))
    both.other.account |= ADA
    session = await both.back()
    assert isinstance(session, Session)
    made = await world.database.read(lambda tx: tx.people.by_id(session.person))
    assert made is not None
    assert (made.username, made.roles, made.password) == ("ada@corp.example", (), None)
    for number, domain in enumerate(("elsewhere.example", "sub.corp.example", "evilcorp.example")):
        both.other.account |= {"sub": f"x{number}", "email": f"x@{domain}"}
        assert await both.back() == Stranger()


async def test_who_has_a_second_factor_passes_it_after_the_other_provider_too(world: World) -> None:
    """Covers: check 56. Another door is no way round."""
    both = await linked(world)
    session = await world.signed_in()
    offer = await world.methods.offer_totp(session, "Example Bank")
    assert isinstance(await world.methods.add_totp(session, offer.handle, code(world, offer.secret), HERE), Session)
    world.clock.seconds += 30
    begun = await both.back()
    assert isinstance(begun, NeedsSecond)
    raised = await world.sign_in.code(begun.secret, code(world, offer.secret), HERE)
    assert isinstance(raised, Session)
    assert raised.acr == MFA


async def test_two_factors_elsewhere_count_only_in_the_words_that_the_operator_trusts(world: World) -> None:
    both = await linked(world, ruled(mfa_acr=("urn:corp:two",)))
    both.other.bend = {"acr": "urn:corp:one", "amr": ["mfa"]}
    session = await both.back()
    assert isinstance(session, Session)
    assert session.acr == UPSTREAM
    both.other.bend = {"acr": "urn:corp:two", "amr": ["pwd", "otp"]}
    session = await both.back()
    assert isinstance(session, Session)
    assert (session.acr, session.amr) == (MFA, ("pwd", "otp"))


async def test_answers_are_tried_slowly_from_one_address(world: World) -> None:
    """Covers: check 53."""
    both = await linked(world)
    both.other.bend = {"nonce": "x"}
    for _ in range(5):
        assert await both.back() == Wrong()
    both.other.bend = {}
    assert await both.back() == TooMany(1)


@pytest.mark.parametrize(
    "metadata",
    [{"issuer": "https://id.evil.example"}, {"token_endpoint": "http://id.corp.example/token"}, {"jwks_uri": None}],
    ids=str,
)
async def test_metadata_of_another_issuer_or_without_tls_is_not_used(world: World, metadata: dict[str, Any]) -> None:
    both = joined(world)
    both.other.metadata |= metadata
    with pytest.raises(TemporarilyUnavailable):
        await both.here.leave("corp", BROWSER, onward="/")


async def test_a_provider_that_nobody_configured_does_not_exist(world: World) -> None:
    both = joined(world)
    with pytest.raises(NotFound):
        await both.here.leave("elsewhere", BROWSER, onward="/")
    with pytest.raises(NotFound):
        await both.here.back("elsewhere", {"state": "x"}, BROWSER, HERE, None)
