"""What operators may read holds nothing that could be presented."""

import asyncio

import pytest

from grantline.crypto.es256 import SigningKey
from grantline.sdk.client import AccessRefused
from tests.authorization_world import CONFIDENTIAL, World
from tests.flows.authorization.raw import VERIFIER, exchange, get_code, post


async def test_no_secret_is_ever_logged(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """Covers: bad input (nothing secret in logs); check 31."""
    key = SigningKey.generate()
    code = await get_code(world, key)
    await post(world, "/token", exchange(code, code_verifier="w" * 43), key)
    tokens = (await post(world, "/token", exchange(code), key)).json()
    await post(world, "/token", exchange(code), key)
    app = world.app(CONFIDENTIAL)
    other = await world.connect(app)
    for _ in range(2):
        await asyncio.gather(app.refresh(other.refresh_token or ""))
    world.clock.pass_seconds(40)
    with pytest.raises(AccessRefused):
        await app.refresh(other.refresh_token or "")
    await post(world, "/userinfo", {"access_token": tokens["access_token"]}, key)
    written = "".join(capsys.readouterr())
    assert "refused" in written
    secrets = (code, VERIFIER, tokens["access_token"], tokens["refresh_token"], other.access_token)
    secrets += (other.refresh_token or "", world.session.secret if world.session else "")
    for secret in secrets:
        assert secret not in written
        assert secret.rsplit(".", 1)[-1] not in written
