"""Enforced versions at a gateway: fetched once, verified, bounded; whatever fails refuses the call."""

import asyncio

import pytest
from msgspec.structs import replace

from grantline.crypto.es256 import SigningKey
from grantline.crypto.versions import sign_version
from grantline.gateway.versions import Versions
from grantline.model.consent import EnforcedVersion
from grantline.model.ids import ClientId, ConsentId, SubjectId
from grantline.model.reasons import Reason
from tests.feed_world import ManualClock

KEY = SigningKey.generate()


def version(consent: str = "g", number: int = 1) -> EnforcedVersion:
    bare = EnforcedVersion(
        consent_id=ConsentId(consent),
        version=number,
        content_hash="0" * 64,
        client=ClientId("app"),
        subject=SubjectId("s"),
        items=(),
        not_before=0,
        expires_at=1,
        confirmed_at=0,
        confirm_every_days=None,
        resource_subjects=(),
    )
    return sign_version(bare, KEY)


class Authority:
    """Answers what the test put there, and counts."""

    def __init__(self, answer: EnforcedVersion | Exception | None) -> None:
        self.answer = answer
        self.asked = 0
        self.open = asyncio.Event()
        self.open.set()

    async def __call__(self, _consent: ConsentId, _version: int) -> EnforcedVersion | None:
        self.asked += 1
        await self.open.wait()
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def gateway(authority: Authority, clock: ManualClock | None = None, capacity: int = 10) -> Versions:
    def find(kid: str):  # type: ignore[no-untyped-def]
        return KEY.public if kid == KEY.public.kid else None

    return Versions(authority, find, clock or ManualClock(), capacity=capacity)


G = ConsentId("g")


async def test_many_callers_share_one_fetch_even_if_the_first_gives_up() -> None:
    """Covers: idea 5."""
    authority = Authority(version())
    authority.open.clear()
    versions = gateway(authority)
    callers = [asyncio.ensure_future(versions.get(G, 1)) for _ in range(5)]
    await asyncio.sleep(0)
    callers[0].cancel()
    authority.open.set()
    answers = await asyncio.gather(*callers, return_exceptions=True)
    assert isinstance(answers[0], asyncio.CancelledError)
    assert answers[1:] == [authority.answer] * 4
    assert await versions.get(G, 1) == answers[1]
    assert authority.asked == 1


@pytest.mark.parametrize(
    "answer",
    [
        replace(version(), subject=SubjectId("somebody else")),
        replace(version(), signature=""),
        sign_version(version(), SigningKey.generate()),
        version("other"),
        version("g", 2),
        OSError("no route"),
    ],
    ids=["altered", "unsigned", "another's key", "another grant", "another version", "no answer"],
)
async def test_what_is_not_the_version_asked_for_refuses_and_is_not_kept(answer: EnforcedVersion | Exception) -> None:
    """Covers: idea 5."""
    authority = Authority(answer)
    versions = gateway(authority)
    assert await versions.get(G, 1) is Reason.CONSENT_UNAVAILABLE
    authority.answer = version()
    assert not isinstance(await versions.get(G, 1), Reason)


async def test_a_version_that_is_not_for_this_gateway_is_asked_once_in_five_seconds() -> None:
    """Covers: idea 5."""
    clock = ManualClock()
    authority = Authority(None)
    versions = gateway(authority, clock)
    for _ in range(3):
        assert await versions.get(G, 1) is Reason.CONSENT_UNAVAILABLE
    assert authority.asked == 1
    clock.pass_ms(5_001)
    await versions.get(G, 1)
    assert authority.asked == 2


async def test_the_least_recently_used_version_goes_first() -> None:
    """Covers: idea 5."""
    authority = Authority(None)
    versions = gateway(authority, capacity=2)
    for name in ("a", "b", "a", "c"):
        authority.answer = version(name)
        await versions.get(ConsentId(name), 1)
    assert versions.cached(ConsentId("a"), 1)
    assert versions.cached(ConsentId("c"), 1)
    assert versions.cached(ConsentId("b"), 1) is None
