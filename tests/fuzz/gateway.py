"""What a gateway takes in beside tokens: Envoy's questions, its own spool, what the authority gives it."""

import asyncio
from typing import Any

import msgspec

from grantline.gateway.adapters.envoy import Check, _x5t
from grantline.gateway.refusal import Refusal
from grantline.gateway.segments import Header, Torn, frame, read
from grantline.gateway.spool_recovery import recover
from grantline.gateway.verify import credentials, presented
from grantline.model.decision import Call
from tests.fuzz.configuration import FOLDER
from tests.fuzz.target import refused, target, text

SPOOL = FOLDER / "spool"
SPOOL.mkdir()


class _Transport(asyncio.Transport):
    def abort(self) -> None:
        return None


class _Questions:
    """Takes questions and answers none."""

    async def answer(self, method: str, target: str, headers: dict[str, tuple[str, ...]]) -> Any:
        assert target.startswith("/")
        assert all(name == name.lower() for name in headers)
        raise asyncio.CancelledError


@target
def envoy_question(data: bytes) -> None:
    """Bytes on the socket of a gateway: a question, or the connection ends. Read in one piece and in many."""
    loop = asyncio.new_event_loop()
    try:
        for size in (len(data) or 1, 9):
            loop.run_until_complete(_ask(data, size))
    finally:
        loop.close()


async def _ask(data: bytes, size: int) -> None:
    check = Check(_Questions())  # type: ignore[arg-type]
    check.connection_made(_Transport())
    for at in range(0, len(data), size):
        if check._transport is not None:
            check.data_received(data[at : at + size])


@target
def forwarded_certificate(data: bytes) -> None:
    """What Envoy says of a certificate, at a gateway: a thumbprint or none."""
    found = _x5t({"x-forwarded-client-cert": (text(data),)})
    assert found is None or len(found) == 43


@target
def call_credentials(data: bytes) -> None:
    """The query in the first line, an Authorization header in each other."""
    query, *values = text(data).split("\n")
    call = Call("GET", "/", query, "https://api.example/", {"authorization": tuple(values)} if values else {})
    presented(call)
    with refused(Refusal):
        scheme, token = credentials(call)
        assert values == [f"{values[0][: len(scheme)]} {token}"] or not token
        assert "access_token=" not in query.split("&")


@target
def spool_file(data: bytes) -> None:
    """A file of the spool, damaged in any way: what is whole is found, the rest is told."""
    path = SPOOL / "00000000000000000001.spool"
    path.write_bytes(data)
    with refused(Torn):
        _, frames = read(path)
        list(frames)
    _recovered()


@target
def spool_frame(data: bytes) -> None:
    """Whole frames around anything: a header and an event that no program of ours wrote."""
    first, _, second = data.partition(b"\n")
    header = msgspec.json.encode(Header(v=1, boot="b", first=1, link="00" * 32))
    for head in (header, first):
        begun, link = frame(head, bytes(32))
        (SPOOL / "00000000000000000001.spool").write_bytes(begun + frame(second, link)[0] + bytes(64))
        _recovered()


def _recovered() -> None:
    found = recover(SPOOL)
    assert found.next_seq >= 1 or found.damage
    for path in SPOOL.iterdir():
        path.unlink()
