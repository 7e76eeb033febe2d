"""An authority that only keeps the feed: its own process, a real database, real HTTP. Spoken to by lines of JSON."""

import asyncio
import hashlib
import json
import secrets
import socket
import sys
import time
from pathlib import Path
from typing import Any

import msgspec
import uvicorn

from grantline.crypto.es256 import SigningKey
from grantline.crypto.versions import sign_version
from grantline.model.bundle import BundleContent
from grantline.model.calls import CallsWanted
from grantline.model.clock import SystemClock
from grantline.model.consent import EnforcedVersion
from grantline.model.errors import NotFound
from grantline.model.events import Event
from grantline.model.feed import Kind, NewEntry
from grantline.model.ids import ClientId, ConsentId, GatewayId, SubjectId
from grantline.model.token import AccessClaims
from grantline.signals import FeedServer, issue_token
from grantline.storage.sqlite.database import Database
from grantline.storage.sqlite.testing_schema import create_tables
from tests.feed_world import Tx, claims

ISSUER = "http://localhost"
CLOCK = SystemClock()
KEY = SigningKey.generate()


async def version_for(gateway: GatewayId, consent: ConsentId, version: int) -> EnforcedVersion | None:
    """Every grant but `foreign` has a first version."""
    if consent == "foreign" or version != 1:
        return None
    bare = EnforcedVersion(
        consent_id=consent,
        version=version,
        content_hash="0" * 64,
        client=ClientId("app"),
        subject=SubjectId("s_1"),
        items=(),
        not_before=0,
        expires_at=2_000_000_000,
        confirmed_at=0,
        confirm_every_days=None,
        resource_subjects=(),
    )
    return sign_version(bare, KEY)


def name_of(grant: str) -> bytes:
    """The hash of the opaque token that stands on this grant."""
    return hashlib.sha256(grant.encode()).digest()


async def calls_for(_gateway: GatewayId, _wanted: CallsWanted) -> int:
    """Nothing here is limited."""
    return 0


async def token_for(_gateway: GatewayId, digest: bytes) -> AccessClaims | None:
    """Grants a, b and c have one each."""
    return next((claims(grant) for grant in ("a", "b", "c") if name_of(grant) == digest), None)


async def bundle_for(_gateway: GatewayId) -> BundleContent:
    return BundleContent(
        issuer=ISSUER,
        jwks={"keys": [KEY.public.jwk]},
        catalog={},
        catalog_hash="c",
        policy="",
        policy_schema="",
        policy_hash="p",
        clients={},
    )


class Authority:
    """Carries out the commands of the test."""

    def __init__(self, database: "Database[Tx]", server: FeedServer) -> None:
        self._database = database
        self._server = server

    async def do(self, command: dict[str, Any]) -> Any:
        match command["do"]:
            case "token":
                gateway = GatewayId(command["gateway"])
                return await self._database.write(lambda tx: issue_token(tx, gateway, CLOCK, secrets.token_bytes))
            case "end":
                return await self._end(command["grant"])
            case "wait":
                closure = await self._server.closures.wait(
                    ConsentId(command["grant"]), command["seq"], command["seconds"]
                )
                return {**msgspec.to_builtins(closure), "told_us": time.time_ns() // 1_000}
            case "closures":
                return msgspec.to_builtins(await self._server.closures.of(ConsentId(command["grant"])))
            case "missing":
                try:
                    await self._server.closures.follow(command["seq"])
                except NotFound as error:
                    return error.message
            case "events":
                return await self._database.read(self._events)
        return None

    async def _events(self, tx: Tx) -> list[Any]:
        rows = tx.outbox._cursor._connection.execute("SELECT body FROM outbox ORDER BY seq").fetchall()
        return [msgspec.to_builtins(msgspec.json.decode(row["body"], type=Event)) for row in rows]

    async def _end(self, grant: str) -> int:
        entry = NewEntry(
            kind=Kind.GRANT,
            id=grant,
            cause="grant_withdrawn",
            until=CLOCK.wall_us() // 1_000_000 + 300,
            min_epoch=2,
            client=ClientId("app"),
            requested_us=CLOCK.wall_us(),
        )
        kept = await self._database.write(lambda tx: tx.feed.append(entry), essential=True)
        self._server.wake()
        return kept.seq


async def main(path: Path, port: int) -> None:
    database: Database[Tx] = Database(path, Tx)
    server = FeedServer(
        database,
        issuer=ISSUER,
        clock=CLOCK,
        randomness=secrets.token_bytes,
        version_for=version_for,
        bundle_for=bundle_for,
        token_for=token_for,
        calls_for=calls_for,
    )
    await server.start()
    listening = socket.create_server(("127.0.0.1", port))
    web = uvicorn.Server(uvicorn.Config(server, log_level="warning", lifespan="off"))
    tasks = [asyncio.ensure_future(server.run()), asyncio.ensure_future(web.serve([listening]))]
    await commands(Authority(database, server).do, {"port": listening.getsockname()[1]})
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    database.close()


async def commands(do: Any, ready: Any) -> None:
    """Answer each line with a line, several at a time, until the other side closes."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    running: set[asyncio.Task[None]] = set()

    async def answer(line: bytes) -> None:
        command = json.loads(line)
        _say({"id": command["id"], "answer": await do(command)})

    _say(ready)
    while line := await reader.readline():
        task = asyncio.ensure_future(answer(line))
        running.add(task)
        task.add_done_callback(running.discard)


def _say(value: Any) -> None:
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    if not Path(sys.argv[1]).exists():
        create_tables(Path(sys.argv[1]))
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
