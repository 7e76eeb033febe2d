"""The bundle counts as loaded only when it is the announced one and everybody could compile it."""

import pytest

from grantline.crypto.es256 import SigningKey
from grantline.gateway.bundle import Bundle
from grantline.model.bundle import BundleContent
from grantline.model.feed import Marks

KEY = SigningKey.generate()


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
