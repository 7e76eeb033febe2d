"""The bundle counts as loaded only when it is the announced one and everybody could compile it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from msgspec.structs import replace

from grantline.crypto.es256 import SigningKey
from grantline.gateway.bundle import Bundle
from grantline.gateway.follower import Follower
from grantline.gateway.following import Following
from grantline.gateway.standing import Standing
from grantline.gateway.table_file import TableFile
from grantline.model.bundle import BundleContent
from grantline.model.feed import Entries, Entry, FromAuthority, FromGateway, Kind, Marks, Welcome
from grantline.model.ids import ClientId, SessionId
from tests.feed_world import ManualClock, claims

KEY, NEXT = SigningKey.generate(), SigningKey.generate()


def content(policy: str) -> BundleContent:
    return BundleContent(
        issuer="https://authority.example",
        jwks={"keys": [KEY.public.jwk]},
        catalog={},
        catalog_hash="c",
        policy=f"text of {policy}",
        policy_schema="",
        policy_hash=policy,
        clients={},
    )


class Authority:
    """Hands out whatever the test put there."""

    def __init__(self) -> None:
        self.now = content("one")

    async def __call__(self) -> BundleContent:
        return self.now


class Wire:
    """A feed connection whose far end is the test."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._inbox: asyncio.Queue[FromAuthority] = asyncio.Queue()

    @asynccontextmanager
    async def connect(self) -> AsyncIterator["Wire"]:
        yield self

    async def send(self, _message: FromGateway) -> None:
        return

    async def receive(self) -> FromAuthority:
        return await self._inbox.get()

    def tell(self, message: FromAuthority) -> None:
        self._inbox.put_nowait(message)


async def until(met: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not met():  # noqa: ASYNC110 - the test looks from outside, nothing there tells
            await asyncio.sleep(0)


async def test_nothing_is_loaded_before_the_first_fetch() -> None:
    """Covers: idea 5."""
    bundle = Bundle(Authority())
    assert not bundle.loaded(Marks())
    await bundle.refresh()
    assert bundle.loaded(Marks())
    assert bundle.loaded(Marks("one", "c"))
    assert not bundle.loaded(Marks("two", "c"))
    assert not bundle.loaded(Marks("one", "d"))
    assert bundle.key(KEY.public.kid) is not None
    assert bundle.key("other") is None


async def test_a_bundle_that_somebody_cannot_compile_is_not_used() -> None:
    """Covers: idea 5."""
    authority = Authority()
    bundle = Bundle(authority)
    await bundle.refresh()
    seen: list[str] = []

    def compile_policy(new: BundleContent) -> None:
        seen.append(new.policy_hash)
        if new.policy_hash == "bad":
            raise ValueError("policy does not parse")

    bundle.on_change(compile_policy)
    assert seen == ["one"]
    authority.now = content("bad")
    with pytest.raises(ValueError, match="does not parse"):
        await bundle.refresh()
    assert not bundle.loaded(Marks("bad", ""))
    assert bundle.loaded(Marks("one", ""))
    authority.now = content("good")
    await bundle.refresh()
    assert bundle.loaded(Marks("good", ""))


async def test_news_of_a_client_a_new_session_and_a_new_key_ask_for_the_bundle_again(tmp_path: Path) -> None:
    """Covers: idea 5."""
    authority, wire = Authority(), Wire(tmp_path)
    bundle = Bundle(authority)
    standing = Standing(ManualClock())
    following = Following(boot="b", clock=ManualClock(), workers=[standing])
    file = TableFile(wire.folder / "feed.json")
    running = asyncio.create_task(Follower(following, wire.connect, bundle, file).run())
    try:
        await until(lambda: bundle.current is not None)
        authority.now = replace(content("one"), clients={ClientId("app"): "active"})
        wire.tell(Welcome(SessionId("s"), 1, 2_000, 250, 0, bytes(32).hex()))
        await until(lambda: bundle.current is authority.now)
        authority.now = replace(content("one"), clients={ClientId("app"): "disabled"})
        entry = Entry(seq=1, kind=Kind.CLIENT, id="app", cause="client_changed", until=2_000_000_000)
        wire.tell(Entries(1, True, (entry,)))
        await until(lambda: bundle.current is authority.now)
        assert standing._cutoffs.refuses(claims()) is None
        authority.now = replace(content("one"), jwks={"keys": [KEY.public.jwk, NEXT.public.jwk]})
        published = Entry(seq=2, kind=Kind.KEY, id=NEXT.public.kid, cause="key_published", until=2_000_000_000)
        wire.tell(Entries(1, False, (published,)))
        await until(lambda: bundle.current is authority.now)
        assert standing._cutoffs.refuses(claims(), NEXT.public.kid) is None
    finally:
        running.cancel()
