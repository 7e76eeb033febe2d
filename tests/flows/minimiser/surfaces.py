"""The three ways an answer is cut: inside an ASGI application, through the hop, through a real Envoy and the hop."""

import asyncio
import contextlib
import hashlib
import itertools
import os
import shutil
import socket
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import h11
import orjson

from grantline.crypto.encoding import b64url
from grantline.crypto.es256 import InvalidJws, SigningKey, verify_jws
from grantline.gateway.adapters.envoy_config import EnvoySettings, write_bootstrap
from grantline.gateway.minimiser import Address, Hop, Outcome, Pending, filtered, serve, unix_socket
from grantline.gateway.minimiser import Upstream as Pool
from grantline.model.ids import EvaluationId
from tests.flows.minimiser.hostile import BOUNDS, OBLIGATION, Upstream, application

TYP = "grantline-context+jwt"
Headers = tuple[tuple[str, str], ...]


@dataclass
class Got:
    """What a client received: `raw` is every byte of it; `whole` is False if the connection broke before the end."""

    raw: bytes
    status: int
    headers: dict[str, str]
    body: bytes
    whole: bool


class Surface(Protocol):
    async def fetch(self, path: str, method: str = "GET", headers: Headers = (), body: bytes = b"") -> Got: ...


class Inside:
    """The ASGI filter around the hostile application; its own server is this class."""

    async def fetch(self, path: str, method: str = "GET", headers: Headers = (), body: bytes = b"") -> Got:
        sent: list[dict[str, Any]] = []

        async def send(message: Any) -> None:
            sent.append(dict(message))

        async def receive() -> Any:
            return {"type": "http.request", "body": body, "more_body": False}

        listed = [(name.lower().encode(), value.encode()) for name, value in headers]
        scope = {"type": "http", "method": method, "path": path, "headers": listed, "extensions": {"x": {}}}
        broke = False
        try:
            await filtered(application, OBLIGATION, evaluation=EvaluationId("e1"), bounds=BOUNDS)(scope, receive, send)
        except Exception:  # what a server sees as a broken application
            broke = True
        head = sent[0]
        got = {name.decode(): value.decode() for name, value in head["headers"]}
        text = b"".join(message["body"] for message in sent[1:])
        ended = sent[-1].get("more_body") is False
        assert ended or broke
        return Got(repr(head).encode() + text, head["status"], got, text, ended)


class Service:
    """One ASGI application on its socket; `end` may come before the block's end."""

    def __init__(self, app: Any, path: Path) -> None:
        self._app, self._path, self._stop = app, path, asyncio.Event()

    async def __aenter__(self) -> "Service":
        self._task = asyncio.create_task(serve(self._app, unix_socket(self._path), self._stop, BOUNDS))
        await _answering(self._path)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.end()

    async def end(self) -> None:
        self._stop.set()
        await self._task


@dataclass
class Gateway:
    """A decision service and a hop in this process; `outcomes` is what the hop reported."""

    directory: Path
    upstream: Upstream
    # What the decision service answers with on an allow, besides the context; a test may spoil it.
    marks: dict[str, str] = field(default_factory=lambda: {"x-grantline-filter": "1"})
    outcomes: list[Outcome] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.key = SigningKey.generate()
        self.pending = Pending(time.time)
        self._numbers = itertools.count()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator["Gateway"]:
        pool = Pool(Address("127.0.0.1", self.upstream.port), BOUNDS)
        hop = Hop(pool, self.pending, self.verify, self.outcomes.append, BOUNDS)
        async with Service(hop, self.hop_path) as self.hop, Service(self.decide, self.decision_path) as self.decision:
            yield self
        await pool.aclose()

    @property
    def hop_path(self) -> Path:
        return self.directory / "minimise.sock"

    @property
    def decision_path(self) -> Path:
        return self.directory / "decide.sock"

    def permit(self, method: str, target: str) -> tuple[str, EvaluationId]:
        """A signed context for one call, and its filter put in its place."""
        evaluation = EvaluationId(f"e{next(self._numbers)}")
        ends = time.time() + 2
        hashed = b64url(hashlib.sha256(target.encode()).digest())
        claims = {"ev": evaluation, "mth": method, "ph": hashed, "exp": ends}
        self.pending.put(evaluation, OBLIGATION, ends)
        return self.key.sign_jws(orjson.dumps(claims), TYP), evaluation

    def verify(self, token: str, method: str, target: str) -> EvaluationId | None:
        find = {self.key.public.kid: self.key.public}.get
        try:
            claims = orjson.loads(verify_jws(token, find, TYP))
        except InvalidJws:
            return None
        bound = claims["mth"] == method and claims["ph"] == b64url(hashlib.sha256(target.encode()).digest())
        return EvaluationId(claims["ev"]) if bound else None

    async def decide(self, scope: Any, receive: Any, send: Any) -> None:
        """Allows what carries the token `good`, as an external authorization service for Envoy."""
        headers = dict(scope["headers"])
        status, told = 401, {"www-authenticate": "Bearer", "x-grantline-evaluation": "denied-1"}
        if headers.get(b"authorization") == b"Bearer good":
            query = scope["query_string"].decode()
            token, evaluation = self.permit(
                scope["method"], scope["raw_path"].decode() + (f"?{query}" if query else "")
            )
            status, told = 200, {"grantline-context": token, "x-grantline-evaluation": evaluation, **self.marks}
        listed = [(name.encode(), value.encode()) for name, value in told.items()]
        await send({"type": "http.response.start", "status": status, "headers": listed})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


