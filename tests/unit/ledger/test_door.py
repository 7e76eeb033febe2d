"""What the ledger's door answers when something is wrong, in process."""

import time

import httpx2
import msgspec
import pytest

from grantline.crypto.es256 import SigningKey
from grantline.ledger.access import LIFETIME_S, TYP, Producers, Statement, UnknownProducer, state
from tests.ledger_world import Producer, about, ledger_in
from tests.unit.ledger.test_append import Disk

KEY = SigningKey.generate()


def producers(now=1_000.0):
    known = {"authority": msgspec.json.encode(KEY.public.jwk)}
    return Producers(known, dict, lambda: now)


def stated(**claims):
    usual = {"iss": "authority", "aud": "ledger", "iat": 1_000, "exp": 1_060, "jti": "one"}
    return f"Bearer {KEY.sign_jws(msgspec.json.encode(Statement(**(usual | claims))), TYP)}"


def test_a_statement_names_its_producer():
    assert producers().identify(stated()) == "authority"
    assert producers().identify(f"Bearer {state('authority', KEY, 1_000, 'one')}") == "authority"


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "Basic YTpi",
        "Bearer x",
        "Bearer a.b.c",
        stated(aud="somebody"),
        stated(iss="gw1"),
        stated(iat=900, exp=960),
        stated(iat=1_100, exp=1_160),
        stated(exp=1_000 + LIFETIME_S + 1),
        f"Bearer {KEY.sign_jws(b'{}', TYP)}",
        f"Bearer {KEY.sign_jws(stated().encode(), 'at+jwt')}",
        f"Bearer {state('authority', SigningKey.generate(), 1_000, 'one')}",
    ],
)
def test_anything_else_names_nobody(authorization):
    with pytest.raises(UnknownProducer):
        producers().identify(authorization)


async def test_a_ledger_that_cannot_be_written_answers_503_and_takes_the_same_again_later(tmp_path):
    """Covers: AUDIT §5.2."""
    disk = Disk()
    (tmp_path / "ledger").mkdir()
    (tmp_path / "ledger" / "producers.json").write_bytes(msgspec.json.encode({"authority": KEY.public.jwk}))
    async with ledger_in(tmp_path, connect=disk.connect) as world:
        transport = httpx2.ASGITransport(app=world.ledger.app)
        headers = {"authorization": f"Bearer {state('authority', KEY, int(time.time()), 'one')}"}
        async with httpx2.AsyncClient(transport=transport, base_url="http://ledger", headers=headers) as client:
            body = msgspec.json.encode(Producer().says(about()))
            disk.full = True
            refused = await client.post("/ingest", content=body)
            assert (refused.status_code, refused.headers["content-type"]) == (503, "application/problem+json")
            disk.full = False
            accepted = await client.post("/ingest", content=body)
            assert (accepted.status_code, accepted.json()["first_index"]) == (200, 1)
            for wrong in (b"", b"{", b'{"producer":"authority"}', b"x" * (5 << 20)):
                assert (await client.post("/ingest", content=wrong)).status_code == 400
            assert (await client.post("/query/everything", content=b"{}")).status_code == 404
            assert (await client.post("/query/usage", content=b"{}")).status_code == 400
            assert (await client.put("/ingest", content=body)).status_code == 404