class ThroughHop:
    """Straight to the hop's socket, with a context that this gateway signed."""

    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway

    async def fetch(self, path: str, method: str = "GET", headers: Headers = (), body: bytes = b"") -> Got:
        token, _ = self.gateway.permit(method, path)
        opened = await asyncio.open_unix_connection(str(self.gateway.hop_path))
        return await exchange(opened, method, path, (*headers, ("grantline-context", token)), body)


class ThroughEnvoy:
    """To a real Envoy, which asks the decision service and sends filtered calls through the hop."""

    def __init__(self, port: int, log: Path, process: asyncio.subprocess.Process) -> None:
        self.port, self.log, self.process = port, log, process

    async def fetch(
        self, path: str, method: str = "GET", headers: Headers = (), body: bytes = b"", token: str = "good"
    ) -> Got:
        opened = await asyncio.open_connection("127.0.0.1", self.port)
        return await exchange(opened, method, path, (*headers, ("authorization", f"Bearer {token}")), body)


async def exchange(
    opened: tuple[asyncio.StreamReader, asyncio.StreamWriter], method: str, path: str, headers: Headers, body: bytes
) -> Got:
    reader, writer = opened
    length = (("content-length", str(len(body))),) if body else ()
    lines = "".join(f"{name}: {value}\r\n" for name, value in (*headers, *length))
    writer.write(f"{method} {path} HTTP/1.1\r\nhost: api\r\nconnection: close\r\n{lines}\r\n".encode() + body)
    raw = b""
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(65_536):
            raw += data
    writer.close()
    return _parsed(raw, method)


def _parsed(raw: bytes, method: str) -> Got:
    parser = h11.Connection(h11.CLIENT)
    parser.send(h11.Request(method=method, target="/", headers=[("host", "api")]))
    parser.send(h11.EndOfMessage())
    parser.receive_data(raw)
    parser.receive_data(b"")
    status, headers, body, whole = 0, {}, b"", False
    with contextlib.suppress(h11.RemoteProtocolError):
        while not whole:
            event = parser.next_event()
            match event:
                case h11.Response():
                    status = event.status_code
                    headers = {name.decode(): value.decode() for name, value in event.headers}
                case h11.Data():
                    body += event.data
                case h11.EndOfMessage():
                    whole = True
                case h11.ConnectionClosed():
                    break
    return Got(raw, status, headers, body, whole)


@contextlib.asynccontextmanager
async def envoy(gateway: Gateway, **more: Any) -> AsyncIterator[ThroughEnvoy]:
    """A running Envoy before this gateway's sockets; `more`: further settings of it."""
    binary = shutil.which("envoy", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    assert binary, "the Envoy binary is missing: install the test extra"
    port, log, config = _free_port(), gateway.directory / "envoy.log", gateway.directory / "envoy.json"
    settings = EnvoySettings(
        port=port,
        upstream_host="127.0.0.1",
        upstream_port=gateway.upstream.port,
        decision_socket=gateway.decision_path,
        minimiser_socket=gateway.hop_path,
        access_log=log,
        admin_socket=gateway.directory / "admin.sock",
        **more,
    )
    write_bootstrap(settings, config)
    arguments = ["--config-path", str(config), "--concurrency", "1", "--use-dynamic-base-id", "--log-level", "error"]
    process = await asyncio.create_subprocess_exec(binary, *arguments, "--file-flush-interval-msec", "50")
    try:
        await _answering(port)
        yield ThroughEnvoy(port, log, process)
    finally:
        process.kill()
        await process.wait()


async def _answering(place: Path | int) -> None:
    async with asyncio.timeout(20):
        while True:
            try:
                connected = (
                    asyncio.open_connection("127.0.0.1", place)
                    if isinstance(place, int)
                    else asyncio.open_unix_connection(str(place))
                )
                _, writer = await connected
            except OSError:
                await asyncio.sleep(0.02)
            else:
                writer.close()
                return


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port
